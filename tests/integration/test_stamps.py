"""Figures that know their run: whole runs, and the way back from their files."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import read_record
from scitex_session_plot import read_stamp
from support import Finished, run_script, write_script

PLOT = """
import scitex_session as stx

@stx.session(stamp={stamp}, dpi_save=60, fig_size_mm=(80, 40))
def main(to: str = "out", gain: float = 2.0):
    import pathlib
    pathlib.Path(to).mkdir()
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, gain, 3], marker="o", label="Größe")
    left.legend()
    right.imshow(rngg("image").random((5, 5)))
    right.bar([1, 2], [3, 1], hatch="//")
    for suffix in ("png", "pdf", "svg", "svgz", "jpg", "tif", "webp"):
        figure.savefig(f"{{to}}/figure.{{suffix}}")
    left.set(alpha=1)
    plt.figure().add_subplot().plot([1, 2], alpha=1, color="k")
    plt.savefig(f"{{to}}/figure.eps")
    plt.savefig(f"{{to}}/figure.ps")

if __name__ == "__main__":
    main()
"""


def the_run() -> Path:
    (run,) = Path("script_out", "FINISHED_SUCCESS").iterdir()
    return run.absolute()


def whence(*arguments: str | Path) -> Finished:
    names = [os.fspath(argument) for argument in arguments]
    argv = [sys.executable, "-m", "scitex_session", "whence", *names]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return Finished(done.returncode, done.stdout, done.stderr)


def told(*arguments: str | Path) -> list[dict[str, Any]]:
    finished = whence("--json", *arguments)
    assert finished.stderr == ""
    found = json.loads(finished.stdout)
    assert isinstance(found, list)
    return found


def without_stamp(path: Path) -> bytes:
    """Blank the stamps of a file; they are equally long for equal runs."""
    data = path.read_bytes()
    if path.suffix == ".svgz":
        data = gzip.decompress(data)
    data = re.sub(rb'\{"scitex-session".*?\}', lambda found: b" " * len(found[0]), data)
    if path.suffix == ".png":  # each chunk has a checksum
        at = 8
        while at < len(data):
            (length,) = struct.unpack_from(">I", data, at)
            if data[at + 4 : at + 8] == b"tEXt":
                data = data[: at + 8 + length] + bytes(4) + data[at + 12 + length :]
            at += 12 + length
    return data


def test_two_equal_runs_differ_in_nothing_but_their_stamp() -> None:
    script = write_script(PLOT.format(stamp=True))
    for to in ("one", "two"):
        assert run_script(script, "--to", to).returncode == 0
    for path in sorted(Path("one").iterdir()):
        other = Path("two", path.name)
        assert path.read_bytes() != other.read_bytes(), path.name
        assert without_stamp(path) == without_stamp(other), path.name
        first, second = read_stamp(path), read_stamp(other)
        assert first is not None
        assert second is not None
        assert first.id != second.id


def test_every_figure_is_an_artifact_and_names_its_run_script_and_commit() -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    Path("analysis").mkdir()
    script = write_script(PLOT.format(stamp=True), Path("analysis"))
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "-q", "-m", "one"], check=True)
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    assert run_script(script).returncode == 0
    (run,) = Path("analysis/script_out/FINISHED_SUCCESS").iterdir()
    record = read_record(run)
    artifacts = {a["path"]: a for a in record["artifacts"]}
    saved = sorted(Path("out").absolute().iterdir())
    assert sorted(artifacts) == [str(path) for path in saved]
    for path in saved:
        artifact = artifacts[str(path)]
        assert artifact["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (artifact["bytes"], artifact["role"]) == (path.stat().st_size, "output")
        stamp = read_stamp(path)
        assert stamp is not None
        assert (stamp.id, stamp.script, stamp.commit) == (
            record["id"],
            "analysis/script.py",
            commit,
        )
        assert stamp.version == record["versions"]["scitex-session"]


def test_images_animations_and_figures_in_open_files_are_artifacts() -> None:
    done = run_script(
        """
        import scitex_session as stx

        @stx.session
        def main():
            import io
            from matplotlib.animation import FuncAnimation
            folder = CONFIG.SDIR_RUN
            plt.imsave(folder / "map.png", [[1, 2], [3, 4]])
            figure, axes = plt.subplots(figsize=(2, 1))
            (line,) = axes.plot([1, 2])
            FuncAnimation(figure, lambda n: line.set_ydata([n, 2]), frames=2).save(
                folder / "film.gif", writer="pillow", dpi=40)
            figure.savefig(io.BytesIO())
            held = open(folder / "held.pdf", "wb")
            figure.savefig(held, format="pdf")
            return held

        if __name__ == "__main__":
            main()
        """
    )
    assert done.returncode == 0, done.stderr
    (run,) = Path("script_out", "FINISHED_SUCCESS").iterdir()
    artifacts = {artifact["path"]: artifact for artifact in read_record(run)["artifacts"]}
    assert list(artifacts) == ["map.png", "film.gif", "held.pdf"]
    for name, artifact in artifacts.items():
        assert artifact["sha256"] == hashlib.sha256((run / name).read_bytes()).hexdigest()
    stamps = {name: read_stamp(run / name) for name in artifacts}
    assert {name: bool(stamp) for name, stamp in stamps.items()} == {
        "map.png": True,
        "film.gif": False,
        "held.pdf": True,
    }


def test_turned_off_figures_are_plain_and_still_on_record() -> None:
    assert run_script(PLOT.format(stamp=False)).returncode == 0
    for path in Path("out").iterdir():
        assert read_stamp(path) is None
    assert len(read_record(the_run())["artifacts"]) == 9
    (found,) = told("out/figure.png")
    assert (found["id"], found["found_by"]) == (the_run().name, "content")


def test_a_draft_says_in_its_corner_which_run_it_is() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session(stamp="visible")
        def main():
            figure = plt.figure()
            figure.savefig("draft.svg")
            assert figure.get_children() == [figure.patch]

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    assert f">{the_run().name.rpartition('_')[2]}</text>" in Path("draft.svg").read_text()


@pytest.mark.parametrize("stamp", ["'seen'", "1", "None", "[]"])
def test_what_is_no_way_to_stamp_is_refused_before_the_run(stamp: str) -> None:
    finished = run_script(PLOT.format(stamp=stamp))
    assert finished.returncode == 1
    last = finished.stderr.strip().splitlines()[-1]
    assert last.endswith(f"stamp must be True, False or 'visible', not {stamp}")
    assert not Path("script_out").exists()


def test_by_hand_in_a_fork_and_with_pandas_and_seaborn() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("seaborn")
    finished = run_script("""
        import os, sys
        import matplotlib.pyplot as plt
        import pandas, seaborn
        import scitex_session as stx

        CONFIG, *_ = stx.start(sys, agg=True, verbose=False)
        pandas.DataFrame({"a": [1, 2]}).plot().figure.savefig(CONFIG.SDIR_RUN / "pandas.png")
        seaborn.relplot(x=[1, 2], y=[1, 2]).savefig("seaborn.pdf")
        if os.fork() == 0:
            plt.figure().savefig("child.png")
            os._exit(0)
        os.wait()
        stx.close(CONFIG, exit_status=0, verbose=False)
        plt.figure().savefig("after.png")
    """)
    assert finished.returncode == 0, finished.stderr
    run = the_run()
    paths = [artifact["path"] for artifact in read_record(run)["artifacts"]]
    here = Path.cwd()
    assert paths == ["pandas.png", str(here / "seaborn.pdf"), str(here / "child.png")]
    for path in (run / "pandas.png", "seaborn.pdf", "child.png"):
        stamp = read_stamp(path)
        assert stamp is not None
        assert stamp.id == run.name
    assert read_stamp("after.png") is None


def test_figures_of_a_run_that_was_killed_are_found() -> None:
    finished = run_script("""
        import os, signal
        import scitex_session as stx

        @stx.session(stamp=False)
        def main():
            plt.figure().savefig("figure.png")
            os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == -9
    (found,) = told("figure.png")
    assert found["found_by"] == "content"
    assert found["run"]["status"] == "crashed"


