"""The door: every name is there, and costs nothing before it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

import scitex_session_plot
from support import run_script

PACKAGE = Path(scitex_session_plot.__file__).parent


def test_a_star_import_gives_every_name() -> None:
    done = run_script(
        """
        import scitex_session_plot as plot
        names = {}
        exec("from scitex_session_plot import *", names)
        assert sorted(name for name in names if not name.startswith("_")) == plot.__all__
        assert set(plot.__all__) | {"__version__"} <= set(dir(plot))
        assert all(getattr(plot, name) is names[name] for name in plot.__all__)
        try:
            plot.no_such
        except AttributeError as error:
            print(error)
        """
    )
    assert (done.stdout, done.stderr) == (
        "module 'scitex_session_plot' has no attribute 'no_such'\n",
        "",
    )


def test_the_package_works_from_a_zip() -> None:
    Path("where").mkdir()
    shutil.copytree(PACKAGE, Path("where", PACKAGE.name), ignore=shutil.ignore_patterns("*.pyc"))
    archive = shutil.make_archive("packed", "zip", "where")
    done = run_script(
        f"""
        import sys
        sys.path.insert(0, {archive!r})
        import scitex_session_plot as plot
        assert "packed.zip" in plot.__file__
        print(plot.COLORS.blue, plot.figsize_mm(25.4, 50.8))
        """
    )
    assert (done.stdout, done.stderr) == ("#0946ac (1.0, 2.0)\n", "")


def test_a_run_that_draws_nothing_imports_little_and_nothing_that_reads_stamps() -> None:
    done = run_script(
        """
        import sys
        from scitex_session_plot import CustomColors, Style, watch_savefig
        style, colors = Style(agg=True), CustomColors(alpha=0.9)
        style.apply()
        end = watch_savefig(print, stamp=dict)
        end()
        style.close_figures()
        style.restore()
        ours = [name for name in sys.modules if name.startswith("scitex_session_plot")]
        print(len(ours) <= 9, [name for name in ours if name.endswith((".read", ".scan", ".rc"))])
        """
    )
    assert (done.stdout, done.stderr) == ("True []\n", "")
