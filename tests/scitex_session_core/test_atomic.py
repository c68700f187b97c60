"""A file is written whole or not at all, and so is a line, whatever kills the writers."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import write_atomic
from scitex_session_core._atomic import append_line, remove_leftovers
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"one\r\n")
    write_atomic(path, b"")
    assert path.read_bytes() == b""
    assert os.listdir(tmp_path) == ["file"]


def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    found = os.umask(0o027)
    try:
        write_atomic(tmp_path / "file", b"")
    finally:
        os.umask(found)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_killed_before_any_operation_the_old_file_or_the_new_one_stands(
    tmp_path: Path, lives: Callable[..., list[dict[str, Any]]]
) -> None:
    for n in range(1, 10):
        (tmp_path / str(n)).mkdir()
        (tmp_path / str(n) / "file").write_bytes(b"old")
    found = lives("atomic", 9)
    assert [life["killed"] for life in found] == [True, True, False]
    for life in found:
        path = Path(life["directory"]) / "file"
        assert path.read_bytes() == (b"new" * 1000 if "written" in life["said"] else b"old")
        remove_leftovers(path)
        assert os.listdir(path.parent) == ["file"]


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = {letter * 100_000 for letter in (b"a", b"b")}
    path.write_bytes(b"a" * 100_000)
    writer = (
        "import sys; from pathlib import Path; from scitex_session_core import write_atomic\n"
        "for _ in range(15):\n"
        "  for letter in (b'a', b'b'): write_atomic(Path(sys.argv[1]), letter * 100_000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", writer, str(path)]) as process:
        seen = {path.read_bytes()}
        while process.poll() is None:
            seen.add(path.read_bytes())
    assert process.returncode == 0
    assert seen <= versions


def test_on_a_full_disk_the_old_file_stands_and_nothing_is_left(full_disk: Path) -> None:
    path = full_disk / "file"
    path.write_bytes(b"old")
    (full_disk / "filler").write_bytes(b"")
    with pytest.raises(OSError, match="No space left") as failed:
        write_atomic(path, b"x" * 10_000_000)
    assert failed.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert sorted(os.listdir(full_disk)) == ["file", "filler"]


def test_a_directory_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "gone" / "file", b"")


def test_leftovers_are_only_those_of_that_file(tmp_path: Path) -> None:
    names = [".file.12.abcd.tmp", ".file.tmp2", ".other.12.abcd.tmp", "file.12.tmp", "file"]
    for name in names:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == sorted(names[1:])
    remove_leftovers(tmp_path / "gone" / "file")


def test_lines_of_sixteen_processes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    done = run_script(
        """
        import json, os, sys
        from pathlib import Path
        from scitex_session_core._atomic import append_line
        path = Path(sys.argv[1])
        children = []
        for writer in range(16):
            child = os.fork()
            if child == 0:
                for number in range(100):
                    line = {"writer": writer, "number": number, "text": "x" * (number * 50)}
                    append_line(path, json.dumps(line).encode())
                os._exit(0)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children] == [0] * 16)
        """,
        str(path),
    )
    assert done.stdout == "True\n", done.stderr
    lines = [json.loads(line) for line in path.read_bytes().splitlines() if line]
    told = [(line["writer"], line["number"]) for line in lines]
    assert len(told) == 1600
    assert [n for w, n in told if w == 7] == list(range(100))
    assert len(set(told)) == 1600


def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'\n{"torn": ')
    append_line(path, b'{"whole": 1}')
    assert path.read_bytes().split(b"\n")[-2:] == [b'{"whole": 1}', b""]


def test_a_line_that_a_full_disk_tore_does_not_spoil_the_next(
    full_disk: Path, fill: Callable[[Path], Path]
) -> None:
    path = full_disk / "lines"
    append_line(path, b"first")
    filler = fill(full_disk)
    with pytest.raises(OSError, match="No space left"):
        append_line(path, b"y" * 100_000)
    filler.unlink()
    append_line(path, b"last")
    lines = path.read_bytes().split(b"\n")
    assert lines[1] == b"first"
    assert len(lines[3]) < 100_000
    assert lines[-2:] == [b"last", b""]
