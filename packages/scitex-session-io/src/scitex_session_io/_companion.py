"""The companion: a small process beside a run, started by `_spawn`; the run doesn't import it.

It echoes what is appended to the logs, beats the heart, and, when the run dies without a goodbye,
runs the command that files the crash. Isolated (``python -I -S``), in a session of its own, and
thrifty: it imports what the interpreter has loaded anyway, and little besides.

Arguments: the run's pid; the numbers of the descriptors it was given, -1 for those that are not
there (control, answer, pidfd, heartbeat, marks of the order, then log and terminal of stdout, the
same of stderr); how many bytes a log may have, 0 for any number; the rest is the command for a
crash.

The run writes single bytes to the control pipe: ``d`` (drain: answer ``d`` once everything that
stands in the logs now has been shown), ``e`` (end: the same, and show nothing that comes later:
the capture is over, and what the run adds to its logs itself is not for the terminal), ``b`` (bye:
the run is over, watch no longer).
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import fcntl
import os
import select
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ._cap import Cap

# A tick costs the machine some 60 us, whatever is done in it. Right after a silence they are short,
# so that what comes in one breath is shown in one.
FIRST_TICK_MS = 2
TICK_MS = 20
# In a silence without an alarm.
QUIET_TICK_MS = 45
QUIET_AFTER_S = 1.0
# In a silence with an alarm, which does not hear of a log that was moved to another directory.
ALARM_AFTER_S = 0.1
ALARM_TICK_MS = 250
# With no log to look at, what matters comes as an event, and only the heart needs the time.
IDLE_TICK_MS = 1000
BEAT_S = 30.0
CHUNK = 65536
# How long a terminal that takes nothing (Ctrl-S, a pager) may hold up the filing of a crash.
LAST_ECHO_S = 5.0
# How long it may hold up us alone, after a goodbye: as long as a reader of `| less` takes.
PATIENCE_S = 7 * 86400.0
# How far a terminal may lag behind before the middle of a log is dropped unseen.
LARGEST_LAG = 64 << 20
# How long the run's parent may take to reap it: only then does Linux tell an exit code.
REAPED_MS = 200

_PIDFD_GET_INFO = (3 << 30) | (64 << 16) | (0xFF << 8) | 11  # _IOWR(0xFF, 11, 64 bytes)
_PIDFD_INFO_EXIT = 1 << 3


class Echo:
    """One log, and the terminal, pipe or file that shows what is appended to it."""

    __slots__ = ("end", "goal", "log", "out", "position", "size", "stalled", "step")

    def __init__(self, log: int, out: int) -> None:
        self.log = log
        self.out, self.step = without_blocking(out)
        # The position is that of the open file, which the run shares: if we are killed, it knows
        # what has been shown and shows the rest itself.
        self.position = os.lseek(log, 0, os.SEEK_CUR)
        self.size = self.goal = self.position
        self.end: int | None = None
        self.stalled = False

    def look(self) -> int:
        """Note how long the log is; return when it was last written, in nanoseconds."""
        found = os.fstat(self.log)
        self.size = found.st_size if self.end is None else min(found.st_size, self.end)
        if self.size < self.position:  # truncated by the user: what is there now is new
            self.position = 0
        if self.out < 0:
            self.position = self.size
        return found.st_mtime_ns

    def show(self, end: int) -> None:
        """Show what `look` found up to `end`, as far as it is taken without waiting."""
        self.stalled = False
        end = min(end, self.size)
        while self.position < end and self.out >= 0:
            try:
                taken = self._write(end)
            except OSError:  # a closed pipe, a terminal that hung up: nobody looks any more
                self.out = -1
                return
            if not taken:
                self.stalled = True
                return
            self.position += taken
            os.lseek(self.log, self.position, os.SEEK_SET)

    def _write(self, end: int) -> int:
        waiting = select.poll()
        waiting.register(self.out, select.POLLOUT)
        if not waiting.poll(0):
            return 0
        data = os.pread(self.log, min(self.step, end - self.position), self.position)
        if self.position + len(data) < end:  # whole lines, where it goes on
            data = data[: data.rfind(b"\n") + 1] or data
        try:
            return os.write(self.out, data)
        except BlockingIOError:
            return 0

    def follow(self, end: int, moved: int) -> None:
        """Go on where the log goes on, after all up to `end` was dropped and the rest has moved."""
        self.position = max(self.position, end) - moved
        self.size -= moved
        self.goal -= moved
        if self.end is not None:
            self.end -= moved
        os.lseek(self.log, self.position, os.SEEK_SET)

    @property
    def done(self) -> bool:
        """Whether nothing is left to show of what was there when the goal was set."""
        return self.past(self.goal)

    def past(self, end: int) -> bool:
        """Tell whether nothing is left to show up to `end`."""
        return self.out < 0 or self.position >= min(end, self.size)


def without_blocking(out: int) -> tuple[int, int]:
    """Give a descriptor to `out` on which writing never waits, and how much to write at once.

    A terminal stopped by Ctrl-S would stop the heart too. The flag can't be set on `out` itself:
    that open file belongs to the user's shell as well. So it is opened once more.
    """
    if out < 0 or stat.S_ISREG(os.fstat(out).st_mode):  # a file shares its offset with the shell
        return out, CHUNK
    try:
        name = f"/proc/self/fd/{out}" if os.path.exists("/proc/self/fd") else os.ttyname(out)
        out = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # a socket, or a terminal of another user (after su)
        pass
    # What a pipe takes in one piece, however full it is, between what other processes and, at the
    # end of the capture, other threads of the run write to it.
    return out, select.PIPE_BUF


class Order:
    """How long both logs were each time that the run turned from one stream to the other."""

    __slots__ = ("_awaited", "_pipe", "marks")

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._awaited: tuple[int, int] | None = None
        self.marks: list[tuple[int, int]] = []

    def read(self) -> None:
        """Take the new marks; after a look at the logs, so that none is missing between."""
        try:
            found = os.read(self._pipe, CHUNK) if self._pipe >= 0 else b""
        except BlockingIOError:
            return
        for i in range(0, len(found), 32):
            self.marks.append((int(found[i : i + 16], 16), int(found[i + 16 : i + 32], 16)))

    def forget(self) -> None:
        """Drop the marks made before a log was shortened: they tell lengths of before."""
        self.read()
        self.marks.clear()

    def follow(self, echoes: list[Echo]) -> bool:
        """Show mark by mark; return whether the last one has been reached."""
        while self.marks:
            mark = self.marks[0]
            for echo, end in zip(echoes, mark, strict=True):
                echo.show(end)
                if not echo.past(end):
                    return False
            # Written after the look that this round began with, unless it never comes: the log
            # has been truncated.
            if self._awaited != mark and any(
                echo.size < end for echo, end in zip(echoes, mark, strict=True)
            ):
                self._awaited = mark
                return False
            del self.marks[0]
        return True


class Alarm:
    """The kernel's word that something is written where the logs are: Linux's dnotify.

    It is told once, so that it costs the run nothing while the logs grow; inotify would make each
    `write` of the run dearer, or this process by the megabytes of ctypes.
    """

    __slots__ = ("_directories", "bell")

    def __init__(self, echoes: list[Echo]) -> None:
        self.bell = -1
        self._directories: list[int] = []
        try:
            links = {os.readlink(f"/proc/self/fd/{echo.log}") for echo in echoes}
            self.bell, rope = os.pipe()
            os.set_blocking(self.bell, False)
            os.set_blocking(rope, False)
            _signal.signal(_signal.SIGIO, lambda *_: None)
            _signal.set_wakeup_fd(rope, warn_on_full_buffer=False)
            for name in {os.path.dirname(link) for link in links}:
                self._directories.append(os.open(name, os.O_RDONLY))
            self.set()
        except (AttributeError, ImportError, OSError):  # another system, no /proc, switched off
            self._directories.clear()

    def set(self) -> bool:
        """Ask to be woken; return whether that can be."""
        for number in self._directories:
            fcntl.fcntl(number, fcntl.F_NOTIFY, fcntl.DN_MODIFY)
        return bool(self._directories)

    def stop(self) -> bool:
        """Return whether it has rung."""
        try:
            return self.bell >= 0 and bool(os.read(self.bell, CHUNK))
        except BlockingIOError:
            return False


class Watch:
    """The life of the run."""

    __slots__ = ("pid", "pidfd")

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd

    def dead(self, *, woken: bool, closed: bool) -> bool:
        """Tell whether the run has died.

        `woken`: something is ready to be read; `closed`: the run's end of the control pipe is.

        That end alone is no death: after `os.execv` or `os.closerange` the run lives on.
        """
        if self.pidfd >= 0:
            return woken and bool(polled(self.pidfd, 0))
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # another user's by now: alive
            return False
        return closed and self._zombie_status() is not None

    def ending(self) -> tuple[int | None, int | None]:
        """Tell the signal and the exit status of the run that died, as far as can be known."""
        status = self._reaped_status()
        if status is None:
            status = self._zombie_status()
        if status is None:
            return None, None
        return (status & 0x7F, None) if status & 0x7F else (None, status >> 8 & 0xFF)

    def _reaped_status(self) -> int | None:
        """Ask the pidfd (Linux 6.15 and later)."""
        if self.pidfd < 0:
            return None
        for _ in range(REAPED_MS // 2):
            if polled(self.pidfd, 0) & select.POLLHUP:
                break
            time.sleep(0.002)
        else:
            return None
        info = bytearray(64)
        info[:8] = _PIDFD_INFO_EXIT.to_bytes(8, sys.byteorder)
        try:
            fcntl.ioctl(self.pidfd, _PIDFD_GET_INFO, info)
        except OSError:  # an older kernel
            return None
        if not int.from_bytes(info[:8], sys.byteorder) & _PIDFD_INFO_EXIT:
            return None
        return int.from_bytes(info[60:64], sys.byteorder)

    def _zombie_status(self) -> int | None:
        """Ask /proc, which tells while the parent has not reaped."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return int(fields[49]) if fields[0] == b"Z" else None


