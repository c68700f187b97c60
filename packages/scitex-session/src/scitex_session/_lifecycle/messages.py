"""What a run says of itself: the lines of a verbose session, its flow of calls.

Imported when one of these is asked for.
"""

from __future__ import annotations

import os
import sys

from scitex_session_core import MASK, __version__, is_secret_name, jsonable, some_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from .run import Run

    Function = ast.FunctionDef | ast.AsyncFunctionDef


def print_header(run: Run) -> None:
    """Print what the session is, at its start."""
    rows = {
        "session": run.record.id,
        "script": run.script or "(none)",
        "run directory": run.record.path,
        "seed": run.rng.seed,
    }
    if run.config["ARGS"]:
        # These lines stand in the log, too.
        arguments = dict(run.config["ARGS"])
        shown = {k: MASK if is_secret_name(str(k)) else v for k, v in arguments.items()}
        rows["arguments"] = jsonable(", ".join(f"{k}={v}" for k, v in shown.items()))
    lines = [f"  {name + ':':<15}{value}" for name, value in rows.items()]
    _print("\n".join([f"scitex-session {__version__}", *lines, ""]))


def print_footer(run: Run, message: str) -> None:
    """Print how the session ended, at its end."""
    count = run.closed_figures
    figures = f"{count} figure{'s' * (count > 1)} left open, and closed\n" if count else ""
    saved = run.record.saved
    lines = f"{figures}saved {some_of(saved)}\n" if saved else figures
    ended = f"{run.record.status} after {run.record.duration_s:.2f} s"
    path = run.record.path
    where = _link(path, sys.stdout) if path.exists() else "nothing is kept"  # with no_save
    _print(f"\n{lines}{message}  {ended}: {where}")


def print_failure(run: Run) -> None:
    """Print one line on stderr that says where the logs of a failed session are."""
    where = _link(run.record.path, sys.stderr)
    _print(f"scitex-session: {run.record.status}; its logs and files are in {where}", sys.stderr)


def _link(path: Path, stream: Any) -> str:
    """Return a path, as a link where a terminal may have links (OSC 8)."""
    try:
        shown = stream.isatty() and os.environ.get("TERM") not in (None, "dumb")
    except (AttributeError, ValueError):  # closed, or no stream
        shown = False
    if not shown:
        return str(path)
    return f"\x1b]8;;{path.as_uri()}\x1b\\{path}\x1b]8;;\x1b\\"


def _print(text: str, stream: Any = None) -> None:
    stream = sys.stdout if stream is None else stream
    try:
        try:
            print(text, file=stream, flush=True)
        except UnicodeError:  # a path that the encoding of the stream does not have
            encoding = getattr(stream, "encoding", None) or "ascii"
            text = text.encode(encoding, "backslashreplace").decode(encoding)
            print(text, file=stream, flush=True)
    except OSError:
        # `| head -1` has read enough, or the disk behind it is full. What is left in the buffer
        # would make the interpreter fail at its very end, with status 120, though the run did not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except ValueError:  # the script has closed or detached it: there is nobody to tell
        pass


def print_flow(script: Path) -> None:
    """Print which functions of a script call which, as a tree read from its source.

    The tree begins with what the module itself calls. A function that calls itself, directly or
    not, is printed once more and marked ``…``.
    """
    import ast

    tree = ast.parse(script.read_bytes())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    defined = {node.name: node for node in tree.body if isinstance(node, functions)}
    calls = {name: _calls(node.body, defined) for name, node in defined.items()}
    top = [node for node in tree.body if not isinstance(node, (*functions, ast.ClassDef))]
    lines = [f"  {line}" for line in _tree(_calls(top, defined), calls, ())]
    _print("\n".join([f"execution flow of {script.name}:", *lines, ""]))


def _calls(body: Sequence[ast.stmt], defined: dict[str, Function]) -> list[str]:
    import ast

    found = [
        (node.lineno, node.col_offset, node.func.id)
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in defined
    ]
    return list(dict.fromkeys(name for *_, name in sorted(found)))


def _tree(names: list[str], calls: dict[str, list[str]], above: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        indent = "  " * len(above)
        if name in above:
            yield f"{indent}{name} …"
        else:
            yield f"{indent}{name}"
            yield from _tree(calls[name], calls, (*above, name))
