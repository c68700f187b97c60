"""The names that can be imported stand for what the session that runs has."""

from __future__ import annotations

import copy
import doctest
import inspect
import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session import COLORS, CONFIG, NoSessionError, logger, plt, rngg
from support import run_script

OUTSIDE: dict[str, Any] = {
    "an attribute": lambda: CONFIG.ID,
    "an item": lambda: CONFIG["ID"],
    "a change": lambda: setattr(CONFIG, "MINE", 1),
    "a loop": lambda: list(CONFIG),
    "its length": lambda: len(CONFIG),
    "a question": lambda: "ID" in CONFIG,
    "a method": lambda: CONFIG.get("ID"),
    "a generator": lambda: rngg("weights"),
    "a seed": lambda: rngg.seed,
}


@pytest.mark.parametrize("use", OUTSIDE)
def test_what_belongs_to_a_run_says_what_to_do_without_one(use: str) -> None:
    with pytest.raises(NoSessionError, match="belongs to a running session, and none runs here"):
        OUTSIDE[use]()


def test_what_needs_no_run_serves_without_one() -> None:
    assert COLORS.blue == stx.CustomColors().blue
    assert COLORS["gray"] == COLORS.grey
    assert len(COLORS) == len(list(COLORS)) > 5
    assert logger.name == "scitex_session"
    assert repr(plt).startswith("<module 'matplotlib.pyplot'")


def test_tools_may_look_at_them_without_a_run() -> None:
    assert isinstance(CONFIG, stx.DotDict)
    assert isinstance(COLORS, stx.CustomColors)
    assert isinstance(rngg, stx.RandomStateManager)
    assert isinstance(logger, logging.Logger)
    for name, standing in {"CONFIG": CONFIG, "rngg": rngg, "logger": logger}.items():
        assert name in repr(standing) or name == "logger"
        assert not inspect.isclass(standing)
        assert getattr(standing, "__wrapped__", None) is None
        assert not hasattr(CONFIG, "ID")
        assert inspect.unwrap(standing) is standing  # type: ignore[arg-type]
        assert dir(standing)
        assert pickle.loads(pickle.dumps(standing)) is standing
        assert copy.deepcopy(standing) is standing
    doctest.DocTestFinder().find(sys.modules[__name__])


@pytest.fixture
def runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not beside this file, from which the sessions are started."""
    monkeypatch.setenv("SCITEX_SESSION_OUT_DIR", "runs")


@pytest.mark.usefixtures("runs_here")
def test_within_a_run_they_are_its_own() -> None:
    config, _, _, _, colors, rng = stx.start(sdir="run", verbose=False, args={"n": 1})
    try:
        assert config["ID"] == CONFIG.ID
        assert config == CONFIG
        assert {**CONFIG} == dict(CONFIG) == dict(config)
        assert (CONFIG | {"X": 1})["X"] == ({"X": 1} | CONFIG)["X"] == 1
        assert "ARGS" in CONFIG
        assert list(CONFIG) == list(config)
        CONFIG.MINE = 1
        CONFIG["THEIRS"] = 2
        assert (config.MINE, config.THEIRS) == (1, 2)
        del CONFIG.MINE
        del CONFIG["THEIRS"]
        assert "MINE" not in config
        assert "THEIRS" not in config
        assert "ID" in dir(CONFIG)
        assert repr(CONFIG) == repr(config)
        assert rngg.seed == rng.seed
        assert COLORS.alpha == colors.alpha
        assert logger.name != "scitex_session"
        with pytest.raises(AttributeError, match=r"CONFIG\.ID is the run's own"):
            CONFIG.ID = "mine"
    finally:
        stx.close(CONFIG, verbose=False, exit_status=0)
    assert config.EXIT_STATUS == 0
    with pytest.raises(NoSessionError):
        _ = CONFIG.ID


@pytest.mark.usefixtures("runs_here")
def test_running2finished_takes_the_stand_in() -> None:
    config, *_ = stx.start(verbose=False)
    stx.running2finished(CONFIG, exit_status=0)
    assert config.SDIR_RUN.parent.name == "FINISHED_SUCCESS"
    stx.close(config, verbose=False)


def test_they_cost_nothing_until_they_are_used() -> None:
    finished = run_script("""
        import sys
        from scitex_session import COLORS, CONFIG, logger, plt, rngg
        heavy = {"numpy", "matplotlib.pyplot", "logging", "signal"}
        print(sorted(heavy & set(sys.modules)))
    """)
    assert finished == (0, "[]\n", "")


SCRIPT = '''\
"""Fit."""

import scitex_session as stx
from scitex_session import COLORS, CONFIG, logger, plt, rngg

from helper import describe


@stx.session
def main(size: int = 3) -> int:
    """Draw some numbers."""
    logger.info("run %s", CONFIG.ID)
    numbers = rngg("numbers").random(size)
    plt.plot(numbers, color=COLORS.blue)
    plt.close("all")
    describe()
    return 0


if __name__ == "__main__":
    main()
    assert repr(CONFIG) == "<CONFIG of the session that runs; none does>"
'''
HELPER = '''\
"""Helpers of another module."""

from scitex_session import COLORS, CONFIG, logger, rngg


def describe() -> None:
    """Say what runs."""
    logger.info("%s of %s", CONFIG["ID"], CONFIG.SDIR_RUN.name)
    logger.info("%s %s", COLORS.red.hex, rngg("numbers").random())
'''


def written() -> None:
    Path("script.py").write_text(SCRIPT)
    Path("helper.py").write_text(HELPER)


def test_a_script_uses_them_in_every_module_and_nothing_is_said_of_them() -> None:
    written()
    finished = run_script(Path("script.py"))
    assert finished.returncode == 0, finished
    assert all(line.startswith("INFO: ") for line in finished.stderr.splitlines()), finished
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert f"INFO: {run.name} of {run.name}\n" in finished.stderr


@pytest.mark.slow
def test_a_type_checker_passes_it() -> None:
    pytest.importorskip("mypy", reason="mypy is missing: it is in the test environment `all`")
    from mypy import api

    written()
    source = Path(stx.__file__).parents[3]
    os_path = [str(path) for path in source.glob("*/src")]
    Path("mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {':'.join(os_path)}\n")
    said, _, status = api.run(["script.py", "helper.py"])
    assert (said, status) == ("Success: no issues found in 2 source files\n", 0)


@pytest.mark.parametrize("select", ["E4,E7,E9,F", "ALL"])
def test_a_linter_passes_it(select: str) -> None:
    import shutil
    import subprocess

    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is missing: it is in the test environment `all`")
    written()
    # D203 and D213 contradict others; INP001 is about packages; S101 is our own assert.
    ignored = "D203,D213,INP001,S101"
    command = [ruff, "check", "--isolated", "--select", select, "--ignore", ignored, "."]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
