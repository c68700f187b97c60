from __future__ import annotations

import pytest

from support import run_script

SAVES = """
    import io
    from scitex_session_plot import Style, subplots_mm
    with Style({size}, agg=True) as style:
        figure, axes = {figure}
        figure.savefig(io.BytesIO(), bbox_inches="tight")
        for _ in range(2):
            figure.savefig("figure.png"{how})
"""
TIGHT = ', bbox_inches="tight"'
OF_STYLE, IN_MM = "style.plt.subplots()", "subplots_mm(axes_mm=(40, 30))"


@pytest.mark.parametrize("options", [[], ["-W", "error"]])
@pytest.mark.parametrize(("size", "figure"), [("(80, 50)", OF_STYLE), ("(160, 100)", IN_MM)])
def test_a_tight_box_that_makes_a_size_untrue_is_said_once_and_saves_the_figure(
    size: str, figure: str, options: list[str]
) -> None:
    script = SAVES.format(size=size, figure=figure, how=TIGHT)
    done = run_script(script, python_options=options)
    assert done.returncode == 0
    assert done.stderr.count("UserWarning: bbox_inches='tight' saves a figure of ") == 1


@pytest.mark.parametrize(
    ("size", "how"),
    [
        ("(160, 100)", TIGHT),
        ("(80, 50)", ""),
        ("(80, 50)", ", bbox_inches=style.plt.figure().bbox_inches"),
    ],
)
def test_nothing_is_said_of_a_size_that_nobody_asked_for_or_that_stays(size: str, how: str) -> None:
    done = run_script(SAVES.format(size=size, figure=OF_STYLE, how=how))
    assert (done.returncode, done.stderr) == (0, "")
