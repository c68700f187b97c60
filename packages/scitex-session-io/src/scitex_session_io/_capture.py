"""The life of a capture: begun, ended, and everything put back."""

from __future__ import annotations

import os
import sys
import time

from ._quiet import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal, Self, TextIO

    from ._control import Companion
    from ._redirection import Redirection
    from ._tee import Tees

    Mode = Literal["fd", "sys", "none"]

# How long a terminal may hold up a question, or the one print that finds its log full; seconds.
_TURN_S = 1.0

_CAPTURERS = {"ipykernel", "pytest"}
_LESS = "what C code and subprocesses print is not in the log"

# Those that have begun and not ended, the innermost last.
_begun: list[Capture] = []


class Capture:
    """Stdout and stderr of this process in log files, for a time; made by `capture`.

    Used once: begun by `start` or ``with``, ended by `stop`. Captures nest like brackets, in all
    threads together: one that ends ends those that were begun within it, which is said. Only the
    process that began it ends it: in a forked child its methods do nothing, and what the child
    prints still goes to the log.

    Attributes
    ----------
    mode : {"fd", "sys", "none"}
        What was asked for; after `start`, what was chosen.
    """

    def __init__(
        self,
        paths: tuple[str, str] | None,
        mode: Mode,
        heartbeat: str | None,
        on_death: tuple[str, ...],
        most: int,
    ) -> None:
        self.mode: Mode = mode
        self._most = most
        self._paths = paths
        self._heartbeat = heartbeat
        self._on_death = on_death
        self._unwatched = heartbeat is not None or bool(on_death)
        self._owner: int | None = None
        self._streams: Redirection | Tees | None = None
        self._companion: Companion | None = None
        self._failed = False
        self._ended = False

    @property
    def stdout(self) -> TextIO:
        """The text stream for stdout; it may be kept, and writes to the terminal after the end."""
        return self._streams.stdout if self._streams else sys.stdout

    @property
    def stderr(self) -> TextIO:
        """The text stream for stderr, likewise."""
        return self._streams.stderr if self._streams else sys.stderr

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Begin; a second call before the end does nothing.

        Returns
        -------
        Capture
            Itself.

        Raises
        ------
        IsADirectoryError
            A log's path is a directory. Any other trouble is said on stderr, and the run goes on
            with what can be had: with a tee where no companion can be started, with mode "none"
            where a log can't be opened.
        UsedCaptureError
            It has ended before.
        """
        if self._ended:
            from ._errors import UsedCaptureError

            raise UsedCaptureError(self._paths or ())
        if self._owner is not None:
            return self
        self._owner = os.getpid()
        try:
            if self._paths is not None:
                self._streams = self._open(self._paths)
        except IsADirectoryError:
            raise
        except OSError as error:
            say(f"the output is not logged: {error}", None)
            self.mode = "none"
        if self._unwatched:
            self._accompany(None, "nobody watches for a crash")
        if self._streams is not None:
            _begun.append(self)
            self._streams.begin()
        return self

    def finish(self, timeout: float = 5.0) -> None:
        """End the capture and put back what was found; the companion still watches.

        Parameters
        ----------
        timeout : float
            Seconds to wait until everything printed has been shown. What a slow terminal has not
            taken by then is shown later, as far as it comes; the logs are whole in any case.

        Notes
        -----
        A child process that still holds a log's descriptor isn't waited for; what it writes later
        is in the log, and there alone.
        """
        if self._owner != os.getpid():
            return
        self._ended = True
        if self._streams is None or self not in _begun:
            return
        inner = _begun[_begun.index(self) + 1 :]
        for capture in reversed(inner):
            capture.finish(timeout)
        _begun.remove(self)
        deadline = time.monotonic() + timeout
        try:
            self._streams.flush()
            self._drain(deadline)
        finally:  # whatever interrupts the waiting, Ctrl-C for one
            self._streams.end()
            self._drain(deadline, last=True)  # what other threads have printed meanwhile
            deleted = self._streams.deleted
            self._streams.close()
        if deleted:
            say(f"deleted before the end, and kept nowhere: {', '.join(deleted)}", None)
        for capture in inner:
            if capture._paths:
                ended = " and ".join(capture._paths)
                say(f"the capture to {ended} has ended with the one around it", None)

    def dismiss(self) -> None:
        """Tell the companion that the run is over; a capture still open is ended first."""
        if self._owner != os.getpid():
            return
        self.finish()
        if self._companion is not None:
            self._companion.dismiss()
            self._companion = None

    def stop(self, timeout: float = 5.0) -> None:
        """End the capture as `finish` does, and dismiss the companion."""
        self.finish(timeout)
        self.dismiss()

    def _open(self, paths: tuple[str, str]) -> Redirection | Tees:
        """Open the logs: by descriptor if that can be and there is a companion to show them."""
        for path in paths:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.mode == "fd" and os.name == "posix":
            from ._redirection import Redirection, obstacle

            if name := obstacle():
                # There it is what a user expects, and would be said before each test or cell.
                if not sys.modules.keys() & _CAPTURERS:
                    kind = type(getattr(sys, name)).__name__
                    say(f"sys.{name} ({kind}) does not stand on its descriptor: {_LESS}", None)
            else:
                redirection = Redirection(paths, self._log_failed, self._show)
                if self._accompany(redirection, _LESS):
                    return redirection
                redirection.close()
        from ._tee import Tees

        self.mode = "sys"
        return Tees(paths, self._log_failed, self._most)

    def _accompany(self, redirection: Redirection | None, consequence: str) -> bool:
        """Start the companion, or say what there is not without it."""
        self._unwatched = False
        try:
            if os.name != "posix":
                raise OSError("not written for this system yet")
            from ._control import Companion

            self._companion = Companion(redirection, self._most, self._heartbeat, self._on_death)
        except OSError as error:
            terminal = redirection.terminals[1] if redirection else None
            say(f"no companion process ({error}): {consequence}", terminal)
        return self._companion is not None

    def _drain(self, deadline: float, *, last: bool = False) -> None:
        if self._companion is not None:
            self._companion.drain(deadline, last=last)

    def _show(self) -> None:
        """Have everything printed shown, by the process whose companion it is."""
        if self._owner == os.getpid():
            self._drain(time.monotonic() + _TURN_S)

    def _log_failed(self, path: str, error: OSError) -> None:
        """Say once that a log takes no more; what it holds is shown before what follows it."""
        self._show()
        if self._failed or self._streams is None:
            return
        self._failed = True
        message = f"{path} takes no more ({error.strerror}): the rest is only shown"
        self._streams.say_once(message)
