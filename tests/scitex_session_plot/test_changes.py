from __future__ import annotations

import os
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scitex_session_plot import Style
from support import run_script

# A backend of the user's, whose windows are lines in `windows.txt`.
WINDOWED = """
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

class FigureManager(FigureManagerBase):
    def __init__(self, canvas, num):
        super().__init__(canvas, num)
        with open("windows.txt", "a") as file:
            file.write("opened\\n")

class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager
"""
SHOW = """
def backend():
    from matplotlib import rcParams, rcParamsDefault
    names = [params._get("backend") for params in (rcParams, rcParamsDefault)]
    return [name if isinstance(name, str) else "not chosen" for name in names]

def canvas(figure):
    return type(figure.canvas).__name__
"""


@pytest.fixture
def windowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "windowed.py").write_text(WINDOWED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "module://windowed"


def windows() -> int:
    path = Path("windows.txt")
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def settings() -> dict[str, Any]:
    """Import matplotlib, and give its rcParams as they are, without choosing a backend."""
    import matplotlib as mpl

    return {key: mpl.rcParams._get(key) for key in dict.keys(mpl.rcParams)}


@pytest.mark.parametrize("pyplot", ["before", "while", "never"])
def test_a_backend_not_chosen_is_not_chosen_afterwards(pyplot: str) -> None:
    done = run_script(
        SHOW
        + f"""
import os, sys
from scitex_session_plot import Style
import matplotlib
if {pyplot == "before"}: import matplotlib.pyplot
with Style(agg=True) as style:
    print(backend()[0])
    if {pyplot != "never"}: print(canvas(style.plt.figure()))
print(*backend(), "MPLBACKEND" in os.environ)
plt = sys.modules.get("matplotlib.pyplot")
print(plt and (plt._backend_mod, plt.get_fignums()))
"""
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "agg",
        *(["FigureCanvasAgg"] if pyplot != "never" else []),
        "not chosen not chosen False",
        "(None, [])" if pyplot != "never" else "None",
    ]


@pytest.mark.parametrize("agg", [True, False])
def test_the_environments_backend_is_overruled_only_by_agg_and_only_while_it_lasts(
    agg: bool,
) -> None:
    done = run_script(
        SHOW
        + f"""
import os
from scitex_session_plot import Style
with Style(agg={agg}) as style:
    print(canvas(style.plt.figure()))
print(canvas(style.plt.figure()), backend()[0], os.environ["MPLBACKEND"])
""",
        env={"MPLBACKEND": "svg"},
    )
    within = "FigureCanvasAgg" if agg else "FigureCanvasSVG"
    assert (done.stdout, done.stderr) == (f"{within}\nFigureCanvasSVG svg svg\n", "")


def test_a_machine_without_a_display_draws_without_agg_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = run_script(
        """
        from scitex_session_plot import Style
        with Style(fig_size_mm=(80, 50), dpi_save=254) as style:
            style.plt.plot([1, 2])
            style.plt.savefig("figure.png")
            style.plt.show()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("figure.png").stat().st_size > 0


@pytest.mark.parametrize("pyplot", ["before", "while"])
def test_show_under_agg_neither_warns_nor_fails_where_there_is_a_display(pyplot: str) -> None:
    done = run_script(
        f"""
        import warnings
        from scitex_session_plot import Style
        if {pyplot == "before"}: import matplotlib.pyplot
        def ours(): return sum("FigureCanvasAgg" in str(item) for item in warnings.filters)
        with Style(agg=True), Style(agg=True) as style:
            with Style(agg=True):
                pass
            style.plt.plot([1, 2])
            style.plt.show()
            style.plt.gcf().show()
            print(ours())
        print(ours())
        """,
        env={"DISPLAY": ":99"},
        python_options=["-W", "error"],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n0\n", "")


def test_other_warnings_are_heard_under_agg() -> None:
    import matplotlib.pyplot as plt

    with Style(agg=True), pytest.warns(UserWarning, match="Attempting to set identical"):
        plt.figure().subplots().set_xlim(1, 1)


def test_agg_opens_no_window_and_gives_the_windows_back(windowed: str) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use(windowed)
    kept = plt.figure("kept")
    assert windows() == 1
    found = settings()
    with Style(agg=True):
        assert type(plt.figure().canvas).__name__ == "FigureCanvasAgg"
        plt.figure("kept")
    assert windows() == 1
    assert settings() == found
    assert plt.get_figlabels() == ["kept"]
    assert plt.figure("kept") is kept
    plt.figure()
    assert windows() == 2


def test_without_agg_the_users_backend_is_left_alone(windowed: str) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use(windowed)
    with Style():
        plt.figure()
    assert windows() == 1
    assert len(plt.get_fignums()) == 1


def test_a_switch_by_the_user_meanwhile_ends_with_the_style() -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("svg")
    with Style(agg=True):
        plt.switch_backend("pdf")
        assert type(plt.figure().canvas).__name__ == "FigureCanvasPdf"
    assert mpl.get_backend() == "svg"
    assert type(plt.figure().canvas).__name__ == "FigureCanvasSVG"


def test_figures_left_open_under_agg_are_closed_and_still_usable() -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("agg")
    before = plt.figure(7)
    with Style(agg=True):
        plt.close(before)
        reused = plt.figure(7)  # the number of a figure from before, but another figure
        plt.figure(8)
    assert plt.get_fignums() == []
    reused.savefig("figure.png")
    assert Path("figure.png").stat().st_size > 0


@pytest.mark.parametrize("agg", [True, False])
def test_figures_opened_while_the_style_is_on_are_closed_on_request(agg: bool) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("agg")
    plt.figure("before")
    style = Style(agg=agg)
    assert style.close_figures() == 0
    with style:
        kept = plt.figure("one")
        plt.figure("two")
        plt.close(plt.figure("closed"))
        assert style.close_figures() == 2
        assert style.close_figures() == 0
    assert plt.get_figlabels() == ["before"]
    kept.savefig("figure.png")
    assert Path("figure.png").stat().st_size > 0


CELLS = {
    "open": "style.apply(); plt.plot([1, 2]); assert style.close_figures() == 1; style.restore()",
    "closed": "style.apply(); plt.close(plt.figure()); style.close_figures(); style.restore()",
    "by hand": "style.apply(); plt.ioff(); plt.figure(); style.close_figures(); style.restore()",
}


def test_a_notebook_shows_a_figure_that_is_closed_before_the_cell_ends() -> None:
    manager = pytest.importorskip(
        "jupyter_client.manager", reason="running a kernel needs jupyter_client and ipykernel"
    )
    pytest.importorskip("ipykernel", reason="running a kernel needs ipykernel")
    shown: dict[str, list[bytes]] = {name: [] for name in CELLS}

    kernel, client = manager.start_new_kernel()
    try:
        start = "from scitex_session_plot import Style, plt; style = Style()"
        client.execute_interactive(start, timeout=60)
        for name, cell in CELLS.items():

            def hear(message: dict[str, Any], name: str = name) -> None:
                if message["msg_type"] == "display_data":
                    shown[name].append(b64decode(message["content"]["data"]["image/png"]))

            reply = client.execute_interactive(cell, output_hook=hear, timeout=60)
            assert reply["content"]["status"] == "ok", reply
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert {name: len(pictures) for name, pictures in shown.items()} == {
        "open": 1,
        "closed": 0,
        "by hand": 0,
    }
    assert shown["open"][0].startswith(b"\x89PNG")


def test_restoring_puts_back_what_was_found_and_only_that() -> None:
    import matplotlib as mpl

    mpl.rcParams["font.size"] = 31
    mpl.rcParams["font.sans-serif"] = ["Own"]
    found = settings()
    with Style(agg=True):
        assert mpl.rcParams["font.size"] == pytest.approx(8.33)
        mpl.rcParams["font.sans-serif"].append("Other")
        mpl.rcParams["lines.linewidth"] = 9
        mpl.rcParams["image.cmap"] = "magma"  # not the style's
    after = settings()
    assert after.pop("image.cmap") == "magma"
    del found["image.cmap"]
    assert after == found
    assert all(after[key] is found[key] for key in ("font.sans-serif", "axes.prop_cycle"))


def test_a_setting_that_matplotlib_does_not_take_is_said_once_and_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a matplotlib to come might not."""
    import matplotlib as mpl

    def refuse(value: object) -> object:
        raise ValueError(value)

    found = settings()
    monkeypatch.delitem(mpl.rcParams.validate, "legend.fancybox")
    monkeypatch.setitem(mpl.rcParams.validate, "savefig.dpi", refuse)
    style = Style(line_width=7)
    with pytest.warns(UserWarning, match=r"savefig\.dpi, legend\.fancybox$"):
        style.apply()
    now = settings()
    assert now["lines.linewidth"] == 7
    assert {key: now[key] for key in ("legend.fancybox", "savefig.dpi")} == {
        key: found[key] for key in ("legend.fancybox", "savefig.dpi")
    }
    style.restore()
    assert settings() == found


def test_an_exception_takes_the_style_off_too() -> None:
    import matplotlib as mpl

    found = settings()
    with pytest.raises(ZeroDivisionError), Style(agg=True):
        _ = 1 / (mpl.rcParams["lines.linewidth"] - 1)
    assert settings() == found


def test_a_style_that_never_met_matplotlib_leaves_nothing() -> None:
    done = run_script(
        """
        import os, sys
        finders, environment = list(sys.meta_path), dict(os.environ)
        from scitex_session_plot import Style
        style = Style(agg=True)
        style.apply()
        assert len(sys.meta_path) == len(finders) + 1
        style.restore()
        assert sys.meta_path == finders and os.environ == environment
        import matplotlib
        found = dict(matplotlib.rcParamsDefault)
        print("matplotlib.pyplot" in sys.modules, matplotlib.rcParams["font.size"])
        """
    )
    assert (done.stdout, done.stderr) == ("False 10.0\n", "")


def test_importing_and_making_a_style_change_nothing() -> None:
    done = run_script(
        SHOW
        + """
import os, sys
import matplotlib
def state():
    params = {key: matplotlib.rcParams._get(key) for key in dict.keys(matplotlib.rcParams)}
    return params, backend(), dict(os.environ), list(sys.meta_path)
found = state()
import scitex_session_plot
scitex_session_plot.rc_params()
style = scitex_session_plot.Style(agg=True)
scitex_session_plot.COLORS.cycle
style.plt
print(state() == found, "matplotlib.pyplot" in sys.modules)
"""
    )
    assert (done.stdout, done.stderr) == ("True False\n", "")


def test_the_environment_is_never_written() -> None:
    before = dict(os.environ)
    with Style(agg=True) as style:
        style.plt.figure()
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_no_hook_waits_after_the_style() -> None:
    settings()
    finders = list(sys.meta_path)
    with Style():
        pass
    assert sys.meta_path == finders


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=14)


@given(steps=STEPS)
@example(steps=[(True, 0), (True, 1), (False, 0), (False, 1)])
@example(steps=[(True, 1), (True, 3), (False, 1), (False, 3)])
def test_in_whatever_order_styles_end_the_newest_left_is_in_force_and_the_last_leaves_no_trace(
    steps: list[tuple[bool, int]],
) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    plt.switch_backend("svg")
    found, loaded = settings(), plt._backend_mod
    styles = [Style(fig_size_mm=(25.4 * (n + 1), 25.4), agg=n % 2 == 1) for n in range(4)]
    in_force: list[int] = []
    try:
        for put_on, number in steps:
            if put_on:
                styles[number].apply()
                in_force += [number] if number not in in_force else []
            else:
                styles[number].restore()
                in_force = [n for n in in_force if n != number]
            newest = [in_force[-1] + 1, 1] if in_force else found["figure.figsize"]
            assert mpl.rcParams["figure.figsize"] == pytest.approx(newest)
            agg = any(n % 2 for n in in_force)
            assert mpl.rcParams._get("backend") == ("agg" if agg else "svg")
    finally:
        for style in styles:
            style.restore()
    assert settings() == found
    assert plt._backend_mod is loaded


def test_figures_under_agg_stay_open_until_the_last_style_with_agg_ends() -> None:
    import matplotlib.pyplot as plt

    plt.switch_backend("svg")
    older, newer = Style(agg=True), Style(agg=True)
    older.apply()
    first = plt.figure()
    newer.apply()
    second = plt.figure()
    older.restore()
    assert plt.get_fignums() == [first.number, second.number]
    newer.restore()
    assert plt.get_fignums() == []
