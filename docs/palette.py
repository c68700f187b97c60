"""Measure the palette of scitex-session-plot beside others, and draw it for all readers.

    python docs/palette.py              prints the distances
    python docs/palette.py FILE.png     draws the picture of the documentation as well

Two colours are told apart by their CIEDE2000 distance (Sharma, Wu and Dalal 2005). Colour-blind
readers are simulated by the matrices of Machado, Oliveira and Fernandes (2009) at severity 100, on
linear sRGB. Needs colour-science, matplotlib and seaborn.
"""

from __future__ import annotations

import sys
import warnings
from inspect import signature
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import color_sequences
from matplotlib.colors import to_hex, to_rgb

from scitex_session_plot import COLORS, Style, rc_params
from scitex_session_plot._colors.palette import DIVERGING, SEQUENTIAL

with warnings.catch_warnings():
    # Of it: that parts not used here lack scipy, and that tritanopia is modelled least well.
    warnings.simplefilter("ignore")
    import colour

    MACHADO = {
        name: np.asarray(colour.blindness.matrix_cvd_Machado2009(anomaly, 1))
        for name, anomaly in (
            ("deuteranopia", "Deuteranomaly"),
            ("protanopia", "Protanomaly"),
            ("tritanopia", "Tritanomaly"),
        )
    }

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OKABE_ITO = (
    *("#000000", "#e69f00", "#56b4e9", "#009e73"),
    *("#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
)
EYES = {"normal": np.eye(3), **MACHADO}
COUNTS = (6, 8, 10)
GREY = np.full((3, 3), (0.2126, 0.7152, 0.0722))  # luminance of linear sRGB (IEC 61966-2-1)

# The curves of the colormaps: control points of Bezier curves in CAM02-UCS (J', a', b').
RISING = ((18, 0, -17), (30, -2, -33), (46, -14, -27), (63, -31, 6), (80, -13, 38), (95, -4, 25))
CENTRE = (96.5, -1.9, -1.1)
BLUE_SIDE = ((28, -2, -24), (46, -8, -33), (75, -19, -22), CENTRE)
ORANGE_SIDE = ((28, 17, 14), (48, 38, 29), (76, 16, 25), CENTRE)


def palettes() -> dict[str, list[str]]:
    """Give the colours that are compared, ours first."""
    from seaborn import color_palette

    named = {
        "this cycle": COLORS.cycle,
        "petroff10": color_sequences["petroff10"],
        "Okabe-Ito": OKABE_ITO,
        "seaborn colorblind": color_palette("colorblind"),
        "tab10": color_sequences["tab10"],
    }
    return {name: [to_hex(color) for color in colors] for name, colors in named.items()}


def in_a_session(colors: Iterable[Any]) -> list[str]:
    """Give colours as a session draws them by default: on white, and not quite opaque."""
    opacity = signature(rc_params).parameters["alpha"].default
    return [to_hex(opacity * np.array(to_rgb(color)) + 1 - opacity) for color in colors]


def seen(colors: Iterable[Any], matrix: Array) -> Array:
    """Give colours as a reader sees them, as sRGB."""
    linear = colour.cctf_decoding(np.array([to_rgb(color) for color in colors]), "sRGB")
    return np.asarray(colour.cctf_encoding(np.clip(linear @ matrix.T, 0, 1), "sRGB"))


def smallest_distance(colors: Sequence[Any], matrix: Array) -> float:
    """Give the smallest CIEDE2000 distance between two of the colours, as a reader sees them."""
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    lab = colour.XYZ_to_Lab(colour.sRGB_to_XYZ(seen(colors, matrix)), white)
    return min(float(colour.delta_E(a, b, method="CIE 2000")) for a, b in combinations(lab, 2))


def worst_distance(colors: Sequence[Any]) -> float:
    """Give the smallest distance between two of the colours over all readers."""
    return min(smallest_distance(colors, matrix) for matrix in EYES.values())


def contrast_on_white(color: Any) -> float:
    """Give the contrast ratio of WCAG 2.2."""
    linear = colour.cctf_decoding(np.array(to_rgb(color)), "sRGB")
    return float(1.05 / (GREY[0] @ linear + 0.05))


def perceived_steps(colors: Sequence[Any], matrix: Array) -> tuple[Array, Array]:
    """Give lightness along a colormap, and the steps between neighbours, in CAM02-UCS."""
    ucs = np.asarray(colour.XYZ_to_CAM02UCS(colour.sRGB_to_XYZ(seen(colors, matrix))))
    return ucs[:, 0], np.linalg.norm(np.diff(ucs, axis=0), axis=1)


def even_curve(points: Sequence[Sequence[float]], count: int) -> list[str]:
    """Give colours at equal distances along a Bezier curve in CAM02-UCS."""
    t = np.linspace(0, 1, 2001)[:, None]
    degree = len(points) - 1
    terms = [comb(degree, i) * t**i * (1 - t) ** (degree - i) for i in range(degree + 1)]
    curve = sum(term * np.asarray(point) for term, point in zip(terms, points, strict=True))
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.linspace(0, length[-1], count)
    ucs = np.stack([np.interp(even, length, curve[:, axis]) for axis in range(3)], axis=1)
    srgb = np.asarray(colour.XYZ_to_sRGB(colour.CAM02UCS_to_XYZ(ucs)))
    return [to_hex(color) for color in srgb]  # which refuses what is out of gamut


def sequential() -> list[str]:
    """Compute the table of `COLORS.sequential`."""
    return even_curve(RISING, 33)


def diverging() -> list[str]:
    """Compute the table of `COLORS.diverging`."""
    return even_curve(BLUE_SIDE, 17) + even_curve(ORANGE_SIDE, 17)[-2::-1]


def print_distances() -> None:
    """Print the smallest distance of the first 6, 8 and 10 colours for each reader."""
    print("opaque:")
    _print_distances(palettes())
    print("as a session draws them:")
    _print_distances({name: in_a_session(colors) for name, colors in palettes().items()})


def _print_distances(palettes: dict[str, list[str]]) -> None:
    print(f"{'':<20}{'n':>3}" + "".join(f"{eye:>14}" for eye in (*EYES, "worst", "in grey")))
    for name, colors in palettes.items():
        for count in COUNTS:
            if len(colors) >= count:
                first = colors[:count]
                distances = [smallest_distance(first, matrix) for matrix in EYES.values()]
                shown = [*distances, min(distances), smallest_distance(first, GREY)]
                print(f"{name:<20}{count:>3}" + "".join(f"{value:14.2f}" for value in shown))
        print(f"{'':<20}contrast on white: {min(map(contrast_on_white, colors)):.2f} : 1 at least")


def draw(path: str) -> None:
    """Draw the cycle and the colormaps as all readers see them."""
    from scitex_session_plot import subplots_mm

    readers = {**EYES, "grey": GREY}
    margin = {"left": 32, "right": 2, "bottom": 2, "top": 8}
    with Style(agg=True, dpi_save=150, hide_top_right_spines=True) as style:
        figure, grid = subplots_mm(
            len(readers), 4, axes_mm=(34, 16), gap_mm=2, margin_mm=margin, squeeze=False
        )
        x = np.linspace(0, 1, 60)
        for (reader, matrix), row in zip(readers.items(), grid, strict=True):
            cycle = seen(COLORS.cycle, matrix)
            row[0].imshow(cycle[None], aspect="auto")
            for number, color in enumerate(cycle):
                row[1].plot(x, np.sin(4 * x + number / 2) - number / 2, color=color, linewidth=1.5)
            for panel, table in zip(row[2:], (SEQUENTIAL, DIVERGING), strict=True):
                panel.imshow(seen(table, matrix)[None], aspect="auto", interpolation="bilinear")
            row[0].set_ylabel(reader, rotation=0, horizontalalignment="right", va="center")
            for panel in row:
                panel.set(xticks=[], yticks=[])
                panel.spines[:].set_visible(False)
        titles = ("COLORS.cycle", "as lines", "COLORS.sequential", "COLORS.diverging")
        for panel, title in zip(grid[0], titles, strict=True):
            panel.set_title(title)
        figure.savefig(path)
        style.plt.close(figure)


if __name__ == "__main__":
    print_distances()
    for target in sys.argv[1:]:
        draw(target)
