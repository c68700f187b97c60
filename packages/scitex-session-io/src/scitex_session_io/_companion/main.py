"""The companion: a small process beside a run; `_capture.client` starts it.

It echoes what is appended to the logs, touches the heartbeat, and, when the run dies without a
goodbye, runs the command that files the crash. It is isolated (``python -I -S``), in a session of
its own, and thrifty: the standard library only, and of that little more than the interpreter has
loaded anyway. All of ours is imported at its start, since a long run may outlive the package that
it was started from.

It ignores the signals that ask a process to end (`watch.POLITE`): whoever sends them to every
process of a job, as scancel and systemd do, means the run. It ends by the run's goodbye, or once it
has filed its death.

Arguments: the run's pid; the numbers of the descriptors it was given, -1 for those that are not
there (control, answer, pidfd, link); and its task, unless there is a link, on which the task comes
later. The task: the numbers of more descriptors (heartbeat, marks of the order, then log and
terminal of stdout, the same of stderr, then three for the errand); how many bytes a log may have, 0
for any number; how many words the errand has, a command to be started soon, and these; the
folder of the code of the command for a crash, or nothing; the rest is that command.

The run writes single bytes to the control pipe: ``d`` (drain: answer ``d`` once everything that
stands in the logs now has been shown), ``e`` (end: the same, and show nothing that comes later:
the capture is over, and what the run adds to its logs itself is not for the terminal), ``b`` (bye:
the run is over, watch no longer).
"""

from __future__ import annotations

import os
import select
import time

from .cap import Cap
from .echo import CHUNK, Alarm, Echo, Marks, say
from .tail import keep_earlier
from .watch import Watch, code_of, file_death, heed_signals, ignore_signals, polled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# A tick costs the machine some 60 us, whatever it does. Right after a silence ticks are short, so
# that what is printed together is shown together.
FIRST_TICK_MS = 2
TICK_MS = 20
# In a silence, where no alarm can be set.
QUIET_TICK_MS = 45
QUIET_AFTER_S = 1.0
# How many writes may ring the alarm one by one, before and between the ticks of a burst: what a
# program truncates right after it was printed had better be seen by then.
RINGS = 20
RINGS_AFTER_S = 0.1
# When the code of the command for a crash is read: a short run is not to wait for that.
CODE_AFTER_S = 0.1
# With an alarm, which misses a log that was moved to another directory.
ALARM_TICK_MS = 250
# Without logs everything comes as an event, and only the heartbeat needs the time.
IDLE_TICK_MS = 1000
BEAT_S = 30.0
# How long a terminal that takes nothing (Ctrl-S, a pager) may delay the filing of a crash.
LAST_ECHO_S = 5.0
# How long it may delay only the end of this process: as long as a reader of `| less` takes.
PATIENCE_S = 7 * 86400.0
# How far a terminal may lag before the middle of a log is dropped unseen.
LARGEST_LAG = 64 << 20
# Heartbeat, marks, log and terminal of both streams, and three for the errand.
NUMBERS = 9
# Before them its own terminals.
TASK_DESCRIPTORS = 2 + NUMBERS


