"""Nothing is cut off or covered in a figure of a style, and what a user lays out stays."""

from __future__ import annotations

import copy
import importlib
import pickle
import struct
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scitex_session_plot import Style, rc_params, subplots_mm
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE, PIXELS_PER_MM = (89, 70), 5
dividers = importlib.import_module("mpl_toolkits.axes_grid1")  # without type hints
NAMES = ["Hippocampus, dorsal", "Prefrontal cortex", "Nucleus accumbens, core", "Ventral tegmentum"]
FIGURES: dict[str, Callable[[Any], Any]] = {}


def figure(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Put a way to draw a figure into the table of those that must not be cut off."""
    FIGURES[draw.__name__] = draw
    return draw


@figure
def second_axis(plt: Any) -> Any:
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    ax.set(xlabel="time (s)", ylabel="amplitude (mV)", title="Title")
    right = ax.twinx()
    right.plot([0, 1], [1000, 3000])
    right.set_ylabel("pressure (hPa)")
    top = ax.twiny()
    top.set(xlabel="time (min)", xlim=(0, 1e4))
    return fig


@figure
def third_axis_beside_the_second(plt: Any) -> Any:
    fig, ax = plt.subplots()
    for number in range(2):
        right = ax.twinx()
        right.plot([0, 1], [1e4, 3e4])
        right.set_ylabel(f"axis {number}")
        right.spines.right.set_position(("axes", 1 + 0.25 * number))
    return fig


@figure
def secondary_axis(plt: Any) -> Any:
    fig, ax = plt.subplots()
    ax.plot([0, 360], [1000, 3000])
    ax.secondary_yaxis("right", functions=(lambda y: 10 * y, lambda y: y / 10)).set_ylabel("dPa")
    ax.secondary_xaxis("top", functions=(np.deg2rad, np.rad2deg)).set_xlabel("angle (rad)")
    return fig


@figure
def pandas_secondary_axis(plt: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": [1000, 2000, 3000]})
    return frame.plot(secondary_y="b", mark_right=False, ylabel="a").figure


@figure
def pandas_bars_of_long_names(plt: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    return pandas.Series(range(4), index=NAMES).plot.bar(ylabel="cells").figure


@figure
def pandas_subplots(plt: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    times = pandas.date_range("2026-01-01", periods=90)
    frame = pandas.DataFrame({name: np.arange(90.0) * 1000 for name in "abc"}, index=times)
    return frame.plot(subplots=True, title="Three")[0].figure


@figure
def seaborn_strips(plt: Any) -> Any:
    seaborn = pytest.importorskip("seaborn", reason="seaborn is not installed")
    return seaborn.stripplot(x=np.arange(40.0), y=NAMES * 10).figure


@figure
def seaborn_heat_map(plt: Any) -> Any:
    seaborn = pytest.importorskip("seaborn", reason="seaborn is not installed")
    table = np.arange(16.0).reshape(4, 4) * 1000
    return seaborn.heatmap(table, xticklabels=NAMES, yticklabels=NAMES).figure


@figure
def figure_title_above_titles(plt: Any) -> Any:
    fig, axes = plt.subplots(2, 2)
    for number, ax in enumerate(axes.flat):
        ax.plot([0, 1], [-0.25, 0.25])
        ax.set(title=f"Panel {number}", xlabel="time (s)", ylabel="amplitude")
    fig.suptitle("A title of the figure")
    fig.supxlabel("below all")
    fig.supylabel("beside all")
    return fig


@figure
def long_names(plt: Any) -> Any:
    fig, ax = plt.subplots()
    ax.barh(NAMES, [1, 2, 3, 4])
    ax.set_xlabel("firing rate (Hz)")
    return fig


@figure
def rotated_labels(plt: Any) -> Any:
    fig, ax = plt.subplots()
    ax.bar(NAMES, [1, 2, 3, 4])
    ax.tick_params(axis="x", labelrotation=60)
    return fig


@figure
def rotated_dates(plt: Any) -> Any:
    fig, axes = plt.subplots(2, 1, sharex=True)
    days = np.datetime64("2026-01-01T00:00") + np.arange(40) * np.timedelta64(7, "h")
    for ax in axes:
        ax.plot(days, np.arange(40))
        ax.xaxis.set_major_formatter("{x:.6f}")
    fig.autofmt_xdate(rotation=70)
    return fig


@figure
def four_colour_bars(plt: Any) -> Any:
    fig, axes = plt.subplots(2, 2)
    for number, ax in enumerate(axes.flat):
        image = ax.imshow(np.arange(12.0).reshape(3, 4) * 10.0 ** (number - 2))
        fig.colorbar(image, ax=ax, label="potential (mV)")
        ax.set(xlabel="x (mm)", ylabel="y (mm)")
    return fig


@figure
def one_colour_bar_for_all(plt: Any) -> Any:
    fig, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        image = ax.pcolormesh(np.arange(12.0).reshape(3, 4) * 1000)
    fig.colorbar(image, ax=axes, label="counts")
    return fig


@figure
def legend_outside(plt: Any) -> Any:
    fig, ax = plt.subplots()
    for name in NAMES:
        ax.plot([0, 1], label=name)
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return fig


@figure
def mixed_grids(plt: Any) -> Any:
    fig = plt.figure()
    for place in (221, 222, 212):
        ax = fig.add_subplot(place)
        ax.plot([0, 1], [1e4, 3e4])
        ax.set(title="Title", xlabel="time (s)", ylabel="amplitude")
    return fig


@figure
def grid_without_a_figure(plt: Any) -> Any:
    from matplotlib.gridspec import GridSpec

    fig, grid = plt.figure(), GridSpec(2, 2)
    for place in (grid[0, :], grid[1, 0], grid[1, 1]):
        fig.add_subplot(place).set(title="Title", xlabel="time (s)", ylabel="amplitude")
    return fig


@figure
def nested_grids(plt: Any) -> Any:
    fig = plt.figure()
    for outer in fig.add_gridspec(1, 2):
        for inner in outer.subgridspec(2, 1):
            fig.add_subplot(inner).set(title="Title", xlabel="time (s)", ylabel="amplitude")
    return fig


@figure
def figures_in_a_figure(plt: Any) -> Any:
    fig = plt.figure()
    for part in fig.subfigures(1, 2):
        part.suptitle("Part")
        for ax in part.subplots(2, 1):
            ax.set(title="Title", xlabel="time (s)", ylabel="amplitude", ylim=(0, 3e4))
    return fig


@figure
def inset(plt: Any) -> Any:
    fig, ax = plt.subplots()
    ax.set(xlabel="time (s)", ylabel="amplitude")
    ax.inset_axes([0.6, 0.6, 0.35, 0.35]).plot([0, 1e4])
    return fig


@figure
def polar(plt: Any) -> Any:
    fig, ax = plt.subplots(subplot_kw={"projection": "polar"})
    ax.plot([0, 1, 2], [1, 2, 3])
    ax.set_title("Title")
    return fig


@figure
def three_dimensions(plt: Any) -> Any:
    fig, ax = plt.subplots(subplot_kw={"projection": "3d"})
    ax.plot([0, 1], [0, 1], [0, 1e4])
    ax.set(xlabel="x", ylabel="y", zlabel="z")
    return fig


@figure
def colour_bars_of_dividers(plt: Any) -> Any:
    fig, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        image = ax.imshow(np.arange(12.0).reshape(3, 4) * 1000)
        beside = dividers.make_axes_locatable(ax).append_axes("right", size="5%", pad=0.05)
        fig.colorbar(image, cax=beside, label="counts")
        ax.set(xlabel="x (mm)", ylabel="y (mm)", title="Title")
    return fig


@figure
def histograms_of_a_divider(plt: Any) -> Any:
    fig, ax = plt.subplots()
    divider = dividers.make_axes_locatable(ax)
    ax.set(xlabel="time (s)", ylabel="amplitude", ylim=(0, 3e4))
    divider.append_axes("top", 0.4, pad=0.1, sharex=ax).set(title="Title", ylabel="trials")
    divider.append_axes("right", 0.4, pad=0.1, sharey=ax).set(xlabel="trials")
    return fig


@figure
def colour_bar_beside_the_panel(plt: Any) -> Any:
    locator = importlib.import_module("mpl_toolkits.axes_grid1.inset_locator")
    fig, ax = plt.subplots()
    image = ax.pcolormesh(np.arange(12.0).reshape(3, 4) * 1000)
    bounds = {"bbox_to_anchor": (1.05, 0, 1, 1), "bbox_transform": ax.transAxes, "borderpad": 0}
    bar = locator.inset_axes(ax, width="5%", height="100%", loc="lower left", **bounds)
    fig.colorbar(image, cax=bar, label="counts")
    return fig


def overhang_mm(fig: Any) -> float:
    """How far what was saved reaches beyond the figure, in millimetres, but for one pixel.

    Measured as it was saved: hinted text is wider at some resolutions than at others.
    """
    shown, fig.dpi = fig.dpi, PIXELS_PER_MM * 25.4
    drawn, (width, height) = fig.get_tightbbox(), fig.get_size_inches()
    fig.dpi = shown
    beyond = max(-drawn.x0, -drawn.y0, drawn.x1 - width, drawn.y1 - height)
    return 25.4 * float(beyond) - 1 / PIXELS_PER_MM


def panels(fig: Any) -> list[Any]:
    """What each place in the figure covers: axes with their twins and colour bars."""
    from matplotlib.transforms import Bbox

    boxes: dict[Any, list[Any]] = {}
    for ax in fig.axes:
        locator = ax.get_axes_locator() or ax
        spec = getattr(locator, "get_subplotspec", ax.get_subplotspec)()
        boxes.setdefault(spec, []).append(ax.get_tightbbox())
    return [Bbox.union(together) for together in boxes.values()]


def covered(a: Any, b: Any) -> bool:
    """Whether two boxes share more than a pixel."""
    across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return bool(across > 1 and down > 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_or_covered_and_the_size_is_exact(name: str) -> None:
    with Style(SIZE, dpi_save=25.4 * PIXELS_PER_MM, agg=True) as style:
        fig = FIGURES[name](style.plt)
        fig.savefig("figure.png")
        assert overhang_mm(fig) <= 0
        for a, b in combinations(panels(fig), 2):
            assert not covered(a, b)
        if fig._suptitle is not None:
            title = fig._suptitle.get_window_extent()
            assert not any(covered(title, box) for box in panels(fig))
    pixels = struct.unpack(">II", Path("figure.png").read_bytes()[16:24])
    assert pixels == tuple(PIXELS_PER_MM * side for side in SIZE)


def positions(fig: Any) -> Any:
    return np.array([ax.get_position().bounds for ax in fig.axes])


def drawn_positions(fig: Any) -> Any:
    fig.canvas.draw()
    return positions(fig)


@pytest.mark.parametrize("name", ["four_colour_bars", "colour_bars_of_dividers", "mixed_grids"])
def test_a_figure_drawn_again_is_as_it_was(name: str) -> None:
    with Style(SIZE, agg=True) as style:
        fig = FIGURES[name](style.plt)
        first, second, third = (drawn_positions(fig) for _ in range(3))
    assert second == pytest.approx(first, abs=0.01)
    assert third == pytest.approx(second, abs=1e-9)


def test_panels_that_touch_go_on_touching_within_the_figure() -> None:
    with Style(SIZE, agg=True) as style:
        fig, axes = style.plt.subplots(3, 1, sharex=True, gridspec_kw={"hspace": 0})
        for ax in axes:
            ax.set(xlabel="time (s)", ylabel="mV", ylim=(-3e4, 3e4))
            ax.label_outer()
        fig.suptitle("Title")
        bottoms, heights = drawn_positions(fig)[:, [1, 3]].T
        assert bottoms[:-1] == pytest.approx(bottoms[1:] + heights[1:])
        assert overhang_mm(fig) <= 0
        assert not covered(fig._suptitle.get_window_extent(), axes[0].get_tightbbox())


BY_HAND: dict[str, Callable[[Any], Any]] = {}


def by_hand(draw: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Put a way to lay out a figure by hand into the table of those that must stay as they are."""
    BY_HAND[draw.__name__] = draw
    return draw


def labelled(plt: Any, **keywords: Any) -> Any:
    fig, axes = plt.subplots(2, 2, squeeze=False, **keywords)
    for ax in axes.flat:
        ax.set(title="Title", xlabel="time (s)", ylabel="amplitude", ylim=(0, 3e4))
    return fig


@by_hand
def margins(plt: Any) -> Any:
    fig = labelled(plt)
    fig.subplots_adjust(left=0.3, hspace=0.7)
    return fig


@by_hand
def margins_that_are_the_default(plt: Any) -> Any:
    fig = labelled(plt)
    fig.subplots_adjust(left=0.125)
    return fig


@by_hand
def margins_in_the_settings(plt: Any) -> Any:
    plt.rcParams["figure.subplot.left"] = 0.3
    return labelled(plt)


@by_hand
def sides_of_a_grid(plt: Any) -> Any:
    return labelled(plt, gridspec_kw={"left": 0.3, "top": 0.8})


@by_hand
def axes_beside_a_grid(plt: Any) -> Any:
    fig = labelled(plt)
    fig.subplots_adjust(right=0.8)
    fig.add_axes((0.85, 0.1, 0.05, 0.8))
    return fig


@by_hand
def a_colour_bar_beside_a_grid(plt: Any) -> Any:
    fig, ax = plt.subplots()
    image = ax.pcolormesh([[0, 1e4]])
    fig.colorbar(image, cax=fig.add_axes((0.92, 0.1, 0.02, 0.8)))
    return fig


@by_hand
def only_axes(plt: Any) -> Any:
    fig = plt.figure()
    fig.add_axes((0, 0, 1, 1)).set_ylabel("beyond")
    return fig


@by_hand
def an_axes_that_was_moved(plt: Any) -> Any:
    fig = labelled(plt)
    box = fig.axes[0].get_position()
    fig.axes[0].set_position([box.x0, box.y0, box.width * 0.5, box.height])
    return fig


@by_hand
def tight_layout_once(plt: Any) -> Any:
    fig = labelled(plt)
    fig.tight_layout(pad=3)
    fig.axes[0].set_ylabel("as it was\nwhen the\nlabel was short")
    return fig


@by_hand
def tight_layout_after_a_drawing(plt: Any) -> Any:
    fig = labelled(plt)
    fig.canvas.draw()
    fig.tight_layout(pad=3)
    return fig


@pytest.mark.parametrize("layout", ["constrained", "compressed", "tight", "none"])
def test_a_layout_that_is_asked_for_is_as_without_a_style(layout: str) -> None:
    assert_as_without_a_style(lambda plt: labelled(plt, layout=layout))


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("name", ["constrained_layout", "tight_layout"])
def test_a_layout_that_is_asked_for_as_a_switch_is_as_without_a_style(
    name: str, wanted: bool
) -> None:
    assert_as_without_a_style(lambda plt: labelled(plt, **{name: wanted}))


@pytest.mark.parametrize("name", BY_HAND)
def test_what_is_laid_out_by_hand_stays(name: str) -> None:
    assert_as_without_a_style(BY_HAND[name])


def assert_as_without_a_style(draw: Callable[[Any], Any]) -> None:
    from matplotlib import rc_context

    with Style(SIZE, agg=True):
        styled = saved_positions(draw)
    settings: Any = rc_params(SIZE)
    with rc_context(settings):
        plain = saved_positions(draw)
    assert styled == pytest.approx(plain, abs=1e-9)


def saved_positions(draw: Callable[[Any], Any]) -> Any:
    from matplotlib import pyplot as plt

    fig = draw(plt)
    # To save a figure, matplotlib takes the layout away, and then restores what it found.
    fig.savefig(BytesIO(), dpi=30)
    return drawn_positions(fig)


# Constrained layout fails here without a style, too.
@pytest.mark.parametrize("layout", ["tight", "none"])
def test_the_layout_can_be_changed_after_a_colour_bar_was_made(layout: str) -> None:
    def draw(plt: Any) -> Any:
        fig, ax = plt.subplots()
        fig.colorbar(ax.imshow([[0, 1e4]]))
        fig.set_layout_engine(layout)
        return fig

    assert_as_without_a_style(draw)


def test_an_unknown_layout_is_refused_and_changes_nothing() -> None:
    with Style(SIZE, agg=True) as style:
        fig = FIGURES["second_axis"](style.plt)
        with pytest.raises(ValueError, match="Invalid value for 'layout': 'tihgt'"):
            fig.set_layout_engine("tihgt")
        fig.canvas.draw()
        assert overhang_mm(fig) <= 0


def test_a_warning_shown_once_is_not_shown_again_after_a_drawing() -> None:
    done = run_script(
        """
        import warnings
        from scitex_session_plot import Style
        with Style(agg=True) as style:
            fig, ax = style.plt.subplots()
            for _ in range(3):
                warnings.warn("once")
                fig.canvas.draw()
        """
    )
    assert done.stderr.count("UserWarning: once") == 1


def test_a_missing_sign_is_reported_at_the_line_that_draws() -> None:
    with Style(agg=True) as style:
        fig, ax = style.plt.subplots()
        ax.set_title("\U000f0000")
        with pytest.warns(UserWarning, match="missing from") as caught:
            fig.savefig(BytesIO())
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}


