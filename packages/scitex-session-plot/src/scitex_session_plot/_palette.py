"""The colours: a table of names, and the order in which a figure takes them.

The colours of the cycle were searched for, so that readers with normal vision, deuteranopia,
protanopia and tritanopia (matrices of Machado, Oliveira and Fernandes 2009 at severity 100, on
linear sRGB) all tell them apart. Opaque, smallest distance between two of the first n (CIEDE2000):

=====================  =====  =====  =====
n                          6      8     10
=====================  =====  =====  =====
this cycle, worst eye  16.34  14.83  12.12
petroff10              13.36  11.91  11.91
Okabe-Ito              11.61  10.87
seaborn colorblind      5.52   5.52   5.52
tab10                   1.25   1.25   1.25
this cycle, in grey     5.12   4.59   4.26
=====================  =====  =====  =====

Each has a contrast of at least 2.03 : 1 on white.
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
