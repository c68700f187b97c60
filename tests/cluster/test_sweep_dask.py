"""A sweep on the workers of Dask."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from support import read_json, wait_until, write_script
from support.slurm import Slurm

pytestmark = pytest.mark.cluster
pytest.importorskip("distributed")

SCRIPT = """
    import time
    from pathlib import Path
    import scitex_session as stx
    @stx.session
    def main(x: int = 0, until: str = ""):
        while until and not Path(until).exists():
            time.sleep(0.05)
        if x == 3:
            raise ValueError("three")
        return {"x": x}
    if __name__ == "__main__":
        main()
"""


CLUSTER = """
    import sys
    from dask_jobqueue import SLURMCluster
    options = {"cores": 1, "memory": "500MB", "walltime": "00:02:00", "python": sys.executable}
    if __name__ == "__main__":
        with SLURMCluster(**options, scheduler_options={"dashboard_address": ":0"}) as cluster:
            cluster.scale(jobs=2)
            print(cluster.scheduler_address, flush=True)
            sys.stdin.read()
"""


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a sweep of a script that runs until there is a file ``go``."""
    path = write_script(SCRIPT)
    command = [sys.executable, "-m", "scitex_session", "sweep", str(path)]
    with subprocess.Popen(
        [*command, *words, "--until", str(Path("go").absolute()), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def trials(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    told, said = process.communicate(timeout=90)
    assert told, said
    found: list[dict[str, Any]] = json.loads(told)["trials"]
    return found


def records() -> list[dict[str, Any]]:
    found = [read_json(path) for path in Path().glob("script_out/*/*/session.json")]
    return sorted(found, key=lambda record: record["sweep"]["trial"])


def worker_of(record: dict[str, Any]) -> psutil.Process:
    """Return the worker that runs a trial: the parent of its process."""
    parent = psutil.Process(record["process"]["pid"]).parent()
    assert parent is not None
    return parent


def is_over(pid: int) -> bool:
    """Return whether a process has ended."""
    # An orphan stays a zombie in a container whose first process waits for nobody.
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_trials_of_a_worker_that_is_killed_are_resumed_elsewhere() -> None:
    with started("--x", "1..3", "--dask", "local", "-j", "2") as process:
        wait_until(lambda: len(records()) == 2, timeout=60)
        first, second = records()
        assert worker_of(first) != worker_of(second)
        worker_of(first).kill()
        wait_until(lambda: records()[0]["attempt"] == 2, timeout=60)
        assert is_over(first["process"]["pid"])
        Path("go").touch()
        told = trials(process)
    assert process.returncode == 1
    assert [trial["status"] for trial in told] == ["success", "success", "failed"]
    assert [trial["run"] for trial in told] == [record["id"] for record in records()]
    assert [record["attempt"] for record in records()] == [2, 1, 1]
    assert records()[0]["attempts"][0]["reason"]["kind"] in ("signal", "crashed")


def test_ctrl_c_ends_all_trials_and_files_them() -> None:
    with started("--x", "1..4", "--dask", "local", "-j", "2") as process:
        wait_until(lambda: len(records()) == 2, timeout=60)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
        told = trials(process)
    assert process.returncode == 130
    assert [trial["status"] for trial in told] == ["failed", "failed", "not run", "not run"]
    reasons = [record["reason"] for record in records()]
    assert [reason["kind"] for reason in reasons] == ["signal", "signal"]


def test_trials_run_on_workers_that_dask_jobqueue_has_submitted(slurm: Slurm) -> None:
    # A process of its own: the import of it changes the handler of a signal.
    if find_spec("dask_jobqueue") is None:
        pytest.skip("no dask-jobqueue")
    Path("go").touch()
    Path("cluster").mkdir()
    command = [sys.executable, str(write_script(CLUSTER, Path("cluster").absolute()))]
    with subprocess.Popen(
        command, cwd="cluster", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout is not None
        with started("--x", "1..2", "--dask", cluster.stdout.readline().strip()) as process:
            assert [trial["status"] for trial in trials(process)] == ["success"] * 2
        cluster.communicate(timeout=30)
    assert all("SLURM_JOB_ID" in record["env"] for record in records())
    assert {record["cwd"] for record in records()} == {str(Path().absolute())}
    assert all(record["code"]["frozen"] for record in records())


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    with started("--x", "1", "--dask", "tcp://127.0.0.1:1") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.search("--dask tcp://127.0.0.1:1: .*tcp://127.0.0.1:1", said)
    assert not [*Path().glob("script_out/SWEEPS/*/sweep.json")]
