"""Much output, long lines, bytes that are no text: whole, and in little memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import write_script

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mode 'fd' needs a POSIX system")

MEMORY = """
import re, sys
from pathlib import Path
def peak(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
def companion():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try: words = (entry / "cmdline").read_bytes().split(b"\\0")
            except OSError: continue  # another process has ended
            if b"-I" in words[:2] and str(os.getpid()).encode() in words: return entry.name
"""


def shown_and_logged(body: str) -> tuple[str, str, int]:
    """Run `body` under capture; give digests of what was shown and logged, and the length."""
    source = "import os, sys\nfrom scitex_session_io import capture\n" + MEMORY
    source += "with capture('o.log', 'e.log'):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    shown, length = hashlib.sha256(), 0
    with subprocess.Popen(
        [sys.executable, os.fspath(write_script(source))], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        while data := process.stdout.read(1 << 20):
            shown.update(data)
            length += len(data)
    assert process.returncode == 0
    logged = hashlib.sha256()
    with Path("o.log").open("rb") as file:
        while data := file.read(1 << 20):
            logged.update(data)
    return shown.hexdigest(), logged.hexdigest(), length


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    every = bytes(range(256)) * 500
    shown, logged, _ = shown_and_logged(
        "sys.stdout.buffer.write(bytes(range(256)) * 500)\nsys.stdout.flush()"
    )
    assert shown == logged == hashlib.sha256(every).hexdigest()


def test_surrogates_are_written_as_the_streams_error_handler_says() -> None:
    shown, logged, _ = shown_and_logged(
        "sys.stdout.reconfigure(errors='surrogateescape')\nprint('a\\udc80\\udcffz')"
    )
    assert shown == logged == hashlib.sha256(b"a\x80\xffz\n").hexdigest()


def test_a_million_short_lines_are_whole() -> None:
    shown, logged, length = shown_and_logged("for i in range(1_000_000): print('x')")
    assert shown == logged
    assert length == 2_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measuring needs /proc")
def test_one_line_of_a_hundred_megabytes_is_whole() -> None:
    shown, logged, length = shown_and_logged(
        "line = 'x' * 100_000_000\nprint(line)\nopen('peak', 'w').write(str(peak(companion())))"
    )
    assert shown == logged
    assert length == 100_000_001
    assert int(Path("peak").read_text()) <= 12_000  # kB, of the companion


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measuring needs /proc")
@pytest.mark.parametrize("megabytes", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_what_is_printed(megabytes: int) -> None:
    shown, logged, length = shown_and_logged(
        "before, piece = peak('self'), 'y' * 9_999\n"
        f"for i in range({megabytes * 100}): print(piece)\n"
        "open('peak', 'w').write(f\"{peak('self') - before} {peak(companion())}\")"
    )
    assert shown == logged
    assert length == megabytes * 1_000_000
    grown, companion = map(int, Path("peak").read_text().split())
    assert grown <= 4_000
    assert companion <= 12_000