def test_a_copy_in_a_document_leads_back_to_the_run() -> None:
    assert run_script(PLOT.format(stamp=True), "--gain", "2.5").returncode == 0
    run = the_run()
    with zipfile.ZipFile("talk.pptx", "w") as document:
        document.write("out/figure.png", "ppt/media/image1.png")
        document.write("out/figure.pdf", "extra/figure.pdf")
    shutil.copy("out/figure.svg", "renamed")
    finished = whence("talk.pptx", "renamed")
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert lines[0] == "talk.pptx: ppt/media/image1.png"
    assert "talk.pptx: extra/figure.pdf" in lines
    assert "renamed" in lines
    assert finished.stdout.count(f"  run        {run.name}\n") == 3
    assert finished.stdout.count(f"  directory  {run}\n") == 3
    assert finished.stdout.count('  arguments  to="out", gain=2.5\n') == 3
    assert finished.stdout.count("  status     success\n") == 3


def test_a_run_that_was_moved_or_forgotten_is_still_named() -> None:
    assert run_script(PLOT.format(stamp=True)).returncode == 0
    run = the_run()
    shutil.copy("out/figure.png", run / "inside.png")
    elsewhere = Path("elsewhere").absolute()
    run.rename(elsewhere)
    outside, inside = told("out/figure.png", "elsewhere/inside.png")
    assert (outside["directory"], outside["last_seen"]) == (None, str(run))
    assert outside["run"]["status"] == "success"
    assert (inside["directory"], inside["last_seen"]) == (str(elsewhere), None)
    os.environ["SCITEX_SESSION_REGISTRY"] = str(Path("another registry").absolute())
    (unknown,) = told("out/figure.png")
    assert (unknown["id"], unknown["run"]) == (run.name, None)
    assert unknown["stamp"]["script"] == "script.py"
    finished = whence("out/figure.png")
    assert finished.returncode == 0
    assert "directory  not known: neither here nor in the registry of this machine" in (
        finished.stdout
    )


