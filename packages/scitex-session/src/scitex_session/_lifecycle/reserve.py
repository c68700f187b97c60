"""What is kept back for the end of a run: code, file descriptors, room on the stack.

By then, the package may be gone from the disk, and the script may have used up the rest.
"""

from __future__ import annotations

import os
import sys

from scitex_session._errors import tolerated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# The modules of each package that the end of a run may be the first to import: to copy its
# directory, to render its logs, to tell what repeats, to keep results, to say how it ended, to file
# the crash of another run.
_LATE = {
    "scitex_session_core": (
        *("_death/__init__", "_death/memory", "_death/post_mortem", "_death/scheduler"),
        *("_record/code", "_record/files", "_record/ranks"),
        *("_registry/fold", "_registry/own_end", "_registry/reader"),
        *("_rundir/attempts", "_rundir/copy", "_rundir/ranks"),
    ),
    "scitex_session_io": (
        *("_companion/__init__", "_companion/cap", "_companion/tail", "_errors"),
        *("_render/__init__", "_render/codes", "_render/render", "_render/row", "_render/screen"),
    ),
    "scitex_session_repro": (
        *("_globals/__init__", "_globals/torch", "_globals/unseeded"),
        *("_report/__init__", "_report/machine", "_report/report"),
    ),
    "scitex_session": (
        *("_ending", "_lifecycle/messages", "_lifecycle/notices", "_lifecycle/results"),
    ),
}
_CALLS = 200  # that we make, and the standard library below us
_DESCRIPTORS = 4
_LOWEST_DESCRIPTOR = 200  # out of the way of the numbers that scripts pick by hand


class Reserve:
    """What a run keeps back from its start. A ``with`` block may use it."""

    def __init__(self) -> None:
        self._code = _Code()
        self._descriptors = _Descriptors()
        self._calls = sys.getrecursionlimit() + _CALLS

    def __enter__(self) -> None:
        self._found = sys.getrecursionlimit()
        sys.setrecursionlimit(max(self._found + _CALLS, self._calls))
        self._descriptors.release()
        sys.meta_path.insert(0, self._code)

    def __exit__(self, *_exc: object) -> None:
        # A new list: another thread's import may iterate over the old one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self._code]
        try:
            sys.setrecursionlimit(self._found)
        except RecursionError:  # too low for where we are: the script had set it further up
            pass


class _Code:
    """The sources of modules that a run may import at its end, read before user code.

    A long run may outlive its package: an upgrade replaces it, or removes it. What is imported then
    is missing, or does not fit what is loaded. To import these modules beforehand would cost every
    run 20 ms; to read them costs a quarter of one.

    As a finder, it makes a module of what was read if its file is not what it was.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
        for package, names in _LATE.items():
            folder = os.path.dirname(sys.modules[package].__file__ or "")
            for name in names:
                path = os.path.join(folder, *name.split("/")) + ".py"
                try:
                    version, source = _read(path)
                except OSError:  # within an archive; or no descriptor is left
                    continue
                module = name.removesuffix("/__init__").replace("/", ".")
                self._kept[f"{package}.{module}"] = path, version, source

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a module whose file is not what it was; others are left to the next finders."""
        if fullname not in self._kept:
            return None
        path, version, _ = self._kept[fullname]
        try:
            if _version(os.stat(path)) == version:
                return None
        except OSError:  # gone; and out of reach for whatever reason is as good as gone
            pass
        package = os.path.basename(path) == "__init__.py"
        loader: Any = self
        spec = type(__spec__)(fullname, loader, origin=path, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [os.path.dirname(path)]
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the source that was read."""
        path, _, source = self._kept[module.__name__]
        exec(compile(source, path, "exec"), vars(module))  # noqa: S102  # what an import does


class _Descriptors:
    """A few numbers of file descriptors, taken until they are needed."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._identity: tuple[int, int] | None = None
        ends: tuple[int, ...] = ()
        try:
            import fcntl

            ends = os.pipe()
            # A pipe, since nothing else that a script opens under one of these numbers is it.
            self._identity = _identity(ends[0])
            for _ in range(_DESCRIPTORS):
                number = fcntl.fcntl(ends[0], fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
                self._numbers.append(number)
        except (ImportError, OSError):  # Windows; hardly any descriptors allowed
            pass
        finally:
            for number in ends:
                os.close(number)

    def release(self) -> None:
        """Close them; may be called twice."""
        while self._numbers:
            number = self._numbers.pop()
            with tolerated("closing reserved descriptors"):
                # A script may have closed it, and opened a file of its own under its number.
                if _identity(number) == self._identity:
                    os.close(number)


def _read(path: str) -> tuple[tuple[int, ...], bytes]:
    """Return version and content of a file, at half the price of the built-in `open`."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(number)
        return _version(found), os.read(number, found.st_size)
    finally:
        os.close(number)


def _version(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _identity(number: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino
