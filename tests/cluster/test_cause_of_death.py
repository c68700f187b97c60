"""A run that died in a job of SLURM says why, by the word of the scheduler."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import read_record
from support import wait_until
from support.jobs import JobRun
from support.slurm import Slurm

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.cluster

SIGTERM = {"kind": "signal", "signal": 15, "name": "SIGTERM"}


def _limit(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name, replaces_shell="exec" in name).started()
    # SLURM looks for the end of time every 30 seconds.
    cluster.control("update", f"jobid={run.job}", "EndTime=now+2")
    return run


def _cancelled(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name, replaces_shell="exec" in name).started()
    cluster.cancel(run.job)
    return run


def _killed(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name, do="ignore", replaces_shell=True).started()
    cluster.cancel(run.job)
    return run


def _requeued(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name, replaces_shell=True).started()
    cluster.control("requeue", run.job)
    return run


def _preempted(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name).started()
    batch = run.folder / "urgent.sh"
    batch.write_text("#!/bin/bash\n")
    log = f"--output={run.folder}/urgent.log"
    cluster.wait(cluster.submit(batch, "--partition=urgent", "--exclusive", log))
    return run


def _crashed(cluster: Slurm, root: Path, name: str) -> JobRun:
    return JobRun(cluster, root, name, do="crash")


def _node_failed(cluster: Slurm, root: Path, name: str) -> JobRun:
    run = JobRun(cluster, root, name, "--no-requeue").started()
    cluster.control("update", f"nodename={cluster.host}", "state=down", "reason=test")
    return run


# The preemption clears the node; the failing node ends whatever is left.
CASES: dict[str, tuple[Callable[[Slurm, Path, str], JobRun], str, dict[str, object]]] = {
    "preempted": (_preempted, "failed", {**SIGTERM, "cause": "PREEMPTED"}),
    "time limit": (_limit, "failed", {**SIGTERM, "cause": "TIMEOUT"}),
    "time limit, exec": (_limit, "failed", {**SIGTERM, "cause": "TIMEOUT"}),
    "scancel": (_cancelled, "failed", {**SIGTERM, "cause": "CANCELLED"}),
    "scancel, exec": (_cancelled, "failed", {**SIGTERM, "cause": "CANCELLED"}),
    "scancel, SIGTERM ignored": (
        _killed,
        "crashed",
        {"kind": "crashed", "signal": 9, "cause": "CANCELLED"},
    ),
    "requeued by hand": (_requeued, "failed", {**SIGTERM, "cause": "REQUEUED"}),
    "segfault": (_crashed, "crashed", {"kind": "crashed", "signal": 11}),
    "node failure": (_node_failed, "failed", {**SIGTERM, "cause": "NODE_FAIL"}),
}


@pytest.fixture(scope="module")
def dead(slurm_session: Slurm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, JobRun]:
    """All of them, dead: their jobs run beside each other, since the time limit takes its time."""
    root = tmp_path_factory.mktemp("jobs")
    runs: dict[str, JobRun] = {}
    for name, (make, *_) in CASES.items():
        if name == "node failure":
            for limit in ("time limit", "time limit, exec"):
                slurm_session.wait(runs[limit].job, "TIMEOUT")
        runs[name] = make(slurm_session, root, name)
    slurm_session.wait(runs["node failure"].job, "NODE_FAIL")
    for run in runs.values():
        wait_until(run.is_filed)
    return runs


@pytest.mark.parametrize("case", CASES)
def test_the_record_tells_cause_and_directory(
    case: str, dead: dict[str, JobRun], slurm: Slurm
) -> None:
    run = dead[case]
    shown = run.shown()
    _, status, expected = CASES[case]
    if "cause" in expected:
        expected = {**expected, "scheduler": "slurm", "job": run.job}
    assert shown["status"] == status
    assert {n: v for n, v in shown["reason"].items() if not n.startswith("last_")} == expected
    assert run.place.parent.name == "FINISHED_ERROR"


def test_the_word_of_the_scheduler_is_kept(dead: dict[str, JobRun], slurm: Slurm) -> None:
    run = dead["scancel"]
    run.shown()
    reason = read_record(run.place)["reason"]
    assert (reason["cause"], reason["job"]) == ("CANCELLED", run.job)
    lines = (run.place / "events.jsonl").read_text().splitlines()
    run.shown()
    assert (run.place / "events.jsonl").read_text().splitlines() == lines  # it is asked once


def _still_running(run: JobRun, root: Path) -> tuple[dict[str, Any], Path]:
    """Return the record that a run would have if nobody had filed its end, and a place for it."""
    record = read_record(run.place)
    record.update(status="running", reason=None, ended=None)
    record["process"].update(host="node7")
    place = root / "script_out" / "RUNNING" / record["id"]
    place.mkdir(parents=True)
    return record, place


def test_a_job_that_is_over_proves_the_death_of_a_run_of_another_host(
    dead: dict[str, JobRun], slurm: Slurm, tmp_path: Path
) -> None:
    run = dead["scancel, exec"]
    record, place = _still_running(run, tmp_path)
    (place / "session.json").write_text(json.dumps(record))
    assert run.command("show", str(place)).startswith(f"{record['id']}  crashed: SLURM job ")
    assert "filed 1 run" in run.command("reap", str(tmp_path))
    (filed,) = tmp_path.glob("script_out/FINISHED_ERROR/*")
    assert read_record(filed)["reason"]["cause"] == "CANCELLED"


@pytest.mark.parametrize(
    ("field", "another"),
    [
        ("user", "somebody"),
        ("SLURM_CLUSTER_NAME", "elsewhere"),
        ("SLURMD_NODENAME", "node7"),
        ("SLURM_RESTART_COUNT", "3"),
        ("started", "2020-01-01T00:00:00+00:00"),
        ("started", "2120-01-01T00:00:00+00:00"),
    ],
)
def test_another_job_of_the_same_number_tells_nothing(
    field: str, another: str, dead: dict[str, JobRun], slurm: Slurm, tmp_path: Path
) -> None:
    record, place = _still_running(dead["scancel"], tmp_path)
    part = {"user": record["process"], "started": record}.get(field, record["env"])
    part[field] = another
    (place / "session.json").write_text(json.dumps(record))
    shown = dead["scancel"].shown(place)
    assert (shown["status"], shown["reason"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        ("sleep 60", "scontrol gave no answer within 2 s"),
        ("echo nonsense JobState=", ""),
        ("head -c 100000 /dev/urandom", ""),
        ("exit 1", ""),
    ],
)
def test_a_scheduler_without_a_true_answer_changes_nothing(
    answer: str, warning: str, dead: dict[str, JobRun], slurm: Slurm, tmp_path: Path
) -> None:
    record, place = _still_running(dead["scancel"], tmp_path)
    (place / "session.json").write_text(json.dumps(record))
    (tmp_path / "bin").mkdir()
    for name in ("scontrol", "sacct"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/bash\n{answer}\n")
        program.chmod(0o755)
    os.environ["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    shown = dead["scancel"].shown(place, warning)
    assert (shown["status"], shown["reason"]) == ("unknown", None)


def test_stop_cancels_the_job_of_a_run_of_another_host(slurm: Slurm, tmp_path: Path) -> None:
    run = JobRun(slurm, tmp_path, "run").started()
    path = run.place / "session.json"
    record = json.loads(path.read_text())
    record["process"].update(host="node7", boot_id="another")
    path.write_text(json.dumps(record))
    told = run.command("stop", str(run.place), warning=f"cancelled job {run.job} of SLURM")
    assert "failed: SLURM job" in told or "failed: ended by SIGTERM" in told
    assert slurm.wait(run.job)["JobState"] == "CANCELLED"
    assert run.place.parent.name == "FINISHED_ERROR"


def test_the_notice_of_a_killed_run_tells_the_cause(slurm: Slurm, tmp_path: Path) -> None:
    pytest.importorskip("apprise", reason="apprise is not installed")
    mail = pytest.importorskip("support.mail", reason="aiosmtpd is not installed")
    with mail.MailServer() as server:
        os.environ["SCITEX_SESSION_NOTIFY"] = server.address
        run = _killed(slurm, tmp_path, "run")
        wait_until(lambda: server.mails, timeout=40)
        (found,) = server.mails
    text = found.get_body(("plain",)).get_content()
    assert f"why:    SLURM job {run.job} was cancelled (CANCELLED); killed by SIGKILL" in text
