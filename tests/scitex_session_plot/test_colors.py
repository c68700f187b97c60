from __future__ import annotations

import copy
import json
import logging
import pickle
import re
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_plot import (
    COLORS,
    Color,
    CustomColors,
    StyleTypeError,
    StyleValueError,
    UnknownColorError,
)
from support import run_script


def test_a_colour_is_an_attribute_and_an_item() -> None:
    assert {name: getattr(COLORS, name) for name in COLORS} == dict(COLORS)


@pytest.mark.parametrize(
    "name", ["light_blue", "light blue", "light-blue", " Light Blue ", "LightBlue"]
)
def test_a_name_may_be_written_as_people_do(name: str) -> None:
    assert COLORS[name] == COLORS.light_blue
    assert name in COLORS
    assert COLORS.lightblue == COLORS.light_blue


def test_grey_is_gray() -> None:
    assert COLORS.grey == COLORS["grey"] == COLORS.gray
    assert "grey" in COLORS
    assert list(COLORS).count("gray") + list(COLORS).count("grey") == 1


def test_the_colours_are_a_read_only_mapping() -> None:
    assert isinstance(COLORS, Mapping)
    assert len(COLORS) == len(list(COLORS)) == len(set(COLORS.values()))
    assert COLORS.get("teal", "none") == "none"
    assert dict.fromkeys(COLORS, "dot") == dict.fromkeys(COLORS.keys(), "dot")
    colors: Any = COLORS
    with pytest.raises(TypeError, match="does not support item assignment"):
        colors["teal"] = Color("#008080")
    with pytest.raises(AttributeError, match="'CustomColors' object has no attribute 'teal'"):
        colors.teal = Color("#008080")


def test_an_unknown_name_raises_what_both_ways_of_asking_expect() -> None:
    with pytest.raises(AttributeError, match=r"'light_blu' \(did you mean light_blue.*\): the nam"):
        _ = COLORS.light_blu
    with pytest.raises(KeyError, match="no colour is named 'teal': the names are blue, orange"):
        _ = COLORS["teal"]
    with pytest.raises(UnknownColorError, match="no colour is named '3'") as caught:
        _ = COLORS[3]  # type: ignore[index]
    assert set(COLORS) | {"grey"} == set(caught.value.known)
    assert not hasattr(COLORS, "teal")
    assert "teal" not in COLORS


def test_alpha_is_that_of_every_colour() -> None:
    colors = CustomColors(alpha=0.9)
    assert {color.alpha for color in colors.values()} == {230 / 255}
    assert {color.hex for color in colors.values()} == set(COLORS.values())
    assert colors.alpha == 0.9
    assert [color.alpha for color in CustomColors(alpha=0).cycle] == [0] * 10


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(StyleValueError, match="alpha must be a number from 0 to 1"):
        CustomColors(alpha=alpha)
    with pytest.raises(StyleValueError, match="alpha must be a number from 0 to 1"):
        COLORS.blue.with_alpha(alpha)


def test_the_cycle_consists_of_named_colours() -> None:
    assert set(COLORS.cycle) <= set(COLORS.values())
    assert len(set(COLORS.cycle)) == 10


def through_pickle(value: object) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_pickle])
def test_colours_survive_copying_and_pickling(duplicate: Callable[[object], Any]) -> None:
    colors = CustomColors(alpha=0.5)
    twin, color = duplicate(colors), duplicate(colors.blue)
    assert (twin, repr(twin)) == (colors, repr(colors))
    assert (color, type(color)) == (colors.blue, Color)


def test_completion_offers_the_names() -> None:
    assert {*COLORS, "grey", "cycle", "alpha"} <= set(dir(COLORS))


@given(levels=st.tuples(*[st.integers(0, 255)] * 4))
def test_a_colour_tells_what_it_was_made_of(levels: tuple[int, int, int, int]) -> None:
    color = Color("#" + bytes(levels).hex())
    assert color.rgba == tuple(level / 255 for level in levels)
    assert color.rgb == color.rgba[:3]
    assert color.hex == "#" + bytes(levels[:3]).hex()
    assert color.with_alpha(color.alpha).rgba == color.rgba
    assert color.with_alpha(1) == color.hex
    assert eval(repr(color)) == color
    assert Color(color) == color


