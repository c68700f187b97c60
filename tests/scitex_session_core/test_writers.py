"""No two machines, and where appends may be lost no two processes, write to the same file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session_core import journal_create

CREATE = """
import sys
from pathlib import Path
from scitex_session_core import journal_create
journal_create(Path(sys.argv[1]), "x", {}, script_path=None, process=None)
"""


def files_of(registry: Path) -> set[str]:
    return set(os.listdir(registry / "journal"))


def another_process(registry: Path, *wrapper: str) -> None:
    argv = [*wrapper, sys.executable, "-c", CREATE, str(registry)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode and wrapper:
        pytest.skip(f"{wrapper[0]} does not work here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="each process has its own file on Windows")
def test_the_processes_of_a_machine_share_a_file(registry: Path) -> None:
    journal_create(registry, "x", {}, script_path=None, process=None)
    another_process(registry)
    assert len(files_of(registry)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_a_clone_with_another_address_has_a_file_of_its_own(registry: Path) -> None:
    # A network namespace of its own: same host name, boot and machine ID, other interfaces.
    show_them = 'mount -t sysfs sysfs /sys && exec "$@"'
    within = ("unshare", "--net", "--mount", "sh", "-c", show_them, "sh")
    another_process(registry, *within)
    another_process(registry, *within)
    assert len(files_of(registry)) == 1
    another_process(registry)
    assert len(files_of(registry)) == 2


def test_where_nothing_can_be_kept_each_process_has_a_file_of_its_own(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        journal_create(registry, "x", {}, script_path=None, process=None)
    (name,) = files_of(registry)
    assert f"-{os.getpid()}-" in name
    another_process(registry)
    assert len(files_of(registry)) == 2
