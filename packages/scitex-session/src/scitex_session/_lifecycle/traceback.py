"""Errors as the user should see them: their frames, not ours."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_OURS = os.path.dirname(__file__)


def without_our_frames(error: BaseException) -> BaseException:
    """Take the frames of this package off the top of an error's traceback.

    Who reads a traceback at 2 a.m. looks for their own line: five frames of a decorator above it
    are noise. An error that is ours from top to bottom keeps its frames.
    """
    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == _OURS:
        trace = trace.tb_next
    return error if trace is None else error.with_traceback(trace)


def log_error(run_dir: Path, error: BaseException) -> None:
    """Append to ``stderr.log`` what the interpreter will print of an error that ends the process.

    Into the log alone: on the terminal the interpreter prints it itself, when it gets the error
    back and the capture is over.

    Raises
    ------
    OSError
        The log could not be written.
    """
    if type(error) is SystemExit:
        if error.code is None or isinstance(error.code, int):
            return
        text = f"{error.code}\n"
    else:
        import traceback

        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    with open(run_dir / "logs" / "stderr.log", "ab") as log:
        log.write(text.encode("utf-8", "backslashreplace"))
