from __future__ import annotations

import math
import re

import numpy as np
import pytest

from scitex_session_plot import PlotError, Style, StyleTypeError, StyleValueError, rc_params

SIZES = (
    "xx-small, x-small, small, smaller, medium, large, larger, x-large, xx-large"  # matplotlib's
)
PAIR = (
    "a pair (width, height) of positive numbers in millimetres, "
    "or a journal's column such as 'nature single'"
)
MOST = "matplotlib draws less than 65536 pixels"
REFUSED: list[tuple[dict[str, object], type[PlotError], str]] = [
    (
        {"fig_size_mm": (-160, 100)},
        StyleValueError,
        "fig_size_mm[0] must be a positive number of millimetres, not -160",
    ),
    (
        {"fig_size_mm": (160, math.inf)},
        StyleValueError,
        "fig_size_mm[1] must be a positive number of millimetres, not inf",
    ),
    (
        {"fig_size_mm": (160,)},
        StyleValueError,
        f"fig_size_mm must be {PAIR}, not (160,)",
    ),
    (
        {"fig_size_mm": {160, 100}},
        StyleTypeError,
        f"fig_size_mm must be {PAIR}, not {{160, 100}}",
    ),
    (
        {"fig_size_mm": 160},
        StyleTypeError,
        f"fig_size_mm must be {PAIR}, not 160",
    ),
    ({"fig_scale": 0}, StyleValueError, "fig_scale must be a positive number, not 0"),
    ({"fig_scale": True}, StyleTypeError, "fig_scale must be a positive number, not True"),
    ({"dpi_display": 0}, StyleValueError, "dpi_display must be a positive number, not 0"),
    ({"dpi_save": math.nan}, StyleValueError, "dpi_save must be a positive number, not nan"),
    ({"dpi_save": None}, StyleTypeError, "dpi_save must be a positive number, not None"),
    (
        {"fig_size_mm": (1e9, 1)},
        StyleValueError,
        "a side of fig_size_mm must be less than 1664614 mm long, times fig_scale "
        f"({MOST}, at 1 dpi or more), not 1e+09",
    ),
    (
        {"dpi_save": 20000},
        StyleValueError,
        f"dpi_save must be less than 10403 for a figure 160 mm long ({MOST}), not 20000",
    ),
    (
        {"fontsize": "tiny"},
        StyleValueError,
        f"fontsize must be a positive number of points or one of {SIZES}, not 'tiny'",
    ),
    (
        {"fontsize": -8},
        StyleValueError,
        f"fontsize must be a positive number of points or one of {SIZES}, not -8",
    ),
    (
        {"fontsize": [8]},
        StyleTypeError,
        f"fontsize must be a positive number of points or one of {SIZES}, not [8]",
    ),
    (
        {"fontsize": {"tick": "tiny"}},
        StyleValueError,
        f"fontsize['tick'] must be a positive number of points or one of {SIZES}, not 'tiny'",
    ),
    (
        {"fontsize": {"ticks": 7}},
        StyleValueError,
        "a key of fontsize must be one of text, title, label, tick, legend, suptitle, not 'ticks'",
    ),
    ({"autolayout": "false"}, StyleTypeError, "autolayout must be True or False, not 'false'"),
    (
        {"hide_top_right_spines": 1},
        StyleTypeError,
        "hide_top_right_spines must be True or False, not 1",
    ),
    ({"alpha": 1.5}, StyleValueError, "alpha must be a number from 0 to 1, not 1.5"),
    ({"alpha": -0.1}, StyleValueError, "alpha must be a number from 0 to 1, not -0.1"),
    ({"alpha": "0.9"}, StyleTypeError, "alpha must be a number from 0 to 1, not '0.9'"),
    (
        {"line_width": -1},
        StyleValueError,
        "line_width must be a positive number of points, not -1",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED, ids=lambda value: str(value))
def test_what_no_style_can_be_made_of_is_refused_in_one_sentence(
    arguments: dict[str, object], error: type[PlotError], message: str
) -> None:
    for make in (rc_params, Style):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            make(**arguments)  # type: ignore[arg-type]


def test_agg_must_be_a_bool() -> None:
    with pytest.raises(StyleTypeError, match=r"^agg must be True or False, not 'yes'$"):
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
