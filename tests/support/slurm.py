"""A real SLURM of one node on 127.0.0.1, with all of its state in one directory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
# States in which a job is over; see squeue(1), "JOB STATE CODES".
OVER = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"),
    *("PREEMPTED", "REVOKED", "TIMEOUT"),
}
# Of Debian's packages slurm-wlm and munge. What decides how quickly tests go: `KillWait` is the
# time from SIGTERM to SIGKILL; a job is looked at every other second.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={slurmd_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={root}/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
JobRequeue=1
KillWait=3
OverTimeLimit=0
MinJobAge=3600
ReturnToService=2
MpiDefault=none
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
{tracking}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2
"""
BY_PROCESS = """
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectTypeParameters=CR_Core"""
BY_CGROUP = """
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=1000"""
CGROUP = """
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
CgroupAutomount=no
ConstrainRAMSpace=yes
"""


class Slurm:
    """The cluster, from `start` to `stop`.

    Parameters
    ----------
    root : Path
        A new directory. Sockets lie in it, so that its path must be short.
    cgroup : bool
        Whether jobs are kept in control groups, which enforce their memory and end with the job.
    """

    def __init__(self, root: Path, *, cgroup: bool = False) -> None:
        self.root = root
        self.host = socket.gethostname().partition(".")[0]
        self._cgroup = cgroup

    @property
    def environment(self) -> dict[str, str]:
        """What makes SLURM's commands speak to this cluster."""
        return {"SLURM_CONF": str(self.root / "slurm.conf")}

    def start(self) -> None:
        """Start munge, the controller and the node, and wait until jobs can run."""
        for name in ("state", "spool"):
            (self.root / name).mkdir(parents=True)
        (self.root / "key").write_bytes(os.urandom(1024))
        (self.root / "key").chmod(0o400)
        munge = {"key-file": "key", "pid-file": "munged.pid", "log-file": "munged.log"}
        places = {"socket": "munge", "seed-file": "seed", **munge}
        self._do("munged", "--force", *(f"--{n}={self.root}/{at}" for n, at in places.items()))
        memory = int(re.findall(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[0]) // 1024
        port = free_port()
        text = CONFIGURATION.format(
            host=self.host,
            root=self.root,
            port=port,
            slurmd_port=free_port(),
            cpus=os.cpu_count(),
            memory=memory - 512,
            tracking=BY_CGROUP if self._cgroup else BY_PROCESS,
        )
        (self.root / "slurm.conf").write_text(text)
        if self._cgroup:
            (self.root / "cgroup.conf").write_text(CGROUP)
        self._do("slurmctld", "-f", str(self.root / "slurm.conf"))
        self._do("slurmd", "-f", str(self.root / "slurm.conf"), "-N", self.host)
        deadline = time.monotonic() + 30
        while not {"idle", "mixed", "alloc"} & set(self._do("sinfo", "-h", "-o", "%T").split()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def stop(self) -> None:
        """Cancel all jobs, and end the three daemons."""
        self._do("scancel", "-u", "root")
        deadline = time.monotonic() + 10  # what nobody ends would outlive the daemons
        while self._do("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.1)
        for name in ("slurmd", "slurmctld", "munged"):
            pid = self.root / f"{name}.pid"
            if pid.exists():
                os.kill(int(pid.read_text()), signal.SIGTERM)

    def submit(self, script: Path, *options: str, environment: dict[str, str] | None = None) -> str:
        """Submit a batch script, and return the number of its job."""
        told = self._do("sbatch", "--parsable", *options, str(script), environment=environment)
        return told.strip().partition(";")[0]

    def job(self, number: str) -> dict[str, str]:
        """Return what ``scontrol show job`` tells of a job, by field."""
        told = self._do("scontrol", "-o", "show", "job", number)
        return dict(re.findall(r"(\w+)=(\S*)", told))

    def wait(self, number: str, *states: str, within: float = 60) -> dict[str, str]:
        """Wait until a job is in one of these states, or is over, and return what is told of it."""
        deadline = time.monotonic() + within
        while (job := self.job(number))["JobState"] not in (states or OVER):
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    def control(self, *words: str) -> str:
        """Run ``scontrol`` with these words, and return what it prints."""
        return self._do("scontrol", *words)

    def cancel(self, number: str, *options: str) -> None:
        """Run ``scancel`` for a job."""
        self._do("scancel", *options, number)

    def log(self) -> str:
        """Return the ends of what the controller and the node have logged."""
        names = ("slurmctld.log", "slurmd.log")
        return "\n".join((self.root / name).read_text()[-2000:] for name in names)

    def _do(self, *command: str, environment: dict[str, str] | None = None) -> str:
        environment = {**os.environ, **(environment or {}), **self.environment}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def require_slurm(*, cgroup: bool = False) -> None:
    """Skip the test where there is no SLURM to start."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("only root can start a SLURM whose jobs run as this user")
    if cgroup and not os.access("/sys/fs/cgroup/memory/cgroup.procs", os.W_OK):
        pytest.skip("no writable memory controller of control groups v1")


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