@given(levels=st.tuples(*[st.integers(0, 255)] * 4), at=st.integers(-4, 3))
def test_a_colour_is_indexed_as_its_numbers(levels: tuple[int, int, int, int], at: int) -> None:
    color = Color("#" + bytes(levels).hex())
    assert color[at] == levels[at] / 255
    assert (color[:3], color[0:3], color[:-1], color[:4]) == (*[color.rgb] * 3, color.rgba)
    for outside in (4, -5, 7):
        with pytest.raises(IndexError):
            color[outside]


@given(start=st.integers(1, 9), stop=st.integers(0, 9) | st.none(), step=st.sampled_from([None, 2]))
def test_the_digits_of_a_colour_are_read_as_those_of_a_text(
    start: int, stop: int | None, step: int | None
) -> None:
    color: Any = Color("#0946ac80")
    assert color[start:stop:step] == str(color)[start:stop:step]
    assert (color[:], color[:7], color[0:None]) == (str(color), color.hex, str(color))
    assert (len(color), list(color)) == (9, list(str(color)))


def test_numpy_takes_a_colour_as_text_and_its_index_as_numbers() -> None:
    assert np.array([COLORS.blue, COLORS.red]).tolist() == [COLORS.blue.hex, COLORS.red.hex]
    assert np.allclose(0.5 * np.array(COLORS.blue[:3]), [0.5 * level for level in COLORS.blue.rgb])
    assert COLORS.blue[np.int64(2)] == COLORS.blue.rgb[2]


@pytest.mark.parametrize("text", ["", "red", "#12345", "#12345g", "123456#", "#1234567", "1234567"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(StyleValueError, match=f"#rrggbbaa, not {re.escape(repr(text))}$"):
        Color(text)
    with pytest.raises(StyleTypeError, match="#rrggbbaa"):
        Color((1, 0, 0))  # type: ignore[arg-type]


def test_a_colour_can_stand_in_a_record() -> None:
    assert json.loads(json.dumps({"color": COLORS.red})) == {"color": COLORS.red.hex}
    assert f"{COLORS.red}" == str(COLORS.red) == COLORS.red.hex


def test_matplotlib_takes_a_colour_wherever_it_takes_one(caplog: pytest.LogCaptureFixture) -> None:
    from matplotlib.colors import LinearSegmentedColormap, same_color, to_rgba
    from matplotlib.figure import Figure

    color = COLORS.green.with_alpha(0.5)
    assert to_rgba(color) == color.rgba
    assert to_rgba(color, alpha=1) == (*color.rgb, 1)
    axes: Any = Figure().subplots()
    x = [1, 2, 3, 4]  # as long as a tuple of red, green, blue and alpha
    with caplog.at_level(logging.WARNING):
        drawn = [
            axes.plot(x, x, color)[0].get_color(),
            axes.plot(x, x, color=color, markerfacecolor=color)[0].get_color(),
            axes.scatter(x, x, c=color).get_facecolor(),
            axes.scatter(x, x, c=[color] * 4).get_facecolor()[3],
            axes.scatter(x, x, color=color, edgecolors=color).get_facecolor(),
            axes.bar(x, x, color=color)[0].get_facecolor(),
            axes.bar(x, x, color=[color] * 4)[3].get_facecolor(),
            axes.fill_between(x, x, facecolor=color).get_facecolor(),
            axes.hist(x, color=color)[2][0].get_facecolor(),
            axes.text(1, 1, "text", color=color).get_color(),
            axes.axhline(2, color=color).get_color(),
            axes.hlines([1, 2], 0, 1, colors=color).get_color(),
            axes.contour([[0, 1], [1, 0]], levels=[0.5], colors=color).get_edgecolor(),
            axes.eventplot([x], colors=color)[0].get_color(),
            axes.vlines(x, 0, 1, colors=[color] * 4).get_color()[2],
            axes.errorbar(x, x, yerr=1, ecolor=color).lines[2][0].get_color(),
            axes.hist([x, x], color=[color, "red"])[2][0][0].get_facecolor(),
            axes.pie(x, colors=[color] * 4)[0][2].get_facecolor(),
            axes.legend(["text"], labelcolor=color).get_texts()[0].get_color(),
            LinearSegmentedColormap.from_list("map", [color, COLORS.white])(0),
        ]
    assert all(same_color(seen, color) for seen in drawn)
    assert not caplog.records


def test_matplotlib_converts_a_colour_that_it_has_not_seen() -> None:
    """It remembers conversions, so that one of the same text would hide that it reads ours."""
    from matplotlib.colors import to_hex, to_rgba, to_rgba_array

    for text in ("#123457", "#12345679"):
        assert to_rgba(Color(text)) == Color(text).rgba
    assert to_rgba_array([Color("#123458"), Color("#12345678")])[:, 3].tolist() == [1, 0x78 / 255]
    assert to_hex(Color("#12345778"), keep_alpha=True) == "#12345778"


def test_pandas_takes_a_colour_wherever_it_takes_one() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    from matplotlib.colors import same_color

    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [4, 3, 2, 1]})
    one, other = CustomColors(0.5).blue, COLORS.red
    for color in ([one, other], {"a": one, "b": other}):
        lines = frame.plot(color=color).lines
        assert [line.get_color() for line in lines] == [one, other]
    assert {line.get_color() for line in frame.plot(color=one).lines} == {one}
    assert same_color(frame.plot.bar(color=[one, other]).patches[0].get_facecolor(), one)
    for name in ("c", "color"):
        points: Any = frame.plot.scatter("a", "b", **{name: one}).collections[0]
        assert same_color(points.get_facecolor(), one)


