"""Call a function at the moment a module has been imported, without importing it.

While a call is pending, one finder of ours stands first in `sys.meta_path`. It finds nothing by
itself: it asks the finders behind it. If they find a module with pending calls, it wraps the
module's loader. So the calls are made right after the module's own code has run, and before the
import statement ends. This holds for every form of import. A mere search for the module
(`importlib.util.find_spec`) and a failed import make no call: the calls stay pending.
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

# Reentrant: a signal handler that ends a run may cancel while its own thread holds it.
_lock = RLock()
_waiting: dict[str, list[Pending]] = {}


class Pending:
    """A call that is pending until its module is imported, or `cancel` is called."""

    __slots__ = ("_call", "_name")

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._call = call

    def cancel(self) -> None:
        """Drop the call. If it has been made or cancelled before, nothing happens."""
        with _lock:
            pending = _waiting.get(self._name, [])
            if self in pending:
                pending.remove(self)
            if not pending:
                _waiting.pop(self._name, None)
            _leave_if_idle()


def on_import(name: str, call: Callable[[ModuleType], None]) -> Pending:
    """Call ``call(module)`` once: at once if the module is imported, otherwise after its import.

    Several calls for one module keep their order.

    Parameters
    ----------
    name : str
        The module's full name, as in `sys.modules`.
    call : callable
        It should not raise: the import statement would raise the same error.

    Returns
    -------
    Pending
        Its `cancel` drops the call.
    """
    pending = Pending(name, call)
    with _lock:
        _waiting.setdefault(name, []).append(pending)
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
    # Register first, look then: otherwise another thread's import could fall between.
    if sys.modules.get(name) is not None:
        __import__(name)  # imports nothing, but waits for a thread that still imports it
        if (module := sys.modules.get(name)) is not None:  # gone, if that import failed
            _arrived(name, module)
    return pending


def forget_threads() -> None:
    """Make a new lock in a forked child: a thread of the parent may hold the old one for ever."""
    global _lock
    _lock = RLock()


def _arrived(name: str, module: ModuleType) -> None:
    with _lock:
        calls = _waiting.pop(name, [])
        _leave_if_idle()
    for pending in calls:
        pending._call(module)


def _leave_if_idle() -> None:
    # Make a new list. Another thread may iterate over the old one in an import; if we removed our
    # finder from it, that import would skip the next finder and miss a module.
    if not _waiting and _finder in sys.meta_path:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not _finder]


class _Finder:
    """Wrap the loader of modules with pending calls."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in _waiting or self not in sys.meta_path:
            return None
        # Ask only the finders behind this one. To ask all of them would never end.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            if not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(fullname, spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Run a module by its own loader, then make the pending calls."""

    def __init__(self, name: str, loader: Any) -> None:
        self._name = name
        self._loader = loader

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._loader, attribute)

    def exec_module(self, module: ModuleType) -> None:
        # Put the module's own loader back before the module runs. The module, importlib.resources
        # and inspect must not see ours.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _arrived(self._name, sys.modules.get(self._name, module))


_finder = _Finder()
