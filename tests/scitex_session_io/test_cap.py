"""A log with a limit keeps its beginning and its end to the byte, and says what is missing."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_io import InvalidTypeError, InvalidValueError, capture, render
from scitex_session_io._companion import cap as _cap
from scitex_session_io._companion.cap import Cap
from support import run_script, wait_until, write_script

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux takes blocks out of a file"
)

MIB = 1 << 20
MARK = re.compile(rb"\n\[scitex-session: (\d+) bytes dropped here\] {0,3}\n")


@pytest.fixture(params=["here", "/dev/shm"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A directory on the disk, where blocks can be taken out or not, and one in memory: holes."""
    if request.param == "here":
        yield tmp_path
        return
    import tempfile

    if not os.path.isdir(request.param):
        pytest.skip("there is no /dev/shm")
    with tempfile.TemporaryDirectory(dir=request.param) as directory:
        yield Path(directory)


def check(log: Path, written: bytes, most: int) -> None:
    """See that a log is the beginning and the end of what was written."""
    found = log.stat()
    assert found.st_blocks * 512 <= most + 8192
    data = log.read_bytes()
    (mark,) = MARK.finditer(data)
    head, tail = data[: mark.start()], data[mark.end() :]
    if len(data) > most:  # a hole: the file is as long as if nothing were missing
        assert len(data) == len(written)
        head = head.rstrip(b"\0")
    assert len(head) >= most // 2 - 4096
    assert len(tail) >= most // 4 - 4096
    assert written.startswith(head)
    assert written.endswith(tail)
    assert int(mark[1]) == len(written) - len(head) - len(tail)
    assert b"".join(render(log)) == head + mark[0] + tail


