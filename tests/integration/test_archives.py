"""Archives: runs in one zip file that every command reads, and that gives them back whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from scitex_session import UnknownRunError
from scitex_session.__main__ import main
from scitex_session_core import (
    RecordError,
    SessionManager,
    SessionWarning,
    append_event,
    point_latest,
    read_record,
    reindex,
)
from support.runs import ended_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK = b"scitex-session archive"
Member = tuple[str, bytes]


def ended(**fields: Any) -> Path:
    """Give the directory of a run that has ended, with a file and logs."""
    logs = {"stdout.log": b"hello\n", "stderr.log": b""}
    place = ended_run(logs=logs, **fields)
    (place / "a.txt").write_text(place.name)
    point_latest(place)
    return place


def contents(folder: Path) -> dict[bytes, tuple[int, bytes, int, int]]:
    """Give mode, content, time and number of names of all that lies in a folder, and of itself."""
    found = {}
    for place, folders, files in os.walk(os.fsencode(folder)):
        for name in (b".", *folders, *files):
            path = os.path.join(place, name)
            status = os.lstat(path)
            data = b""
            if stat.S_ISLNK(status.st_mode):
                data = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                data = Path(os.fsdecode(path)).read_bytes()
            names = status.st_nlink if stat.S_ISREG(status.st_mode) else 0
            found[path] = (status.st_mode, data, status.st_mtime_ns, names)
    return found


def archived(*runs: Path) -> Path:
    """Archive runs, and give the zip file."""
    told = stx.archive(runs)
    assert [run["archive"] and run["directory"] for run in told] == [str(run) for run in runs]
    (path,) = {Path(run["archive"]).parent for run in told}
    return path


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Give the sentence with which a command refuses."""
    capsys.readouterr()
    assert main([*argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("scitex-session: error: "), err
    assert err.count("\n") == 1
    return err


def filled(run: Path) -> None:
    """Put all kinds of files into a run."""
    (run / "deep" / "er" / "empty").mkdir(parents=True)
    (run / "deep" / "größe \n 1.txt").write_text("x")
    (run / "deep" / "program").write_text("#!/bin/sh\n")
    (run / "deep" / "program").chmod(0o751)
    (run / "link").symlink_to("deep/program")
    (run / "away").symlink_to("/nowhere/at/all")
    (run / "back\\slash").write_text("y")
    Path(os.fsdecode(os.fsencode(run) + b"/\xff\xfe")).write_bytes(b"bytes")
    Path(os.fsdecode(os.fsencode(run) + b"/\\xff\xfe")).write_bytes(b"other")
    os.link(run / "a.txt", run / "deep" / "same.txt")
    (run / "random").write_bytes(os.urandom(3_000_000))
    (run / "zeros").write_bytes(bytes(1_000))
    with open(run / "holes", "wb") as file:
        file.truncate(20_000_000)
        file.seek(10_000_000)
        file.write(b"island")
    (run / "secret").write_text("z")
    (run / "secret").chmod(0o400)
    os.utime(run / "a.txt", ns=(0, 1_234_567_890_123_456_789))
    os.utime(run / "zeros", ns=(0, -86_400_000_000_001))
    os.utime(run / "link", ns=(0, 999_999_999), follow_symlinks=False)
    (run / "deep" / "er").chmod(0o555)
    os.utime(run / "deep", ns=(0, 55))
    os.utime(run, ns=(0, 77_000_000_123))


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_run_comes_back_byte_for_byte() -> None:
    run = ended()
    filled(run)
    before = contents(run)
    path = archived(run)
    assert not run.exists()
    assert path.parent == run.parents[1] / "ARCHIVE"
    assert os.stat(path).st_size < 3_200_000
    assert stx.restore(run.name) == run
    after = contents(run)
    assert after == before
    assert os.stat(run / "holes").st_blocks * 512 < 20_000_000
    assert path.exists()


def test_any_program_reads_the_archive() -> None:
    runs = [ended(), ended()]
    with zipfile.ZipFile(archived(*runs)) as file:
        assert file.testzip() is None
        file.extractall("plain")
    for run in runs:
        assert Path("plain", run.name, "a.txt").read_text() == run.name


def test_an_archived_run_is_read_where_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = ended(results={"acc": 0.5})
    digest = hashlib.sha256((run / "a.txt").read_bytes()).hexdigest()
    append_event(run, "artifact", path="a.txt", sha256=digest, bytes=36, role="output")
    (run / "metrics.jsonl").write_text('{"time": 1.0, "step": 0, "loss": 0.25}\n')
    reindex(tmp_path)
    shutil.copy(run / "a.txt", "copied.txt")
    record = read_record(run)
    place = archived(run) / run.name
    assert read_record(place) == record
    (found,) = stx.find()
    assert (found["directory"], found["results"]) == (str(place), {"acc": 0.5})
    for name in (run.name, run.name[-6:], "latest", str(place), "copied.txt"):
        assert main(["show", "--json", name]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["id"], shown["directory"]) == (run.name, str(place))
    assert main(["logs", run.name]) == 0
    assert capsys.readouterr().out == "hello\n"
    assert main(["whence", "copied.txt"]) == 0
    out = capsys.readouterr().out
    assert run.name in out
    assert str(place) in out
    pytest.importorskip("pandas")
    assert stx.metrics(run.name)["loss"].tolist() == [0.25]


@pytest.mark.slow
def test_a_figure_finds_its_archived_run(capsys: pytest.CaptureFixture[str]) -> None:
    from scitex_session_plot import read_stamps

    code = """
import scitex_session as stx
@stx.session
def main(plt=stx.INJECTED):
    fig, ax = plt.subplots()
    ax.plot([1, 2])
    fig.savefig(stx.CONFIG.SDIR_RUN / "fit.png")
main()
"""
    Path("draw.py").write_text(code)
    subprocess.run([sys.executable, "draw.py"], check=True, capture_output=True)
    (figure,) = Path("draw_out").glob("FINISHED_SUCCESS/*/fit.png")
    shutil.copy(figure, "copy.png")
    assert read_stamps(Path("copy.png"))
    path = archived(figure.parent.absolute())
    assert main(["whence", "--json", "copy.png"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["found_by"] == "stamp"
    assert told["directory"] == str(path / figure.parent.name)


def test_what_was_installed_is_carried_along() -> None:
    content = b"numpy==2.1\n"
    digest = hashlib.sha256(content).hexdigest()
    run = ended(environment=f"sha256:{digest}")
    folder = run.parents[1] / ".environments"
    folder.mkdir()
    (folder / f"{digest}.txt").write_bytes(content)
    path = archived(run)
    shutil.rmtree(folder)
    reindex(shutil.move(path, "elsewhere.zip"))
    place = stx.restore(run.name)
    assert (place.parents[1] / ".environments" / f"{digest}.txt").read_bytes() == content


def test_what_a_run_is_given_in_an_archive_is_there_when_it_is_back() -> None:
    run = ended(tags=["old", "older"], note="first", results={"acc": 0.5})
    archived(run)
    stx.tag(run.name, "new")
    stx.untag(run.name, "old")
    stx.note(run.name, "second")
    SessionManager().update_session(run.name, results={"f1": 0.25})
    expected = (["older", "new"], "second", {"acc": 0.5, "f1": 0.25})
    shown = stx.record(run.name)
    assert (shown["tags"], shown["note"], shown["results"]) == expected
    shown = read_record(stx.restore(run.name))
    assert (shown["tags"], shown["note"], shown["results"]) == expected
    (found,) = stx.find()
    assert (found["tags"], found["note"], found["results"]) == expected


def test_what_a_run_is_given_while_it_is_archived_and_restored_is_not_lost() -> None:
    run = ended()
    given: list[str] = []
    done = threading.Event()

    def give() -> None:
        while not done.wait(0.005):  # or the run would never be archived
            with suppress(RecordError, UnknownRunError, OSError):  # it is just being moved
                stx.tag(run.name, tag := f"t{len(given)}")
                given.append(tag)

    giver = threading.Thread(target=give)
    giver.start()
    try:
        for _ in range(5):
            while not stx.archive(run.name)[0]["archive"]:
                pass  # it was given something meanwhile, and stays
            stx.restore(run.name)
    finally:
        done.set()
        giver.join()
    assert given
    assert set(given) <= set(stx.record(run.name)["tags"])
    assert set(given) <= set(stx.find()[0]["tags"])


def test_an_archived_run_that_the_registry_does_not_know_takes_no_tags(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    place = archived(run) / run.name
    SessionManager().remove(run.name)
    assert "the registry does not know the run" in refused(capsys, "tag", str(place), "a")


def test_a_run_on_another_file_system_stays_beside_its_copy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = Path("/dev/shm")
    here = ended()
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == here.stat().st_dev:
        pytest.skip("there is one file system only")
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        there = Path(shutil.move(here.parent, folder))
        here.parent.symlink_to(there)
        assert main(["archive", here.name]) == 1
        assert "it lies on another file system" in capsys.readouterr().err
        assert (there / here.name / "session.json").exists()
        here.parent.unlink()
        shutil.move(there, here.parent)
    assert stx.archive(here)[0]["archive"]  # nothing is left that would go wrong again


def test_latest_leads_to_a_run_that_is_not_archived() -> None:
    first, second = ended(), ended()
    latest = first.parents[1] / "latest"
    archived(second)
    assert latest.resolve() == first
    archived(first)
    assert not os.path.lexists(latest)
    stx.restore(first.name)
    assert latest.resolve() == first


def test_several_runs_are_only_listed_without_yes(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [ended(), ended(exit_status=1)]
    assert main(["archive", "--older", "0s"]) == 0
    assert "2 runs would go" in capsys.readouterr().out
    assert all(run.exists() for run in runs)
    assert main(["archive", "--status", "failed", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in told["runs"]] == [runs[1].name]
    assert runs[0].exists()
    assert main(["archive", "--where", "status:success", "--yes"]) == 0
    assert "went to" in capsys.readouterr().out
    assert main(["archive", "--older", "0s", "--yes"]) == 0
    assert "0 runs" in capsys.readouterr().out
    assert "restore it first" in refused(capsys, "archive", runs[0].name)
    assert "restore it first" in refused(capsys, "rm", runs[0].name)


def test_archived_runs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [ended(arguments={"lr": lr}) for lr in (0.1, 0.2)]
    archived(runs[0])
    assert main(["diff", "--json", *(run.name for run in runs)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["arguments"] == {"lr": [0.1, 0.2]}
    archived(runs[1])
    assert main(["diff", "--json", *(run.name for run in runs)]) == 1
    assert json.loads(capsys.readouterr().out) == told


def test_ls_does_not_call_an_archived_run_gone(capsys: pytest.CaptureFixture[str]) -> None:
    run = ended()
    path = archived(run)
    assert main(["ls"]) == 0
    assert "gone" not in capsys.readouterr().out
    path.unlink()
    assert main(["ls"]) == 0
    assert "gone" in capsys.readouterr().out


def test_runs_of_two_scripts_go_to_two_archives() -> None:
    runs = [ended_run("a.py"), ended_run("b.py")]
    told = stx.archive(runs)
    assert [Path(run["archive"]).parents[2].name for run in told] == ["a_out", "b_out"]


@pytest.mark.skipif(os.name != "posix", reason="there are named pipes on POSIX only")
def test_a_run_that_no_archive_can_hold_stays(capsys: pytest.CaptureFixture[str]) -> None:
    run, other = ended(), ended()
    os.mkfifo(run / "pipe")
    assert main(["archive", "--yes", run.name, other.name]) == 1
    out, err = capsys.readouterr()
    assert "1 run went to" in out
    assert "pipe is no file" in err
    assert read_record(run)["id"] == run.name
    assert not other.exists()
    (told,) = stx.archive(run.name)
    assert told["archive"] is None
    assert "pipe" in told["why"]


def at(step: str, action: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Do something once, when the first run of a step is at hand."""
    waiting = [action]

    def progress(what: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        if what == step and waiting:
            waiting.pop()()

    return progress


@pytest.mark.parametrize("step", ["pack", "check", "remove"])
def test_ctrl_c_leaves_each_run_whole_and_the_next_call_goes_on(step: str) -> None:
    runs = [ended() for _ in range(3)]
    before = [contents(run) for run in runs]

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stx.archive(runs, progress=at(step, interrupt))
    for run in runs:
        assert stx.record(run.name)["id"] == run.name
    other = ended()
    stx.archive(other)
    assert not [name for name in os.listdir(runs[0].parents[1] / "ARCHIVE") if name[0] == "."]
    for run, content in zip(runs, before, strict=True):
        assert run.exists() is (step != "remove")
        if step == "remove":
            stx.restore(run.name)
        assert contents(run) == content


def test_a_run_that_is_written_to_meanwhile_stays_beside_its_copy() -> None:
    run, other = ended(), ended()
    told = stx.archive(
        [run, other], progress=at("check", lambda: append_event(run, "tag", tag="late"))
    )
    assert [bool(each["archive"]) for each in told] == [False, True]
    assert "written to meanwhile" in told[0]["why"]
    assert read_record(run)["tags"] == ["late"]
    (found,) = (each for each in stx.find() if each["id"] == run.name)
    assert found["directory"] == str(run)


def test_processes_that_archive_the_same_runs_lose_none_and_take_none_twice() -> None:
    runs = [ended() for _ in range(10)]
    argv = [sys.executable, "-m", "scitex_session", "archive", "--yes", *(r.name for r in runs)]
    both = [subprocess.Popen(argv, stdout=-3, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    assert not [*runs[0].parent.iterdir()]
    places = {run["directory"] for run in stx.find()}
    assert len(places) == len(runs)
    (path,) = {Path(place).parent for place in places}
    assert os.listdir(path.parent) == [path.name]


def test_an_archive_that_was_moved_is_found_by_reindex() -> None:
    runs = [ended(), ended()]
    before = contents(runs[0])
    path = archived(*runs)
    moved = Path("backup", "2026.zip").absolute()
    moved.parent.mkdir()
    path.rename(moved)
    with pytest.raises(stx.UnknownRunError, match="gone from"):
        stx.path(runs[0].name)
    assert {*reindex(moved.parent)} == {moved / run.name for run in runs}
    assert reindex(moved.parent) == []
    assert {run["directory"] for run in stx.find()} == {str(moved / run.name) for run in runs}
    place = stx.restore(runs[0].name)
    assert place == moved.parent / "FINISHED_SUCCESS" / runs[0].name
    assert len(contents(place)) == len(before)
    assert (place / "a.txt").read_text() == runs[0].name


def test_an_archive_is_found_by_a_registry_that_knows_nothing(tmp_path: Path) -> None:
    run = ended(tags=["paper"])
    path = archived(run)
    os.environ["SCITEX_SESSION_REGISTRY"] = str(tmp_path / "new")
    assert reindex(path) == [path / run.name]
    (found,) = stx.find()
    assert (found["id"], found["tags"]) == (run.name, ["paper"])


def test_of_an_archived_run_that_has_a_directory_too_the_directory_is_found(
    tmp_path: Path,
) -> None:
    run = ended()
    archived(run)
    stx.restore(run.name)
    os.environ["SCITEX_SESSION_REGISTRY"] = str(tmp_path / "new")
    assert reindex(tmp_path) == [run]


def test_a_directory_that_was_moved_is_found_and_archived_there() -> None:
    run = ended()
    moved = Path("other_out", "FINISHED_SUCCESS", run.name).absolute()
    moved.parent.mkdir(parents=True)
    run.rename(moved)
    assert reindex("other_out") == [moved]
    assert archived(moved).parents[1].name == "other_out"


def test_a_terminal_shows_a_bar_for_each_step_and_then_the_result_alone() -> None:
    pyte = pytest.importorskip("pyte")
    terminals = pytest.importorskip("support.terminal", reason="a pseudo-terminal")
    runs = [ended() for _ in range(3)]
    argv = [sys.executable, "-m", "scitex_session", "archive", "--yes", *map(str, runs)]
    with terminals.Terminal("", argv=argv, columns=100) as terminal:
        shown = terminal.read()
        assert terminal.close() == 0
    for step in ("packed", "read back", "taken away"):
        assert f"runs {step} ".encode() in shown
    assert b"3/3" in shown
    screen = pyte.Screen(100, 43)
    pyte.ByteStream(screen).feed(shown)
    left = [line.rstrip() for line in screen.display if line.strip()]
    assert left[0].startswith("3 runs went to ")
    assert not any(bar in line for line in left for bar in ("runs packed", "3/3"))


def test_progress_is_said_as_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    assert main(["archive", run.name]) == 0
    assert capsys.readouterr().err == ""  # what is done at once is not worth a line


# Archives that somebody else made.


def entry(path: str, **fields: Any) -> dict[str, Any]:
    kind = {"path": path, "kind": "file", "mode": 0o644, "mtime_ns": 0, "size": 4}
    digest = hashlib.sha256(b"evil").hexdigest()
    return {**kind, "sha256": digest, **fields}


ROOT = {"path": ".", "kind": "dir", "mode": 0o755, "mtime_ns": 0}
RUN = {"name": "RUN", "id": "RUN", "folder": "FINISHED_SUCCESS"}


def manifest(*entries: Any, **fields: Any) -> bytes:
    record = json.dumps({"schema": 1, "id": "RUN", "status": "success", "tags": []}).encode()
    session = {"size": len(record), "sha256": hashlib.sha256(record).hexdigest()}
    listed = [ROOT, entry("session.json", **session), *entries]
    lines = [{"schema": 1}, {**RUN, "entries": listed, **fields}]
    return "\n".join(map(json.dumps, lines)).encode()


HOSTILE = {
    "a name that leads up": manifest(entry("../evil", member="evil")),
    "a name that leads up inside": manifest(
        {**ROOT, "path": "a"}, entry("a/../../../evil", member="evil")
    ),
    "an absolute name": manifest(entry("/tmp/evil", member="evil")),
    "a file below a link": manifest(
        {"path": "a", "kind": "link", "mtime_ns": 0, "target": "/tmp"},
        entry("a/evil", member="evil"),
    ),
    "a link as a folder of itself": manifest(
        {"path": "a", "kind": "link", "mtime_ns": 0, "target": ".."},
        {**ROOT, "path": "a"},
    ),
    "a folder that is not listed": manifest(entry("a/evil", member="evil")),
    "an empty name": manifest(entry("", member="evil")),
    "a name with a null": manifest(entry("a\0b", member="evil")),
    "a name that stands twice": manifest(entry("a", member="evil"), entry("a", member="evil")),
    "the same as nothing": manifest({"path": "a", "kind": "same", "as": "../../x"}),
    "the same as a link": manifest(
        {"path": "b", "kind": "link", "mtime_ns": 0, "target": "/etc/passwd"},
        {"path": "a", "kind": "same", "as": "b"},
    ),
    "a kind that is none": manifest({"path": "a", "kind": "device"}),
    "a size that is none": manifest(entry("a", member="evil", size="4")),
    "a size below zero": manifest(entry("a", member="evil", size=-4)),
    "a size that is a lie": manifest(entry("a", member="evil", size=5)),
    "another digest": manifest(entry("a", member="evil", sha256="0" * 64)),
    "a member that is missing": manifest(entry("a")),
    "a run that leads up": manifest(name="..", id=".."),
    "a run with a path": manifest(name="../../evil", id="x"),
    "a folder that leads elsewhere": manifest(folder="../../.."),
    "a folder of those that run": manifest(folder="RUNNING"),
    "no directory": b'{"schema": 1}\n{"name": "RUN", "folder": "FINISHED", "entries": []}',
    "a run that stands twice": manifest() + b"\n" + manifest().split(b"\n")[1],
    "a later schema": b'{"schema": 99}\n',
    "no schema": b"[]\n",
    "no JSON": b"\xff\xfe",
    "a line that is no run": b'{"schema": 1}\n{"evil": 1}',
    "deep nesting": b'{"schema": 1}\n{"name": ' + b"[" * 100_000,
    "nothing": b"",
}


def made(path: Path, *members: Member, comment: bytes = MARK) -> None:
    """Make a zip file of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.comment = comment
        for name, content in members:
            file.writestr(name, content)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_written(
    what: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "fit_out" / "ARCHIVE"
    folder.mkdir(parents=True)
    record = json.dumps({"schema": 1, "id": "RUN", "status": "success", "tags": []}).encode()
    made(
        folder / "x.zip",
        ("RUN/session.json", record),
        ("evil", b"evil"),
        ("MANIFEST.jsonl", HOSTILE[what]),
    )
    before = {path for path in tmp_path.rglob("*") if ".trash" not in path.parts}
    assert "x.zip" in refused(capsys, "restore", str(folder / "x.zip" / "RUN"))
    after = {path for path in tmp_path.rglob("*") if ".trash" not in path.parts}
    assert after - before <= {tmp_path / "fit_out" / "FINISHED_SUCCESS"}
    assert not Path("/tmp/evil").exists()
    made(folder / "y.zip", ("MANIFEST.jsonl", manifest()), ("RUN/session.json", record))
    assert stx.restore(folder / "y.zip" / "RUN") == tmp_path / "fit_out/FINISHED_SUCCESS/RUN"


def overlapping(path: Path) -> None:
    """Let two members share their bytes, as those of a zip bomb do."""
    made(path, ("a", bytes(1000)), ("b", bytes(1000)), ("MANIFEST.jsonl", manifest()))
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[second + 42 : second + 46] = bytes(4)
    path.write_bytes(bytes(data))


def twice(path: Path) -> None:
    """Give two members one name."""
    with pytest.warns(UserWarning, match="Duplicate"):
        made(path, ("a", b"1"), ("a", b"2"), ("MANIFEST.jsonl", manifest()))


def cut(path: Path) -> None:
    """Cut the middle out."""
    made(path, ("a", os.urandom(10_000)), ("MANIFEST.jsonl", manifest()))
    data = path.read_bytes()
    path.write_bytes(data[:1000] + data[5000:])


def flipped(path: Path) -> None:
    """Flip a bit of the manifest."""
    made(path, ("MANIFEST.jsonl", manifest()))
    data = bytearray(path.read_bytes())
    data[60] ^= 16
    path.write_bytes(bytes(data))


def swollen(path: Path) -> None:
    """Pack a manifest of a gigabyte into a megabyte."""
    made(path, ("MANIFEST.jsonl", b"[" * (600 << 20)))


DAMAGES = [overlapping, twice, cut, flipped]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_refused_and_said_by_reindex(
    damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("fit_out", "ARCHIVE").absolute()
    folder.mkdir(parents=True)
    damage(folder / "x.zip")
    assert "x.zip" in refused(capsys, "restore", str(folder / "x.zip" / "RUN"))
    with pytest.warns(SessionWarning, match=r"x\.zip"):
        assert reindex(folder) == []


@pytest.mark.slow
def test_a_manifest_that_would_fill_the_memory_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path("fit_out", "ARCHIVE").absolute()
    folder.mkdir(parents=True)
    swollen(folder / "x.zip")
    assert "far too large" in refused(capsys, "restore", str(folder / "x.zip" / "RUN"))


@pytest.mark.parametrize("length", [0, 10, 100, 1000])
def test_an_archive_that_was_cut_off_is_refused_and_leaves_others_to_reindex(
    length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = ended(), ended()
    path, another = archived(run), archived(other)
    os.truncate(path, length)
    err = refused(capsys, "show", run.name)
    assert path.name in err or "gone from" in err
    assert path.name in refused(capsys, "restore", run.name)
    os.environ["SCITEX_SESSION_REGISTRY"] = "new"
    assert reindex(path.parent) == [another / other.name]


def test_a_zip_of_another_program_is_no_archive(capsys: pytest.CaptureFixture[str]) -> None:
    made(Path("x.zip"), ("RUN/session.json", b"{}"), comment=b"")
    assert reindex(Path.cwd()) == []
    assert "none of scitex-session" in refused(capsys, "restore", str(Path("x.zip", "RUN")))


def test_a_member_that_was_damaged_is_said_and_nothing_is_restored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    (run / "data").write_bytes(b"needle" + os.urandom(100_000))
    path = archived(run)
    data = bytearray(path.read_bytes())
    data[data.index(b"needle") + 50_000] ^= 1
    path.write_bytes(bytes(data))
    assert "data" in refused(capsys, "restore", run.name)
    assert not [*run.parent.iterdir()]
    assert main(["show", run.name]) == 0


@pytest.mark.slow
def test_a_file_of_more_than_four_gigabytes_comes_back() -> None:
    run = ended()
    with open(run / "large", "wb") as file:
        file.truncate((1 << 32) + 10)
        file.seek(1 << 32)
        file.write(b"end")
    archived(run)
    stx.restore(run.name)
    with open(run / "large", "rb") as file:
        assert file.seek(0, 2) == (1 << 32) + 10
        file.seek(1 << 32)
        assert file.read(3) == b"end"
    assert os.stat(run / "large").st_blocks < 100_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a tmpfs can be mounted only by root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs can't be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_on_a_full_disk_nothing_is_archived_and_nothing_lost(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended_run(str(small_disk / "fit.py"))
    (run / "data").write_bytes(os.urandom(1_500_000))
    before = contents(run)
    assert "No space left" in refused(capsys, "archive", run.name)
    assert contents(run) == before
    assert not os.listdir(run.parents[1] / "ARCHIVE")
    assert stx.path(run.name) == run


@pytest.mark.parametrize("sparse", [False, True])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    sparse: bool, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = b"x" * 50_000_000
    digest = hashlib.sha256(content).hexdigest()
    bomb = entry("bomb", size=len(content), sha256=digest, sparse=sparse, member="bomb")
    record = json.dumps({"schema": 1, "id": "RUN", "status": "success", "tags": []}).encode()
    made(
        small_disk / "x.zip",
        ("RUN/session.json", record),
        ("bomb", content),
        ("MANIFEST.jsonl", manifest(bomb)),
    )
    assert "no room" in refused(capsys, "restore", str(small_disk / "x.zip" / "RUN"))
    assert not os.listdir(small_disk / "FINISHED_SUCCESS")
    assert shutil.disk_usage(small_disk).free > 1_000_000
