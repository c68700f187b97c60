from __future__ import annotations

import importlib
import pickle
from typing import Any

import pytest

from scitex_session_plot import Style
from support import run_script

plt: Any = Style().plt


def test_nothing_is_loaded_before_an_attribute_is_used() -> None:
    done = run_script(
        """
        import pickle, sys, types
        from scitex_session_plot import Style
        plt = Style().plt
        assert isinstance(plt, types.ModuleType)
        assert plt.__name__ == "matplotlib.pyplot"
        assert pickle.loads(pickle.dumps(plt)) is plt
        print(repr(plt), "matplotlib" in sys.modules)
        assert plt.figure is sys.modules["matplotlib.pyplot"].figure
        print(repr(plt))
        """
    )
    assert done.stderr == ""
    assert done.stdout == (
        "<module 'matplotlib.pyplot' (loaded at first use)> False\n"
        "<module 'matplotlib.pyplot' (loaded)>\n"
    )


@pytest.mark.parametrize(
    ("before", "enabled", "searched"),
    [("", True, False), ("gc.disable()", False, False), ("gc.freeze()", True, True)],
    ids=["", "disabled", "frozen"],
)
def test_its_import_is_not_searched_for_garbage(before: str, enabled: bool, searched: bool) -> None:
    done = run_script(f"""
        import gc
        from scitex_session_plot import Style

        def count(phase, info):
            if phase == "start":
                generations = range(info["generation"] + 1)
                searched.append(sum(len(gc.get_objects(each)) for each in generations))

        immortal = gc.get_freeze_count()  # CPython 3.12 counts those, too
        {before}
        frozen, searched = gc.get_freeze_count() - immortal, []
        gc.callbacks.append(count)
        Style().plt.figure
        gc.callbacks.clear()
        print(gc.isenabled(), sum(searched) > 20_000)  # of 70,000
        assert gc.get_freeze_count() >= 0.9 * frozen
    """)
    assert (done.stdout, done.stderr) == (f"{enabled} {searched}\n", "")


@pytest.mark.parametrize(
    "use", ["plt.figure", "plt.mark = 1; del plt.mark", "dir(plt)", "hasattr(plt, 'no_such')"]
)
def test_reading_setting_and_listing_load_pyplot(use: str) -> None:
    done = run_script(
        f"""
        import sys
        from scitex_session_plot import Style
        plt = Style().plt
        {use}
        print("matplotlib.pyplot" in sys.modules)
        """
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_threads_at_their_first_use_meet_the_whole_module() -> None:
    done = run_script(
        """
        import sys, threading
        from scitex_session_plot import Style
        style = Style(fig_size_mm=(25.4, 50.8))
        style.apply()
        start, seen = threading.Barrier(6), []

        def work():
            start.wait()
            seen.append(tuple(style.plt.rcParams["figure.figsize"]))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(seen == [(1.0, 2.0)] * 6)
        """
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_what_is_read_set_and_deleted_is_pyplots() -> None:
    pyplot = importlib.import_module("matplotlib.pyplot")
    assert plt.figure is pyplot.figure
    plt.mark = 1
    assert pyplot.mark == 1
    del plt.mark
    assert not hasattr(pyplot, "mark")
    assert not hasattr(plt, "mark")
    assert set(dir(pyplot)) <= set(dir(plt))


def test_a_misspelt_function_is_an_attribute_error_of_pyplot() -> None:
    with pytest.raises(AttributeError, match=r"'matplotlib\.pyplot' has no attribute 'polt'"):
        _ = plt.polt


def test_a_pickled_stand_in_is_the_stand_in() -> None:
    assert pickle.loads(pickle.dumps(plt)) is plt
    assert Style().plt is plt
