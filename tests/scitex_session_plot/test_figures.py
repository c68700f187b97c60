"""A figure is saved with the style that it was made under, also after the style has ended."""

from __future__ import annotations

import gc
import io
import os
import pickle
import re
import threading
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image

from scitex_session_plot import Style, read_stamp, watch_savefig
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable

WIDE = 89, 50
PIXELS_OF_WIDE = {100: (350, 196), 300: (1051, 590)}


@pytest.fixture(autouse=True)
def agg() -> None:
    mpl.use("agg")


def made(**arguments: Any) -> Figure:
    """Make a figure under a style that has ended since."""
    with Style(WIDE, **arguments):
        figure = plt.figure()
        axes = figure.subplots()
        axes.plot([0, 1, 2], [0, 1, 4])
        axes.set(xlabel="time (s)", ylabel="amplitude (mV)", title="x < 1 & µ")
    return figure


def saved(figure: Figure, **options: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, **{"format": "png", **options})
    return buffer.getvalue()


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def fonts(pdf: bytes) -> set[bytes]:
    return set(re.findall(rb"/Subtype /(Type3|TrueType|CIDFontType2)", pdf))


def test_size_and_resolution_stay() -> None:
    figure = made()
    assert size(saved(figure)) == PIXELS_OF_WIDE[300]
    assert size(saved(plt.figure(figsize=(2, 1)))) == (200, 100)


@pytest.mark.parametrize("agg", [False, True])
def test_the_file_is_the_one_that_is_saved_within(agg: bool) -> None:
    formats = ("png", "pdf", "svg", "eps")
    with Style(WIDE, agg=agg):
        figure, axes = plt.subplots()
        axes.plot([0, 1, 2], [0, 1, 4])
        axes.set(xlabel="time (s)", ylabel="amplitude (mV)")
        end = watch_savefig()  # leaves out the date
        within = [saved(figure, format=fmt) for fmt in formats]
    after = [saved(figure, format=fmt) for fmt in formats]
    end()
    assert after == within


def test_the_file_is_the_one_also_where_nothing_was_drawn_within() -> None:
    first, second = made(), made()
    with Style(WIDE):
        within = saved(first)
    assert saved(second) == within


def test_fonts_stay_text() -> None:
    figure = made()
    assert fonts(saved(figure, format="pdf")) == {b"CIDFontType2"}
    assert b"time (s)</text>" in saved(figure, format="svg")
    assert b"/FontType 42" in saved(figure, format="eps")


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_every_way_to_save_it_has_its_style(suffix: str) -> None:
    figure = made()
    expected = saved(figure, format=suffix)
    plt.figure(figure)
    plt.savefig(f"pyplot.{suffix}")
    figure.canvas.print_figure(f"canvas.{suffix}")
    FigureCanvasBase.print_figure(figure.canvas, f"base.{suffix}")
    for name in ("pyplot", "canvas", "base"):
        with open(f"{name}.{suffix}", "rb") as file:
            data = file.read()
        if suffix == "png":
            assert data == expected
        else:
            assert fonts(data) == fonts(expected)


def test_an_animation_has_its_resolution() -> None:
    from matplotlib.animation import FuncAnimation

    figure = made(dpi_save=50)
    FuncAnimation(figure, lambda _: figure.axes[0].lines, frames=2).save("m.gif", writer="pillow")
    with Image.open("m.gif") as image:
        assert image.size == (175, 98)


def test_what_is_asked_for_at_the_save_counts() -> None:
    figure = made()
    assert size(saved(figure, dpi=50)) == (175, 98)
    assert size(saved(figure, dpi="figure")) == PIXELS_OF_WIDE[100]
    assert size(saved(figure, bbox_inches="tight")) != PIXELS_OF_WIDE[300]


def test_what_the_user_sets_afterwards_counts() -> None:
    figure = made()
    with mpl.rc_context({"savefig.dpi": 50}):
        assert size(saved(figure)) == (175, 98)
        assert fonts(saved(figure, format="pdf")) == {b"CIDFontType2"}
    assert size(saved(figure)) == PIXELS_OF_WIDE[300]


def test_what_the_user_set_meanwhile_stays() -> None:
    with Style(WIDE):
        plt.rcParams["savefig.dpi"] = 100
        figure = plt.figure()
    assert size(saved(figure)) == PIXELS_OF_WIDE[100]


def test_a_style_in_force_counts_more_than_one_that_has_ended() -> None:
    figure = made()
    with Style(dpi_save=100):
        assert size(saved(figure)) == PIXELS_OF_WIDE[100]
    assert size(saved(figure)) == PIXELS_OF_WIDE[300]


def test_each_figure_keeps_its_own_style_in_whatever_order_styles_end() -> None:
    outer, inner = Style(WIDE, dpi_save=300), Style(WIDE, dpi_save=100)
    outer.apply()
    one = plt.figure()
    inner.apply()
    other = plt.figure()
    outer.restore()
    inner.restore()
    assert size(saved(one)) == PIXELS_OF_WIDE[300]
    assert size(saved(other)) == PIXELS_OF_WIDE[100]


