"""What the companion can tell of a process, alive or dead."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scitex_session_io._companion.watch import Watch
from support import wait_until


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_life_and_death_are_told_with_and_without_a_pidfd(has_pidfd: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pidfd = os.pidfd_open(child.pid) if has_pidfd else -1
    watch = Watch(child.pid, pidfd)
    assert not watch.dead(woken=True, closed=False)
    assert not watch.dead(woken=True, closed=True)
    child.kill()
    # Not yet reaped: a zombie.
    wait_until(lambda: watch.dead(woken=True, closed=True))
    assert watch.ending() == (9, None)
    child.communicate()
    assert watch.dead(woken=True, closed=False)
    if has_pidfd:
        os.close(pidfd)
    else:
        assert watch.ending() == (None, None)
