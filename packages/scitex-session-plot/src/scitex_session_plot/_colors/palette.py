"""The colours: a table of names, and the order in which a figure takes them.

A search chose the colours of the cycle. Readers with normal vision, deuteranopia, protanopia and
tritanopia can all tell them apart (simulated by the matrices of Machado, Oliveira and Fernandes
2009 at severity 100, on linear sRGB). The table below gives the smallest distance (CIEDE2000)
between two of the first n colours, for the reader who sees the least of it: of opaque colours, and
as a session draws them by default (``alpha=0.9``, on white). docs/palette.py prints it.

=====================  =====  =====  =====  =====  =====  =====
..                     opaque               in a session
---------------------  -------------------  -------------------
n                          6      8     10      6      8     10
=====================  =====  =====  =====  =====  =====  =====
this cycle             16.20  14.33  12.01  15.26  13.01  10.90
petroff10              13.36  11.91  11.91  15.05  11.75  11.75
Okabe-Ito              11.61  10.87         10.33  10.27
seaborn colorblind      5.52   5.52   5.52   5.71   5.71   5.34
tab10                   1.25   1.25   1.25   2.05   2.05   2.05
this cycle, in grey     5.38   4.17   4.03   5.00   3.37   3.18
=====================  =====  =====  =====  =====  =====  =====

Each has a contrast of at least 2.03 : 1 on white, and of 1.90 : 1 in a session.
"""

from __future__ import annotations

PALETTE = {
    "blue": "#0946ac",
    "orange": "#f67528",
    "green": "#008067",
    "red": "#c6013e",
    "purple": "#a26da4",
    "yellow": "#e6b422",
    "light_blue": "#40c2fd",
    "pink": "#c79abd",
    "brown": "#573a00",
    "navy": "#2b314f",
    "gray": "#95878c",
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

# The colormaps: points at equal distances along curves in CAM02-UCS. docs/palette.py makes them.
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
