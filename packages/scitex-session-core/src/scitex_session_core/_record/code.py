"""Copies of the user's own modules, made as they are read, so that runs that differ look different.

A run without modules of the user's own does not import this.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

from scitex_session_core._errors import some_of
from scitex_session_core._process import start_ticks

from .masker import MASK, source_without_secrets
from .provenance import names_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from scitex_session_core._atomic import OpenDirectory

# What is copied at most, and said where it is less than all.
_MOST_FILES = 500
_MOST_BYTES = 10 << 20
_LARGEST = 1 << 20
_MOST_VERSIONS = 9
_LONGEST_NAME = 200
# How exact the start of a process is, which is counted in ticks.
_INEXACT_S = 0.05
# In the head of bytecode: flags, then the time and the size of the source that was compiled.
_HEAD = 16


class CodeCopies:
    """The copies that one process of a run makes in ``code/``.

    Parameters
    ----------
    directory : OpenDirectory
        The run directory.
    script : Path or None
        The script, of which there is a copy already.
    started : float
        When the run began, in seconds since the epoch; the process began before that.

    Attributes
    ----------
    modules : dict
        The file of each module that was copied, by the name of the module.
    """

    def __init__(self, directory: OpenDirectory, script: Path | None, started: float) -> None:
        self.modules: dict[str, str] = {}
        self._directory = directory
        self._script = None if script is None else str(script)
        self._process_started = _process_start(started)
        self._running = directory.path
        self._read: dict[str, tuple[int, int]] = {}
        self._edited: list[str] = []
        self._lost: list[str] = []
        self._doubtful: list[str] = []
        self._masked: list[str] = []
        self._left_out: list[str] = []
        self._failed: dict[str, str] = {}
        self._bytes = 0

    def keep(self, name: str, file: str, module: ModuleType | None = None) -> None:
        """Copy the source of a module. If that can't be, the record says so in the end.

        Parameters
        ----------
        name : str
            Its name.
        file : str
            Its file.
        module : ModuleType, optional
            The module, where it has been imported before: its file may have been edited since.
        """
        if name in self._read or name in self._lost or file == self._script or self._is_over():
            return
        try:
            self._keep(name, file, module)
        except OSError as error:
            self._failed[name] = f"{name} ({error.strerror})"
        else:
            self._failed.pop(name, None)

    def _keep(self, name: str, file: str, module: ModuleType | None) -> None:
        with open(file, "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                return
            source: bytes | None = None
            if self._has_room(found.st_size):
                source = opened.read(_LARGEST)
        if module is not None and found.st_mtime > self._process_started:
            # It was written after the process began, and perhaps after it was imported.
            compiled = _compiled_from(module)
            if compiled != (int(found.st_mtime), found.st_size):
                earlier = _cached_source(file, compiled)
                if earlier is None and compiled is not None:
                    self._lost.append(name)
                    return
                (self._doubtful if earlier is None else self._edited).append(name)
                source = earlier or source
        if source is None:
            self._left_out.append(name)
        else:
            self._write(name, _place(name, file), source)
            self.modules[name] = file
        self._read[name] = (found.st_mtime_ns, found.st_size)

    def describe(self, own: dict[str, tuple[str, ModuleType]]) -> dict[str, Any]:
        """Copy what is missing, and return what the record says of the code at the end.

        Parameters
        ----------
        own : dict
            The user's modules that are imported now, by name: file and module.
        """
        for name, (file, module) in own.items():
            if name not in self._read:
                self.keep(name, file, module)
            elif _identity(file) != self._read[name]:
                self._edited.append(name)
        most = f"{_MOST_FILES} files or {_MOST_BYTES >> 20} MiB"
        notes = [
            f"{what}: {some_of([*dict.fromkeys(names)])}"
            for what, names in (
                ("edited while the run went on; the copy is what was read", self._not_lost()),
                ("edited after it was imported; what was read is not known", self._lost),
                ("edited, perhaps after it was imported and before the copy", self._doubtful),
                (f"copied with secrets masked ({MASK})", self._masked),
                (f"not copied, beyond {most}", self._left_out),
                ("not copied", list(self._failed.values())),
                ("read in several versions", self._versions()),
            )
            if names
        ]
        found: dict[str, Any] = {"modules": dict(sorted(self.modules.items()))}
        return {**found, "notes": notes} if notes else found

    def _not_lost(self) -> list[str]:
        return [name for name in dict.fromkeys(self._edited) if name not in self._lost]

    def _versions(self) -> list[str]:
        """Return the copies that other processes made of what they read otherwise."""
        folder = self._directory.path / "code"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*~[2-9].py"))

    def _is_over(self) -> bool:
        """Tell whether the run has moved on: a child that outlives it adds nothing to it."""
        return not os.path.isdir(self._running)

    def _has_room(self, size: int) -> bool:
        fits = size <= _LARGEST and self._bytes + size <= _MOST_BYTES
        if not fits or len(self.modules) >= _MOST_FILES:
            return False
        self._bytes += size
        return True

    def _write(self, name: str, place: str, source: bytes) -> None:
        """Write a copy, and a further one where a process has read another version before."""
        source = self._without_secrets(name, source)
        stem, dot, suffix = place.rpartition(".")
        for version in range(1, _MOST_VERSIONS + 1):
            path = place if version == 1 else f"{stem}~{version}{dot}{suffix}"
            try:
                number = self._directory.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                # Another process may just be writing it.
                if source.startswith(self._directory.read(path, 2 * _LARGEST)):
                    return
                continue
            # Not synced, as the record is: that would cost a run milliseconds for each of them.
            with open(number, "wb") as file:
                file.write(source)
            return

    def _without_secrets(self, name: str, source: bytes) -> bytes:
        masked = source_without_secrets(source)
        if masked is not source:
            self._masked.append(name)
        return masked


def _place(name: str, file: str) -> str:
    """Return where a module is copied to: where Python would find it, below ``code/``."""
    parts = name.split(".")
    if not all(part and os.sep not in part and len(part) < _LONGEST_NAME for part in parts):
        parts = [Path(file).stem[:_LONGEST_NAME]]
    if os.path.basename(file) == "__init__.py":
        parts.append("__init__")
    return "/".join(["code", *parts]) + ".py"


def _compiled_from(module: ModuleType) -> tuple[int, int] | None:
    """Return time and size of the source that a module was made of, as its bytecode has them."""
    try:
        with open(names_in(module).get("__cached__") or "", "rb") as file:
            head = file.read(_HEAD)
    except (OSError, TypeError, ValueError):  # none is kept
        return None
    flags, modified, size = (int.from_bytes(head[at : at + 4], "little") for at in (4, 8, 12))
    return None if flags or len(head) < _HEAD else (modified, size)


def _cached_source(file: str, compiled: tuple[int, int] | None) -> bytes | None:
    """Return what a traceback has read of a file before it was edited."""
    linecache = sys.modules.get("linecache")
    entry = None if linecache is None else linecache.cache.get(file)
    if entry is None or len(entry) < 4:  # nothing was read, or its reading was put off
        return None
    size, modified, lines, _ = entry
    # Without bytecode, it is what was read unless the file was edited before the traceback, too.
    if compiled is not None and (int(modified or 0), size) != compiled:
        return None
    return "".join(lines).encode("utf-8", "surrogateescape")


def _process_start(at_most: float) -> float:
    """Return when this process began, in seconds since the epoch."""
    ticks = start_ticks(os.getpid())
    if ticks is None or not hasattr(time, "CLOCK_BOOTTIME"):  # no Linux
        return at_most
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return min(at_most, time.time() - age + _INEXACT_S)


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
