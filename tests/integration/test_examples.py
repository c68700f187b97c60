"""The examples are real scripts, and run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from scitex_session import SessionManager
from support import read_json, run_script, start_script, wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def penguins(tmp_path: Path) -> Path:
    """A copy of the demo, so that its runs stay out of the repository."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("*_out"))
    return tmp_path / "examples" / "penguins.py"


def test_the_demo_fits_draws_saves_and_says_where_everything_is(penguins: Path) -> None:
    finished = run_script(penguins, "--resamples", "50")
    assert finished.returncode == 0, finished
    assert finished.stderr == ""
    (run,) = penguins.with_name("penguins_out").joinpath("FINISHED_SUCCESS").iterdir()
    *_, saved, place = finished.stdout.rstrip().splitlines()
    assert saved == "saved slopes.csv, penguins.png"
    assert place.endswith(f": {run}")
    assert "left open" not in finished.stdout
    for species in ("Adelie", "Chinstrap", "Gentoo"):
        assert species in (run / "slopes.csv").read_text()
        assert species in (run / "logs" / "stdout.log").read_text()
    assert (run / "penguins.png").read_bytes().startswith(b"\x89PNG")
    record = read_json(run / "session.json")
    assert record["arguments"]["resamples"] == 50
    assert [
        (Path(artifact["path"]).name, artifact["role"]) for artifact in record["artifacts"]
    ] == [
        ("penguins.csv", "input"),
        ("slopes.csv", "output"),
        ("penguins.png", "output"),
    ]


def test_the_demo_gives_the_same_table_and_pixels_again(penguins: Path) -> None:
    for _ in range(2):
        run_script(penguins, "--resamples", "20")
    first, second = penguins.with_name("penguins_out").joinpath("FINISHED_SUCCESS").iterdir()
    assert (first / "slopes.csv").read_bytes() == (second / "slopes.csv").read_bytes()
    # A figure's bytes say which run made it; its pixels do not.
    assert np.array_equal(imread(first / "penguins.png"), imread(second / "penguins.png"))


@pytest.mark.slow
def test_the_gallery_draws_each_plot_in_both_styles_without_a_warning() -> None:
    script = shutil.copy(EXAMPLES / "gallery.py", "gallery.py")
    finished = run_script(Path(script), "--out", "pictures", python_options=["-W", "error"])
    assert (finished.returncode, finished.stderr) == (0, "")
    drawn = sorted(Path("pictures").iterdir())
    assert [str(path) for path in drawn] == finished.stdout.split()
    page = (EXAMPLES.parent / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert all(f"_pictures/{path.name}\n" in page for path in drawn)
    assert len({path.read_bytes() for path in drawn}) == 14


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is missing here")
def test_a_killed_demo_is_filed_as_crashed_and_no_longer_active(penguins: Path) -> None:
    out = penguins.with_name("penguins_out")
    with start_script(penguins, "--resamples", "1000000") as process:
        log = wait_until(lambda: next(out.glob("RUNNING/2*/logs/stdout.log"), None))
        wait_until(lambda: b"seed:" in log.read_bytes())
        process.kill()
        process.wait()
    run = wait_until(lambda: next(out.glob("FINISHED_ERROR/2*"), None))
    assert read_json(run / "session.json")["status"] == "crashed"
    assert b"seed:" in (run / "logs" / "stdout.log").read_bytes()
    assert SessionManager().get_active_sessions() == {}


def test_a_torch_training_that_is_killed_twice_ends_with_the_same_weights() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    if os.name != "posix":
        pytest.skip("SIGKILL is missing here")
    script, options = EXAMPLES / "resume_training.py", ("--epochs", "9", "--out")
    whole = run_script(script, *options, "whole", timeout=110)
    assert whole.returncode == 0, whole.stderr
    for epoch in (2, 6):  # killed as it works on the epoch after that
        with start_script(script, *options, "killed") as process:
            assert process.stdout is not None
            printed = iter(process.stdout.readline, "")
            assert any(line.startswith(f"epoch {epoch:3d} ") for line in printed)
            process.kill()
            process.wait()
    resumed = run_script(script, *options, "killed", timeout=110)
    assert resumed.returncode == 0, resumed.stderr
    first, *lines = resumed.stdout.splitlines()
    assert first.startswith("going on after epoch ")
    assert lines == whole.stdout.splitlines()[-len(lines) :]
    assert lines[-1].startswith("weights ")
    assert 1 < len(lines) < 10
