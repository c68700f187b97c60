"""What others put in the place of a run's files neither hangs a reader nor fills its memory."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import make_run_dir, new_record, register_start, write_record
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pipes and devices of Linux")

# Every reader of other runs' files, with a gigabyte of memory: a device that never ends has more.
READERS = """
    import resource, sys, warnings
    from pathlib import Path
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    warnings.simplefilter("always")
    from scitex_session_core import (
        RecordError, SessionManager, append_event, current_status, file_crash, make_run_dir, reap,
        read_record, reindex,
    )
    run_dir, registry = map(Path, sys.argv[1:])
    try:
        read_record(run_dir)
        print("read")
    except RecordError as error:
        print("refused:", str(error).rpartition(": ")[2])
    manager = SessionManager(registry)
    sessions = manager.list_sessions()
    print(*(session["status"] for session in sessions.values()))
    print(len(manager.select({"note": "x"})), len(manager.get_active_sessions()))
    print(len(reap(run_dir.parent.parent, registry=registry, force=True)))
    print(len(reap(run_dir.parent.parent, registry=registry, most=8, within=60)))
    print(len(reindex(run_dir.parent.parent, registry)))
    print(file_crash(run_dir, {}, registry=registry) == run_dir)
    try:
        append_event(run_dir, "note", note="x")
        print("appended")
    except OSError as error:
        print("not appended")
"""


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_socket(path: Path) -> None:
    found = os.getcwd()
    os.chdir(path.parent)  # a socket's path has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(found)


def put_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def put_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def put_terabyte(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)


HOSTILE = [put_fifo, put_socket, put_endless_device, put_link_to_a_pipe, put_terabyte, Path.mkdir]


@pytest.fixture
def shared(script: Path, registry: Path, dead_process: dict[str, Any]) -> tuple[Path, Path]:
    """A run that died, and the registry that knows it."""
    run = make_run_dir(script)
    record = {**new_record(run.id, script=script), "process": dead_process}
    write_record(run.path, record)
    register_start(registry, record, run.path)
    return run.path, registry


@pytest.mark.parametrize("put", HOSTILE)
@pytest.mark.parametrize("name", ["session.json", "events.jsonl"])
def test_no_reader_waits_or_reads_for_ever(
    put: Callable[[Path], None],
    name: str,
    shared: tuple[Path, Path],
    caused: Callable[[str, str], None],
) -> None:
    run_dir, registry = shared
    (run_dir / name).unlink(missing_ok=True)
    put(run_dir / name)
    finished = run_script(READERS, str(run_dir), str(registry), timeout=40)
    assert finished.returncode == 0, finished
    refused, statuses, asked, *reaped, left, _ = finished.stdout.splitlines()
    assert refused.startswith("refused: ")
    # The journal knows its process, which is dead; what its record says nobody can read.
    assert statuses == "crashed"
    assert asked == "0 0"
    assert reaped == ["0", "0", "0"]
    assert left == "True"
    caused(f"{put.__name__} as {name}", "refused in one sentence, nobody waits")


@pytest.mark.parametrize("put", HOSTILE)
def test_no_heartbeat_is_waited_for(put: Callable[[Path], None], shared: tuple[Path, Path]) -> None:
    run_dir, _ = shared
    put(run_dir / "heartbeat")
    finished = run_script(
        """
        import sys
        from scitex_session_core import current_status, read_record
        record = read_record(sys.argv[1])
        record["process"]["host"] = "elsewhere"
        print(current_status(record, sys.argv[1]))
        """,
        str(run_dir),
        timeout=40,
    )
    assert finished.stdout in ("unknown\n", "running\n"), finished


@pytest.mark.parametrize("put", HOSTILE)
@pytest.mark.parametrize("name", ["logs/stdout.log", "logs/stderr.log", "heartbeat"])
def test_a_crash_is_filed_whatever_lies_beside_its_record(
    put: Callable[[Path], None], name: str, shared: tuple[Path, Path]
) -> None:
    run_dir, registry = shared
    (run_dir / "logs").mkdir()
    put(run_dir / name)
    finished = run_script(
        """
        import sys
        from pathlib import Path
        from scitex_session_core import reap, read_record
        (path,) = reap(Path(sys.argv[1]).parent.parent, registry=Path(sys.argv[2]))
        print(read_record(path)["status"])
        """,
        str(run_dir),
        str(registry),
        timeout=40,
    )
    assert finished.stdout == "crashed\n", finished


def test_an_event_does_not_go_where_a_link_leads(shared: tuple[Path, Path], tmp_path: Path) -> None:
    from scitex_session_core import append_event

    run_dir, _ = shared
    profile = tmp_path / ".profile"
    profile.write_text("PATH=/bin\n")
    (run_dir / "events.jsonl").symlink_to(profile)
    with pytest.raises(OSError, match="link"):
        append_event(run_dir, "note", note="x")
    assert profile.read_text() == "PATH=/bin\n"


@pytest.mark.parametrize("put", HOSTILE)
def test_a_run_of_an_earlier_version_is_found_without_its_configuration(
    put: Callable[[Path], None], tmp_path: Path, registry: Path
) -> None:
    run_dir = tmp_path / "a_out" / "FINISHED_SUCCESS" / "2025Y-01M-02D-03h04m05s_AbCd"
    (run_dir / "CONFIGS").mkdir(parents=True)
    (run_dir / "logs").mkdir()
    put(run_dir / "CONFIGS" / "CONFIG.yaml")
    finished = run_script(
        "import sys; from scitex_session_core import reindex; print(len(reindex(*sys.argv[1:])))",
        *(str(tmp_path), str(registry)),
        timeout=40,
    )
    assert finished.stdout == "1\n", finished
