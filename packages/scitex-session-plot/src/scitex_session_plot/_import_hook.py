"""Call a function once at the moment a module has been imported, without importing it.

A `Hook` is a finder at the head of `sys.meta_path`. It finds nothing by itself: it asks the
finders behind it, and wraps the loader that they give for the module it waits for, so that the
call comes right after the module's own code has run and before the importing statement goes on.
That holds for every form of import; merely looking for the module (`importlib.util.find_spec`)
and an import that fails call nothing and leave the hook waiting. Hooks for the same module
wrap one another and are called in the order in which they were made.
"""

from __future__ import annotations

import sys
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# Reentrant, since a signal handler that ends a run may cancel while its thread holds it.
_lock = RLock()


class Hook:
    """Calls ``call(module)`` once: when the module is imported, or now if it has been.

    Parameters
    ----------
    name : str
        The module's full name, as in `sys.modules`.
    call : callable
        It should not raise: what it raises comes out of the import statement.
    """

    __slots__ = ("_call", "_name", "_waiting")

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._call = call
        self._waiting = True
        with _lock:
            sys.meta_path = [self, *sys.meta_path]
        # Waits first, looks then: the other way round, another thread's import could fall between.
        if sys.modules.get(name) is not None:
            __import__(name)  # imports nothing, but waits for a thread that is still at it
            if (module := sys.modules.get(name)) is not None:  # gone, if that import failed
                self.fire(module)

    def cancel(self) -> bool:
        """Wait no longer; tell whether the hook was still waiting."""
        with _lock:
            waiting, self._waiting = self._waiting, False
            # A new list: removing from the one that another thread's import is walking along
            # would make it step over the next finder, and not find a module that is there.
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
        return waiting

    def fire(self, module: ModuleType) -> None:
        """Make the call, unless it has been made or cancelled."""
        if self.cancel():
            self._call(module)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find what the finders behind find, with a loader that tells of the import."""
        finders = sys.meta_path
        if fullname != self._name or not self._waiting or self not in finders:
            return None
        # Only those behind: asking all of them would come back here.
        for finder in finders[finders.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)
            if find is not None and (spec := find(fullname, path, target)) is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(self, spec.loader)
                found: ModuleSpec = spec
                return found
        return None


class _Loader:
    """Runs the module as its own loader would, which it also answers for, and tells of it."""

    def __init__(self, hook: Hook, loader: Any) -> None:
        self._hook = hook
        self._loader = loader

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._loader, attribute)

    def exec_module(self, module: ModuleType) -> None:
        # Given back before the module runs: it and its readers (importlib.resources, inspect)
        # meet the loader that they would have met without us.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._hook.fire(sys.modules.get(module.__name__, module))
