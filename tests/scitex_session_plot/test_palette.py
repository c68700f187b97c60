from __future__ import annotations

import math
import re
from itertools import combinations

from scitex_session_plot._palette import ALIASES, CYCLE, PALETTE

NAMES = [
    *("blue", "orange", "green", "red", "purple", "yellow", "light_blue", "pink", "brown"),
    *("navy", "gray", "black", "white"),
]


def luminance(text: str) -> float:
    """Relative luminance of sRGB, as WCAG and IEC 61966-2-1 define it."""
    levels = [int(text[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear: list[float] = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in levels
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def lightness(text: str) -> float:
    """CIE L*, from 0 to 100; none of the palette's is so dark that the linear part counts."""
    return 116 * math.cbrt(luminance(text)) - 16


def grey_distance(first: str, second: str) -> float:
    """CIEDE2000 of two colours printed in grey, where only lightness counts."""
    one, other = lightness(first), lightness(second)
    mean = ((one + other) / 2 - 50) ** 2
    return abs(one - other) / (1 + 0.015 * mean / math.sqrt(20 + mean))


def test_the_table_has_the_promised_names_and_opaque_colours() -> None:
    assert list(PALETTE) == NAMES
    assert all(re.fullmatch("#[0-9a-f]{6}", text) for text in PALETTE.values())
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_aliases_and_cycle_name_colours_of_the_table() -> None:
    assert set(ALIASES.values()) <= set(PALETTE)
    assert not set(ALIASES) & set(PALETTE)
    assert set(CYCLE) <= set(PALETTE)
    assert len(set(CYCLE)) == len(CYCLE) == 10


def test_every_colour_of_the_cycle_has_a_contrast_of_two_on_white() -> None:
    contrasts = {name: 1.05 / (luminance(PALETTE[name]) + 0.05) for name in CYCLE}
    assert min(contrasts.values()) >= 2, contrasts


def test_the_cycle_can_be_told_apart_in_grey() -> None:
    distances = {
        pair: grey_distance(PALETTE[pair[0]], PALETTE[pair[1]]) for pair in combinations(CYCLE, 2)
    }
    assert min(distances.values()) >= 4, distances
