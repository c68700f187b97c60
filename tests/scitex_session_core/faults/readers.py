"""What a reader of the registry does, to be killed anywhere: ``readers.py PATH LIFE DIR``.

Run with ``-I -S``; PATH says where the core and filelock are. Each step that is done is said on
stdout, so that what must be true after a kill is known.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.extend(sys.argv[1].split(os.pathsep))

from scitex_session_core import SessionManager  # found only now


def say(step: str) -> None:
    """Say that a step is done; a pipe is no file."""
    os.write(1, f"{step}\n".encode())


def fold(registry: Path) -> None:
    """Fold the journal into the index, and read it."""
    say(f"read-{len(SessionManager(registry).list_sessions())}")


def manage(registry: Path) -> None:
    """Register a session and close it."""
    manager = SessionManager(registry)
    manager.create_session("mine", {"a": 1}, pid=None)
    say("created")
    manager.close_session("mine", exit_code=0)
    say("closed")


if __name__ == "__main__":
    _, _, life, directory = sys.argv
    os.environ["SCITEX_SESSION_CACHE"] = os.path.join(directory, "cache")
    {"fold": fold, "manage": manage}[life](Path(directory, "registry"))