class Companion:
    """The loop: wait, read messages, show the logs, touch the heartbeat."""

    def __init__(
        self,
        control: int,
        answer: int,
        heartbeat: int,
        watch: Watch,
        echoes: list[Echo],
        marks: Marks,
        most: int = 0,
        code: str = "",
        errand: Callable[[], None] | None = None,
    ) -> None:
        self.control = control
        self.answer = answer
        self.heartbeat = heartbeat
        self.watch = watch
        self.echoes = echoes
        self.marks = marks
        self.most = most
        self.unread = code
        self.errand = errand
        self.kept = -1
        self.caps: dict[int, Cap] = {}
        self.truncated: set[int] = set()
        self.asked = 0
        self.alarm = Alarm(echoes)
        self.tick = FIRST_TICK_MS
        self.rings = RINGS
        self.awaited: tuple[list[int], list[int]] = ([], [])
        self.waiting = select.poll()
        self.now = self.begun = self.last_news = time.monotonic()
        self.next_beat = self.now

    def run(self) -> bool:
        """Go on until the run says goodbye (False) or is dead (True)."""
        while True:
            woken = self.wait([self.control, self.watch.pidfd, self.alarm.bell])
            self.now = time.monotonic()
            dead = self.watch.dead(woken=woken, closed=self.control < 0)
            # After that check: the last message of a dead run may have been a goodbye.
            heard = self.listen() if woken else b""
            self.beat()
            self.show(new_goal=bool(heard) or dead)
            if b"e" in heard:
                for echo in self.echoes:
                    echo.end = echo.goal
            if self.asked and self.done:
                self.reply()
            # Not before: two forks take milliseconds, in which a short run would wait for a reply.
            if self.errand and (not heard or b"b" in heard):
                self.errand()
                self.errand = None
            if b"b" in heard:
                return False
            if dead:
                return True

    @property
    def done(self) -> bool:
        """Whether every echo is done."""
        return all(echo.done for echo in self.echoes)

    def wait(self, inputs: list[int]) -> bool:
        """Sleep for a tick; return True if a message came or a terminal takes more."""
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
        """Return how long to sleep, in milliseconds."""
        if self.errand:
            return FIRST_TICK_MS
        if not self.echoes and self.watch.pidfd >= 0 and not self.unread:
            return IDLE_TICK_MS
        silence = self.now - self.last_news
        if self.unread and self.now - self.begun > CODE_AFTER_S:
            folder, self.unread = self.unread, ""
            self.kept = code_of(folder)
        if silence > 0 and self.alarm.set():
            self.rings = RINGS if silence > RINGS_AFTER_S else self.rings
            # The alarm misses what was written before it was set.
            news = [echo for echo in self.echoes if echo.look() and not echo.past(echo.size)]
            return 0 if news and not any(echo.stalled for echo in news) else ALARM_TICK_MS
        if self.rings > 0 and self.alarm.set():
            self.rings -= 1
        tick, self.tick = self.tick, min(2 * self.tick, TICK_MS)
        return QUIET_TICK_MS if silence > QUIET_AFTER_S else tick

    def listen(self) -> bytes:
        """Read the messages of the run."""
        if self.control < 0 or not polled(self.control, 0):
            return b""
        heard = os.read(self.control, 64)
        if not heard:
            os.close(self.control)
            self.control = -1
        self.asked += heard.count(b"d") + heard.count(b"e")
        return heard

    def show(self, *, new_goal: bool) -> None:
        """Show one round, in the order of the marks; then each log, the latest written one last."""
        written = {echo: echo.look() for echo in self.echoes}
        if not all(echo.past(echo.size) for echo in self.echoes):
            self.last_news = self.now
        for echo in self.echoes:
            if echo.replaced:
                self.keep(echo)
        if new_goal:
            for echo in self.echoes:
                echo.goal = echo.size
        self.marks.read(both=all(echo.size for echo in self.echoes))
        if self.marks.follow(self.echoes):
            for echo in sorted(self.echoes, key=written.__getitem__):
                echo.show(echo.size)
        self.trim()

    def keep(self, echo: Echo) -> None:
        """Write what stood in a log before somebody truncated it into a file beside the log."""
        self.marks.forget()
        if cap := self.caps.pop(echo.log, None):
            cap.close()
        said = echo.log in self.truncated
        self.truncated.add(echo.log)
        try:
            log, part = keep_earlier(echo.log, echo.replaced, self.most)
        except OSError as error:
            message = f"a log was truncated, and what it held is lost: {error.strerror}"
        else:
            message = (
                f"{log} was truncated, as by '> /dev/stderr': what it held is in {part} beside it, "
                "except for what was printed in the milliseconds before"
            )
        echo.replaced = b""
        if not said:
            say(message)

    def trim(self) -> None:
        """Drop the middle of a log that is too long."""
        for echo in self.echoes:
            if not 0 < self.most < echo.size:
                continue
            lags = echo.out >= 0 and echo.size - echo.position <= LARGEST_LAG
            try:
                if echo.log not in self.caps:
                    self.caps[echo.log] = Cap(f"/proc/self/fd/{echo.log}", self.most)
                end, moved = self.caps[echo.log].trim(echo.position if lags else echo.size)
            except OSError as error:
                self.most = 0
                say(f"max_bytes has no effect: {error.strerror}")
            else:
                if end:
                    echo.follow(end, moved)
                if moved:
                    self.marks.forget()

    def finish(self, patience: float) -> None:
        """Show the rest, for `patience` seconds at most."""
        deadline = time.monotonic() + patience
        while not self.done and time.monotonic() < deadline:
            self.wait([])
            self.show(new_goal=False)

    def reply(self) -> None:
        """Answer every request to drain."""
        try:
            os.write(self.answer, b"d" * self.asked)
        except OSError:  # the run has died meanwhile, as the next round sees
            pass
        self.asked = 0

    def beat(self) -> None:
        """Touch the heartbeat through its descriptor, so that a rename does not matter."""
        if self.heartbeat >= 0 and self.now >= self.next_beat:
            self.next_beat = self.now + BEAT_S
            try:
                os.utime(self.heartbeat)
            except OSError:  # a file server that is away: the next beat may come through
                pass


