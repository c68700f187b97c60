from __future__ import annotations

import json
import os
import pickle
import stat
from pathlib import Path

import pytest

from scitex_session_repro import CheckpointError
from scitex_session_repro._streams.checkpoint import read, write
from support import start_script, wait_until

STATE = {"seed": 42, "name": "\ud800", "half": 0.1}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for state in (STATE, {**STATE, "seed": 2**128 - 1}):
        write(path, state)
        assert read(path) == state
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    try:
        (tmp_path / "link.json").symlink_to(tmp_path / "real" / "a.json")
    except OSError:
        pytest.skip("no symbolic links here")
    write(tmp_path / "link.json", STATE)
    assert (tmp_path / "link.json").is_symlink()
    assert read(tmp_path / "real" / "a.json") == STATE


def test_where_it_cannot_be_written_the_one_before_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, STATE)
    with pytest.raises(TypeError):
        write(path, {"seed": object()})
    with pytest.raises(OSError, match=r"/missing/a\.json'$"):
        write(tmp_path / "missing" / "a.json", STATE)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"/folder'$"):
        write(tmp_path / "folder", STATE)
    assert read(path) == STATE
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "folder"]


@pytest.mark.skipif(os.name != "posix", reason="umask is POSIX's")
def test_who_may_read_it_is_as_for_any_file(tmp_path: Path) -> None:
    found = os.umask(0o027)
    try:
        write(tmp_path / "a.json", STATE)
    finally:
        os.umask(found)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("owned",)


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert caught.value.path == str(path)
    return caught.value.problem


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, STATE)
    whole = path.read_bytes()
    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        assert "not JSON" in refused(path, whole[:cut])
    assert "not JSON" in refused(path, b"\xff\xfe" + whole)
    assert "not JSON" in refused(path, b"[" * 100_000)
    for foreign in (b"[]", b"1", b"{}", json.dumps({"format": "other"}).encode()):
        assert "no checkpoint of scitex-session-repro" in refused(path, foreign)
    assert "SHA-256 differs" in refused(path, whole.replace(b"42", b"43"))
    assert "SHA-256 differs" in refused(
        path, json.dumps({"format": json.loads(whole)["format"]}).encode()
    )
    assert "pickle" in refused(path, pickle.dumps(Malicious()))
    assert not Path("owned").exists()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is missing here")
def test_a_kill_while_writing_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    source = """
        import sys
        from pathlib import Path
        from scitex_session_repro._streams.checkpoint import write

        number = 0
        while True:
            number += 1
            write(Path(sys.argv[1]), {"number": number, "filling": "x" * 100_000})
    """
    for _ in range(3):
        path.unlink(missing_ok=True)
        with start_script(source, str(path)) as process:
            wait_until(lambda: path.exists() and read(path)["number"] > 20)
            process.kill()
            process.wait()
        assert read(path)["filling"] == "x" * 100_000
