"""Find the script of a session, and the command line that is meant for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def script_of(
    namespace: Mapping[str, Any], file: str | os.PathLike[str] | None = None
) -> Path | None:
    """Return the script of a session, whose function or block has these globals.

    It is `file` where that is given, else the file of the globals, the zipapp that holds it, or the
    notebook; None in a REPL and with ``-c``.
    """
    if file is not None:
        return Path(file).absolute()
    found = namespace.get("__file__")
    if not isinstance(found, str):
        return notebook_here() if namespace.get("__name__") == "__main__" else None
    path = Path(os.path.abspath(found))
    # In a zipapp, the file of a module is app.pyz/__main__.py, and the script is app.pyz.
    return next((place for place in (path, *path.parents) if place.is_file()), None)


def command_line_of(namespace: Mapping[str, Any]) -> list[str]:
    """Return the command line for a function with these globals; empty if it is another program's.

    ``__main__`` decides. Under pytest, in a notebook, in a worker of Dask, submitit, Ray or
    multiprocessing, ``__main__`` is an installed program that does not know the function, and the
    command line is that program's. A ``sys.argv`` that was changed since the start is the
    function's.
    """
    main = sys.modules["__main__"]
    program, *tokens = getattr(sys, "argv", None) or [""]
    if main.__name__ == "__mp_main__":
        return []
    if tokens != sys.orig_argv[len(sys.orig_argv) - len(tokens) :]:
        return tokens
    file, script = getattr(main, "__file__", None), namespace.get("__file__")
    if file is None:  # a notebook has the command line of its kernel
        return tokens if program in ("", "-", "-c") else []
    if namespace is vars(main) or (script and os.path.abspath(script) == os.path.abspath(program)):
        return tokens
    folder, name = os.path.split(os.path.abspath(file))
    environment = (os.path.dirname(os.__file__), os.path.dirname(sys.executable))
    installed = "-packages" in folder or folder.startswith(environment)
    if not installed and name.endswith(".py"):  # the others are console scripts
        return tokens
    known = {getattr(main.__spec__, "name", "")}
    for value in vars(main).values():
        known.add(
            value.__name__ if isinstance(value, type(sys)) else getattr(value, "__module__", "")
        )
    package = str(namespace.get("__name__")).partition(".")[0]
    return tokens if package in {str(each).partition(".")[0] for each in known} else []


def notebook_here() -> Path | None:
    """Return the notebook whose kernel this process is, or None."""
    if "IPython" not in sys.modules:
        return None
    from .notebook import notebook

    return notebook()


def is_interactive() -> bool:
    """Tell whether somebody types the program: a notebook, IPython, a REPL, ``python -i``."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)
