"""Colormaps from the tables of the palette, made when they are asked for."""

from __future__ import annotations

from functools import cache

from matplotlib.colors import Colormap, LinearSegmentedColormap

from ._palette import DIVERGING, SEQUENTIAL

LEVELS = 256


@cache
def sequential() -> Colormap:
    """Give the colormap for values from low to high."""
    return LinearSegmentedColormap.from_list("scitex_sequential", SEQUENTIAL, N=LEVELS)


@cache
def diverging() -> Colormap:
    """Give the colormap for values around a centre."""
    return LinearSegmentedColormap.from_list("scitex_diverging", DIVERGING, N=LEVELS + 1)
