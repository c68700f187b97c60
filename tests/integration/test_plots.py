"""Figures in whole runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import run_script

DRAWS = """
import scitex_session as stx

@stx.session({options})
def main(plt=stx.INJECTED):
    {body}
    return 0

if __name__ == "__main__":
    main()
"""
DISPLAY = {"DISPLAY": ":99"}  # matplotlib sees a display, whether it answers or not


def script(body: str, options: str = "") -> str:
    return DRAWS.format(body=body.replace("\n", "\n    "), options=options)


@pytest.mark.parametrize("opened", [0, 1, 3])
def test_figures_left_open_are_closed_and_counted_in_the_footer(opened: int) -> None:
    body = f"for _ in range({opened}): plt.figure()"
    done = run_script(script(body, "verbose=True"))
    assert (done.returncode, done.stderr) == (0, "")
    said = re.findall(r"^(\d) figures? left open, and closed$", done.stdout, re.MULTILINE)
    assert said == ([str(opened)] if opened else [])


def test_figures_left_open_are_closed_without_agg_too() -> None:
    done = run_script(
        """
        import matplotlib.pyplot as plt
        import scitex_session as stx

        plt.figure("mine")

        @stx.session(agg=False)
        def main():
            plt.figure("left open")

        main()
        print(plt.get_figlabels())
        """,
        env={"MPLBACKEND": "agg"},
    )
    assert (done.stdout, done.stderr) == ("['mine']\n", "")


def test_a_script_that_ends_in_show_ends_well_where_there_is_a_display() -> None:
    body = "plt.plot([1, 2])\nplt.show()"
    done = run_script(script(body), env=DISPLAY, python_options=["-W", "error"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_fonts_that_a_machine_lacks_are_not_complained_about() -> None:
    body = """
figure, axes = plt.subplots()
axes.set(title="Größe µV", xlabel=r"$\\sigma^2 = \\frac{1}{n}\\sum_i x_i^2$", ylabel="0 ≤ x₂")
axes.plot([-1, 1], [-1e-7, 1e9])
for suffix in ("png", "pdf", "svg"):
    figure.savefig(f"figure.{suffix}")
""".strip()
    done = run_script(script(body), python_options=["-W", "error"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "Größe" in Path("figure.svg").read_text(encoding="utf-8")


def test_a_session_takes_the_column_of_a_journal() -> None:
    body = "print(*(round(25.4 * side, 1) for side in plt.figure().get_size_inches()))"
    done = run_script(script(body, "fig_size_mm=('Nature single', 60)"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "89.0 60.0\n", "")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("fig_size_mm='natur single'", "did you mean 'nature single'"),
        ("fig_size_mm=(160, -100)", "fig_size_mm[1] must be a positive number of millimetres"),
        ("dpi_save=0", "dpi_save must be a positive number, not 0"),
        ("fontsize='tiny'", "fontsize must be a positive number of points or one of"),
    ],
)
def test_a_look_that_can_not_be_is_refused_before_a_run_starts(option: str, said: str) -> None:
    done = run_script(script("print('ran')", option))
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr
    assert not Path("script_out").exists()
