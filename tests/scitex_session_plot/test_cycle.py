from __future__ import annotations

import pickle
import re
from itertools import combinations

import pytest

from scitex_session_plot import COLORS, CustomColors, StyleTypeError, StyleValueError


def test_the_cycle_is_a_tuple_of_colours() -> None:
    cycle = COLORS.cycle
    assert isinstance(cycle, tuple)
    assert cycle[0] == COLORS.blue
    assert pickle.loads(pickle.dumps(cycle)) == cycle


@pytest.mark.parametrize("asked", [(), ("linestyle",), ("marker",), ("marker", "linestyle")])
def test_lines_take_what_the_cycle_pairs(asked: tuple[str, ...]) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_prop_cycle(CustomColors(alpha=0.5).cycler(*asked))
    lines = [axes.plot([1, 2, 3])[0] for _ in range(10)]
    assert [line.get_color() for line in lines] == list(CustomColors(alpha=0.5).cycle)
    styles = [(line.get_linestyle(), line._dash_pattern) for line in lines]  # type: ignore[attr-defined]
    assert len(set(map(str, styles))) == (5 if "linestyle" in asked else 1)
    assert len({line.get_marker() for line in lines}) == (10 if "marker" in asked else 1)


def test_lines_of_one_style_have_colours_far_apart_in_grey() -> None:
    def luminance(color: str) -> float:
        red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    by_style: dict[str, list[float]] = {}
    for item in COLORS.cycler("linestyle"):
        by_style.setdefault(str(item["linestyle"]), []).append(luminance(str(item["color"])))
    for values in by_style.values():
        assert all(abs(one - other) > 10 for one, other in combinations(values, 2))


def test_all_figures_take_it_through_the_settings() -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"axes.prop_cycle": COLORS.cycler("marker")}):
        axes = Figure().subplots()
        assert [axes.plot([1])[0].get_marker() for _ in range(2)] == ["o", "s"]
        axes.bar([1, 2], [1, 2])  # takes the colours alone


@pytest.mark.parametrize(
    ("asked", "error", "shown"),
    [("ls", StyleValueError, "'ls'"), (True, StyleTypeError, "True")],
)
def test_what_colours_are_not_paired_with_is_refused(
    asked: str, error: type[Exception], shown: str
) -> None:
    message = f"what colours are paired with must be one of 'linestyle', 'marker', not {shown}"
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        COLORS.cycler(asked)


def test_a_notebook_shows_the_colours() -> None:
    assert COLORS.blue._repr_html_().count(f"background:{COLORS.blue};") == 1
    for shown in (COLORS._repr_html_(), COLORS.cycle._repr_html_()):
        assert all(f"background:{color};" in shown for color in COLORS.cycle)
    assert all(f">{name}<" in COLORS._repr_html_() for name in COLORS)
