"""The colormaps of the palette, and their names in matplotlib while a style is in force."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Literal

    from matplotlib.colors import Colormap

    Kind = Literal["sequential", "diverging"]

LEVELS = 256
KINDS: tuple[Kind, ...] = ("sequential", "diverging")
_made: dict[str, Colormap] = {}


def colormap(kind: Kind) -> Colormap:
    """Return a colormap of the palette, made when it is asked for first."""
    if kind not in _made:
        from matplotlib.colors import LinearSegmentedColormap

        from .palette import DIVERGING, SEQUENTIAL

        table = SEQUENTIAL if kind == "sequential" else DIVERGING
        levels = LEVELS + (kind == "diverging")  # of the latter, one is the centre
        _made[kind] = LinearSegmentedColormap.from_list(f"scitex_{kind}", table, N=levels)
    return _made[kind]


class NamedColormaps:
    """The colormaps, and their reversed ones, under their names in matplotlib until `undo`.

    A name that somebody has given to another colormap stays theirs. `plt.set_cmap` writes the name
    into the rcParams; what stood there comes back with `undo`, since nobody else knows the name.
    """

    __slots__ = ("_default", "_names", "_params", "_registry")

    def __init__(self, matplotlib: ModuleType) -> None:
        self._registry: Any = matplotlib.colormaps
        self._params: Any = matplotlib.rcParams
        self._default = self._params._get("image.cmap")
        self._names: set[str] = set()
        for kind in KINDS:
            for one in (colormap(kind), colormap(kind).reversed()):
                if one.name not in self._registry:
                    self._registry.register(one)
                    self._names.add(one.name)

    def undo(self, newer: Any) -> None:
        """Take the names back, or have the next newer style do that."""
        if newer is not None:
            newer._names |= self._names
            newer._default = self._default
            return
        if self._params._get("image.cmap") in self._names:
            self._params._set("image.cmap", self._default)
        for name in self._names:
            self._registry.unregister(name)
