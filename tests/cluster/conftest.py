"""The clusters of these tests, started once for all of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.slurm import Slurm, require_slurm


def _cluster(*, cgroup: bool) -> Iterator[Slurm]:
    require_slurm(cgroup=cgroup)
    # A socket's path has at most 107 bytes, which pytest's own directories soon have.
    root = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    cluster = Slurm(root, cgroup=cgroup)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def slurm_session() -> Iterator[Slurm]:
    yield from _cluster(cgroup=False)


@pytest.fixture(scope="session")
def slurm_cgroup_session() -> Iterator[Slurm]:
    yield from _cluster(cgroup=True)


@pytest.fixture
def own_slurm() -> Iterator[Slurm]:
    """A SLURM without the jobs of other tests, for programs that look at all jobs."""
    for cluster in _cluster(cgroup=False):
        os.environ.update(cluster.environment)
        yield cluster


@pytest.fixture
def slurm(slurm_session: Slurm) -> Slurm:
    """A SLURM that the programs of this test find."""
    os.environ.update(slurm_session.environment)
    return slurm_session


@pytest.fixture
def slurm_cgroup(slurm_cgroup_session: Slurm) -> Slurm:
    """A SLURM that keeps jobs in control groups: all of a job's processes end with it."""
    os.environ.update(slurm_cgroup_session.environment)
    return slurm_cgroup_session