def polled(number: int, timeout_ms: int) -> int:
    """Return the events of one descriptor."""
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    return sum(events for _, events in waiting.poll(timeout_ms))


class Companion:
    """The loop: wait, listen, show, beat."""

    def __init__(
        self,
        control: int,
        answer: int,
        heartbeat: int,
        watch: Watch,
        echoes: list[Echo],
        order: Order,
        most: int = 0,
    ) -> None:
        self.control = control
        self.answer = answer
        self.heartbeat = heartbeat
        self.watch = watch
        self.echoes = echoes
        self.order = order
        self.most = most
        self.caps: dict[int, Cap] = {}
        self.asked = 0
        self.alarm = Alarm(echoes)
        self.tick = TICK_MS
        self.awaited: tuple[list[int], list[int]] = ([], [])
        self.waiting = select.poll()
        self.now = self.last_news = time.monotonic()
        self.next_beat = self.now

    def run(self) -> bool:
        """Stay until the run says goodbye (False) or is dead (True)."""
        while True:
            woken = self.wait([self.control, self.watch.pidfd, self.alarm.bell])
            self.now = time.monotonic()
            dead = self.watch.dead(woken=woken, closed=self.control < 0)
            # After that look: the last word of a run that has died may have been a goodbye.
            heard = self.listen() if woken else b""
            self.beat()
            self.show(new_goal=bool(heard) or dead)
            if b"e" in heard:
                for echo in self.echoes:
                    echo.end = echo.goal
            if self.asked and self.done:
                self.reply()
            if b"b" in heard:
                self.finish(self.now + PATIENCE_S)
                return False
            if dead:
                self.finish(self.now + LAST_ECHO_S)
                return True

    @property
    def done(self) -> bool:
        """Whether every echo is."""
        return all(echo.done for echo in self.echoes)

    def wait(self, inputs: list[int]) -> bool:
        """Sleep for a tick, or until (True) something comes or a terminal takes more."""
        outputs = [echo.out for echo in self.echoes if echo.stalled]
        if (inputs, outputs) != self.awaited:
            self.awaited = (inputs, outputs)
            self.waiting = select.poll()
            for number in inputs:
                if number >= 0:
                    self.waiting.register(number, select.POLLIN)
            for number in outputs:
                self.waiting.register(number, select.POLLOUT)
        woken = bool(self.waiting.poll(self.pause()))
        if self.alarm.stop():
            self.tick = FIRST_TICK_MS
        return woken

    def pause(self) -> int:
        """Tell how long to sleep, in milliseconds."""
        if not self.echoes and self.watch.pidfd >= 0:
            return IDLE_TICK_MS
        silence = self.now - self.last_news
        if silence > ALARM_AFTER_S and self.alarm.set():
            # What was written before it was set does not ring.
            news = [echo for echo in self.echoes if echo.look() and echo.position < echo.size]
            return 0 if news and not any(echo.stalled for echo in news) else ALARM_TICK_MS
        tick, self.tick = self.tick, min(2 * self.tick, TICK_MS)
        return QUIET_TICK_MS if silence > QUIET_AFTER_S else tick

    def listen(self) -> bytes:
        """Take the messages of the run."""
        if self.control < 0 or not polled(self.control, 0):
            return b""
        heard = os.read(self.control, 64)
        if not heard:
            os.close(self.control)
            self.control = -1
        self.asked += heard.count(b"d") + heard.count(b"e")
        return heard

    def show(self, *, new_goal: bool) -> None:
        """Echo one round, in the order of the marks; after them the log last written to last."""
        written = {echo: echo.look() for echo in self.echoes}
        if any(echo.position < echo.size for echo in self.echoes):
            self.last_news = self.now
        if new_goal:
            for echo in self.echoes:
                echo.goal = echo.size
        self.order.read()
        if self.order.follow(self.echoes):
            for echo in sorted(self.echoes, key=written.__getitem__):
                echo.show(echo.size)
        self.trim()

    def trim(self) -> None:
        """Drop the middle of a log that has grown too long."""
        for echo in self.echoes:
            if not 0 < self.most < echo.size:
                continue
            from _cap import Cap  # type: ignore[import-not-found]

            lags = echo.out >= 0 and echo.size - echo.position <= LARGEST_LAG
            try:
                if echo.log not in self.caps:
                    self.caps[echo.log] = Cap(f"/proc/self/fd/{echo.log}", self.most)
                end, moved = self.caps[echo.log].trim(echo.position if lags else echo.size)
            except OSError as error:
                self.most = 0
                say(f"the logs are kept whole, max_bytes or not: {error.strerror}")
            else:
                if end:
                    echo.follow(end, moved)
                if moved:
                    self.order.forget()

    def finish(self, deadline: float) -> None:
        """Show what is left to show."""
        while not self.done and time.monotonic() < deadline:
            self.wait([])
            self.show(new_goal=False)

    def reply(self) -> None:
        """Answer every request to drain."""
        try:
            os.write(self.answer, b"d" * self.asked)
        except OSError:  # the run died in the meantime, which the next round sees
            pass
        self.asked = 0

    def beat(self) -> None:
        """Touch the heartbeat through its descriptor: a rename of the directory does not matter."""
        if self.heartbeat >= 0 and self.now >= self.next_beat:
            self.next_beat = self.now + BEAT_S
            try:
                os.utime(self.heartbeat)
            except OSError:  # a file server that is away: the next beat may come through
                pass


