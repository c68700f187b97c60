"""The widths of figures that journals ask for: a table, and one lookup.

From the guidelines for authors, as they stood in 2026. Those of Nature (89 and 183) and IEEE were
read on the publishers' own pages; the others stand here as the pages named are cited elsewhere.
Guidelines change: look before you submit.

Nature
    89 and 183 mm; 120 to 136 mm for one and a half columns, of which the table has the least.
    https://research-figure-guide.nature.com/figures/building-and-exporting-figure-panels
    https://www.nature.com/nature/for-authors/final-submission
Science
    Three columns to a page: 5.7, 12.1 and 18.4 cm.
    https://www.science.org/content/page/instructions-preparing-initial-manuscript
PNAS
    8.7, 11.4 and 17.8 cm. https://www.pnas.org/author-center/submitting-your-manuscript
IEEE
    3.5 and 7.16 inches. https://journals.ieeeauthorcenter.ieee.org (size requirements for graphics)
APS
    8.6, 14.0 and 17.8 cm. https://journals.aps.org/authors/style-basics
Elsevier
    90, 140 and 190 mm. https://www.elsevier.com/about/policies-and-standards/author
    (artwork and media instructions: artwork sizing)
"""

from __future__ import annotations

from ._errors import UnknownPresetError

WIDTHS_MM = {
    "nature single": 89.0,
    "nature one-and-a-half": 120.0,
    "nature double": 183.0,
    "science single": 57.0,
    "science double": 121.0,
    "science triple": 184.0,
    "pnas single": 87.0,
    "pnas one-and-a-half": 114.0,
    "pnas double": 178.0,
    "ieee single": 88.9,
    "ieee double": 182.0,
    "aps single": 86.0,
    "aps one-and-a-half": 140.0,
    "aps double": 178.0,
    "elsevier single": 90.0,
    "elsevier one-and-a-half": 140.0,
    "elsevier double": 190.0,
}
HEIGHT_PER_WIDTH = 100 / 160  # of the default figure, where only the width is given


def width_mm(preset: str) -> float:
    """Give the width in millimetres of a journal's column, such as ``"nature single"``.

    Capitals, and hyphens or underscores for spaces, do not matter; ``1.5`` may stand for
    ``one-and-a-half``.

    Raises
    ------
    UnknownPresetError
        There is no such journal, or it has no such column.
    """
    key = _key(preset)
    for name, width in WIDTHS_MM.items():
        if _key(name) == key:
            return width
    raise UnknownPresetError(preset, _near(key), tuple(WIDTHS_MM))


def _near(key: str) -> tuple[str, ...]:
    """Give the other columns of the journal, if there is one; else the names that look like it."""
    journal = key.partition(" ")[0]
    if columns := tuple(name for name in WIDTHS_MM if name.partition(" ")[0] == journal):
        return columns
    from difflib import get_close_matches

    names = {_key(name): name for name in WIDTHS_MM}
    return tuple(names[found] for found in get_close_matches(key, names, n=3))


def _key(preset: str) -> str:
    text = preset.lower().replace("1.5", "one and a half").replace("-", " ").replace("_", " ")
    return " ".join(text.split())