def lines(total: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(total // 12))


@pytest.mark.parametrize("size", [1000, 65537, 3 * MIB])
def test_what_is_left_is_the_beginning_and_the_end(place: Path, size: int) -> None:
    log, written = place / "a.log", lines(6 * MIB)
    log.touch()
    cap = Cap(str(log), MIB // 2)
    with log.open("ab", buffering=0) as file:
        for start in range(0, len(written), size):
            file.write(written[start : start + size])
            cap.trim(start + size)
    cap.close()
    check(log, written, MIB // 2)


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("character", ["é", "…", "𝛽"])
def test_no_character_is_cut(place: Path, character: str, shift: int) -> None:
    log = place / "a.log"
    written = b"x" * shift + character.encode() * (MIB // 2)
    log.touch()
    cap = Cap(str(log), MIB // 2)
    with log.open("ab", buffering=0) as file:
        for start in range(0, len(written), 65536):
            file.write(written[start : start + 65536])
            cap.trim(start + 65536)
    cap.close()
    data = log.read_bytes()
    (mark,) = MARK.finditer(data)
    head, tail = data[: mark.start()].rstrip(b"\0 "), data[mark.end() :]
    assert set(head.decode()) | set(tail.decode()) <= {"x", character}
    assert int(mark[1]) == len(written) - len(head) - len(tail)


def test_what_has_not_been_shown_is_kept(place: Path) -> None:
    log, written = place / "a.log", lines(2 * MIB)
    log.write_bytes(written)
    cap = Cap(str(log), MIB // 2)
    assert cap.trim(MIB // 4) == (0, 0)
    assert log.read_bytes() == written
    end, moved = cap.trim(MIB)
    cap.close()
    assert 0 < end <= MIB
    assert log.read_bytes()[MIB - moved :] == written[MIB:]


def test_a_short_log_is_left_alone(place: Path) -> None:
    log = place / "a.log"
    log.write_bytes(b"x" * 65536)
    cap = Cap(str(log), 65536)
    assert cap.trim(65536) == (0, 0)
    cap.close()
    assert log.read_bytes() == b"x" * 65536


WRITER = """
    import os, subprocess, sys
    from scitex_session_io import capture

    capturing = capture("out.log", "err.log", mode=MODE, max_bytes=2**20).start()
    line = "{:>15} " + "x" * 83
    for number in range(0, 500_000, 100):
        print("\\n".join(line.format(number + i) for i in range(100)))
    print("error", file=sys.stderr)
    END
"""
WRITTEN = b"".join(b"%15d %s\n" % (number, b"x" * 83) for number in range(500_000))
ENDS = {
    "stop": ("capturing.stop()", 0),
    "nothing": ("", 0),
    "kill -9": ("os.kill(os.getpid(), 9)", -9),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("mode", ["fd", "sys"])
def test_fifty_megabytes_are_capped_at_one_and_shown_in_full(mode: str, end: str) -> None:
    code, status = ENDS[end]
    finished = run_script(WRITER.replace("MODE", repr(mode)).replace("END", code))
    assert finished.returncode == status
    assert finished.stderr == "error\n"
    # The stream behind a tee keeps its buffer, and a kill what is in it; the log is whole.
    shown = finished.stdout.encode()
    assert WRITTEN.startswith(shown) if (mode, end) == ("sys", "kill -9") else shown == WRITTEN
    check(Path("out.log"), WRITTEN, MIB)
    assert Path("err.log").read_bytes() == b"error\n"


@pytest.mark.parametrize("shell", [">&-", ">> out.log"])
def test_a_log_that_is_shown_nowhere_is_capped_too(shell: str) -> None:
    script = write_script("""
        from scitex_session_io import capture

        with capture("out.log", "err.log", max_bytes=2**17):
            for number in range(100_000):
                print(f"{number:>15}")
    """)
    subprocess.run(["/bin/sh", "-c", f'"$0" "$1" {shell}', sys.executable, script], check=True)
    check(Path("out.log"), b"".join(b"%15d\n" % number for number in range(100_000)), 2**17)


def counted(number: int) -> bytes:
    return b"".join(b"%d\n" % i for i in range(1, number + 1))


def test_children_and_c_write_on_at_the_end_while_the_middle_goes() -> None:
    finished = run_script("""
        import subprocess, sys
        from scitex_session_io import capture

        with capture("out.log", "err.log", max_bytes=2**17):
            shell = "seq 1 300000"
            children = [subprocess.Popen(["/bin/sh", "-c", shell]) for _ in range(2)]
            for child in children:
                child.wait()
            subprocess.run(["/bin/sh", "-c", "seq 1 30000; echo last"])
    """)
    assert finished.returncode == 0
    shown = finished.stdout.encode()
    assert len(shown) == 2 * len(counted(300_000)) + len(counted(30_000)) + len(b"last\n")
    assert shown.endswith(counted(30_000) + b"last\n")
    check(Path("out.log"), shown, 2**17)


def test_a_terminal_that_takes_nothing_does_not_fill_the_disk() -> None:
    script = Path("script.py")
    script.write_text(
        "import time\n"
        "from scitex_session_io import capture\n"
        "capturing = capture('out.log', 'err.log', max_bytes=2**20).start()\n"
        "for number in range(120):\n"
        "    print('x' * 2**20)\n"
        "    time.sleep(0.005)\n"
        "capturing.finish(0.1)\n"
        "open('done', 'w').close()\n"
        "capturing.dismiss()\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as process:
        wait_until(Path("done").exists, timeout=60)
        log = Path("out.log")
        assert wait_until(lambda: log.stat().st_blocks * 512 < 70 * MIB)
        assert process.stdout is not None
        shown = process.stdout.read()
    assert len(shown) < 70 * MIB
    assert MARK.search(shown)
    assert shown.endswith(b"x\n")


def test_a_file_system_that_can_not_is_said_once_and_keeps_the_log_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(_cap, "_fallocate", refuse)
    with capture("out.log", "err.log", mode="sys", max_bytes=65536):
        for _ in range(4):
            print("x" * 65535)
    assert Path("out.log").read_bytes() == (b"x" * 65535 + b"\n") * 4
    said = capsys.readouterr().err
    assert (
        said.count("max_bytes has no effect on ") == said.count(os.strerror(errno.EOPNOTSUPP)) == 1
    )


@pytest.mark.parametrize("value", [True, 1e6, "1 MB", [65536]])
def test_a_limit_that_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTypeError, match="max_bytes must be an integer or None, not"):
        capture("a.log", "b.log", max_bytes=value)


@pytest.mark.parametrize("value", [-1, 0, 65535])
def test_a_limit_that_is_too_small_is_refused(value: int) -> None:
    with pytest.raises(InvalidValueError, match=f"must be at least 65536, not {value}"):
        capture("a.log", "b.log", max_bytes=value)


def test_a_log_that_its_limit_made_shorter_does_not_count_as_truncated() -> None:
    finished = run_script("""
        import os, time
        from scitex_session_io import capture

        capturing = capture("out.log", "err.log", max_bytes=2**20).start()
        print("first")
        os.write(1, b"of three million\\n" * 200_000)
        deadline = time.monotonic() + 30
        while os.path.getsize("out.log") > 2**20 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert os.path.getsize("out.log") <= 2**20
        print("last")
        capturing.stop()
    """)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.endswith("of three million\nlast\n")
