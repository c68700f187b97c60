from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.font_manager import font_scalings

from scitex_session_plot._colors import palette as tables
from scitex_session_plot._colors.palette import ALIASES, CYCLE, DIVERGING, PALETTE, SEQUENTIAL
from support import run_script

NAMES = [
    *("blue", "orange", "green", "red", "purple", "yellow", "light_blue", "pink", "brown"),
    *("navy", "gray", "black", "white"),
]


@pytest.fixture(scope="module")
def measuring() -> Any:
    """The script of the documentation that measures and draws the palette."""
    reason = "colour-science is not installed: the palette cannot be measured"
    path = Path(__file__).parents[2] / "docs" / "palette.py"
    spec = spec_from_file_location("docs_palette", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its import changes how numpy prints, and adds names to matplotlib's font sizes.
    scalings = dict(font_scalings)
    with np.printoptions():
        pytest.importorskip("colour", reason=reason, exc_type=ImportError)
        pytest.importorskip("seaborn", reason="seaborn is not installed: its palette is compared")
        spec.loader.exec_module(module)
    font_scalings.clear()
    font_scalings.update(scalings)
    return module


def test_the_table_has_the_promised_names_and_opaque_colours() -> None:
    assert list(PALETTE) == NAMES
    assert all(re.fullmatch("#[0-9a-f]{6}", text) for text in PALETTE.values())
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_aliases_and_cycle_name_colours_of_the_table() -> None:
    assert set(ALIASES.values()) <= set(PALETTE)
    assert not set(ALIASES) & set(PALETTE)
    assert set(CYCLE) <= set(PALETTE)
    assert len(set(CYCLE)) == len(CYCLE) == 10


def test_every_colour_of_the_cycle_has_a_contrast_of_two_on_white(measuring: Any) -> None:
    contrasts = {name: measuring.contrast_on_white(PALETTE[name]) for name in CYCLE}
    assert min(contrasts.values()) >= 2, contrasts


def test_the_cycle_can_be_told_apart_in_grey(measuring: Any) -> None:
    assert measuring.smallest_distance([PALETTE[name] for name in CYCLE], measuring.GREY) >= 4


@pytest.mark.parametrize("count", [6, 8])
def test_all_readers_tell_the_cycle_apart_a_fifth_better_than_the_best_other(
    measuring: Any, count: int
) -> None:
    worst = {
        name: measuring.worst_distance(colors[:count])
        for name, colors in measuring.palettes().items()
    }
    ours = worst.pop("this cycle")
    assert len(worst) == 4
    assert ours >= 1.2 * max(worst.values()), worst


@pytest.mark.parametrize("count", [6, 8])
def test_no_other_cycle_is_told_apart_better_as_a_session_draws_it(
    measuring: Any, count: int
) -> None:
    ours, *others = [
        measuring.worst_distance(measuring.in_a_session(colors)[:count])
        for colors in measuring.palettes().values()
    ]
    assert ours > max(others)


def test_the_whole_cycle_is_told_apart_better_than_any_other(measuring: Any) -> None:
    ours, *others = [
        measuring.worst_distance(colors)
        for colors in measuring.palettes().values()
        if len(colors) == 10
    ]
    assert ours > max(others)


def test_the_distances_in_the_documentation_are_those_measured(measuring: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text(encoding="utf-8")
    table = tables.__doc__ or ""

    def in_grey(colors: list[str]) -> float:
        return float(measuring.smallest_distance(colors, measuring.GREY))

    rows = [
        (name, colors, measuring.worst_distance) for name, colors in measuring.palettes().items()
    ]
    ours = rows[0][1]
    for name, colors, measure in (*rows, ("this cycle, in grey", ours, in_grey)):
        values = [
            f"{measure(shown[:count]):.2f}" if len(colors) >= count else ""
            for shown in (colors, measuring.in_a_session(colors))
            for count in measuring.COUNTS
        ]
        assert re.search(rf"^\| {name} \| {' *[|] *'.join(values)} *\|$", page, re.MULTILINE), name
        written = " +".join(filter(None, values))
        assert re.search(rf"^{name} +{written}$", table, re.MULTILINE), name
    opaque, drawn = (
        f"{min(map(measuring.contrast_on_white, colors)):.2f} : 1"
        for colors in (ours, measuring.in_a_session(ours))
    )
    for text in (page, table):
        assert f"at least {opaque} on white, and of {drawn} in a session" in text


def test_a_distance_is_that_of_the_published_pairs(measuring: Any) -> None:
    # Black and white are 100 apart; equal colours are not apart (Sharma, Wu and Dalal 2005).
    assert measuring.smallest_distance(["#000000", "#ffffff"], measuring.EYES["normal"]) == (
        pytest.approx(100, abs=0.01)
    )
    assert measuring.smallest_distance(["#0946ac"] * 2, measuring.EYES["normal"]) == 0


def test_only_black_is_near_black_and_no_colour_is_neon(measuring: Any) -> None:
    for name in set(PALETTE) - {"black", "white"}:
        lightness = measuring.perceived_steps([PALETTE[name]], measuring.EYES["normal"])[0]
        assert lightness > 20, name
        levels = [int(PALETTE[name][start : start + 2], 16) for start in (1, 3, 5)]
        assert not (max(levels) == 255 and min(levels) == 0), name


@pytest.mark.parametrize("table", ["SEQUENTIAL", "DIVERGING"])
def test_the_tables_of_the_colormaps_are_those_computed(measuring: Any, table: str) -> None:
    computed = getattr(measuring, table.lower())()
    assert [int(text[1:], 16) for text in computed] == [
        int(text[1:], 16) for text in getattr(tables, table)
    ]


@pytest.mark.parametrize(
    "half", [SEQUENTIAL, DIVERGING[:17], DIVERGING[16:][::-1]], ids=["rising", "blue", "orange"]
)
def test_colormaps_rise_evenly_and_for_every_reader(measuring: Any, half: tuple[str, ...]) -> None:
    lightness, steps = measuring.perceived_steps(half, measuring.EYES["normal"])
    assert np.std(steps) / np.mean(steps) < 0.06
    for matrix in (*measuring.EYES.values(), measuring.GREY):
        lightness, _ = measuring.perceived_steps(half, matrix)
        assert np.all(np.diff(lightness) > 0.5)


def test_both_ends_of_the_diverging_colormap_are_equally_dark_and_far_apart(measuring: Any) -> None:
    ends = DIVERGING[0], DIVERGING[-1]
    lightness, _ = measuring.perceived_steps(ends, measuring.EYES["normal"])
    assert abs(np.ptp(lightness)) < 1
    assert measuring.worst_distance(ends) > 20


@pytest.mark.slow
def test_the_script_prints_the_distances_and_draws_the_picture() -> None:
    pytest.importorskip("colour", reason="colour-science is not installed", exc_type=ImportError)
    done = run_script(Path(__file__).parents[2] / "docs" / "palette.py", "palette.png")
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert "this cycle            6" in done.stdout
    assert Path("palette.png").read_bytes().startswith(b"\x89PNG")
