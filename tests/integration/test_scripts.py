"""Scripts as scientists write them, each run as a process, its record checked field by field.

The scripts stand in ``scripts/``, a small project with data, ``config/`` and a package. Each test
has a copy of it, in a repository with one commit.
"""

from __future__ import annotations

import getpass
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import scitex_session as stx
import scitex_session_core as core
from support import read_json, read_json_lines, wait_until

# A minute for all: continuous integration runs them beside the README's command.
pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).with_name("scripts")
CONFIG = {
    "MODEL": {"lr": 0.5, "epochs": 6, "layers": [8, 4]},
    "PATHS": {"measurements": "measurements.csv"},
}
ID = re.compile(r"\d{4}Y-\d\dM-\d\dD-\d\dh\d\dm\d\ds_[0-9A-HJKMNP-TV-Z]{8}")
ON_DISK = Path(__file__).parents[2] / "docs" / "on-disk.md"
FAILURE_LINE = re.compile(
    rb"^scitex-session: failed; its logs and files are in (.*)\n", re.MULTILINE
)
BAR = re.compile(rb"it/s|\A[ \x1b\[A]*\Z")
RETURNED, POSIX = {"kind": "returned"}, os.name == "posix"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, committed."""
    folder = tmp_path_factory.mktemp("repository") / "project"
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("*_out", "__pycache__"))
    for command in (["init", "-q", "-b", "main", "--template="], ["add", "."], ["commit", "-qm."]):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    """A copy of the project, the working directory."""
    copy = shutil.copytree(repository, tmp_path / "project")
    os.chdir(copy)
    return copy


@dataclass
class Ran:
    """A process that ran to its end."""

    pid: int
    returncode: int
    stdout: bytes
    stderr: bytes
    began: datetime
    ended: datetime


def ran(
    *command: str, stdin: bytes = b"", environment: dict[str, str] | None = None, stop: int = 0
) -> Ran:
    """Run a script to its end; with `stop`, it gets that signal once it has a checkpoint."""
    began = datetime.now(UTC)
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
    ) as process:
        if stop:
            log = wait_until(lambda: next(Path().glob("*_out/RUNNING/*/logs/stdout.log"), None))
            wait_until(lambda: b"checkpoint written\n" in log.read_bytes())
            process.send_signal(stop)
        stdout, stderr = process.communicate(stdin, timeout=100)
    return Ran(process.pid, process.returncode, stdout, stderr, began, datetime.now(UTC))


@dataclass
class Case:
    """A script, how it is called, and what must be on record then."""

    name: str
    command: str
    # What is said of the run by its record, where it is not what most runs have.
    arguments: dict[str, Any] = field(default_factory=dict)
    function: str | None = "main"
    exit_status: int | None = 0
    reason: dict[str, Any] = field(default_factory=lambda: RETURNED)
    message: str | None = None
    seed: int = 42
    tags: list[str] = field(default_factory=list)
    note: str = ""
    suffix: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    omitted: list[str] | None = None
    saved: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    masked: dict[str, str] = field(default_factory=dict)
    # What the process needs and does.
    needs: tuple[str, ...] = ()
    before: str | None = None
    stdin: bytes = b""
    returncode: int | None = None
    stop: int = 0
    printed: str | None = None
    metrics: int = 0
    plain: bool = False  # does without the names of a session, and so can run without one

    @property
    def script(self) -> str:
        first, *others = self.command.split()
        return others[0].replace(".", "/") + ".py" if first == "-m" else first

    @property
    def words(self) -> list[str]:
        return self.command.split()[2 if self.command.startswith("-m ") else 1 :]

    @property
    def status(self) -> str:
        if self.reason["kind"] == "crashed":
            return "crashed"
        return "failed" if self.exit_status else "success"


def close_to(value: float, tolerance: float = 1e-3) -> Any:
    return pytest.approx(value, abs=tolerance)


def raised(kind: str, message: str) -> dict[str, Any]:
    return {"kind": "exception", "type": kind, "message": message}


def signalled(number: int) -> dict[str, Any]:
    return {"kind": "signal", "signal": int(number), "name": signal.Signals(number).name}


SIGTERM, SIGINT, SIGHUP = (getattr(signal, f"SIG{name}", 0) for name in ("TERM", "INT", "HUP"))
PARTS = {f"parts/{number}.json" for number in range(4)}
GROUPS = {
    "mean.control": close_to(1.227),
    "mean.high": close_to(2.888),
    "mean.low": close_to(1.461),
}
REFUSE = {"how": "fine", "volume": 1.0}
CASES = [
    Case(
        "pandas",
        "clean_table.py --minimum 0.5 --no-drop-missing",
        function="clean",
        arguments={"minimum": 0.5, "drop_missing": False},
        results={"rows": 46, **GROUPS},
        omitted=["table"],
        saved={"cleaned.csv", "tables/summary.csv"},
        needs=("pandas",),
        printed="48 rows, 2 without a response\n",
    ),
    Case(
        "bootstrap_of_another_scripts_table",
        "fit_line.py --resamples 50",
        before="clean_table.py",
        function="fit",
        arguments={"resamples": 50, "confidence": 0.95},
        seed=7,
        tags=["paper", "figure-2"],
        note="with outliers",
        suffix="fit",
        results={
            "slope": close_to(0.8, 0.2),
            "low": close_to(0.8, 0.3),
            "high": close_to(0.8, 0.3),
        },
        omitted=["slopes"],
        saved={"fit.png", "slopes.npy", "fit.json"},
        read={"cleaned.csv"},
        needs=("pandas",),
    ),
    Case(
        "argparse",
        "argparse_report.py measurements.csv --bins 4",
        arguments={"table": "measurements.csv", "column": "response", "bins": 4, "strict": False},
        printed="  10 ██████████\n",
        plain=True,
    ),
    Case(
        "argparse_that_returns_a_code",
        "argparse_report.py measurements.csv --strict -c response",
        arguments={"table": "measurements.csv", "column": "response", "bins": 5, "strict": True},
        exit_status=3,
        reason={"kind": "returned", "value": 3},
        plain=True,
    ),
    Case(
        "click",
        "click_convert.py measurements.csv -vv --digits 3",
        function="convert",
        arguments={"table": "measurements.csv", "unit": "mg", "digits": 3, "verbose": 2},
        tags=["units"],
        results={"doses": 48, "largest": 0.002, "source": '"measurements.csv"'},
        saved={"doses.json"},
        needs=("click",),
        printed="48 doses, largest 0.002 g\n",
        plain=True,
    ),
    Case(
        "by_hand",
        "by_hand.py",
        function=None,
        reason={"kind": "closed"},
        message="walked",
        seed=11,
        saved={"walk.pdf"},
    ),
    Case(
        "injected_parameters",
        "injected.py --epochs 4",
        function="train",
        arguments={"epochs": 4},
        results={"loss": close_to(0.002, 0.01), "epochs": 4},
        saved={"loss.svg"},
    ),
    Case(
        "package",
        "-m lab.train --epochs 5 --lr 0.25",
        function="train",
        arguments={"epochs": 5, "lr": 0.25, "name": "logistic"},
        seed=3,
        results={
            "accuracy": close_to(0.9, 0.1),
            "loss": close_to(0.15, 0.1),
            "model.name": "logistic",
            "model.size": 4,
        },
        saved={"checkpoints/last.npz"},
        metrics=5,
    ),
    *(
        Case(
            f"pool_by_{method}",
            f"pool.py --method {method}",
            arguments={"method": method, "parts": 4},
            seed=2,
            results={"pi": close_to(3.14, 0.2), "parts": 4},
            saved={*PARTS, "total.json"},
            metrics=4,
        )
        for method in ("fork", "spawn", "forkserver")
    ),
    Case(
        "threads",
        "threads.py --files 5",
        arguments={"files": 5},
        results={"sums.0.txt": 0, "sums.1.txt": 1, "sums.2.txt": 3, "sums.4.txt": 10, "broken": 1},
        printed="4.txt 10\n",
    ),
    Case(
        "joblib",
        "joblib_grid.py",
        function="search",
        arguments={"jobs": 2, "backend": "loky"},
        results={"best.alpha": 0.001, "best.degree": 5, "mse": close_to(0.005, 0.01)},
        needs=("joblib",),
    ),
    Case(
        "asyncio",
        "async_fetch.py --words temperature hang pH",
        arguments={"words": ["temperature", "hang", "pH"], "limit": 0.5},
        results={"temperature": 11, "hang": None, "pH": 2},
        printed="hang: no answer\n",
        plain=True,
    ),
    Case(
        "other_programs",
        "shell_out.py",
        arguments={"column": 4},
        results={"lines": 49},
        printed="from puts\n",
        plain=True,
    ),
    Case(
        "stdin_and_unicode",
        "count_stdin.py --top 3",
        function="count",
        arguments={"top": 3, "case": False},
        stdin="Ein Titel\nSome text\nünd Ümläut\n".encode(),
        results={"lines": 2, "title": "Ein Titel", "most": "t"},
        printed="first line? the title is “Ein Titel”\n2 lines, 12 letters: naïve café, Ελληνικά,",
        plain=True,
    ),
    Case(
        "warnings_logging_and_bars",
        "noisy.py --rounds 2",
        arguments={"rounds": 2},
        needs=("tqdm",),
        printed="round 0\nround 1\n\x1b[1;32mall rounds done\x1b[0m\n",
        plain=True,
    ),
    Case(
        "many_figures",
        "figures.py --panels 3",
        arguments={"panels": 3},
        saved={
            "supplement/figure_0.png",
            "supplement/figure_1.pdf",
            "supplement/figure_2.svg",
            "supplement/heat map.png",
        },
        printed="not saved: Format 'docx' is not supported\n4 figures in supplement\n",
    ),
    Case(
        "typed_options",
        "typed_options.py --source a/b.edf --recorded 2026-01-05 --window.taper box "
        "--window.channels Pz Oz --kind butter --reject none --api-token not-for-the-record",
        arguments={
            "source": "a/b.edf",
            "recorded": "2026-01-05",
            "window": {"width": 8, "overlap": 0.5, "taper": "box", "channels": ["Pz", "Oz"]},
            "kind": "BUTTER",
            "notch": [49.0, 51.0],
            "reject": None,
            "api_token": "***",
            "verbose": False,
        },
        masked={"not-for-the-record": "***"},
        results={"windows": 7, "reject": None, "token": True},
        printed="7 windows of Pz,Oz recorded 05 January 2026, BUTTER\n",
        plain=True,
    ),
    Case(
        "error_within_a_library",
        "library_error.py",
        arguments={"column": "respnse"},
        exit_status=1,
        reason=raised("RuntimeError", "measurements.csv has no 'respnse'"),
        message="normalised",
        saved={"head.csv"},
        needs=("pandas",),
        printed="columns: subject, group, dose, response\n",
        plain=True,
    ),
    Case(
        "worker_killed_for_its_memory",
        "hungry.py --sizes [1,16]",
        arguments={"sizes": [1, 16]},
        exit_status=1,
        reason=raised(
            "concurrent.futures.process.BrokenProcessPool",
            "A process in the process pool was terminated abruptly while the future was running or "
            "pending.",
        ),
        printed="a matrix of 1 GB\na matrix of 16 GB\n",
    ),
    Case(
        "exit_with_a_text",
        "refuse.py --volume=-1",
        arguments={**REFUSE, "volume": -1.0},
        exit_status=1,
        reason={"kind": "exit", "code": "the volume must be positive, not -1.0"},
        plain=True,
    ),
    Case(
        "exit_with_a_code",
        "refuse.py --how code",
        arguments={**REFUSE, "how": "code"},
        exit_status=3,
        reason={"kind": "exit", "code": 3},
        plain=True,
    ),
    Case(
        "exit_quietly",
        "refuse.py --how quietly --volume 2",
        arguments={"how": "quietly", "volume": 2.0},
        reason={"kind": "exit", "code": None},
        printed="concentration 1.25\n",
        plain=True,
    ),
    Case("returned_true", "refuse.py", arguments=REFUSE, plain=True),
    Case(
        "options_of_the_session",
        "refuse.py --session.seed 9 --session.note checked --volume 5 --session.tags a,b",
        arguments={**REFUSE, "volume": 5.0},
        seed=9,
        note="checked",
        tags=["a", "b"],
        printed="concentration 0.50\n",
    ),
    Case(
        "assertion",
        "refuse.py --how assert",
        arguments={**REFUSE, "how": "assert"},
        exit_status=1,
        reason=raised("AssertionError", "too little to measure"),
        plain=True,
    ),
    Case(
        "hard_exit",
        "refuse.py --how hard",
        arguments={**REFUSE, "how": "hard"},
        exit_status=None,
        returncode=7,
        reason={
            "kind": "crashed",
            "exit_status": 7,
            "last_output": {"stdout": "concentration 2.50"},
        },
        message="",
        plain=True,
    ),
    Case(
        "abort",
        "refuse.py --how abort",
        arguments={**REFUSE, "how": "abort"},
        exit_status=None,
        returncode=-6,
        reason={"kind": "crashed", "signal": 6, "last_output": {"stdout": "concentration 2.50"}},
        message="",
        plain=True,
    ),
    *(
        Case(
            f"stopped_by_{name}",
            "long_run.py --hours 1.5",
            function="simulate",
            arguments={"hours": 1.5},
            tags=["long"],
            stop=number,
            exit_status=128 + number,
            returncode=-number,
            reason=signalled(number),
            saved={"checkpoint.json"},
            printed="detector on\ncheckpoint written\ndetector off\n",
            metrics=4,
        )
        for name, number in {"SIGTERM": SIGTERM, "SIGINT": SIGINT, "SIGHUP": SIGHUP}.items()
        if number  # Windows has no SIGHUP
    ),
    Case(
        "torch",
        "torch_train.py --epochs 2",
        function="train",
        arguments={"epochs": 2, "lr": 0.02, "workers": 2},
        seed=5,
        results={"accuracy": close_to(0.6, 0.2), "loss": close_to(0.65, 0.2)},
        omitted=["model"],
        saved={"checkpoints/0.pt", "checkpoints/1.pt"},
        metrics=2,
        needs=("torch",),
    ),
    Case(
        "sklearn",
        "sklearn_fit.py",
        arguments={"trees": 20, "folds": 3, "jobs": 1},
        seed=13,
        results={"mean": close_to(0.9, 0.1)},
        omitted=["scores"],
        saved={"model.joblib"},
        needs=("sklearn",),
    ),
]


def documented_fields() -> set[str]:
    """The fields of session.json that every run has, from the table in the documentation."""
    _, _, page = ON_DISK.read_text(encoding="utf-8").partition("\n## session.json\n")
    table, _, _ = page.partition("\n| status | means |\n")
    rows = [line for line in table.splitlines() if line.startswith("| `") and " only " not in line]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def as_parameters(cases: list[Case]) -> list[Any]:
    parameters = []
    for case in cases:
        marks = []
        missing = [name for name in case.needs if importlib.util.find_spec(name) is None]
        if missing:
            marks.append(pytest.mark.skip(reason=f"{', '.join(missing)} is not installed"))
        if (case.stop or "fork" in case.command or "hungry" in case.command) and not POSIX:
            marks.append(pytest.mark.skip(reason="signals and fork are missing here"))
        parameters.append(pytest.param(case, id=case.name, marks=marks))
    return parameters


def the_run(script: Path, status: str, suffix: str = "") -> Path:
    """The only run of a script, in the folder of its status."""
    out = script.with_name(f"{script.stem}_out")
    wait_until(lambda: not list(out.glob("RUNNING/*")), what="a crash is filed")
    (run,) = out.glob("FINISHED*/*")
    assert run.parent.name == ("FINISHED_SUCCESS" if status == "success" else "FINISHED_ERROR")
    assert ID.fullmatch(run.name.removesuffix(f"-{suffix}") if suffix else run.name)
    assert out.joinpath(".gitignore").read_text() == "*\n"
    return run


@pytest.mark.parametrize("case", as_parameters(CASES))
def test_the_record_of_a_script_is_true_in_every_field(case: Case, project: Path) -> None:
    if case.before:
        assert ran(case.before).returncode == 0
    process = ran(*case.command.split(), stdin=case.stdin, stop=case.stop)
    returncode = case.exit_status if case.returncode is None else case.returncode
    assert process.returncode == returncode, process.stderr.decode()
    script = project / case.script
    run = the_run(script, case.status, case.suffix)
    # What git finds may reach the record after the end.
    wait_until(lambda: core.read_record(run)["git"]["dirty"] is not None)
    record = core.read_record(run)

    # What the call decides.
    words = [case.masked.get(word, word) for word in case.words]
    default = ":(" if case.exit_status else ":)"
    expected = {
        "schema": 1,
        "id": run.name.removesuffix(f"-{case.suffix}"),
        "status": case.status,
        "exit_status": case.exit_status,
        "reason": case.reason,
        "message": default if case.message is None else case.message,
        "script": str(script),
        "function": case.function,
        "arguments": case.arguments,
        "argv": [str(script) if case.command.startswith("-m") else case.script, *words],
        "cwd": str(project),
        "config": CONFIG,
        "seed": case.seed,
        "parent": None,
        "attempt": 1,
        "tags": case.tags,
        "note": case.note,
        "results": case.results,
    }
    assert {name: record[name] for name in expected} == expected
    assert record.get("results_omitted") == case.omitted
    assert len(documented_fields()) > 25
    assert record.keys() >= documented_fields()
    # What the machine decides.
    check_times(record, process)
    check_surroundings(record, process, project)
    # What it saved, printed and measured.
    check_artifacts(record, run, case)
    check_logs(run, process, case)
    check_directory(run, record, script)
    check_registry(run, record)
    if case.metrics:
        lines = read_json_lines(run / "metrics.jsonl")
        assert {line["step"] for line in lines} >= set(range(case.metrics))


def check_times(record: dict[str, Any], process: Ran) -> None:
    started, ended = (datetime.fromisoformat(record[name]) for name in ("started", "ended"))
    assert process.began <= started <= ended
    if record["status"] != "crashed":  # which the companion files, when the process has ended
        assert ended <= process.ended
    assert record["duration_s"] == pytest.approx((ended - started).total_seconds(), abs=1e-5)


def check_surroundings(record: dict[str, Any], process: Ran, project: Path) -> None:
    it = record["process"]
    assert (it["pid"], it["user"], it["rank"]) == (process.pid, getpass.getuser(), None)
    assert it["host"] == socket.gethostname()
    if sys.platform == "linux":
        assert it["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert it["pid_ns"] == os.stat("/proc/self/ns/pid").st_ino
        assert it["start_ticks"] > 0
        assert record["platform"].startswith("Linux-")
    assert record["python"] == "{}.{}.{}".format(*sys.version_info)
    assert record["versions"]["scitex-session"] == stx.__version__
    assert record["env"] == {name: os.environ[name] for name in record["env"]}
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    git = record["git"]
    assert (git["commit"], git["branch"]) == (head.stdout.strip(), "main")
    assert (git["dirty"], git["diff"], git["remote"]) == (False, None, None)
    assert project.joinpath(".git").is_dir()


def check_artifacts(record: dict[str, Any], run: Path, case: Case) -> None:
    outputs = {a["path"]: a for a in record["artifacts"] if a["role"] == "output"}
    inputs = {a["path"]: a for a in record["artifacts"] if a["role"] == "input"}
    assert len(outputs) + len(inputs) == len(record["artifacts"])
    assert outputs.keys() >= case.saved
    assert inputs.keys() == case.read
    for path, artifact in outputs.items():
        data = (run / path).read_bytes()
        assert artifact["sha256"] == hashlib.sha256(data).hexdigest(), path
        assert artifact["bytes"] == len(data) > 0
        if path.endswith((".png", ".pdf", ".svg")):
            assert record["id"].encode() in data  # the stamp
    for path, artifact in inputs.items():
        (maker,) = stx.SessionManager().select({"id": artifact["run"]})
        data = (Path(maker["run_dir"]) / path).read_bytes()
        assert artifact["sha256"] == hashlib.sha256(data).hexdigest()


def check_logs(run: Path, process: Ran, case: Case) -> None:
    """All that the process printed is in its logs, and the terminal has all that is in them."""
    assert (run / "logs/stdout.log").read_bytes() == process.stdout
    assert (case.printed or "").encode() in process.stdout
    log = (run / "logs/stderr.log").read_bytes()
    shown = FAILURE_LINE.sub(b"", process.stderr)
    if case.reason["kind"] == "exception" or case.stop == SIGINT:
        # On the terminal the traceback begins at the call, in the log within the function.
        before, traceback, _ = shown.partition(b"Traceback")
        assert log.startswith(before + traceback)
        assert log.splitlines()[-1] == shown.splitlines()[-1]
    elif case.stop:  # the log says where the script was; a terminal learns nothing of a signal
        assert shown == b""
        assert re.match(rb"Traceback .*, in simulate\n.*Terminated: by SIG\w+\n\Z", log, re.DOTALL)
    else:
        assert log == shown
    assert b"scitex_session/" not in log + shown
    assert len(FAILURE_LINE.findall(process.stderr)) == (case.status == "failed")
    if case.status == "failed":  # below all else
        assert process.stderr.endswith(b"its logs and files are in %b\n" % os.fsencode(run))


def check_directory(run: Path, record: dict[str, Any], script: Path) -> None:
    source = core.source_without_secrets(script.read_bytes())
    assert (run / "code" / script.name).read_bytes() == source
    config = yaml.safe_load((run / "CONFIGS/CONFIG.yaml").read_text())
    assert config["ID"] == record["id"]
    assert config["MODEL"] == record["config"]["MODEL"]
    assert config["FILE"] == record["script"]
    # The events were folded into the record, and change nothing any more: but what git finds may
    # come after the end.
    assert {**core.read_record(run), "git": None} == {**record, "git": None}
    assert not (run / "heartbeat").exists()
    ours = [path for path in run.rglob("*") if path.is_file() and "code" not in path.parts]
    assert len([p for p in ours if p.relative_to(run).parts[0] in core.RUN_FILES]) <= 12
    latest = run.parents[1] / "latest"
    if record["status"] == "success":
        assert latest.resolve() == run
    else:
        assert not latest.exists()


def check_registry(run: Path, record: dict[str, Any]) -> None:
    manager = stx.SessionManager()
    session = manager.get_session(record["id"])
    same = {
        "config": "config",
        "status": "status",
        "exit_code": "exit_status",
        "script_path": "script",
        "function": "function",
        "arguments": "arguments",
        "results": "results",
        "tags": "tags",
        "note": "note",
        "parent": "parent",
        "attempt": "attempt",
        "process": "process",
    }
    found = {name: session[name] for name in same}
    assert found == {name: record[of_record] for name, of_record in same.items()}
    assert session["start_time"] == datetime.fromisoformat(record["started"])
    assert session["end_time"] == datetime.fromisoformat(record["ended"])
    assert session["artifacts"] == len(record["artifacts"])
    assert session["run_dir"] == str(run)
    assert manager.get_active_sessions() == {}


@pytest.mark.parametrize("case", as_parameters([case for case in CASES if case.plain]))
def test_a_script_prints_and_exits_as_it_would_without_a_session(case: Case, project: Path) -> None:
    with_session = ran(*case.command.split(), stdin=case.stdin)
    shutil.rmtree(project / f"{Path(case.script).stem}_out")
    # -u: a session writes each line at once, into a pipe too, where Python alone keeps them back.
    without = ran(
        "-u", *case.command.split(), stdin=case.stdin, environment={"SCITEX_SESSION_DISABLE": "1"}
    )
    assert not list(project.rglob("*_out"))
    assert without.returncode == with_session.returncode
    assert without.stdout == with_session.stdout
    # Bars show how quick they were, and are as long as that makes them.
    one, other = (
        [line for line in FAILURE_LINE.sub(b"", each.stderr).splitlines() if not BAR.search(line)]
        for each in (with_session, without)
    )
    assert one == other


def records_of(script: Path) -> list[dict[str, Any]]:
    found = [read_json(path) for path in script.parent.glob(f"{script.stem}_out/*/*/session.json")]
    return sorted(found, key=lambda record: str(record["started"]))


def test_blocks_in_one_process_are_runs_of_their_own(project: Path) -> None:
    process = ran("two_blocks.py")
    assert (process.returncode, process.stdout) == (0, b"control  1.227\nhigh     2.888\n")
    assert process.stderr == b"INFO: control: 16 values\nINFO: high: 16 values\n"
    first, second = records_of(project / "two_blocks.py")
    for record, group in (first, "control"), (second, "high"):
        assert record["results"].keys() == {"mean", "sd"}
        assert record["tags"] == ["group", group]
        assert record["note"] == f"group {group}"
        assert (record["seed"], record["function"], record["arguments"]) == (16, None, {})
        assert (record["status"], record["reason"]) == ("success", RETURNED)
        assert [a["path"] for a in record["artifacts"]] == ["values.json"]
        assert record["process"]["pid"] == process.pid
    assert first["ended"] <= second["started"]


def test_a_sweep_in_one_process_files_each_run_and_says_of_a_failure_when_it_happens(
    project: Path,
) -> None:
    process = ran("sweep.py")
    assert (process.returncode, process.stdout) == (0, b"best 0.4\n")
    runs = records_of(project / "sweep.py")
    assert [run["arguments"]["lr"] for run in runs] == [0.1, 1.5, 0.4]
    assert [run["status"] for run in runs] == ["success", "failed", "success"]
    assert [run["exit_status"] for run in runs] == [0, 1, 0]
    assert runs[1]["reason"] == raised("OverflowError", "diverged at step 6")
    assert all(run["tags"] == ["sweep"] and run["argv"] == ["sweep.py"] for run in runs)
    for run, steps in zip(runs, (20, 7, 20), strict=True):
        (lines,) = project.glob(f"sweep_out/*/{run['id']}/metrics.jsonl")
        assert len(read_json_lines(lines)) == steps
        assert run["results"].keys() == ({"x"} if steps == 20 else set())
    (failed,) = project.glob("sweep_out/FINISHED_ERROR/*")
    assert process.stderr.decode().splitlines() == [
        "INFO: lr=0.1 x=1.15e-02",
        "lr=1.5 diverged at step 6",
        f"scitex-session: failed; its logs and files are in {failed}",
        "INFO: lr=0.4 x=1.05e-14",
    ]
    best, _ = stx.SessionManager().select({"status": "success"}, sort="results.x")
    assert best["id"] == runs[2]["id"]


def test_a_notebook_has_a_run_for_each_call(project: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    path = project / "settle.ipynb"
    notebook = nbformat.read(path, as_version=4)
    # What an editor for notebooks tells a kernel; nbclient alone gives it no name.
    os.environ["JPY_SESSION_NAME"] = str(path)
    nbclient.NotebookClient(notebook, timeout=100, kernel_name="python3").execute(cwd=str(project))
    outputs = [cell.get("outputs", []) for cell in notebook.cells]
    assert outputs[3][-1]["data"]["text/plain"] == "['last', 'mean']"
    assert [out["text"] for out in outputs[4]] == [] or "of 10 outside" in outputs[4][0]["text"]
    runs = records_of(path)
    assert [run["arguments"] for run in runs] == [{"n": n, "tolerance": 0.2} for n in (50, 10, 20)]
    for run in runs:
        assert (run["status"], run["exit_status"], run["reason"]) == ("success", 0, RETURNED)
        assert (run["script"], run["function"]) == (str(path), "settle")
        assert (run["seed"], run["tags"], run["config"]) == (9, ["notebook"], CONFIG)
        assert [a["path"] for a in run["artifacts"]] == ["means.npy"]
        assert run["results"].keys() == {"last", "mean"}
        (directory,) = path.parent.glob(f"settle_out/FINISHED_SUCCESS/{run['id']}")
        assert (
            f"of {run['arguments']['n']} outside\n" in (directory / "logs/stdout.log").read_text()
        )
        assert "def settle(" in (directory / "code/settle.py").read_text()
        check_registry(directory, run)
    assert json.loads(path.read_text())["cells"][1]["outputs"] == []  # the file is the user's