def test_dates_are_turned_in_margins_of_the_users() -> None:
    def draw(plt: Any) -> Any:
        fig = labelled(plt)
        fig.subplots_adjust(left=0.3)
        fig.autofmt_xdate(bottom=0.35)
        return fig

    assert_as_without_a_style(draw)


def test_axes_of_exact_millimetres_stay_so() -> None:
    with Style(SIZE, agg=True):
        fig, ax = subplots_mm(axes_mm=(40, 30), margin_mm=1)
        ax.set(xlabel="cut off, since this is asked for", ylim=(0, 3e4))
        fig.canvas.draw()
        box = ax.get_window_extent()
        size = 25.4 * np.array([box.width, box.height]) / fig.dpi
    assert size == pytest.approx([40, 30])


def test_a_figure_too_small_for_its_labels_is_drawn_as_matplotlib_draws_it() -> None:
    def draw(plt: Any) -> Any:
        fig, ax = plt.subplots(figsize=(0.4, 0.4))
        ax.set(xlabel="a label larger than the figure\n" * 5, ylabel="and another\n" * 5)
        return fig

    assert_as_without_a_style(draw)


def frames(fig: Any, ax: Any) -> Callable[[int], Any]:
    lines = ax.plot([0, 1])

    def frame(number: int) -> Any:
        ax.set_ylim(0, 10.0 ** (2 + number))
        fig.canvas.draw()
        seen.append(positions(fig))
        return lines

    seen: list[Any] = []
    vars(frame)["seen"] = seen
    return frame


def test_an_animation_keeps_the_layout_of_its_first_frame() -> None:
    from matplotlib.animation import FuncAnimation

    with Style(SIZE, agg=True) as style:
        fig, ax = style.plt.subplots()
        frame = frames(fig, ax)
        animation = FuncAnimation(fig, frame, frames=3)
        animation.save("animation.gif", writer="pillow", dpi=30)
        seen = vars(frame)["seen"]
        assert len(seen) >= 3
        for later in seen[1:]:
            assert later == pytest.approx(seen[0])
        fig.set_size_inches(6, 3)
        fig.canvas.draw()
        assert positions(fig) != pytest.approx(seen[0])


def test_frames_that_are_grabbed_keep_the_layout_of_the_first() -> None:
    from matplotlib.animation import PillowWriter

    with Style(SIZE, agg=True) as style:
        fig, ax = style.plt.subplots()
        frame = frames(fig, ax)
        writer = PillowWriter()
        with writer.saving(fig, "animation.gif", 30):
            for number in range(3):
                frame(number)
                writer.grab_frame()
        seen = vars(frame)["seen"]
        assert seen[1] == pytest.approx(seen[0])
        assert seen[2] == pytest.approx(seen[0])


def test_without_an_animation_a_label_that_grows_is_made_room_for() -> None:
    with Style(SIZE, agg=True) as style:
        fig, ax = style.plt.subplots()
        frame = frames(fig, ax)
        frame(0)
        frame(2)
        first, last = vars(frame)["seen"]
        assert last[0][0] > first[0][0] + 0.01
        assert overhang_mm(fig) <= 0


@pytest.mark.parametrize(
    ("side", "opposite", "move"),
    [
        ("right", "left", lambda ax: ax.twinx()),
        ("top", "bottom", lambda ax: ax.twiny()),
        ("right", "left", lambda ax: ax.yaxis.tick_right() or ax),
        ("top", "bottom", lambda ax: ax.xaxis.set_ticks_position("top") or ax),
        ("right", "left", lambda ax: ax.secondary_yaxis("right")),
    ],
)
def test_an_axis_on_the_other_side_has_its_line(
    side: str, opposite: str, move: Callable[[Any], Any]
) -> None:
    with Style(agg=True) as style:
        moved = move(style.plt.subplots()[1])
        assert moved.spines[side].get_visible()
        moved.spines[side].set_visible(False)
        moved.figure.canvas.draw()
        assert not moved.spines[side].get_visible()
        bare = style.plt.subplots()[1]
        bare.spines[:].set_visible(False)
        bare.yaxis.tick_right()
        bare.xaxis.tick_top()
        assert not any(spine.get_visible() for spine in bare.spines.values())


def test_a_pickled_figure_looks_the_same_where_we_are_not() -> None:
    for draw in (FIGURES["second_axis"], FIGURES["four_colour_bars"], BY_HAND["margins"]):
        with Style(SIZE, agg=True) as style:
            fig = draw(style.plt)
            expected = drawn_positions(fig)
            pickled = pickle.dumps(fig)
            assert drawn_positions(pickle.loads(pickled)) == pytest.approx(expected, abs=0.01)
            assert drawn_positions(copy.deepcopy(fig)) == pytest.approx(expected, abs=0.01)
        assert b"scitex_session" not in pickled


