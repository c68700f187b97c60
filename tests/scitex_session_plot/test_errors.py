"""Callers catch errors by their class; a bad argument is refused at once, in one sentence."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import scitex_session_plot as plot
from scitex_session_plot import PlotError, Style, StyleTypeError, StyleValueError, rc_params

ERRORS = [
    (plot.StyleTypeError("fig_scale", "'2'", "a positive number"), TypeError),
    (plot.StyleValueError("dpi_save", "0", "a positive number"), ValueError),
    (plot.UnknownColorError("gren", ("green",), ("blue", "green")), AttributeError),
    (plot.UnknownColorError("gren", ("green",), ("blue", "green")), KeyError),
    (plot.UnknownPresetError("aps 3", ("aps single",), ("aps single", "pnas single")), ValueError),
]


@pytest.mark.parametrize(("error", "builtin"), ERRORS)
def test_an_error_is_its_builtin_too(error: PlotError, builtin: type[Exception]) -> None:
    assert isinstance(error, PlotError)
    assert isinstance(error, builtin)


@pytest.mark.parametrize("error", [error for error, _ in ERRORS])
def test_an_error_survives_pickling_with_its_data(error: PlotError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_every_error_of_the_package_is_tested_here() -> None:
    public = {getattr(plot, name) for name in dir(plot) if name.endswith("Error")}
    assert public == {type(error) for error, _ in ERRORS} | {PlotError}


REFUSED: list[tuple[dict[str, object], type[PlotError], str, str]] = [
    ({"fig_size_mm": (-160, 100)}, StyleValueError, "fig_size_mm[0]", "-160"),
    ({"fig_size_mm": (160, math.inf)}, StyleValueError, "fig_size_mm[1]", "inf"),
    ({"fig_size_mm": (160,)}, StyleValueError, "fig_size_mm", "(160,)"),
    ({"fig_size_mm": {160, 100}}, StyleTypeError, "fig_size_mm", "{160, 100}"),
    ({"fig_size_mm": 160}, StyleTypeError, "fig_size_mm", "160"),
    ({"fig_scale": 0}, StyleValueError, "fig_scale", "0"),
    ({"fig_scale": True}, StyleTypeError, "fig_scale", "True"),
    ({"dpi_display": 0}, StyleValueError, "dpi_display", "0"),
    ({"dpi_save": math.nan}, StyleValueError, "dpi_save", "nan"),
    ({"dpi_save": None}, StyleTypeError, "dpi_save", "None"),
    ({"dpi_save": 20000}, StyleValueError, "dpi_save", "20000"),
    ({"fig_size_mm": (1e9, 1)}, StyleValueError, "a side of fig_size_mm", "1e+09"),
    ({"fontsize": "tiny"}, StyleValueError, "fontsize", "'tiny'"),
    ({"fontsize": -8}, StyleValueError, "fontsize", "-8"),
    ({"fontsize": [8]}, StyleTypeError, "fontsize", "[8]"),
    ({"fontsize": {"tick": "tiny"}}, StyleValueError, "fontsize['tick']", "'tiny'"),
    ({"fontsize": {"ticks": 7}}, StyleValueError, "a key of fontsize", "'ticks'"),
    ({"autolayout": "false"}, StyleTypeError, "autolayout", "'false'"),
    ({"hide_top_right_spines": 1}, StyleTypeError, "hide_top_right_spines", "1"),
    ({"alpha": 1.5}, StyleValueError, "alpha", "1.5"),
    ({"alpha": -0.1}, StyleValueError, "alpha", "-0.1"),
    ({"alpha": "0.9"}, StyleTypeError, "alpha", "'0.9'"),
    ({"line_width": -1}, StyleValueError, "line_width", "-1"),
]


@pytest.mark.parametrize(("arguments", "error", "argument", "shown"), REFUSED, ids=str)
def test_a_message_names_the_argument_the_value_and_what_is_allowed(
    arguments: dict[str, object], error: type[PlotError], argument: str, shown: str
) -> None:
    for make in (rc_params, Style):
        with pytest.raises(error) as caught:
            make(**arguments)  # type: ignore[arg-type]
        refused = caught.value
        assert isinstance(refused, (StyleTypeError, StyleValueError))
        assert (refused.argument, refused.shown) == (argument, shown)
        assert str(refused) == f"{argument} must be {refused.allowed}, not {shown}"


def test_agg_must_be_a_bool() -> None:
    with pytest.raises(StyleTypeError, match="agg must be True or False, not 'yes'"):
        Style(agg="yes")  # type: ignore[arg-type]


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(StyleTypeError) as caught:
        rc_params(fontsize=list(range(1000)))  # type: ignore[arg-type]
    assert len(caught.value.shown) == 60


def test_the_numbers_of_numpy_are_numbers() -> None:
    given = rc_params(np.array([80, 50]), np.float32(2), np.int64(100), fontsize=np.float64(8))  # type: ignore[arg-type]
    assert given == rc_params((80, 50), 2, 100, fontsize=8)


@pytest.mark.parametrize("alpha", [0, 1])
def test_the_ends_of_the_range_of_alpha_are_in_it(alpha: int) -> None:
    assert rc_params(alpha=alpha)
