"""Which script a session belongs to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any

# Programs that run a user's functions and have command lines of their own, as ``sys.argv[0]`` names
# them without folder and suffix (``python -m unittest`` with its blanks).
_LAUNCHERS = ("colab_kernel_launcher", "ipykernel", "ipykernel_launcher", "pytest", "unittest")


def script_of_caller(frame: FrameType) -> Path | None:
    """Return the file whose code calls, None in a REPL, with ``-c`` and from standard input."""
    return script_of(frame.f_globals)


def script_arguments() -> list[str]:
    """Return the command line of the script: none where the process has one of another program.

    Under pytest, unittest or Jupyter, what they were started with is theirs. A ``sys.argv`` that
    was set since (``monkeypatch.setattr(sys, "argv", [...])``) is meant for the script.
    """
    program, *arguments = getattr(sys, "argv", None) or [""]
    folder, name = os.path.split(program)
    if name == "__main__.py":
        name = os.path.basename(folder)
    launched = os.path.splitext(name)[0].rpartition(" ")[2] in _LAUNCHERS
    started_with = sys.orig_argv[len(sys.orig_argv) - len(arguments) :]
    return [] if launched and arguments == started_with else arguments


def script_of(namespace: Mapping[str, Any]) -> Path | None:
    """Return the file that globals belong to, None where they come from no file."""
    file = namespace.get("__file__")
    if not isinstance(file, str):
        return None
    path = os.path.abspath(file)
    return Path(path) if os.path.isfile(path) else None
