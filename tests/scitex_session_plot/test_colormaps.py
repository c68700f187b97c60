"""Our colormaps have names in matplotlib while a style is in force, and none afterwards."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import ListedColormap

from scitex_session_plot import COLORS, Style
from support import run_script

NAMES = {"scitex_sequential", "scitex_diverging"}
NAMES |= {f"{name}_r" for name in NAMES}


@pytest.fixture(autouse=True)
def agg() -> None:
    mpl.use("agg")


def registered() -> set[str]:
    return NAMES & set(mpl.colormaps)


def test_a_name_is_the_colormap_while_a_style_is_in_force() -> None:
    found = list(mpl.colormaps)
    with Style():
        assert registered() == NAMES
        image = plt.imshow([[0, 1]], cmap="scitex_diverging")
        assert image.get_cmap() == COLORS.diverging
        assert plt.get_cmap("scitex_sequential") == COLORS.sequential
        assert mpl.colormaps["scitex_sequential_r"](0.0) == COLORS.sequential(1.0)
    assert list(mpl.colormaps) == found


@pytest.mark.parametrize("name", ["sequential", "diverging"])
def test_a_colormap_can_be_set_as_the_default_until_the_style_ends(name: str) -> None:
    default = mpl.rcParams["image.cmap"]
    with Style():
        image = plt.imshow([[0, 1]])
        plt.set_cmap(getattr(COLORS, name))
        assert image.get_cmap() == getattr(COLORS, name)
        assert plt.matshow([[0, 1]]).get_cmap() == getattr(COLORS, name)
    assert mpl.rcParams["image.cmap"] == default
    plt.imshow([[0, 1]])


def test_another_default_of_the_users_stays() -> None:
    with Style():
        plt.set_cmap("magma")
    assert mpl.rcParams["image.cmap"] == "magma"


def test_seaborn_takes_the_name() -> None:
    sns = pytest.importorskip("seaborn", reason="seaborn is not installed")

    with Style():
        axes = sns.heatmap([[0, 1], [2, 3]], cmap="scitex_sequential")
        assert axes.collections[0].get_cmap() == COLORS.sequential
        assert len(sns.color_palette("scitex_diverging", 5)) == 5


def test_a_name_that_the_user_has_taken_stays_theirs() -> None:
    mine = ListedColormap(["red", "blue"], name="scitex_diverging")
    mpl.colormaps.register(mine)
    try:
        with Style():
            assert mpl.colormaps["scitex_diverging"] == mine
            assert registered() == NAMES
        assert mpl.colormaps["scitex_diverging"] == mine
    finally:
        mpl.colormaps.unregister("scitex_diverging")


@given(order=st.permutations(range(3)), chosen=st.integers(0, 2))
def test_in_whatever_order_styles_end_the_last_takes_the_names_back(
    order: list[int], chosen: int
) -> None:
    default = mpl.rcParams["image.cmap"]
    styles = [Style() for _ in order]
    for number, style in enumerate(styles):
        style.apply()
        if number == chosen:
            mpl.rcParams["image.cmap"] = "scitex_sequential"
    for number in order:
        assert registered() == NAMES
        styles[number].restore()
    assert registered() == set()
    assert mpl.rcParams["image.cmap"] == default


def test_a_figure_with_one_is_saved_after_the_style_has_ended() -> None:
    with Style():
        figure = plt.figure()
        figure.colorbar(figure.subplots().imshow([[0, 1]], cmap="scitex_sequential"))
    figure.savefig("figure.png")


def test_a_style_does_not_import_matplotlib_for_them() -> None:
    done = run_script(
        """
        import sys
        from scitex_session_plot import Style
        style = Style()
        style.apply()
        print("matplotlib" in sys.modules)
        import matplotlib
        print("scitex_sequential" in matplotlib.colormaps, "matplotlib.pyplot" in sys.modules)
        style.restore()
        print("scitex_sequential" in matplotlib.colormaps)
        """
    )
    assert (done.stdout, done.stderr) == ("False\nTrue False\nFalse\n", "")
