"""The colours: a table of names, and the order in which a figure takes them.

The colours of the cycle were searched for, so that readers with normal vision, deuteranopia,
protanopia and tritanopia (matrices of Machado, Oliveira and Fernandes 2009 at severity 100, on
linear sRGB) all tell them apart. Opaque, smallest distance between two of the first n (CIEDE2000)
for the reader who sees the least of it, as docs/palette.py prints it:

=====================  =====  =====  =====
n                          6      8     10
=====================  =====  =====  =====
this cycle             16.34  14.84  12.12
petroff10              13.36  11.91  11.91
Okabe-Ito              11.61  10.87
seaborn colorblind      5.52   5.52   5.52
tab10                   1.25   1.25   1.25
this cycle, in grey     5.13   4.60   4.26
=====================  =====  =====  =====

Each has a contrast of at least 2.02 : 1 on white.
"""

from __future__ import annotations

PALETTE = {
    "blue": "#3647b9",
    "orange": "#ef773c",
    "green": "#058267",
    "red": "#cb0040",
    "purple": "#9c72a1",
    "yellow": "#e6b422",
    "light_blue": "#4bc1ff",
    "pink": "#c09cbd",
    "brown": "#643e06",
    "navy": "#283057",
    "gray": "#908b8d",
    "black": "#000000",
    "white": "#ffffff",
}
ALIASES = {"grey": "gray"}
CYCLE = (
    "blue",
    "orange",
    "green",
    "red",
    "light_blue",
    "purple",
    "navy",
    "brown",
    "pink",
    "gray",
)

# The colormaps: points at equal distances along curves in CAM02-UCS, from docs/palette.py.
# fmt: off
SEQUENTIAL = (
    "#202449", "#232857", "#252d65", "#263473", "#273c7e", "#264585", "#264e8a", "#27568c",
    "#295e8d", "#2d658d", "#316c8c", "#36738c", "#3c798b", "#417f8b", "#47858a", "#4c8b89",
    "#519188", "#569786", "#5b9d84", "#61a381", "#68a97e", "#6faf79", "#78b574", "#82bb6e",
    "#8dc068", "#99c662", "#a7cc5c", "#b5d156", "#c5d753", "#d5dd54", "#e5e35b", "#f3ea68",
    "#fff07a",
)
DIVERGING = (
    "#2d397c", "#2f4490", "#3150a0", "#335dae", "#386aba", "#3e78c3", "#4885cb", "#5492d1",
    "#639fd6", "#74abda", "#85b7de", "#98c2e1", "#abcde4", "#bed7e8", "#d0e1eb", "#e2eaef",
    "#f3f3f3", "#f0e7e0", "#f0d9c9", "#f1cbb1", "#f1bb99", "#f0ab81", "#ee996a", "#ea8854",
    "#e4763f", "#db642c", "#d0531a", "#c1430c", "#b03604", "#9d2e04", "#892908", "#77280d",
    "#652712",
)
# fmt: on
