"""What it costs a figure that nothing of it is cut off: saved with and without, in one process."""

from __future__ import annotations

import os
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace


def _panels(rows: int, columns: int, *, images: bool) -> Callable[[Any], Any]:
    def draw(plt: Any) -> Any:
        figure, axes = plt.subplots(rows, columns, squeeze=False)
        for panel in axes.flat:
            if images:
                image = panel.imshow([[number * row for number in range(20)] for row in range(10)])
                figure.colorbar(image, ax=panel, label="potential (mV)")
            else:
                panel.plot([number * 7919 % 101 for number in range(200)])
            panel.set(xlabel="time (s)", ylabel="amplitude (mV)", title="Title")
        return figure

    return draw


def _row(draw: Callable[[Any], Any]) -> Callable[[Workplace], tuple[Variant, Variant]]:
    def row(at: Workplace) -> tuple[Variant, Variant]:
        """Make the two variants: the first save of a figure, laid out by a style, and not."""
        os.environ.update(MPLCONFIGDIR=at.environment["MPLCONFIGDIR"], MPLBACKEND="agg")
        from scitex_session_plot import Style

        def save(*, laid_out: bool) -> float:
            with Style(agg=True) as style:
                figure = draw(style.plt)
                if not laid_out:
                    figure.set_layout_engine("none")
                began = perf_counter()
                figure.savefig(BytesIO())
                return perf_counter() - began

        return lambda: save(laid_out=True), lambda: save(laid_out=False)

    return row


ROWS = {
    "layout": _row(_panels(1, 1, images=False)),
    "layout-panels": _row(_panels(3, 4, images=False)),
    "layout-images": _row(_panels(2, 2, images=True)),
}