def test_seaborn_takes_a_colour_and_a_palette() -> None:
    sns = pytest.importorskip("seaborn", reason="seaborn is not installed")
    from matplotlib.colors import same_color

    assert sns.color_palette([COLORS.blue, COLORS.red])[1] == COLORS.red.rgb
    assert same_color(sns.light_palette(COLORS.blue)[-1], COLORS.blue)
    axes = sns.scatterplot(x=[1, 2, 3, 4], y=[1, 2, 3, 4], color=COLORS.green)
    assert same_color(axes.collections[0].get_facecolor()[0], COLORS.green)
    palette = {"one": COLORS.red, "two": COLORS.blue}
    axes = sns.lineplot(x=[1, 2] * 2, y=[1, 2] * 2, hue=["one"] * 2 + ["two"] * 2, palette=palette)
    drawn = [line.get_color() for line in axes.lines[:2]]
    assert all(map(same_color, drawn, palette.values()))


def test_colours_as_the_properties_cycle_keep_their_alpha() -> None:
    from cycler import cycler
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_prop_cycle(cycler(color=CustomColors(alpha=0.4).cycle))
    assert [axes.plot([1])[0].get_color() for _ in range(10)] == list(CustomColors(alpha=0.4).cycle)


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
    with pytest.raises(error, match=f"'linestyle', 'marker', not {shown}$"):
        COLORS.cycler(asked)


def test_a_notebook_shows_the_colours() -> None:
    assert COLORS.blue._repr_html_().count(f"background:{COLORS.blue};") == 1
    for shown in (COLORS._repr_html_(), COLORS.cycle._repr_html_()):
        assert all(f"background:{color};" in shown for color in COLORS.cycle)
    assert all(f">{name}<" in COLORS._repr_html_() for name in COLORS)


MAPS = ["sequential", "diverging"]


@pytest.mark.parametrize("name", MAPS)
def test_a_colormap_is_matplotlibs_and_always_the_same(name: str) -> None:
    from matplotlib.colors import Colormap

    colormap: Any = getattr(COLORS, name)
    assert isinstance(colormap, Colormap)
    assert getattr(CustomColors(alpha=0.3), name) is colormap
    assert pickle.loads(pickle.dumps(colormap)) == colormap
    assert np.all(colormap(np.linspace(0, 1, 50))[:, 3] == 1)


@pytest.mark.parametrize("name", MAPS)
def test_images_contours_and_scatter_take_it(name: str) -> None:
    from matplotlib.figure import Figure

    axes: Any = Figure().subplots()
    colormap = getattr(COLORS, name)
    drawn = [
        axes.imshow([[0, 1], [2, 3]], cmap=colormap),
        axes.contourf([[0, 1], [2, 3]], cmap=colormap),
        axes.scatter([1, 2], [1, 2], c=[0, 1], cmap=colormap),
    ]
    assert all(item.get_cmap() == colormap for item in drawn)


def test_the_centre_of_the_diverging_one_is_neutral() -> None:
    centre: Any = COLORS.diverging(0.5)
    assert np.ptp(centre[:3]) < 0.01
    assert min(centre[:3]) > 0.9


def test_matplotlib_is_imported_for_a_colormap_and_not_before() -> None:
    done = run_script(
        """
        import sys
        from scitex_session_plot import COLORS
        print("matplotlib" in sys.modules, "cycler" in sys.modules)
        COLORS.sequential
        print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
        """
    )
    assert (done.stdout, done.stderr) == ("False False\nTrue False\n", "")
