"""A draft says in its corner which run made it; the figure itself does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from scitex_session_plot import watch_savefig

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pixels(name: str) -> Any:
    with Image.open(name) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def figure() -> Figure:
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    axes.plot([1, 3, 2])
    axes.set_xlabel("time (s)")
    return figure


@pytest.mark.parametrize("options", [{}, {"bbox_inches": "tight"}, {"dpi": 300}])
def test_it_stands_in_the_corner_and_changes_nothing_else(
    figure: Figure, options: dict[str, Any]
) -> None:
    figure.savefig("plain.png", **options)
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig("draft.png", **options)
    restore()
    plain, draft = pixels("plain.png"), pixels("draft.png")
    assert plain.shape == draft.shape
    rows, columns = np.nonzero(np.abs(plain - draft).sum(axis=2))
    assert len(rows) > 50
    assert rows.min() > 0.94 * plain.shape[0]
    assert columns.min() > 0.8 * plain.shape[1]


def test_the_figure_is_as_it_was(figure: Figure) -> None:
    figure.canvas.draw()
    before, stale = figure.get_children(), figure.stale
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig("draft.png")
    assert figure.get_children() == before
    assert figure.stale == stale
    with pytest.raises(FileNotFoundError):
        figure.savefig("missing/draft.png")
    restore()
    assert figure.get_children() == before
    figure.savefig("after.png")
    restore = watch_savefig(footer="K7QX2M9A")
    restore()
    figure.savefig("again.png")
    assert np.array_equal(pixels("after.png"), pixels("again.png"))


@pytest.mark.parametrize("suffix", ["svg", "pdf", "eps"])
def test_drawings_have_it_as_text(figure: Figure, suffix: str) -> None:
    from pathlib import Path

    mpl.rcParams.update({"svg.fonttype": "none", "pdf.compression": 0, "pdf.use14corefonts": True})
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig(f"draft.{suffix}")
    restore()
    glyphs = b"/seven" if suffix == "eps" else b"K7QX2M9A"
    assert glyphs in Path(f"draft.{suffix}").read_bytes()
