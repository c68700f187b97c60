"""The command `scitex-session`: find and look at runs from outside of them."""

from __future__ import annotations

import os
import sys
import warnings

import cyclopts

from scitex_session_core import SessionError, __version__

from .output import OK, PROGRAM, printable, refuse, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_INTERRUPTED = 130

app = cyclopts.App(
    name=PROGRAM,
    help="Find and look at runs.",
    version=__version__,
    help_flags=("--help", "-h"),
    help_format="markdown",
    result_action="return_value",
    # `--json`, never `--no-json`.
    default_parameter=cyclopts.Parameter(negative=()),
)

# Each subcommand: its function, the rest of its usage, its line of help. A function is imported
# when its command runs, and knows nothing of cyclopts: its signature and docstring say all.
_COMMANDS = {
    "show": ("show:show_command", "[--json] RUN", "Show all that is known of a run."),
    "logs": (
        "logs:logs_command",
        "[-f] [--stderr] [--raw] [--tail N] [--json] RUN",
        "Print what a run printed, or is printing.",
    ),
    "path": ("tags:path_command", "[--json] RUN", "Print where the directory of a run is."),
    "open": ("tags:open_command", "RUN", "Open the directory of a run in the file manager."),
    "tag": ("tags:tag_command", "[--json] RUN TAG...", "Add tags to a run."),
    "untag": ("tags:untag_command", "[--json] RUN TAG...", "Remove tags from a run."),
    "note": ("tags:note_command", "[--json] RUN TEXT", "Write the note of a run."),
    "stop": ("stop:stop_command", "[--now] [--json] RUN", "Stop a run of this machine."),
    "rm": ("remove:rm_command", "[--yes] [--json] RUN...", "Move runs to the trash."),
    "gc": (
        "remove:gc_command",
        "[--older AGE] [--status STATUS] [--where QUERY] [--keep N] [--keep-tag TAG] [--trash] "
        "[--yes] [--json]",
        "Move old runs to the trash, or empty that.",
    ),
    "restore": (
        "remove:restore_command",
        "[--json] RUN...",
        "Bring runs back from the trash, or from an archive.",
    ),
    "archive": (
        "archive:archive_command",
        "[--older AGE] [--status STATUS] [--where QUERY] [--yes] [--json] [RUN...]",
        "Put runs into one zip file.",
    ),
    "whence": ("whence:whence_command", "[--json] FILE...", "Tell which run made a file."),
}
# A function has no place for the short form of an option.
_SHORT = {"logs": {"-f": "--follow"}}
for _name, (_place, _usage, _help) in _COMMANDS.items():
    app.command(
        f"scitex_session._command.{_place}",
        name=_name,
        help=_help,
        usage=f"Usage: {PROGRAM} {_name} {_usage}",
    )


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
            return OK
        except KeyboardInterrupt:
            return _INTERRUPTED


def _run(tokens: list[str]) -> int:
    short = _SHORT.get(tokens[0], {}) if tokens else {}
    tokens = [short.get(token, token) for token in tokens]
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        return refuse(" ".join(str(error).split()).removesuffix("."), usage=True)
    try:
        result = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except SessionError as error:
        return refuse(printable(str(error)))
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{printable(os.fspath(error.filename))}: " if error.filename else ""
        return refuse(f"{where}{error.strerror or error}")
    return result if isinstance(result, int) else OK


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    say(f"{PROGRAM}: warning: {message}", sys.stderr)
