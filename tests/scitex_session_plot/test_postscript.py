"""PostScript knows no opacity: a style's colours are drawn in it as they look on white paper."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends import backend_ps
from matplotlib.figure import Figure

from scitex_session_plot import CustomColors, Style

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def agg() -> None:
    mpl.use("agg")


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Give the warnings that were logged since the last time."""
    caplog.set_level(logging.WARNING)

    def take() -> list[str]:
        messages = caplog.messages
        caplog.clear()
        return messages

    return take


def as_eps(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="eps")
    return buffer.getvalue().decode("latin-1")


def colors_of(eps: str) -> list[tuple[float, ...]]:
    found = re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) setrgbcolor", eps)
    return [tuple(map(float, levels)) for levels in found]


DRAWN: list[Callable[[Any], object]] = [
    lambda axes: [axes.plot([0, 1], [n, n + 1], "-o", label=str(n)) for n in range(10)],
    lambda axes: axes.bar([1, 2], [1, 2], hatch="/", yerr=1),
    lambda axes: axes.scatter(range(50), range(50)),
    lambda axes: axes.fill_between([1, 2], [1, 2]),
    lambda axes: axes.quiver([1], [1], [1], [1], color=CustomColors(0.9).red),
    lambda axes: axes.pie([1, 2, 3]),
    lambda axes: axes.text(0, 0, "text", color=CustomColors(0.9).black),
    lambda axes: axes.plot([1, 2], label="line") and axes.legend(),
    lambda axes: axes.pcolormesh(np.eye(3)),
]


@pytest.mark.parametrize("within", [True, False])
def test_what_a_style_makes_transparent_is_not_warned_of(
    within: bool, heard: Callable[[], list[str]]
) -> None:
    with Style():
        figure, grid = plt.subplots(3, 3)
        for draw, axes in zip(DRAWN, grid.flat, strict=True):
            draw(axes)
        if within:
            as_eps(figure)
    as_eps(figure)
    assert heard() == []


def test_what_the_user_makes_transparent_is_warned_of(heard: Callable[[], list[str]]) -> None:
    with Style():
        figure, axes = plt.subplots()
        axes.plot([1, 2], alpha=0.5)
        as_eps(figure)
        assert [message for message in heard() if "does not support transparency" in message]
        axes.clear()
        axes.bar([1], [1], color=CustomColors().red.with_alpha(0.3))
        as_eps(figure)
    assert [message for message in heard() if "does not support transparency" in message]


@pytest.mark.parametrize("alpha", [0.9, 0.5, 1.0])
def test_a_colour_is_that_of_the_pixels(alpha: float) -> None:
    with Style(alpha=alpha):
        figure = plt.figure()
        figure.add_axes((0, 0, 1, 1)).bar([0], [1], width=100)
        figure.axes[0].set(xlim=(-1, 1), ylim=(0, 0.5))
        figure.canvas.draw()
        pixel = np.asarray(figure.canvas.buffer_rgba())[50, 50, :3] / 255  # type: ignore[attr-defined]
        drawn = colors_of(as_eps(figure))
    assert any(np.allclose(color, pixel, atol=1.1 / 255) for color in drawn), (pixel, drawn)


@pytest.mark.parametrize("many", [False, True])
def test_points_and_their_edges_are_blended(many: bool) -> None:
    color = CustomColors(0.9).green
    expected = [0.9 * level + 0.1 for level in color.rgb]
    with Style():
        figure, axes = plt.subplots()
        count = 200 if many else 1
        axes.scatter(range(count), range(count), color=color, edgecolors=color)
        drawn = colors_of(as_eps(figure))
    assert [c for c in drawn if np.allclose(c, expected, atol=0.01)]
    assert not [c for c in drawn if np.allclose(c, color.rgb, atol=0.001)]


def test_the_same_is_drawn_after_the_style_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    with Style():
        figure, axes = plt.subplots()
        axes.plot([1, 2], label="line")
        axes.legend()
        within = as_eps(figure)
    assert as_eps(figure) == within


def test_an_opaque_figure_is_drawn_as_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    figure, axes = plt.subplots()
    axes.plot([1, 2], "-o", color="red")
    axes.scatter(range(50), range(50), c=range(50))
    plain = as_eps(figure)
    with Style():
        styled = plt.figure()
        styled.subplots().plot([1, 2])
        as_eps(styled)
    assert as_eps(figure) == plain


def test_matplotlibs_renderer_is_put_back() -> None:
    import gc

    plt.close("all")
    gc.collect()
    Figure()
    own = backend_ps.RendererPS
    with Style():
        as_eps(plt.figure())
        assert backend_ps.RendererPS is not own
    plt.close("all")
    gc.collect()
    Figure()
    assert backend_ps.RendererPS is own