def close_others(mine: list[int]) -> None:
    """Close what was inherited by accident: the reader of a pipe kept open here waits for ever."""
    bounds = sorted({2, *(number for number in mine if number > 2)})
    for low, high in zip(bounds, [*bounds[1:], min(os.sysconf("SC_OPEN_MAX"), 65536)], strict=True):
        os.closerange(low + 1, high)


def seen_json(signal: int | None, exit_status: int | None) -> str:
    """Say what was seen, as JSON; by hand, since `json` costs a megabyte."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    seen = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}+00:00"
    known = [str(value) if value is not None else "null" for value in (signal, exit_status)]
    return f'{{"seen": "{seen}", "signal": {known[0]}, "exit_status": {known[1]}}}'


def file_death(command: list[str], watch: Watch) -> NoReturn:
    """Become the command that files the crash."""
    found = seen_json(*watch.ending())
    os.closerange(3, 256)
    # The shell that started us in the background had these ignored, Python ignores the third.
    for number in (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGPIPE):
        _signal.signal(number, _signal.SIG_DFL)
    try:
        os.execv(command[0], [*command, found])
    except OSError as error:
        say(f"can't run {command[0]}: {error}")
        os._exit(127)


def say(message: str) -> None:
    """Put one line of ours before the user."""
    try:
        os.write(2, f"scitex-session: {message}\n".encode())
    except OSError:  # a terminal that hung up: there is nowhere left to say it
        pass


def main(argv: list[str]) -> NoReturn:
    """Accompany the run that the arguments tell of."""
    pid, control, answer, pidfd, heartbeat, marks, *pairs = (int(word) for word in argv[1:11])
    most, command = int(argv[11]), argv[12:]
    close_others([control, answer, pidfd, heartbeat, marks, *pairs])
    os.setsid()  # once more, where the spawning could not: no Ctrl-C, no hang-up reaches us
    os.chdir("/")  # so that no file system stays busy because of us
    watch = Watch(pid, pidfd)
    echoes = [Echo(log, out) for log, out in (pairs[:2], pairs[2:]) if log >= 0]
    crashed = Companion(control, answer, heartbeat, watch, echoes, Order(marks), most).run()
    if crashed and command:
        file_death(command, watch)
    os._exit(0)