def test_a_copy_is_laid_out_by_itself() -> None:
    with Style(SIZE, agg=True) as style:
        fig = style.plt.subplots()[0]
        copied = copy.deepcopy(fig)
        copied.axes[0].set_ylim(0, 1e4)
        copied.axes[0].set_ylabel("a label")
        assert drawn_positions(copied)[0][0] > drawn_positions(fig)[0][0]


@pytest.mark.parametrize("first", [0, 1])
def test_styles_that_end_in_any_order_leave_no_method_replaced(first: int) -> None:
    from matplotlib.animation import AbstractMovieWriter, Animation
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

    def methods() -> list[Any]:
        return [
            *(Figure.set_layout_engine, Figure.autofmt_xdate, Animation.__init__),
            *(AbstractMovieWriter.saving, XAxis.set_ticks_position, YAxis.set_ticks_position),
        ]

    found = methods()
    styles = [Style(), Style()]
    for style in styles:
        style.apply()
    styles.pop(first).restore()
    assert not set(found) & set(methods())
    assert Figure().get_layout_engine() is not None
    styles.pop().restore()
    assert methods() == found
    assert Figure().get_layout_engine() is None


def test_figures_made_before_and_after_a_style_have_no_layout() -> None:
    from matplotlib.figure import Figure

    before = Figure()
    before.add_subplot().set_ylabel("amplitude")
    found = drawn_positions(before)
    with Style(SIZE, agg=True):
        before.savefig(BytesIO())
        assert drawn_positions(before) == pytest.approx(found)
    assert before.get_layout_engine() is None
