from __future__ import annotations

import re
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_plot import (
    Style,
    StyleTypeError,
    StyleValueError,
    figsize_mm,
    subplots_mm,
)

NUMBER = r"(-?[\d.]+)"
PATCH = re.compile(
    rf'<g id="patch_\d+">\s*<path d="M {NUMBER} {NUMBER} \s*L {NUMBER} {NUMBER} \s*'
    rf'L {NUMBER} {NUMBER} \s*L {NUMBER} {NUMBER} \s*z\s*" style="fill: #ff0000'
)


def size_in_svg(path: str) -> tuple[float, float]:
    head = Path(path).read_text(encoding="utf-8")
    width, height = (
        float(found[1]) / 72 * 25.4
        for side in ("width", "height")
        if (found := re.search(rf' {side}="([\d.]+)pt"', head))
    )
    return width, height


def axes_in_svg(path: str) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height in millimetres of the axes with a red ground in a saved SVG."""
    text = Path(path).read_text(encoding="utf-8")
    found = []
    for match in PATCH.finditer(text):
        numbers = [float(number) / 72 * 25.4 for number in match.groups()]
        xs, ys = numbers[::2], numbers[1::2]
        found.append((min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))
    return found


def draw(figure: Any, axes: Any, suffix: str = "svg") -> str:
    for panel in np.ravel(axes):
        panel.plot([0, 1000], [-0.25, 0.25])
        panel.set_facecolor("#ff0000")
        panel.set(xlabel="time (s)", ylabel="amplitude ($\\mu$V)", title="Title")
    figure.savefig(f"figure.{suffix}")
    return f"figure.{suffix}"


def test_inches_for_matplotlib() -> None:
    assert figsize_mm(50.8, 25.4) == (2, 1)
    assert figsize_mm("nature single", 25.4) == (89 / 25.4, 1)
    assert figsize_mm("nature single") == (89 / 25.4, 89 / 25.4 * 100 / 160)


@pytest.mark.parametrize(
    ("arguments", "error", "refused"),
    [
        ((89,), StyleTypeError, ("height", "None")),
        ((89, 0), StyleValueError, ("height", "0")),
        ((-1, 50), StyleValueError, ("width", "-1")),
        ((89, "50"), StyleTypeError, ("height", "'50'")),
    ],
)
def test_what_is_no_size_is_refused(
    arguments: tuple[Any, ...], error: Any, refused: tuple[str, str]
) -> None:
    with pytest.raises(error) as caught:
        figsize_mm(*arguments)
    assert (caught.value.argument, caught.value.shown) == refused


@settings(max_examples=15)
@given(
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    width=st.floats(10, 60),
    height=st.floats(10, 60),
    shared=st.booleans(),
    autolayout=st.booleans(),
)
def test_saved_axes_measure_what_was_asked_and_line_up(
    rows: int, columns: int, width: float, height: float, shared: bool, autolayout: bool
) -> None:
    with Style(autolayout=autolayout, agg=True):
        figure, axes = subplots_mm(
            rows, columns, axes_mm=(width, height), sharex=shared, sharey=shared
        )
        boxes = axes_in_svg(draw(figure, axes))
    assert len(boxes) == rows * columns
    for _, _, *size in boxes:
        assert size == pytest.approx([width, height], abs=0.01)
    grid = np.reshape([box[:2] for box in boxes], (rows, columns, 2))
    assert np.ptp(grid[:, :, 0], axis=0) == pytest.approx(0, abs=0.01)
    assert np.ptp(grid[:, :, 1], axis=1) == pytest.approx(0, abs=0.01)


def test_gaps_and_margins_are_as_given_and_the_figure_is_their_sum() -> None:
    margin = {"left": 12, "right": 3, "bottom": 9, "top": 6}
    with Style(agg=True):
        figure, axes = subplots_mm(2, 3, axes_mm=(30, 20), gap_mm=(11, 13), margin_mm=margin)
        path = draw(figure, axes)
    assert size_in_svg(path) == pytest.approx((12 + 3 * 30 + 2 * 11 + 3, 9 + 2 * 20 + 13 + 6))
    assert [box[:2] for box in axes_in_svg(path)] == [
        pytest.approx((12 + column * 41, 6 + row * 33), abs=0.01)
        for row in range(2)
        for column in range(3)
    ]


def test_panels_share_what_a_figure_of_a_given_size_leaves() -> None:
    with Style(agg=True):
        figure, axes = subplots_mm(1, 3, fig_size_mm=("nature double", 60))
        path = draw(figure, axes)
    assert size_in_svg(path) == pytest.approx((183, 60), abs=0.01)
    boxes = axes_in_svg(path)
    assert len({round(box[2], 2) for box in boxes}) == 1
    gaps = [right[0] - left[0] - left[2] for left, right in pairwise(boxes)]
    assert gaps[0] == pytest.approx(gaps[1], abs=0.01)


def test_a_saved_png_has_the_axes_within_a_pixel() -> None:
    from matplotlib.image import imread

    with Style(dpi_save=254, agg=True):
        figure, axes = subplots_mm(axes_mm=(40, 25), margin_mm=10)
        axes.set_facecolor("#ff0000")
        axes.set_axis_on()
        figure.savefig("figure.png")
    assert struct.unpack(">II", Path("figure.png").read_bytes()[16:24]) == (600, 450)
    red = np.all(imread("figure.png")[:, :, :3] == (1, 0, 0), axis=2)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    # The frame covers half its width of the ground on the left and below.
    assert np.ptp(columns) + 1 == pytest.approx(400, abs=6)
    assert np.ptp(rows) + 1 == pytest.approx(250, abs=6)
    assert columns[-1] + 1 == pytest.approx(500, abs=1)
    assert rows[0] == pytest.approx(100, abs=1)


@pytest.mark.parametrize("styled", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_the_labels_of_neighbours_do_not_run_into_each_other(styled: bool, shared: bool) -> None:
    from matplotlib import rc_context, rcParamsDefault

    style: Any = Style(agg=True) if styled else rc_context(rcParamsDefault)
    with Style(agg=True), style:
        figure, grid = subplots_mm(2, 2, axes_mm=(35, 25), sharex=shared, sharey=shared)
        for panel in grid.flat:
            panel.plot([0, 1000], [-0.25, 0.25])
            panel.set(xlabel="time (s)", ylabel="amplitude", title="Title")
            panel.label_outer() if shared else None
        figure.canvas.draw()
        boxes = [panel.get_tightbbox() for panel in grid.flat]
        drawn = figure.get_tightbbox()
        width, height = figure.get_size_inches()
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height


def test_axes_come_as_from_subplots() -> None:
    with Style(agg=True) as style:
        figure, single = subplots_mm(axes_mm=(30, 20), num="named", facecolor="yellow")
        assert single.figure is figure
        assert style.plt.figure("named") is figure
        assert figure.get_facecolor() == (1, 1, 0, 1)
        assert subplots_mm(2, 1, axes_mm=(30, 20))[1].shape == (2,)
        assert subplots_mm(axes_mm=(30, 20), squeeze=False)[1].shape == (1, 1)
        polar = subplots_mm(axes_mm=(30, 30), subplot_kw={"projection": "polar"})[1]
        assert polar.name == "polar"


@pytest.mark.parametrize(
    ("keywords", "error", "refused"),
    [
        ({}, StyleTypeError, ("the size of the panels", "none")),
        (
            {"axes_mm": (30, 20), "fig_size_mm": (90, 60)},
            StyleTypeError,
            ("the size of the panels", "both"),
        ),
        ({"axes_mm": (30, -20)}, StyleValueError, ("axes_mm[1]", "-20")),
        (
            {"fig_size_mm": (40, 60), "ncols": 2, "margin_mm": 10, "gap_mm": 30},
            StyleValueError,
            ("fig_size_mm[0]", "40"),
        ),
        (
            {"axes_mm": (30, 20), "margin_mm": {"lft": 3}},
            StyleValueError,
            ("a key of margin_mm", "'lft'"),
        ),
        ({"axes_mm": (30, 20), "margin_mm": -1}, StyleValueError, ("margin_mm", "-1")),
        ({"axes_mm": (30, 20), "gap_mm": "5"}, StyleTypeError, ("gap_mm", "'5'")),
        ({"axes_mm": (30, 20), "gap_mm": (1, 2, 3)}, StyleValueError, ("gap_mm", "(1, 2, 3)")),
        ({"axes_mm": (30, 20), "nrows": 0}, StyleValueError, ("nrows", "0")),
        ({"axes_mm": (30, 20), "ncols": 1.5}, StyleTypeError, ("ncols", "1.5")),
        (
            {"axes_mm": (30, 20), "projection": "polar"},
            StyleTypeError,
            ("projection", "for the figure"),
        ),
        ({"axes_mm": (30, 20), "layout": "tight"}, StyleValueError, ("layout", "'tight'")),
    ],
)
def test_what_no_panels_can_be_made_of_is_refused_before_a_figure_is_opened(
    keywords: dict[str, Any], error: Any, refused: tuple[str, str]
) -> None:
    with Style(agg=True) as style:
        with pytest.raises(error) as caught:
            subplots_mm(**keywords)
        assert (caught.value.argument, caught.value.shown) == refused
        assert style.plt.get_fignums() == []
