"""The command `scitex-session`: find and look at runs from outside of them."""

from __future__ import annotations

import os
import sys
import warnings

from scitex_session._errors import UsageError
from scitex_session_core import SessionError, __version__

from .output import OK, PROGRAM, printable, refuse, say
from .words import own_first, read, with_dashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TextIO

    import cyclopts

_INTERRUPTED = 130

# Each subcommand: its function, its operands, its line of help. A function is imported when its
# command runs, and knows nothing of cyclopts: its signature and docstring say all.
_COMMANDS = {
    "sweep": (
        "scitex_session._sweep.command:sweep_command",
        "SCRIPT [--OPTION VALUE...]...",
        "Run a script once for each combination of values.",
    ),
    "ls": ("ls:ls_command", "[QUERY]", "List runs, the newest first."),
    "show": ("show:show_command", "RUN", "Show all that is known of a run."),
    "diff": ("diff:diff_command", "RUN RUN...", "Show what differs between runs."),
    "logs": ("logs:logs_command", "RUN", "Print what a run printed, or is printing."),
    "path": ("tags:path_command", "RUN", "Print where the directory of a run is."),
    "open": ("tags:open_command", "RUN", "Open the directory of a run in the file manager."),
    "tag": ("tags:tag_command", "RUN TAG...", "Add tags to a run."),
    "untag": ("tags:untag_command", "RUN TAG...", "Remove tags from a run."),
    "note": ("tags:note_command", "RUN TEXT", "Write the note of a run."),
    "stop": ("stop:stop_command", "RUN", "Stop a run."),
    "rm": ("remove:rm_command", "RUN...", "Move runs to the trash."),
    "gc": ("remove:gc_command", "", "Move old runs to the trash, or empty that."),
    "restore": (
        "remove:restore_command",
        "[RUN...]",
        "Bring runs back from the trash, or from an archive.",
    ),
    "archive": ("archive:archive_command", "[RUN...]", "Put runs into one zip file."),
    "reap": ("reap:reap_command", "[PATH...]", "File the ends of dead runs."),
    "reindex": ("reap:reindex_command", "PATH...", "Register runs from their directories."),
    "doctor": (
        "doctor:doctor_command",
        "[SUBJECT...]",
        "Look at what runs depend on, and say what mends it.",
    ),
    "whence": ("whence:whence_command", "FILE...", "Tell which run made a file."),
    "--install-completion": (
        "completion:install_completion_command",
        "[SHELL]",
        "Let bash, zsh or fish complete commands, options and runs.",
    ),
}
# A function has no place for the short form of an option.
_SHORT = {"logs": {"-f": "--follow"}, "sweep": {"-j": "--jobs"}}
# Commands to which the options of a script are given, beside their own.
_OF_SCRIPTS = ("sweep",)


def app(asked: str = "") -> cyclopts.App:
    """Return the command line as cyclopts has it.

    Parameters
    ----------
    asked : str
        The command that is called: its help is the whole text of its docstring. The others are not
        imported.
    """
    import cyclopts

    from scitex_session._command_line.values import converted

    made = cyclopts.App(
        name=PROGRAM,
        help="Find and look at runs.",
        version=__version__,
        help_flags=("--help", "-h"),
        help_format="markdown",  # joins the lines of a paragraph
        result_action="return_value",
        # `--json`, never `--no-json`; that nothing is the default says itself. The converter is
        # that of scripts: cyclopts' own makes 2 of `-j 2.5`.
        default_parameter=cyclopts.Parameter(
            negative=(),
            show_default=lambda value: str(value) if value else None,
            converter=converted,
        ),
    )
    for number, (name, (place, operands, line)) in enumerate(_COMMANDS.items()):
        target = _function(place) if name == asked else _absolute(place)
        made.command(
            target,
            name=name,
            # Python removes docstrings under -OO.
            help=None if name == asked and target.__doc__ else line,
            sort_key=number,
            usage=f"Usage: {PROGRAM} {name} [OPTIONS] {operands}".rstrip(),
        )
    return made


def main(tokens: list[str]) -> int:
    """Run a command line, without the program, and return the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the shell closed it (`>&-`); no file may get its number
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if os.environ.get("COLUMNS") == "0":  # unknown, as `shutil` has it; rich would print nothing
        del os.environ["COLUMNS"]
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            status = _run(tokens)
        except BrokenPipeError:  # `| head -1` has read enough
            status = OK
        except KeyboardInterrupt:
            status = _INTERRUPTED
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                # What is left in the buffer would make the interpreter fail at its very end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return status


def _run(tokens: list[str]) -> int:
    short = _SHORT.get(tokens[0], {}) if tokens else {}
    end = tokens.index("--") if "--" in tokens else len(tokens)
    tokens[:end] = [_spelled_out(token, short) for token in tokens[:end]]
    try:
        command, positional, keywords = _parsed(tokens)
        result = command(*positional, **keywords)
        sys.stdout.flush()
    except SessionError as error:
        return refuse(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return refuse(_trouble(error))
    except UnicodeEncodeError as error:  # of the path of a run: what is printed, `say` escapes
        why = f"the encoding {error.encoding} of this locale lacks letters of {error.object}"
        return refuse(f"{why}; set PYTHONUTF8=1")
    return result if isinstance(result, int) else OK


def _spelled_out(token: str, short: Mapping[str, str]) -> str:
    """Return a short option in its long form: ``-j`` and ``-j4``."""
    option, value = token[:2], token[2:]
    if option not in short or (value and not value[0].isdecimal()):
        return token
    return f"{short[option]}={value}" if value else short[option]


def _trouble(error: OSError) -> str:
    if error.filename:
        return f"{os.fspath(error.filename)}: {error.strerror or error}"
    if isinstance(error, FileNotFoundError):  # of all calls without a name, `getcwd` has this one
        return "the working directory is gone"
    return error.strerror or str(error)


def _parsed(tokens: list[str]) -> tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]:
    """Return what a command line calls, and the arguments."""
    if tokens and tokens[0] in _COMMANDS:
        function = _function(_COMMANDS[tokens[0]][0])
        if tokens[0] in _OF_SCRIPTS:
            tokens[1:] = own_first(function, tokens[1:])
        tokens[1:] = with_dashes(function, tokens[1:])
        if (arguments := read(function, tokens[1:])) is not None:
            return function, *arguments
    import cyclopts

    try:
        called = app(asked := tokens[0] if tokens else "")
        command, bound, _ = called.parse_args(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        why = " ".join(str(error).split()).removesuffix(".")
        if isinstance(error, cyclopts.UnknownCommandError):  # of the commands, it names eight
            why = f"{why.partition(' Available')[0]} Available commands: {', '.join(_COMMANDS)}"
        if isinstance(error, cyclopts.UnusedCliTokensError):
            more = ", ".join(map(repr, error.unused_tokens or ()))
            why = f"{asked} takes no more words: {more} is too much"
        help_of = f"{PROGRAM} {asked}" if asked in _COMMANDS else PROGRAM
        raise UsageError(f"{why} (try {help_of} --help)") from error
    return command, bound.args, bound.kwargs


def _absolute(place: str) -> str:
    """Return the place of a command, which stands in this folder or says where it stands."""
    return place if place.startswith("scitex_session.") else f"{__package__}.{place}"


def _function(place: str) -> Callable[..., Any]:
    module, _, name = _absolute(place).partition(":")
    # Since importlib is one more import.
    function: Callable[..., Any] = getattr(__import__(module, None, None, [name]), name)
    return function


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    say(f"{PROGRAM}: warning: {printable(str(message))}", sys.stderr)
