"""A style and a watch can be made again in another process, from plain values."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_plot import Style, rc_params
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS = st.floats(10, 300)


def params(style: Style) -> dict[str, Any]:
    """Give the rcParams under a style."""
    import matplotlib as mpl

    settings: Any = mpl.rcParams
    with style:
        return {key: settings._get(key) for key in (*rc_params(), "backend")}


def through_json(style: Style) -> Style:
    return Style(**json.loads(json.dumps(style.as_dict())))


def through_pickle(style: Style) -> Style:
    twin: Style = pickle.loads(pickle.dumps(style))
    return twin


@pytest.mark.parametrize("again", [through_json, through_pickle, copy.copy, copy.deepcopy])
@given(
    size=st.tuples(WIDTHS | st.just("aps single"), WIDTHS) | st.just("nature single"),
    fontsize=st.sampled_from(["small", 7, 8.5, {"text": "large", "tick": 5}]),
    alpha=st.floats(0, 1),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_a_style_made_again_is_the_same(
    again: Callable[[Style], Style], size: Any, fontsize: Any, alpha: float, flags: Any
) -> None:
    autolayout, spines, agg = flags
    style = Style(
        size,
        fontsize=fontsize,
        alpha=alpha,
        autolayout=autolayout,
        hide_top_right_spines=spines,
        agg=agg,
    )
    assert params(again(style)) == params(style)


@pytest.mark.parametrize("again", [through_json, through_pickle])
def test_values_of_numpy_are_plain_on_the_way(again: Callable[[Style], Style]) -> None:
    arguments: dict[str, Any] = {
        "fig_size_mm": np.array([80, 50]),
        "fig_scale": np.float32(2),
        "fontsize": {"text": np.int64(8)},
    }
    style = Style(**arguments)
    assert params(again(style)) == params(style)


def test_a_style_in_force_is_sent_and_the_one_that_arrives_is_not() -> None:
    import matplotlib as mpl

    before = mpl.rcParams["savefig.dpi"]
    with Style(dpi_save=77) as style:
        twin = through_pickle(style)
        assert mpl.rcParams["savefig.dpi"] == 77
    assert mpl.rcParams["savefig.dpi"] == before
    twin.restore()
    assert params(twin)["savefig.dpi"] == 77


def test_a_spawned_worker_draws_with_the_style_the_stamp_and_the_report_of_its_parent() -> None:
    done = run_script(
        """
        from multiprocessing import get_context
        from os.path import basename
        from scitex_session_plot import Style, read_stamp, watch_savefig

        def begin(style, facts):
            Style(**style).apply()
            watch_savefig(report, stamp=lambda: facts)

        def report(path):
            print("saved", basename(path), flush=True)

        def draw(name):
            import matplotlib.pyplot as plt
            plt.figure()
            plt.savefig(name)

        if __name__ == "__main__":
            style, facts = Style((89, 50), agg=True).as_dict(), {"id": "run"}
            with get_context("spawn").Pool(1, begin, (style, facts)) as pool:
                pool.map(draw, ["figure.png"])
            import matplotlib.pyplot as plt
            print(plt.imread("figure.png").shape[1::-1], read_stamp("figure.png").id)
        """
    )
    assert (done.stdout, done.stderr) == ("saved figure.png\n(1051, 590) run\n", "")
