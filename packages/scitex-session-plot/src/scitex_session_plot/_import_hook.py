"""Call a function at the moment a module has been imported, without importing it.

While a `Hook` waits, a finder of ours is the first in `sys.meta_path`. It finds nothing by itself:
it asks the finders behind it. If a hook waits for the module, it wraps the loader that they return.
So the call comes right after the module's own code has run, before the import statement goes on;
every form of import is the same in this. `importlib.util.find_spec` and an import that fails call
nothing, and the hook goes on waiting.
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

# Reentrant: a signal handler that ends a run may cancel a hook while its thread holds the lock.
_lock = RLock()
# The hooks that wait, in the order in which they were made. Replaced, never changed in place.
_waiting: tuple[Hook, ...] = ()
_names: set[str] = set()  # of their modules: looked up at every import


class Hook:
    """Call ``call(module)`` once: when the module is imported, or now if it has been.

    Hooks for the same module are called in the order in which they were made.

    Parameters
    ----------
    name : str
        The module's full name, as in `sys.modules`.
    call : callable
        Called with the module. What it raises is a warning, and no error of the import statement.
    """

    __slots__ = ("_call", "name")

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        global _waiting
        self.name = name
        self._call = call
        with _lock:
            _waiting = (*_waiting, self)
            _place_finder()
        # Wait first, then look: the other way round, another thread could import it in between.
        if sys.modules.get(name) is not None:
            __import__(name)  # only waits, where another thread is importing it just now
            if (module := sys.modules.get(name)) is not None:  # gone if that import failed
                self.fire(module)

    def cancel(self) -> bool:
        """Stop waiting. Return whether the hook was still waiting."""
        global _waiting
        with _lock:
            waiting = self in _waiting
            _waiting = tuple(hook for hook in _waiting if hook is not self)
            _place_finder()
        return waiting

    def fire(self, module: ModuleType) -> None:
        """Make the call, unless it has been made or cancelled."""
        if not self.cancel():
            return
        try:
            self._call(module)
        except Exception as error:  # noqa: BLE001  # the user asked for the module, not for us
            from ._errors import warn

            warn(f"{self.name} is imported, but not set up: {type(error).__name__}: {error}")


class _Finder:
    """Finds what the finders behind it find, with a loader that fires the hooks."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in _names:
            return None
        finders = sys.meta_path
        if self not in finders:
            return None
        # Only those behind: to ask all of them would come back here.
        for finder in finders[finders.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)
            if find is not None and (spec := find(fullname, path, target)) is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                found: ModuleSpec = spec
                return found
        return None


class _Loader:
    """Runs a module as its own loader would, then fires the hooks that wait for it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._loader, attribute)

    def exec_module(self, module: ModuleType) -> None:
        # Before the module runs, its own loader is put back: the module and those who read it
        # (importlib.resources, inspect) find the loader that they would find without us.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        name = module.__name__
        for hook in _waiting:
            if hook.name == name:
                hook.fire(sys.modules.get(name, module))


_finder = _Finder()


def _place_finder() -> None:
    """Put the finder at the head of `sys.meta_path` while hooks wait, and take it away after."""
    global _names
    _names = {hook.name for hook in _waiting}
    # A new list: if the one that another thread's import goes through changed, that import would
    # skip a finder, and not find a module that is there.
    others = [finder for finder in sys.meta_path if finder is not _finder]
    sys.meta_path = [_finder, *others] if _waiting else others
