from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_plot import Style, StyleTypeError, rc_params
from support import run_script


def figure_size() -> list[float]:
    import matplotlib as mpl

    size: list[float] = mpl.rcParams["figure.figsize"]
    return size


ONE, TWO = Style(fig_size_mm=(25.4, 25.4)), Style(fig_size_mm=(50.8, 50.8))


@pytest.mark.parametrize(
    "statement",
    [
        "import matplotlib.pyplot as plt",
        "from matplotlib import pyplot as plt",
        "from matplotlib.pyplot import rcParams, subplots; import matplotlib.pyplot as plt",
        "import matplotlib; import matplotlib.pyplot as plt",
        "import importlib; plt = importlib.import_module('matplotlib.pyplot')",
        "import sys; __import__('matplotlib.pyplot'); plt = sys.modules['matplotlib.pyplot']",
        "plt = style.plt",
        "import pylab as plt",
        "from matplotlib.figure import Figure; import matplotlib.pyplot as plt",
    ],
)
def test_the_users_own_import_is_configured_in_every_form(statement: str) -> None:
    assert_configured("style.apply()", statement)


def test_pyplot_is_configured_where_it_was_imported_before() -> None:
    assert_configured("import matplotlib.pyplot as plt", "style.apply()")


def assert_configured(first: str, second: str) -> None:
    done = run_script(
        f"""
        from scitex_session_plot import Style
        style = Style(fig_size_mm=(25.4, 50.8), line_width=3, agg=True)
        {first}
        {second}
        figure, axes = plt.subplots()
        print(*figure.get_size_inches(), axes.plot([1])[0].get_linewidth(), plt.get_backend())
        style.restore()
        print(plt.rcParams["lines.linewidth"])
        """
    )
    assert (done.stdout, done.stderr) == ("1.0 2.0 3.0 agg\n1.5\n", "")


@pytest.mark.parametrize("library", ["pandas", "seaborn"])
def test_plots_of_other_libraries_are_configured(library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed: its plots cannot be drawn")
    draw = {
        "pandas": "pandas.Series([1, 2, 4]).plot()",
        "seaborn": "seaborn.lineplot(x=[1, 2, 3], y=[1, 2, 4])",
    }[library]
    done = run_script(
        f"""
        from scitex_session_plot import Style
        with Style(fig_size_mm=(25.4, 50.8), line_width=3, agg=True):
            import {library}
            axes = {draw}
        print(*axes.figure.get_size_inches(), axes.lines[0].get_linewidth())
        """
    )
    assert done.stdout == "1.0 2.0 3.0\n"


def test_what_the_user_sets_before_pyplot_is_imported_wins() -> None:
    done = run_script(
        """
        from scitex_session_plot import Style
        with Style(line_width=3, agg=True):
            import matplotlib
            matplotlib.rcParams["lines.linewidth"] = 7
            import matplotlib.pyplot as plt
            print(plt.plot([1])[0].get_linewidth())
        """
    )
    assert (done.stdout, done.stderr) == ("7.0\n", "")


def test_styles_within_one_another_wait_and_end_in_order() -> None:
    done = run_script(
        """
        from scitex_session_plot import Style
        def size(): return tuple(plt.rcParams["figure.figsize"])
        with Style(fig_size_mm=(25.4, 25.4)):
            with Style(fig_size_mm=(50.8, 50.8)):
                import matplotlib.pyplot as plt
                print(size())
            print(size())
        print(size())
        """
    )
    assert (done.stdout, done.stderr) == ("(2.0, 2.0)\n(1.0, 1.0)\n(6.4, 4.8)\n", "")


def test_nested_styles_restore_last_in_first_out() -> None:
    import matplotlib as mpl

    mpl.use("svg")
    found = figure_size()
    with ONE:
        assert figure_size() == [1, 1]
        with Style(fig_size_mm=(50.8, 50.8), agg=True):
            assert figure_size() == [2, 2]
            assert mpl.get_backend() == "agg"
        assert figure_size() == [1, 1]
        assert mpl.get_backend() == "svg"
    assert figure_size() is found


def test_applying_and_restoring_twice_is_applying_and_restoring_once() -> None:
    found = figure_size()
    style = Style(fig_size_mm=(25.4, 25.4))
    style.restore()
    for _ in range(2):
        style.apply()
        style.apply()
        assert figure_size() == [1, 1]
        style.restore()
        style.restore()
        assert figure_size() == found


def test_as_a_decorator_it_is_in_force_during_each_call() -> None:
    found = figure_size()

    @ONE
    def countdown(n: int, /, *, sizes: list[list[float]]) -> int:
        """Count down."""
        if n:
            countdown(n - 1, sizes=sizes)
        sizes.append(figure_size())
        return n

    sizes: list[list[float]] = []
    assert countdown(2, sizes=sizes) == 2
    assert sizes == [[1, 1]] * 3
    assert figure_size() == found
    assert (countdown.__name__, countdown.__doc__) == ("countdown", "Count down.")


def test_as_a_decorator_it_ends_with_an_exception() -> None:
    found = figure_size()

    @ONE
    def fail() -> None:
        assert figure_size() == [1, 1]
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        fail()
    assert figure_size() == found


def test_what_would_run_after_the_style_is_off_is_not_decorated() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None:
        await asyncio.sleep(0)

    for func in (generator, coroutine, 3):
        with pytest.raises(StyleTypeError, match="neither a generator nor a coroutine, not "):
            ONE(func)  # type: ignore[arg-type]


def test_a_with_block_gives_the_style_and_its_plt() -> None:
    with TWO as style:
        assert style is TWO
        assert style.plt.rcParams["figure.figsize"] == [2, 2]


arguments: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "fig_size_mm": st.tuples(st.floats(1, 300), st.floats(1, 300)),
        "fig_scale": st.floats(0.1, 3),
        "dpi_display": st.floats(10, 300),
        "dpi_save": st.floats(10, 600),
        "fontsize": st.sampled_from(["xx-small", "large", 7, {"tick": 5, "title": "large"}]),
        "autolayout": st.booleans(),
        "hide_top_right_spines": st.booleans(),
        "alpha": st.floats(0, 1),
        "line_width": st.floats(0.1, 10),
    },
)


@settings(max_examples=40)
@given(arguments=arguments)
def test_a_style_is_its_params_and_leaves_everything_as_found(arguments: dict[str, Any]) -> None:
    params: Any = importlib.import_module("matplotlib").rcParams
    found = dict.copy(params)
    expected = params.copy()
    expected.update(rc_params(**arguments))
    with Style(**arguments):
        assert dict.copy(params) == dict.copy(expected)
    assert dict.copy(params) == found
