"""A `plt` that loads matplotlib.pyplot at its first use.

The naive way, `importlib.util.LazyLoader`, puts the unloaded module into `sys.modules`, where
every other import of pyplot meets it: submodules break and threads race. This one stands beside
`sys.modules` and only looks there.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAME = "matplotlib.pyplot"


class LazyPyplot(type(sys)):  # type: ignore[misc]
    """Stands for matplotlib.pyplot: what is read, set or deleted here is so there.

    Its name is pyplot's, so that tools which pickle a module by its name find pyplot.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(_pyplot(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_pyplot(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_pyplot(), name)

    def __dir__(self) -> list[str]:
        return dir(_pyplot())

    def __repr__(self) -> str:
        state = "loaded" if _NAME in sys.modules else "loaded at first use"
        return f"<module {_NAME!r} ({state})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _stand_in, ()


def _pyplot() -> Any:
    from importlib import import_module

    return import_module(_NAME)  # waits where another thread is importing it


def _stand_in() -> LazyPyplot:
    return plt


plt = LazyPyplot(_NAME, "matplotlib.pyplot, loaded at first use.")