def close_others(mine: list[int]) -> None:
    """Close what was inherited by accident: the reader of a pipe held open here waits for ever."""
    bounds = sorted({2, *(number for number in mine if number > 2)})
    for low, high in zip(bounds, [*bounds[1:], min(os.sysconf("SC_OPEN_MAX"), 65536)], strict=True):
        os.closerange(low + 1, high)


def receive_task(link: int, watch: Watch) -> list[str]:
    """Wait for the task and its descriptors; end silently if the run ends without giving one."""
    import _socket  # needed only here

    waiting = select.poll()
    for number in (link, watch.pidfd):
        if number >= 0:
            waiting.register(number, select.POLLIN)
    while True:
        woken = bool(waiting.poll(IDLE_TICK_MS))
        # Checked first: a run may give the task and die at once.
        if polled(link, 0):
            break
        if watch.dead(woken=woken, closed=False):
            os._exit(0)
    run = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, link)
    data, rights, *_ = run.recvmsg(CHUNK, _socket.CMSG_SPACE(4 * TASK_DESCRIPTORS))
    while data and len(data) < 8 + int(data[:8]):
        more = run.recv(CHUNK)
        data = data + more if more else b""
    if not data:
        os._exit(0)
    run.close()
    numbers = [number for _, _, each in rights for number in memoryview(each).cast("i")]
    words = [os.fsdecode(word) for word in data[8:-1].split(b"\0")]
    given = [numbers[int(word)] if word != "-1" else -1 for word in words[:TASK_DESCRIPTORS]]
    for number, terminal in enumerate(given[:2], 1):
        if terminal >= 0:
            os.dup2(terminal, number)
            os.close(terminal)
    return [*map(str, given[2:]), *words[TASK_DESCRIPTORS:]]


def main(argv: list[str]) -> NoReturn:
    """Accompany the run that the arguments name."""
    ignore_signals()
    pid, control, answer, pidfd, link = (int(word) for word in argv[1:6])
    task = argv[6:]
    close_others([control, answer, pidfd, link, *map(int, task[:NUMBERS])])
    os.setsid()  # again, in case spawning could not: no Ctrl-C and no hang-up reaches us
    os.chdir("/")  # so that no file system stays busy because of us
    watch = Watch(pid, pidfd)
    if link >= 0:
        task = receive_task(link, watch)
    heartbeat, marks, *pairs = (int(word) for word in task[:NUMBERS])
    most, words, *rest = task[NUMBERS:]
    words_of_errand, (code, *command) = rest[: int(words)], rest[int(words) :]
    errand = None
    if words_of_errand:
        from .errand import start_errand  # most runs have none

        def errand() -> None:
            start_errand(words_of_errand, pairs[4:])

    echoes = [Echo(log, out) for log, out in (pairs[:2], pairs[2:4]) if log >= 0]
    # The folder of the logs is ours to write to only in a run, which has a heartbeat.
    order = Marks(marks, pairs[0] if heartbeat >= 0 else -1)
    companion = Companion(control, answer, heartbeat, watch, echoes, order, int(most), code, errand)
    if companion.run() and command:
        companion.finish(LAST_ECHO_S)
        # Where the terminal is slow, a process of its own shows the rest, if one can be had.
        try:
            files = companion.done or os.fork() > 0
        except OSError:
            files = True
        if files:
            file_death(command, watch, companion.kept)
    heed_signals()
    companion.finish(PATIENCE_S)
    os._exit(0)
