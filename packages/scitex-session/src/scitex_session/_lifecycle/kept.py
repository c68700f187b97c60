"""Keep the code that only some runs need, and those at their end: by then it may be gone."""

from __future__ import annotations

import os
import sys

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


class KeptCode:
    """The sources of modules that a run may import at its end, read before user code.

    A long run may outlive its package: an upgrade replaces it, or removes it. What is imported then
    is missing, or does not fit what is loaded. To import these modules beforehand would cost every
    run 20 ms; to read them costs a quarter of one.

    Within a ``with`` block, a module is made of what was read if its file is not what it was.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
        for package, names in _LATE.items():
            folder = os.path.dirname(sys.modules[package].__file__ or "")
            for name in names:
                path = os.path.join(folder, *name.split("/")) + ".py"
                try:
                    identity, source = _read(path)
                except OSError:  # within an archive; or no descriptor is left
                    continue
                module = name.removesuffix("/__init__").replace("/", ".")
                self._kept[f"{package}.{module}"] = path, identity, source

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *exc: object) -> None:
        # A new list: another thread's import may iterate over the old one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a module whose file is not what it was; others are left to the next finders."""
        if fullname not in self._kept:
            return None
        path, identity, _ = self._kept[fullname]
        try:
            if _identity(os.stat(path)) == identity:
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


def _read(path: str) -> tuple[tuple[int, ...], bytes]:
    """Return identity and content of a file, at half the price of the built-in `open`."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(number)
        return _identity(found), os.read(number, found.st_size)
    finally:
        os.close(number)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
