"""Session options are checked before anything starts."""

from __future__ import annotations

import pytest

import scitex_session as stx
from scitex_session._errors import UnknownOptionError
from scitex_session._lifecycle.options import KEYWORDS, Options, check_keywords
from scitex_session_core import InvalidValueError


def test_an_unknown_option_is_refused_with_the_near_name() -> None:
    with pytest.raises(UnknownOptionError, match="no session option 'sede'; did you mean 'seed'"):
        check_keywords({"sede": 1})


def test_the_decorator_and_run_refuse_it_too() -> None:
    with pytest.raises(UnknownOptionError):
        stx.session(fig_size=(1, 2))
    with pytest.raises(UnknownOptionError):
        stx.run(print, dpi=3)


def test_every_option_of_start_is_one_unless_the_session_has_its_own() -> None:
    import inspect

    told = set(inspect.signature(stx.start).parameters)
    assert told - set(KEYWORDS) == {"sys", "plt", "os"}
    assert set(KEYWORDS) - told == {"message", "notify"}


def test_an_unknown_way_of_capturing_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="capture must be one of 'fd', 'sys', 'none'"):
        Options(capture="tee")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": "a"},
        {"fig_size_mm": (0, 10)},
        {"dpi_save": 0},
        {"alpha": 2},
        {"fontsize": "smallish"},
        {"sdir_suffix": "a/b"},
        {"capture": "tee"},
        {"max_log_bytes": 1000},
        {"max_log_bytes": 1e6},
        {"max_log_bytes": True},
        {"tags": "paper"},
        {"tags": [1]},
        {"note": None},
        {"parent": "../x"},
        {"debug": "yes"},
        {"no_save": "yes"},
        {"verbose": "no"},
        {"clear_logs": None},
        {"out": 3},
        {"stamp": "seen"},
    ],
)
def test_a_value_that_cant_be_starts_nothing(wrong: dict[str, object]) -> None:
    from pathlib import Path

    with pytest.raises((ValueError, TypeError)) as error:
        stx.start(**{"file": __file__, "verbose": False, **wrong})  # type: ignore[arg-type]
    assert next(iter(wrong)) in str(error.value)
    assert not Path(__file__).with_name("test_options_out").exists()
