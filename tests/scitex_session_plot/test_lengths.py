from __future__ import annotations

import re
from pathlib import Path

import pytest

from scitex_session_plot import Style, UnknownPresetError, figsize_mm, rc_params

MM_PER_INCH = 25.4
README = Path(__file__).parents[2] / "packages" / "scitex-session-plot" / "README.md"


@pytest.fixture(scope="module")
def widths() -> dict[str, float]:
    """Every column's width, by the names that the error for an unknown one lists."""
    with pytest.raises(UnknownPresetError) as caught:
        figsize_mm("no journal")
    return {name: figsize_mm(name)[0] * MM_PER_INCH for name in caught.value.known}


def test_every_column_is_wider_than_the_one_before_and_fits_a_page(
    widths: dict[str, float],
) -> None:
    journals: dict[str, list[float]] = {}
    for name, width in widths.items():
        journals.setdefault(name.split()[0], []).append(width)
    assert set(journals) == {"nature", "science", "pnas", "ieee", "aps", "elsevier"}
    for columns in journals.values():
        assert columns == sorted(set(columns))
        assert 50 < columns[0] < columns[-1] < 210  # A4


@pytest.mark.parametrize(
    "written", ["nature one-and-a-half", "Nature 1.5", "NATURE_1.5", " nature one and a half "]
)
def test_a_column_may_be_written_as_people_do(written: str) -> None:
    assert figsize_mm(written)[0] * MM_PER_INCH == pytest.approx(120)


def test_a_column_alone_has_the_proportions_of_the_default_figure() -> None:
    default, column = rc_params(), rc_params("elsevier double")
    sizes: list[tuple[float, float]] = [
        params["figure.figsize"]  # type: ignore[misc]
        for params in (default, column)
    ]
    assert sizes[1][0] == pytest.approx(190 / 25.4)
    assert sizes[1][0] / sizes[1][1] == pytest.approx(sizes[0][0] / sizes[0][1])


def test_a_column_may_be_the_width_of_a_pair() -> None:
    assert rc_params(("nature single", 60)) == rc_params((89, 60))


def test_a_style_takes_a_column_and_the_saved_file_measures_it() -> None:
    with Style(("pnas single", 50), agg=True) as style:
        style.plt.subplots()[0].savefig("figure.pdf")
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", Path("figure.pdf").read_bytes())
    assert box is not None
    assert [float(side) / 72 * 25.4 for side in box.groups()] == pytest.approx([87, 50], abs=0.01)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("natur singel", "'nature single'"),
        ("ieee 1.5", "'ieee single' or 'ieee double'?"),
        ("160x100", "named '160x100': the names are"),
    ],
)
def test_an_unknown_column_is_refused_with_near_and_known_names(asked: str, near: str) -> None:
    for refuse in (Style, rc_params, figsize_mm):
        with pytest.raises(UnknownPresetError, match=re.escape(near)) as caught:
            refuse(asked)
        assert all(name in str(caught.value) for name in caught.value.known)


def test_the_readme_shows_the_table(widths: dict[str, float]) -> None:
    shown = README.read_text(encoding="utf-8")
    for journal in {name.split()[0] for name in widths}:
        row = next(line for line in shown.splitlines() if line.startswith(f"| `{journal}` "))
        columns = {"single": 0, "one-and-a-half": 1, "double": 2, "triple": 3}
        cells = [cell.strip() for cell in row.strip("|").split("|")[1:]]
        for column, place in columns.items():
            width = widths.get(f"{journal} {column}")
            assert cells[place] == (f"{width:g}" if width else "")
