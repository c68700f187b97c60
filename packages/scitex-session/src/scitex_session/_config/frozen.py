"""Frozen code: copies of the user's files that a trial runs in place of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FACTS_NAME = "frozen.json"
_TREE = "tree"


class Frozen:
    """Code as it was when a sweep was submitted.

    Each copy has the path of its original below the folder ``tree``: so paths that a script makes
    relative to its own file lead to the same things, and either path is known from the other.

    Parameters
    ----------
    folder : Path
        Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / _TREE

    @classmethod
    def of(cls, folder: str, script: Path | None) -> Frozen | None:
        """Return the frozen code that a script belongs to, if it does.

        A child of a trial inherits the variable that names `folder`, and may be any script.
        """
        frozen = cls(Path(folder))
        return frozen if script is not None and script.is_relative_to(frozen.tree) else None

    def original(self, path: Path) -> Path:
        """Return which file a copy stands for; any other path as it is."""
        if not path.is_relative_to(self.tree):
            return path
        return Path(path.anchor, path.relative_to(self.tree))

    def copy(self, path: Path) -> Path:
        """Return the copy of a file or folder; the path itself where there is none."""
        copy = self.place(path)
        return copy if os.path.exists(copy) else path

    def place(self, path: Path) -> Path:
        """Return where the copy of a file or folder is, if there is one."""
        whole = path.absolute()
        return self.tree / whole.relative_to(whole.anchor)

    def facts(self) -> dict[str, Any]:
        """Return what was found when the code was frozen.

        Returns
        -------
        dict
            ``root`` (the folder that was frozen), ``time`` (when), ``git`` (as in a record),
            ``path`` (copies of folders from which Python imports), and ``notes`` (sentences on what
            is not frozen).

        Raises
        ------
        OSError, ValueError
            They can't be read.
        """
        facts: dict[str, Any] = json.loads((self.folder / FACTS_NAME).read_bytes())
        return facts
