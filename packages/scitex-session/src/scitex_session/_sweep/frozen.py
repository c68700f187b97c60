"""Freeze the code of a sweep: a trial that waits for a day runs what was submitted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from scitex_session._config.frozen import FACTS_NAME, Frozen
from scitex_session._lifecycle.options import FROZEN_VARIABLE
from scitex_session_core import (
    INSTALLED,
    GitErrand,
    GitError,
    fold_events,
    new_record,
    opened,
    read_events,
    work_tree,
    write_atomic,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    # The files that are copied, by name; of a folder, what is copied in it.
    Listed = dict[str, "Listed | None"]

FROZEN = ".frozen"
"""The folder of the copies in the directory of a sweep; hidden, since pytest would look into it."""

_CODE = (".py", ".yaml", ".yml", ".toml", ".json")
# What is copied at most; the rest are links to the originals, and that is said.
_LARGEST = 1 << 20
_MOST_BYTES = 64 << 20
_MOST_FILES = 20_000
# Of a script without a repository, how many entries of its folder are looked at; and how many
# links a folder may get in which there is no code.
_MOST_SEEN = 10_000
_MOST_LINKS = 1_000
# What is neither copied nor linked: git looks further up; and bytecode of the originals, which
# would be taken for that of a copy of the same size and time.
_LEFT_OUT = (".git", "__pycache__")


def freeze(script: Path, folder: Path) -> Frozen:
    """Copy the code that a script may run.

    Parameters
    ----------
    script : Path
        The script, by its absolute path.
    folder : Path
        Where the copies are kept; it is made.

    Returns
    -------
    Frozen

    Raises
    ------
    OSError
        A copy can't be made.

    Notes
    -----
    In a git repository, the files that git knows or does not ignore are copied; elsewhere Python,
    YAML, TOML and JSON in the folder of the script and below. Whatever else lies beside a copied
    file, and beside the whole, is a link to the original: data that a script finds by its own path.
    Modules outside are not frozen, such as packages in editable mode from other repositories.
    """
    frozen = Frozen(folder)
    record = new_record("", script=script)
    notes = []
    try:
        root, files = work_tree(script.parent)
    except GitError as error:
        root = script.parent
        if record["git"] is not None:
            notes.append(f"only what lies below {root} is frozen: {error}")
        files, whole = _code_below(root)
        if not whole:
            notes.append(f"only the first {_MOST_SEEN} files in {root} were looked at")
    copied, left = _chosen(root, files)
    if left:
        most = f"{_MOST_FILES} files or {_MOST_BYTES >> 20} MiB"
        notes.append(f"not frozen, beyond {most}: {len(left)} files, {left[0]} the first of them")
    os.makedirs(frozen.tree)
    _mirror(root, frozen.place(root), _as_tree([script.relative_to(root).as_posix(), *copied]))
    _link_beside(root, frozen.place(root))
    own = [Path(path) for path in dict.fromkeys(_imported_from())]
    path = [str(frozen.place(each)) for each in own if each.is_relative_to(root)]
    facts = {"root": str(root), "path": path, **_git_of(record, folder), "notes": notes}
    write_atomic(folder / FACTS_NAME, json.dumps(facts).encode())
    return frozen


def frozen_environment(frozen: Frozen) -> dict[str, str]:
    """Return the variables with which a trial runs frozen code, and its session knows of that.

    Packages of the project that are installed in editable mode are imported from the copies.
    """
    found = os.environ.get("PYTHONPATH")
    paths = [*frozen.facts()["path"], *([found] if found else [])]
    return {
        FROZEN_VARIABLE: str(frozen.folder),
        **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {}),
    }


def _imported_from() -> Iterator[str]:
    """Yield the folders of PYTHONPATH, and those of packages installed in editable mode."""
    for path in sys.path[1:]:
        # An environment may lie within the project.
        if INSTALLED.isdisjoint(path.split(os.sep)) and not path.startswith(sys.prefix):
            yield path
    for name, module in tuple(sys.modules.items()):
        # Of setuptools, for a project whose packages lie at its top.
        if name.startswith("__editable__"):
            yield from map(os.path.dirname, getattr(module, "MAPPING", {}).values())


def _git_of(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what git tells of the work tree now, and when that is; the diff is written."""
    if record["git"] is not None:
        with opened(folder) as directory:
            GitErrand(directory, record).run()
            record = fold_events(record, read_events(directory))
    return {"time": record["started"], "git": record["git"]}


def _code_below(root: Path) -> tuple[list[str], bool]:
    """Return the files of code in a folder and below, and whether these are all."""
    files: list[str] = []
    folders = [""]
    seen = 0
    for folder in folders:
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:  # somebody else's
            continue
        for entry in entries:
            seen += 1
            if seen > _MOST_SEEN:
                return files, False
            path = os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not _is_other(entry):
                    folders.append(path)
            elif entry.name.endswith(_CODE) and entry.is_file():
                files.append(path)
    return files, True


def _is_other(entry: os.DirEntry[str]) -> bool:
    """Tell whether a folder holds no code of the user's: runs, packages, what is hidden."""
    if entry.name.startswith(".") or entry.name.endswith("_out") or entry.name in _LEFT_OUT:
        return True
    return entry.name == "node_modules" or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))


def _chosen(root: Path, files: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return which files are copied, and which are not for want of room: code comes first."""
    chosen: list[str] = []
    left: list[str] = []
    room = _MOST_BYTES
    for path in sorted(files, key=lambda path: not path.endswith(_CODE)):
        try:
            size = os.lstat(root / path).st_size
        except OSError:  # git knows it, and it was removed
            continue
        if size > _LARGEST:
            continue
        if size > room or len(chosen) == _MOST_FILES:
            left.append(path)
        else:
            room -= size
            chosen.append(path)
    return chosen, left


def _as_tree(paths: Iterable[str]) -> Listed:
    tree: Listed = {}
    for path in paths:
        *folders, name = path.split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})  # type: ignore[assignment]
        at[name] = None
    return tree


def _mirror(original: Path, copy: Path, listed: Listed) -> None:
    """Copy what is listed of a folder, and link the rest of it."""
    rest = [n for n in os.listdir(original) if n not in listed and n not in _LEFT_OUT]
    if len(rest) > _MOST_LINKS and not _has_code(listed):
        os.symlink(original, copy)
        return
    os.makedirs(copy)
    for name, below in listed.items():
        if below is not None:
            _mirror(original / name, copy / name, below)
            continue
        try:
            shutil.copy2(original / name, copy / name, follow_symlinks=False)
        except PermissionError:  # somebody else's; who may not read it can't run it either
            rest.append(name)
    for name in rest:
        os.symlink(original / name, copy / name)


def _has_code(listed: Listed) -> bool:
    return any(
        name.endswith(_CODE) if below is None else _has_code(below)
        for name, below in listed.items()
    )


def _link_beside(root: Path, copy: Path) -> None:
    """Link what lies beside the project, such as a folder of data; not if that is all of a home."""
    if Path(os.path.expanduser("~")).is_relative_to(root.parent):
        return
    names = [name for name in os.listdir(root.parent) if name != root.name]
    for name in names if len(names) <= _MOST_LINKS else ():
        os.symlink(root.parent / name, copy.parent / name)
