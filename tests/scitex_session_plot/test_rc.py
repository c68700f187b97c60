from __future__ import annotations

import importlib
import inspect
import logging
import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_plot import COLORS, CustomColors, Style, rc_params
from support import run_script

# What is a fraction, a ratio, a count, a name or a resolution does not grow with the drawing.
NOT_LENGTHS = re.compile(
    r"figure\.(dpi|subplot\..*)|savefig\.dpi|legend\.(?!fontsize|title_fontsize).*|pdf\..*|ps\..*"
)
FONTS = {
    "text": "font.size",
    "title": "axes.titlesize",
    "label": "axes.labelsize",
    "tick": "xtick.labelsize",
    "legend": "legend.fontsize",
    "suptitle": "figure.titlesize",
}


def numbers(params: dict[str, object]) -> dict[str, float]:
    size: Any = params["figure.figsize"]
    found = {"width": size[0], "height": size[1]} | params
    return {
        key: value
        for key, value in found.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def test_the_signature_is_the_documented_one() -> None:
    documented = (
        "fig_size_mm=(160, 100), fig_scale=1.0, dpi_display=100, dpi_save=300, fontsize='small', "
        "autolayout=False, hide_top_right_spines=True, alpha=0.9, line_width=1.0"
    )
    for function in (rc_params, Style):
        parameters = [
            p.replace(annotation=inspect.Parameter.empty)
            for p in inspect.signature(function).parameters.values()
            if p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        assert ", ".join(str(p).replace(" = ", "=") for p in parameters) == documented


def test_the_function_is_pure_and_does_without_matplotlib() -> None:
    done = run_script(
        """
        import sys
        from scitex_session_plot import rc_params
        assert rc_params() == rc_params()
        print("matplotlib" in sys.modules)
        """
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_matplotlib_takes_every_value_as_it_is() -> None:
    taken: Any = importlib.import_module("matplotlib").rcParams.copy()
    taken.update(rc_params())
    assert list(taken["axes.prop_cycle"]) == [{"color": c} for c in CustomColors(alpha=0.9).cycle]
    for key, value in rc_params().items():
        if key != "axes.prop_cycle":
            assert taken[key] == pytest.approx(value), key


@given(scale=st.floats(0.1, 8))
def test_the_scale_enlarges_every_length_and_nothing_else(scale: float) -> None:
    plain, scaled = (
        numbers(rc_params(dpi_save=100)),
        numbers(rc_params(dpi_save=100, fig_scale=scale)),
    )
    for key, value in plain.items():
        factor = 1 if NOT_LENGTHS.fullmatch(key) else scale
        assert math.isclose(scaled[key], value * factor), key


def test_a_font_size_is_a_name_or_a_number_of_points() -> None:
    assert rc_params(fontsize="medium") == rc_params(fontsize=10)
    assert rc_params(fontsize="small")["font.size"] == pytest.approx(8.33)
    assert rc_params(fontsize=7)["axes.labelsize"] == 7


def test_a_mapping_sets_elements_and_the_rest_follows_the_text() -> None:
    assert rc_params(fontsize={"text": 9}) == rc_params(fontsize=9)
    assert rc_params(fontsize={}) == rc_params()
    params = rc_params(fontsize={"text": 10, "title": "x-large", "tick": 6})
    assert {element: params[key] for element, key in FONTS.items()} == {
        "text": 10,
        "title": pytest.approx(14.4),
        "label": 10,
        "tick": 6,
        "legend": 9,
        "suptitle": 12,
    }
    assert params["ytick.labelsize"] == 6


def test_the_sizes_of_names_are_those_of_matplotlib() -> None:
    from matplotlib.font_manager import font_scalings

    for name, factor in font_scalings.items():
        if name is not None:
            assert rc_params(fontsize=name)["font.size"] == pytest.approx(10 * factor)


@pytest.mark.parametrize("hide", [True, False])
def test_the_upper_and_right_spines_are_hidden_or_shown(hide: bool) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(rc_params(hide_top_right_spines=hide)):  # type: ignore[arg-type]
        spines = Figure().subplots().spines
    assert {name: spine.get_visible() for name, spine in spines.items()} == {
        "left": True,
        "bottom": True,
        "top": not hide,
        "right": not hide,
    }


def test_lines_have_the_width_and_the_opacity_asked_for() -> None:
    from matplotlib import rc_context
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure

    with rc_context(rc_params(alpha=0.4, line_width=2.5)):  # type: ignore[arg-type]
        line = Figure().subplots().plot([1, 2])[0]
    assert line.get_linewidth() == 2.5
    assert to_rgba(line.get_color()) == (*COLORS.blue.rgb, 102 / 255)


def test_the_median_of_a_box_stands_out_of_it_and_of_the_data() -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(rc_params(line_width=2)):  # type: ignore[arg-type]
        drawn = Figure().subplots().boxplot([1, 2, 3, 4])
    (median,) = drawn["medians"]
    assert median.get_color() == "black"
    assert median.get_linewidth() == 2 * drawn["boxes"][0].get_linewidth() == 4


@pytest.mark.parametrize("autolayout", [True, False])
def test_autolayout_is_matplotlibs(autolayout: bool) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(rc_params(autolayout=autolayout)):  # type: ignore[arg-type]
        assert (Figure().get_layout_engine() is not None) is autolayout


@pytest.mark.parametrize("autolayout", [True, False])
@pytest.mark.parametrize(
    ("size", "scale", "dpi"), [((160, 100), 1.0, 300), ((89, 61.5), 1.0, 600), ((50, 40), 1.5, 72)]
)
def test_a_saved_figure_measures_what_was_asked(
    size: tuple[float, float], scale: float, dpi: float, autolayout: bool
) -> None:
    with Style(size, scale, dpi_save=dpi, autolayout=autolayout, agg=True) as style:
        figure, axes = style.plt.subplots()
        axes.plot([1, 2, 4], label="data")
        axes.set(xlabel="x", ylabel="y", title="title")
        for suffix in ("pdf", "png", "svg"):
            figure.savefig(f"figure.{suffix}")
    asked = [scale * side for side in size]
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", Path("figure.pdf").read_bytes())
    assert box is not None
    assert [float(side) / 72 * 25.4 for side in box.groups()] == pytest.approx(asked, abs=0.01)
    head = Path("figure.svg").read_text(encoding="utf-8")
    svg = [re.search(rf' {side}="([\d.]+)pt"', head) for side in ("width", "height")]
    assert [float(m[1]) / 72 * 25.4 for m in svg if m] == pytest.approx(asked, abs=0.01)
    pixels = struct.unpack(">II", Path("figure.png").read_bytes()[16:24])
    assert pixels == pytest.approx([side / 25.4 * dpi for side in asked], abs=1)


def test_a_tight_box_in_the_users_settings_does_not_make_sizes_untrue() -> None:
    import matplotlib as mpl

    mpl.rcParams["savefig.bbox"] = "tight"
    with Style((80, 50), dpi_save=254, agg=True) as style:
        style.plt.figure().savefig("figure.png")
    assert struct.unpack(">II", Path("figure.png").read_bytes()[16:24]) == (800, 500)
    assert mpl.rcParams["savefig.bbox"] == "tight"


@pytest.mark.parametrize(
    ("size", "largest"),
    [
        ((160, 100), 0.25),
        ((89, 60), 0.25),
        *(((60, 45), value) for value in (0.25, 0.0025, 0.0125, 9000, 25000, 4e8)),
    ],
)
@pytest.mark.parametrize("fontsize", [6, "large"])
def test_labels_of_a_plain_plot_are_not_cut_off(
    size: tuple[float, float], largest: float, fontsize: Any
) -> None:
    with Style(size, fontsize=fontsize, agg=True) as style:
        figure, axes = style.plt.subplots()
        axes.plot([0, 1000], [-largest, largest])
        axes.set(xlabel="time (s)", ylabel="amplitude ($\\mu$V)", title="Title")
        figure.canvas.draw()
        drawn = figure.get_tightbbox()
        width, height = figure.get_size_inches()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height


def test_the_panels_of_two_by_two_do_not_run_into_each_other() -> None:
    with Style((120, 90), agg=True) as style:
        figure, grid = style.plt.subplots(2, 2)
        for axes in grid.flat:
            axes.plot([0, 1000], [-0.25, 0.25])
            axes.set(xlabel="time (s)", ylabel="amplitude", title="Title")
        figure.canvas.draw()
        boxes = [axes.get_tightbbox() for axes in grid.flat]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_text_stays_text_and_no_font_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "matplotlib.font_manager"), Style(agg=True) as style:
        figure = style.plt.figure()
        figure.text(0.1, 0.5, "Readable µ ≤ → ₂ ∇")
        figure.text(0.1, 0.2, r"$\sigma^2 = \sum_i x_i^2 / n$")
        figure.text(
            0.1, 0.4, r"$\left(\frac{\mathbf{a}}{b}\right) \in \mathcal{F}, \mathtt{x} \ell$"
        )
        for suffix in ("pdf", "png", "svg"):
            figure.savefig(f"figure.{suffix}")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Readable" in Path("figure.svg").read_text(encoding="utf-8")
    pdf = Path("figure.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf


def test_formulas_are_in_the_font_of_the_text() -> None:
    with Style(agg=True) as style:
        style.plt.rcParams["font.sans-serif"] = ["DejaVu Serif"]
        figure = style.plt.figure()
        figure.text(0.1, 0.5, r"$\mathrm{rm}\ x^2$")
        figure.savefig("figure.svg")
    families = set(re.findall(r"font[^;\"]*?'([^']+)'", Path("figure.svg").read_text("utf-8")))
    assert families == {"DejaVu Serif"}


def test_dates_name_what_they_share_once() -> None:
    with Style(agg=True) as style:
        figure, axes = style.plt.subplots()
        axes.plot(np.datetime64("2026-03-01") + np.arange(40), np.arange(40))
        figure.canvas.draw()
        labels = [label.get_text() for label in axes.get_xticklabels()]
    assert not any("2026" in label for label in labels)
    assert axes.xaxis.get_offset_text().get_text().startswith("2026")


def test_equal_svgs_are_equal_bytes() -> None:
    for name in ("one.svg", "two.svg"):
        with Style(agg=True) as style:
            figure, axes = style.plt.subplots()
            axes.plot([1, 2, 4])
            figure.savefig(name, metadata={"Date": None})
    assert Path("one.svg").read_bytes() == Path("two.svg").read_bytes()
