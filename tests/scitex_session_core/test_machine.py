"""No two machines, and where appends may be lost no two processes, write to the same file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session_core._paths import cache_dir, on_network
from scitex_session_core._process import boot_id, host
from scitex_session_core._registry.journal import writer_name

NAME = """
import sys
from pathlib import Path
from scitex_session_core._registry.journal import writer_name
print(writer_name(Path(sys.argv[1])))
"""


def another_process(folder: Path, *wrapper: str) -> str:
    argv = [*wrapper, sys.executable, "-c", NAME, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode and wrapper:
        pytest.skip(f"{wrapper[0]} does not work here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="each process has its own name on Windows")
def test_the_processes_of_a_machine_share_a_name_with_a_random_part(tmp_path: Path) -> None:
    name = writer_name(tmp_path)
    machine = f"{host()}-{(boot_id() or 'noboot')[:8]}"
    assert re.fullmatch(rf"{re.escape(machine)}-[0-9a-f]{{8}}", name)
    assert another_process(tmp_path) == writer_name(tmp_path) == name


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_a_clone_with_another_address_draws_its_own(tmp_path: Path) -> None:
    # A network namespace of its own: same host name, boot and machine ID, other interfaces.
    show_them = 'mount -t sysfs sysfs /sys && exec "$@"'
    within = ("unshare", "--net", "--mount", "sh", "-c", show_them, "sh")
    clone = another_process(tmp_path, *within)
    assert clone != another_process(tmp_path)
    assert clone == another_process(tmp_path, *within)
    assert len(list((cache_dir() / "machines").iterdir())) == 2


def test_where_nothing_can_be_kept_each_process_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(tmp_path / "file"))
    name = writer_name(tmp_path)
    assert writer_name(tmp_path) == name
    assert f"-own-{os.getpid()}-" in name
    assert another_process(tmp_path) != another_process(tmp_path)


def test_this_disk_is_no_network(tmp_path: Path) -> None:
    assert not on_network(tmp_path)
    assert not on_network(tmp_path / "not" / "there" / "yet")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@pytest.mark.parametrize("chosen", ["/x/cache", "", None])
def test_the_cache_is_where_platformdirs_says(
    chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    if chosen is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", chosen)
    expected = platformdirs.user_cache_dir("scitex-session", appauthor=False)
    assert cache_dir() == Path(expected)
