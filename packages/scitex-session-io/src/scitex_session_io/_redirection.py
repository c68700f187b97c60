"""Mode "fd", both streams together."""

from __future__ import annotations

from ._cstdio import CStdout
from ._descriptors import claim
from ._input import Questions
from ._order import Order
from ._quiet import say
from ._redirect import Redirected
from ._standard import possible
from ._terminal import TerminalAnswers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from ._descriptors import Kept


def obstacle() -> str | None:
    """Name the one of Python's two streams that does not stand on its descriptor, if one does."""
    if not possible("stdout"):
        return "stdout"
    return None if possible("stderr") else "stderr"


class Redirection:
    """Stdout and stderr, their descriptors to be their logs.

    Parameters
    ----------
    paths : pair of str
        The logs.
    on_failure : callable
        Called with path and error before a descriptor turns to the terminal because its log can't
        be written.
    show : callable
        Called before a question is asked; returns when everything printed has been shown.

    Attributes
    ----------
    order : Order or None
        The order of the two, where one terminal shows both.

    Raises
    ------
    OSError
        A log can't be opened. Nothing has been changed.
    """

    def __init__(
        self,
        paths: tuple[str, str],
        on_failure: Callable[[str, OSError], None],
        show: Callable[[], None],
    ) -> None:
        self._stdout = Redirected("stdout", paths[0], on_failure)
        try:
            self._stderr = Redirected("stderr", paths[1], on_failure)
        except OSError:
            self._stdout.close()
            raise
        self._both = (self._stdout, self._stderr)
        self.order: Order | None = None
        pairs = self.echoes
        outs = [out.identity for _, out in pairs if out]
        if len(outs) == 2 and outs[0] == outs[1]:
            self.order = Order(pairs[0][0], pairs[1][0])
            self._stdout.order = self._stderr.order = self.order
        self._show = show
        self._c_stdout = CStdout()

    @property
    def stdout(self) -> TextIO:
        """What is `sys.stdout` meanwhile."""
        return self._stdout.stream

    @property
    def stderr(self) -> TextIO:
        """What is `sys.stderr` meanwhile."""
        return self._stderr.stream

    @property
    def terminals(self) -> tuple[Kept | None, Kept | None]:
        """What was found on the descriptors."""
        return self._stdout.behind, self._stderr.behind

    @property
    def echoes(self) -> list[tuple[Kept, Kept | None]]:
        """Each log, and where it is to be shown, if anywhere."""
        pairs: list[tuple[Kept, Kept | None]] = []
        logs = [stream.log.identity for stream in self._both]
        for stream in self._both:
            # Shown into a log (`script.py > stdout.log`), it would be shown again, for ever. And
            # a log of both streams is shown once.
            out = stream.behind if stream.behind and stream.behind.identity not in logs else None
            if stream.log.identity not in [log.identity for log, _ in pairs]:
                pairs.append((stream.log, out))
        return pairs

    @property
    def deleted(self) -> list[str]:
        """The paths of the logs that have no name any more."""
        return [stream.path for stream in self._both if stream.deleted]

    def say_once(self, message: str) -> None:
        """Say on the terminal what a fork may have to say as well: one of them does."""
        if claim(self._stdout.log):
            last = self.order.last if self.order else None
            shown = last if isinstance(last, Redirected) else self._stderr
            say(message, self._stderr.behind, new_line=shown.within_line)

    def begin(self) -> None:
        """Turn to the logs."""
        self._c_stdout.flush()
        for stream in self._both:
            stream.begin()
        self._c_stdout.by_line(yes=True)
        behind = {1: self._stdout.behind, 2: self._stderr.behind}
        self._answers = TerminalAnswers(behind, self._show)
        self._questions = Questions(self.stdout, self._stdout.behind, self._show)

    def flush(self) -> None:
        """Write out what Python and C hold for the logs."""
        for stream in self._both:
            stream.flush()
        self._c_stdout.flush()

    def end(self) -> None:
        """Put back what was found."""
        self.flush()
        for stream in self._both:
            stream.end()
        self._c_stdout.by_line(yes=self._stdout.terminal)
        self._questions.end()
        self._answers.end()

    def close(self) -> None:
        """Let go of the logs."""
        for stream in self._both:
            stream.close()
        if self.order is not None:
            self.order.close()
