"""A run is found by every name that a user has for it, or a sentence says why not."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import append_event
from support.runs import ended_run, running_run


def found(name: object) -> str:
    return str(stx.record(name)["id"])  # type: ignore[arg-type]


def end_of(run: Path) -> str:
    return run.name.rpartition("_")[2]


def test_an_id_its_beginning_and_its_end_in_either_case_name_a_run() -> None:
    run = ended_run()
    for name in (run.name, run.name[:-3], run.name[5:], end_of(run), end_of(run)[2:].lower()):
        assert found(name) == run.name
    assert found(run.name[:20].lower()) == run.name


def test_the_directory_names_its_run_wherever_it_is_and_however_it_is_written() -> None:
    run = ended_run()
    (run / "table.csv").write_text("1\n")
    append_event(run, "artifact", path="table.csv", sha256="0" * 64, bytes=2, role="output")
    os.symlink(f"FINISHED_SUCCESS/{run.name}", "fit_out/latest")
    for name in (
        *(run, f"{run}/", run / "logs", run / "table.csv", os.path.relpath(run)),
        *("fit_out/latest", "fit_out/latest/", "fit_out/latest/table.csv"),
        Path("fit_out", "RUNNING", run.name),
    ):
        assert found(name) == run.name
        assert stx.path(name) == run
    moved = Path("elsewhere")
    shutil.move(run, moved)
    assert stx.path("elsewhere") == moved.absolute()


@pytest.mark.slow
def test_a_figure_names_its_run_wherever_it_was_copied_to() -> None:
    @stx.session(file="fit.py")
    def fit() -> None:
        figure, axes = stx.plt.subplots()
        axes.plot([1, 2])
        stx.io.save(figure, "fit.png")

    fit.run()
    run = stx.path("latest")
    ended_run("later.py")
    shutil.copy(run / "fit.png", "paper.png")
    assert stx.path("paper.png") == run
    with zipfile.ZipFile("talk.zip", "w") as archive:
        archive.write("paper.png")
        fit.run()
        archive.write(stx.path("latest") / "fit.png", "other.png")
    with pytest.raises(stx.AmbiguousRunError, match="could be any of several runs"):
        stx.path("talk.zip")


def test_latest_counts_back_from_the_start_that_was_last() -> None:
    runs = [
        ended_run(script, started=f"2026-01-0{day}T00:00:00+00:00").name
        for day, script in enumerate(("a.py", "b.py", "refit.py", "fit.py", "a.py"), 1)
    ]
    assert [found(f"latest~{back}") for back in range(5)] == runs[::-1]
    assert found("latest") == runs[4]
    assert found("latest~1:a.py") == runs[0]
    assert found("latest:fit.py") == runs[3]
    assert found(f"latest:{Path('b.py').absolute()}") == runs[1]
    assert found("latest:./b.py") == runs[1]
    with pytest.raises(stx.UnknownRunError, match=r"^no run 'latest~1:b.py': .* 1 run of b.py$"):
        stx.record("latest~1:b.py")


def test_candidates_of_an_ambiguous_name_are_told_by_script_and_age(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended_run("old.py", started="2026-01-01T00:00:00+00:00")
    ended_run("new.py")
    with pytest.raises(stx.AmbiguousRunError) as caught:
        stx.record("20")
    assert len(caught.value.candidates) == 2
    assert main(["show", "20"]) == 2
    said = capsys.readouterr().err
    assert "(new.py, 0 s ago)" in said or "(new.py, 1 s ago)" in said
    assert "(old.py, " in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["", " ", "-", "%", "____", "nope", "no/such", "a\0b", "\udcff"])
def test_what_names_no_run_is_said(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended_run()
    with pytest.raises(stx.UnknownRunError):
        stx.record(name)
    assert main(["path", "--", name]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("scitex-session: error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("name", [None, 3, b"x"])
def test_a_name_is_a_text_or_a_path(name: Any) -> None:
    with pytest.raises(TypeError, match="the name of a run must be a text or a path"):
        stx.record(name)


def test_a_file_that_has_the_end_of_an_id_as_its_name_does_not_hide_the_run() -> None:
    run = ended_run()
    Path(end_of(run)).write_text("not made by a run\n")
    assert found(end_of(run)) == run.name
    with pytest.raises(stx.UnknownRunError, match="no run is known that made it"):
        stx.record(f"./{end_of(run)}")


def test_a_session_without_a_directory_is_known_from_the_registry() -> None:
    manager = stx.SessionManager()
    manager.create_session("nightly", {"source": "s3"}, pid=None)
    manager.close_session("nightly")
    assert stx.record("nightly")["status"] == "success"
    assert stx.record("nightly")["directory"] is None
    with pytest.raises(stx.UnknownRunError, match="it has no directory"):
        stx.path("nightly")


def test_a_directory_that_is_gone_or_another_runs_by_now_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended_run(arguments={"lr": 0.5})
    shutil.rmtree(run)
    for command in ("path", "logs", "open"):
        assert main([command, run.name]) == 2
        assert f"its directory is gone from {run}" in capsys.readouterr().err
    assert main(["show", run.name]) == 0  # the registry knows something
    shown = capsys.readouterr().out
    assert f"gone from {run}" in shown
    assert "lr  0.5" in shown

    @stx.session(file="fit.py", sdir="same")
    def fit() -> None:
        pass

    fit.run()
    first = found("latest")
    fit.run()
    assert stx.path("latest") == Path("same").absolute()
    assert found("same") != first
    with pytest.raises(stx.UnknownRunError, match="gone"):
        stx.path(first)
    stx.tag(first, "old")
    assert stx.record("same")["tags"] == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "can't be read"),
        (b"[]", "is not the record of a run"),
        (json.dumps({"id": "x", "schema": 2}).encode(), "reads up to 1: upgrade scitex-session"),
        (None, "is no regular file"),
    ],
    ids=["torn", "foreign", "newer", "unreadable"],
)
def test_a_record_that_can_not_be_read_is_said_by_every_command(
    content: bytes | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended_run()
    record = run / "session.json"
    record.unlink()
    if content is None:
        record.mkdir()
    else:
        record.write_bytes(content)
    for name in (run.name, str(run)):
        for command in (["show"], ["show", "--json"], ["logs"], ["logs", "-f"], ["stop"]):
            assert main([*command, name]) == 2
            said = capsys.readouterr()
            assert (said.out, said.err.count("\n")) == ("", 1)
            assert why in said.err
        for change in ("tag", "untag", "note"):
            assert main([change, name, "x"]) == 2
            assert why in capsys.readouterr().err


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
def test_a_directory_that_may_not_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # where other users may enter
        os.chmod(folder, 0o777)
        monkeypatch.setenv("SCITEX_SESSION_REGISTRY", f"{folder}/registry")
        monkeypatch.setenv("SCITEX_SESSION_CACHE", f"{folder}/cache")
        run = ended_run(f"{folder}/fit.py")
        run.chmod(0o700)
        stx.record(run.name)  # modules, too, may be root's only
        os.seteuid(65534)
        try:
            for name in (run, run.name):
                with pytest.raises(stx.SessionError, match="Permission denied"):
                    stx.record(name)
        finally:
            os.seteuid(0)


def test_a_running_run_is_named_and_metrics_take_every_name() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    run = running_run()
    (run / "metrics.jsonl").write_text('\n{"time": 1.0, "loss": "NaN"}\n')
    assert stx.record("latest")["status"] == "running"
    for name in ("latest", end_of(run), run, {"SDIR_RUN": run}):
        assert len(stx.metrics(name)) == 1
