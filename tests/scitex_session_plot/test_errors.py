from __future__ import annotations

import pickle

import pytest

import scitex_session_plot as plot
from scitex_session_plot import PlotError

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


def test_a_message_says_what_was_wrong_and_what_is_allowed() -> None:
    assert [str(error) for error, _ in ERRORS[:3]] == [
        "fig_scale must be a positive number, not '2'",
        "dpi_save must be a positive number, not 0",
        "no colour is named 'gren' (did you mean green?): the names are blue, green",
    ]
