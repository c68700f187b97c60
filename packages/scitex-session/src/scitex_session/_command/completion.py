"""Completion of the command in shells: subcommands and options as cyclopts has them, and runs.

The script that a shell reads holds all names, so that a press of TAB starts nothing. Only for the
name of a run it asks `scitex-session __complete`, which knows nothing of cyclopts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scitex_session._errors import UsageError

from .output import OK, PROGRAM, printable, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import cyclopts

SHELLS = ("bash", "zsh", "fish")
_MOST_RUNS = 50
_PATHS = {"FILE", "PATH"}
# The names by which the usage of a command calls a run.
_RUNS = {"RUN", "A", "B"}


def install_completion_command(shell: str | None = None, /, *, show: bool = False) -> int:
    """Let a shell complete subcommands, options and the IDs of runs.

    Its script is written to where the shell looks for it. bash and zsh get one more line in
    ~/.bashrc or ~/.zshrc that loads it.

    Parameters
    ----------
    shell : str
        bash, zsh or fish; by default the one in $SHELL.
    show : bool
        Print the script instead, and write nothing.
    """
    name = _checked(shell)
    if show:
        say(completion_script(name))
        return OK
    place, startup = install_completion(name)
    say(f"wrote {printable(str(place))}")
    if startup is not None:
        say(f"added a line that loads it to {printable(str(startup))}")
    say(f"it works in every new shell; in this one after: exec {name}")
    return OK


def install_completion(shell: str) -> tuple[Path, Path | None]:
    """Write the script of a shell; return it, and the start-up file if a line was added to it."""
    place, startup = completion_place(_checked(shell)), startup_file(shell)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(completion_script(shell), encoding="utf-8")
        if startup is None or loads(startup, place):
            return place, None
        startup.parent.mkdir(parents=True, exist_ok=True)
        with open(startup, "a+", encoding="utf-8", errors="surrogateescape") as file:
            file.seek(0)
            text = file.read()
            gap = "\n" if text and not text.endswith("\n") else ""
            file.write(f"{gap}{_loading_line(place)}  # completion of {PROGRAM}\n")
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    return place, startup


def completion_place(shell: str) -> Path:
    """Return where the script of a shell lies."""
    if shell == "fish":
        return _xdg("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / f"{PROGRAM}.fish"
    data = _xdg("XDG_DATA_HOME", ".local/share")
    if shell == "bash":
        return data / "bash-completion" / "completions" / PROGRAM
    return data / PROGRAM / "completion.zsh"


def startup_file(shell: str) -> Path | None:
    """Return the file in which a shell is told to load the script; None if it finds it itself."""
    if shell == "bash":
        return Path.home() / ".bashrc"  # bash-completion, which would find it, may be missing
    if shell == "zsh":
        return Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    return None


def loads(startup: Path, place: Path) -> bool:
    """Tell whether a start-up file loads the script."""
    try:
        return _loading_line(place) in startup.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return False


def _loading_line(place: Path) -> str:
    quoted = "'" + str(place).replace("'", "'\\''") + "'"
    return f"[ -f {quoted} ] && . {quoted}"


def _xdg(variable: str, below_home: str) -> Path:
    chosen = os.environ.get(variable, "")
    return Path(chosen) if os.path.isabs(chosen) else Path.home() / below_home


def _checked(shell: str | None) -> str:
    name = os.path.basename(os.environ.get("SHELL", "")) if shell is None else shell
    if name not in SHELLS:
        where = f"{name!r}" if shell is not None else f"$SHELL, which is {name!r}"
        raise UsageError(f"no completion for {where}: give one of {', '.join(SHELLS)}")
    return name


def completion_script(shell: str) -> str:
    """Return the script that a shell reads, with the commands and options of this version."""
    from .main import app

    commands = app()
    notes = _complete_words(commands)
    try:
        text: str = commands.generate_completion(prog_name=PROGRAM, shell=shell)  # type: ignore[arg-type]
    finally:
        for function, found in notes:
            function.__annotations__.update(found)
    # A run is also named by its directory, or by a file that it made: where no ID fits, files do.
    if shell == "bash":
        return text.replace(
            f"complete -F _scitex_session {PROGRAM}",
            f"complete -o default -F _scitex_session {PROGRAM}",
        )
    if shell == "zsh":
        files = "compadd -d _cyc_disp -a _cyc_vals"
        text = text.replace(f"(( ${{#_cyc_vals}} )) && {files}", f"{files} || _files")
        # This file is loaded, not found by compinit: that needs a folder of its own in $fpath.
        begin = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }"
        return f"{begin}\n{text}\ncompdef _cyclopts_{PROGRAM} {PROGRAM}\n"
    files = "__fish_complete_path (commandline -ct)"
    return text.replace(
        "    set -q lines[1]; or return\n", f"    set -q lines[1]; or begin; {files}; return; end\n"
    )


def _complete_words(app: cyclopts.App) -> list[tuple[Callable[..., object], dict[str, object]]]:
    """Annotate each parameter that its usage calls a run with a completer, and a path as one.

    Where there is a completer, the script asks for IDs. Return the functions with the annotations
    that they had.
    """
    import inspect
    import re
    from pathlib import Path
    from typing import Annotated

    from cyclopts import Parameter

    notes = []
    completed = Annotated[str, Parameter(completer=lambda _: ())]
    for name in app:
        function = None if name.startswith("-") else app[name].default_command
        if function is None:
            continue
        operands = (app[name].usage or "").partition("[OPTIONS]")[2]
        places = re.findall(r"\b[A-Z]+\b", re.sub(r"\[-[^]]*\]", "", operands))
        parameters = inspect.signature(function).parameters.values()
        positional = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
        notes.append((function, dict(function.__annotations__)))
        for parameter, place in zip(positional, places, strict=False):
            if place in _RUNS:
                function.__annotations__[parameter] = completed
            elif place in _PATHS:
                function.__annotations__[parameter] = Path
    return notes


def complete(words: Sequence[str]) -> int:
    """Print the runs that the last word of a command line may begin, a line for each."""
    begun = words[-1] if words else ""
    for name, what in _runs(begun):
        sys.stdout.write(f"{name}\t{what}\n")
    return OK


def _runs(begun: str) -> Iterator[tuple[str, str]]:
    from scitex_session_core import SessionManager

    if "latest".startswith(begun):
        yield "latest", "the run that started last"
    begins = ("and", {"id": (">=", begun)}, {"id": ("<", f"{begun}\U0010ffff")})
    for session in SessionManager().select(begins, limit=_MOST_RUNS):
        script = os.path.basename(session["script_path"] or "")
        yield session["id"], printable(f"{session['status']} {script}".rstrip())