def test_any_other_file_is_found_by_its_content_and_by_where_it_lies() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            stx.io.save([[1, 2]], "table.csv")
            (CONFIG.SDIR_RUN / "notes.txt").write_text("by hand")

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    run = the_run()
    shutil.copy(run / "table.csv", "copy.csv")
    copied, saved, notes, record, itself = told(
        "copy.csv", run / "table.csv", run / "notes.txt", run / "session.json", run
    )
    assert {found["id"] for found in (copied, saved, notes, record, itself)} == {run.name}
    assert (copied["found_by"], copied["artifact"]) == ("content", "table.csv")
    assert (saved["found_by"], saved["artifact"]) == ("directory", "table.csv")
    assert (notes["found_by"], notes["artifact"]) == ("directory", "notes.txt")
    assert record["found_by"] == "directory"
    assert itself["found_by"] == "itself"


def test_of_equal_files_each_belongs_to_its_own_run_and_a_copy_to_the_newest() -> None:
    script = write_script("""
        import scitex_session as stx

        @stx.session
        def main():
            stx.io.save([[1, 2]], "table.csv")

        if __name__ == "__main__":
            main()
    """)
    for _ in range(3):
        assert run_script(script).returncode == 0
    runs = sorted(
        Path("script_out/FINISHED_SUCCESS").absolute().iterdir(),
        key=lambda run: str(read_record(run)["started"]),
    )
    for run in runs:
        (found,) = told(run / "table.csv")
        assert found["id"] == run.name
    shutil.copy(runs[0] / "table.csv", "copy.csv")
    (found,) = told("copy.csv")
    assert (found["id"], found["same_content"]) == (runs[2].name, [runs[1].name, runs[0].name])


def test_nothing_is_known_of_a_stranger() -> None:
    Path("stranger.csv").write_text("a,b\n")
    assert whence("stranger.csv") == (1, "", "stranger.csv: no run is known that made it\n")
    finished = whence("--json", "stranger.csv")
    assert finished.returncode == 1
    assert json.loads(finished.stdout) == [{"file": "stranger.csv", "id": None}]


def test_a_stamp_can_not_command_the_terminal() -> None:
    facts = {"scitex-session": 1, "id": "\x1b[2J\x1b]0;x\x07", "script": "\u202eyp.x\n  status ok"}
    Path("evil.svg").write_text(f"<svg><metadata>{json.dumps(facts)}</metadata></svg>")
    finished = whence("evil.svg")
    assert finished.returncode == 0
    assert "\x1b" not in finished.stdout
    assert "\u202e" not in finished.stdout
    assert "\\x1b[2J" in finished.stdout
    assert not any(line.strip().startswith("status") for line in finished.stdout.splitlines())