def test_a_figure_without_a_style_is_saved_without() -> None:
    before = plt.figure(figsize=(2, 1))
    with Style(WIDE):
        pass
    assert size(saved(before)) == (200, 100)
    with Style(WIDE):
        within = plt.figure()
    plt.close(within)
    assert size(saved(plt.figure(figsize=(2, 1)))) == (200, 100)
    assert size(saved(within)) == PIXELS_OF_WIDE[300]


def test_a_save_leaves_the_settings_as_found_also_when_it_fails() -> None:
    figure = made()
    found = dict.copy(mpl.rcParams)
    saved(figure)
    with pytest.raises(FileNotFoundError):
        figure.savefig("missing/figure.png")
    with pytest.raises(ValueError, match="not supported"):
        figure.savefig("figure.nope")
    assert dict.copy(mpl.rcParams) == found


def test_threads_save_figures_of_several_styles() -> None:
    figures = {dpi: [made(dpi_save=dpi) for _ in range(3)] for dpi in PIXELS_OF_WIDE}
    found, sizes = dict.copy(mpl.rcParams), []

    def save(dpi: int, figure: Figure) -> None:
        sizes.append((dpi, size(saved(figure))))

    threads = [
        threading.Thread(target=save, args=(dpi, figure))
        for dpi, all_of_it in figures.items()
        for figure in all_of_it
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sizes) == sorted([*PIXELS_OF_WIDE.items()] * 3)
    assert dict.copy(mpl.rcParams) == found


def test_pages_have_fonts_of_one_type_when_they_are_closed() -> None:
    figure = made()
    with PdfPages("pages.pdf") as pages:
        pages.savefig(figure)
        pages.savefig(plt.figure(figsize=(2, 1)))
    with open("pages.pdf", "rb") as file:
        assert fonts(file.read()) == {b"Type3"}


def test_a_stamp_is_written_as_without_a_style() -> None:
    figure = made()
    reported: list[str] = []
    end = watch_savefig(reported.append, stamp=lambda: {"id": "run"})
    figure.savefig("figure.png")
    end()
    assert reported == [os.path.abspath("figure.png")]
    stamp = read_stamp("figure.png")
    assert stamp is not None
    assert stamp.id == "run"


def functions_without_styled_figures() -> list[Callable[..., Any]]:
    plt.close("all")
    gc.collect()
    Figure()
    return [Figure.__init__, Figure.savefig, FigureCanvasBase.print_figure]


def test_matplotlib_is_as_it_was_once_the_figures_are_gone() -> None:
    own = functions_without_styled_figures()
    figure = made()
    assert Figure.savefig is not own[1]
    assert size(saved(figure)) == PIXELS_OF_WIDE[300]
    del figure
    assert functions_without_styled_figures() == own


@settings(max_examples=12)
@given(order=st.permutations(["style", "style", "watch", "watch"]), ends=st.permutations(range(4)))
def test_styles_and_watches_that_begin_and_end_in_any_order_leave_nothing_behind(
    order: list[str], ends: list[int]
) -> None:
    own = functions_without_styled_figures()
    undos: list[Callable[[], None]] = []
    for kind in order:
        if kind == "style":
            style = Style(WIDE)
            style.apply()
            undos.append(style.restore)
        else:
            undos.append(watch_savefig(stamp=lambda: {"id": "run"}))
    saved(plt.figure())
    for number in ends:
        undos[number]()
    assert functions_without_styled_figures() == own


def test_a_figure_made_while_another_is_saved_does_not_keep_its_style() -> None:
    figure = made()
    others: list[Figure] = []
    end = watch_savefig(lambda _: others.append(plt.figure(figsize=(2, 1))))
    figure.savefig("figure.png")
    end()
    assert [size(saved(other)) for other in others] == [(200, 100)]


def test_a_figure_is_pickled_as_without_us() -> None:
    figure = made()
    assert size(saved(pickle.loads(pickle.dumps(figure)))) in PIXELS_OF_WIDE.values()
    assert not [name for name in vars(figure) if "scitex" in name]


def test_warnings_of_a_save_are_located_at_the_users_line() -> None:
    figure = made()
    with pytest.warns(UserWarning, match="Foo") as caught:
        figure.savefig("figure.pdf", metadata={"Foo": "bar"})
    assert [warning.filename for warning in caught] == [__file__]


def test_a_figure_made_without_pyplot_keeps_its_style_when_pyplot_comes() -> None:
    done = run_script(
        """
        from scitex_session_plot import Style
        style = Style((89, 50), agg=True)
        style.apply()
        from matplotlib.figure import Figure
        figure = Figure()
        style.restore()
        import matplotlib.pyplot as plt
        figure.savefig("figure.png")
        print(plt.imread("figure.png").shape[1::-1])
        """
    )
    assert (done.stdout, done.stderr) == ("(1051, 590)\n", "")
