"""The command `scitex-session`: find and look at runs from outside of them."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path  # noqa: TC003  # cyclopts reads the annotations
from typing import Annotated

import cyclopts

from scitex_session_core import SessionError, SessionManager, __version__

from .whence import origins, printable, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from .whence import Origin

PROGRAM = "scitex-session"
FOUND, NOT_FOUND, USAGE_ERROR = 0, 1, 2
_INTERRUPTED = 130

app = cyclopts.App(
    name=PROGRAM,
    help="Find and look at runs.",
    version=__version__,
    help_flags=("--help", "-h"),
    help_format="markdown",
    result_action="return_value",
)


@app.command(usage=f"Usage: {PROGRAM} whence [--json] FILE...")
def whence(
    *files: Path,
    json: Annotated[bool, cyclopts.Parameter(negative=())] = False,
) -> int:
    """Tell which run made a file.

    A figure carries the stamp of its run in its metadata, also when it was copied, renamed, or put
    into an archive or a document. Any other file is looked up by its content among the files that
    runs saved, and by the directory that it lies in.

    The exit status is 0 if the run of every file was found, 1 if one was not, and 2 if a file could
    not be read.

    Parameters
    ----------
    files : Path
        Figures, other files, archives, documents, notebooks, or directories of runs.
    json : bool
        Print an array of JSON objects instead. ``id`` is null for a file of which nothing is known.
    """
    if not files:
        return _refuse("whence needs a FILE")
    manager = SessionManager()
    status, listed = FOUND, list[dict[str, object]]()
    for number, file in enumerate(files):
        try:
            found = origins(file, manager)
        except OSError as error:
            why = error.strerror or str(error)
            status = max(status, _refuse(f"{printable(os.fspath(file))}: {why}", usage=False))
            continue
        if not found:
            status = max(status, NOT_FOUND)
            listed.append({"file": os.fspath(file), "id": None})
            _say(f"{printable(os.fspath(file))}: no run is known that made it", sys.stderr)
        listed += [origin.as_dict() for origin in found]
        if not json:
            _print(found, first=number == 0)
    if json:
        import json as _json

        _say(_json.dumps(listed, indent=2), sys.stdout)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit status.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return _run(tokens)
        except BrokenPipeError:
            # `| head -1` has read enough. What is left in the buffer would make the interpreter
            # fail at its very end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FOUND
        except KeyboardInterrupt:
            return _INTERRUPTED


def _run(tokens: list[str]) -> int:
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        return _refuse(" ".join(str(error).split()).removesuffix("."))
    try:
        result = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except SessionError as error:
        return _refuse(str(error), usage=False)
    return result if isinstance(result, int) else FOUND


def _print(found: list[Origin], *, first: bool) -> None:
    for number, origin in enumerate(found):
        gap = "" if first and number == 0 else "\n"
        _say(f"{gap}{report(origin)}", sys.stdout)


def _refuse(why: str, *, usage: bool = True) -> int:
    hint = f" (try {PROGRAM} --help)" if usage else ""
    _say(f"{PROGRAM}: error: {why}{hint}", sys.stderr)
    return USAGE_ERROR


def _say(text: str, stream: TextIO) -> None:
    # A letter that the terminal's encoding lacks must not keep the rest from being printed.
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    _say(f"{PROGRAM}: warning: {message}", sys.stderr)
