from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from scitex_session_plot import COLORS, CustomColors
from support import run_script

MAPS = ["sequential", "diverging"]


@pytest.mark.parametrize("name", MAPS)
def test_a_colormap_is_matplotlibs_and_always_the_same(name: str) -> None:
    from matplotlib.colors import Colormap

    colormap: Any = getattr(COLORS, name)
    assert isinstance(colormap, Colormap)
    assert getattr(CustomColors(alpha=0.3), name) is colormap
    assert pickle.loads(pickle.dumps(colormap)) == colormap
    assert np.all(colormap(np.linspace(0, 1, 50))[:, 3] == 1)


@pytest.mark.parametrize("name", MAPS)
def test_images_contours_and_scatter_take_it(name: str) -> None:
    from matplotlib.figure import Figure

    axes: Any = Figure().subplots()
    colormap = getattr(COLORS, name)
    drawn = [
        axes.imshow([[0, 1], [2, 3]], cmap=colormap),
        axes.contourf([[0, 1], [2, 3]], cmap=colormap),
        axes.scatter([1, 2], [1, 2], c=[0, 1], cmap=colormap),
    ]
    assert all(item.get_cmap() == colormap for item in drawn)


def test_the_centre_of_the_diverging_one_is_neutral() -> None:
    centre: Any = COLORS.diverging(0.5)
    assert np.ptp(centre[:3]) < 0.01
    assert min(centre[:3]) > 0.9


def test_matplotlib_is_imported_for_a_colormap_and_not_before() -> None:
    done = run_script(
        """
        import sys
        from scitex_session_plot import COLORS
        print("matplotlib" in sys.modules, "cycler" in sys.modules)
        COLORS.sequential
        print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
        """
    )
    assert (done.stdout, done.stderr) == ("False False\nTrue False\n", "")
