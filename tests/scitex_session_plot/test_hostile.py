"""Files that are made to exhaust their reader, or to break it, have no stamp, and end soon."""

from __future__ import annotations

import io
import lzma
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_plot import read_stamps

if TYPE_CHECKING:
    from collections.abc import Callable

OPENING = b'{"scitex-session":'
PNG = b"\x89PNG\r\n\x1a\n"


def entries(number: int) -> bytes:
    """A zip whose directory has so many entries, and nothing else."""
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, *[0] * 7, 1, *[0] * 6) + b"a"
    directory, before = entry * number, b"PK\3\4" + bytes(26)
    end64 = struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, number, number, len(directory), len(before))
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(before) + len(directory), 1)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    return before + directory + b"PK\6\6" + end64 + locator + end


def torn_lzma() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.png", PNG + bytes(5000))
    data = bytearray(packed.getvalue())
    data[50:80] = b"\xff" * 30
    return bytes(data)


def inflating() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(6):
            archive.writestr(f"{number}.png", PNG + bytes(60 << 20))
    return packed.getvalue()


def extended_header(digits: int) -> bytes:
    header = bytearray(512)
    header[124:136] = b"%011o\0" % digits
    header[156:157], header[257:263] = b"x", b"ustar\0"
    return bytes(header) + b"1" * digits


HOSTILE: dict[str, Callable[[], bytes]] = {
    "folded.pdf": lambda: b"%PDF-1.7\n/Keywords (s" + b"\\\n" * 50_000,
    "letters.pdf": lambda: b"%PDF-1.7\n" + (b"s" + b"\\\n" * 100) * 10_000,
    "openings.pdf": lambda: b"%PDF-1.7\n" + (OPENING + b"[1,1,1,1,") * 200_000,
    "stamps.pdf": lambda: b"%PDF-1.7\n" + (OPENING + b'1,"id":7}' + b"\\n" * 20) * 100_000,
    "streams.pdf": lambda: b"%PDF-1.7\n" + b"/ObjStm stream\n" * 500_000,
    "inflating.pdf": lambda: (
        b"%PDF-1.7\n" + (b"/ObjStm stream\n" + zlib.compress(bytes(2 << 20))) * 600
    ),
    "hexadecimal.pdf": lambda: b"%PDF-1.7\n" + (b"<" + OPENING.hex().encode() * 2) * 50_000,
    "texts.png": lambda: PNG + b"zTXta\0\0" * 500_000,
    "comments.gif": lambda: b"GIF89a" + b"!\xfe\xff" * 1_000_000,
    "digits.svg": lambda: b"<svg>" + OPENING + b"&#" + b"9" * 5000 + b";}",
    "entities.svg": lambda: b"<svg>" + (b"scitex-session" + b"&lt;" * 500) * 5_000,
    "continued.ps": lambda: b"%!PS\n" + b"scitex-session\n%%+ " * 200_000,
    "deep.ipynb": lambda: b'{"nbformat":4,"cells":' + b"[" * 1_000_000,
    "wide.ipynb": lambda: b'{"nbformat":4,"cells":[' + b"[]," * 3_000_000 + b"0]}",
    "drawings.html": lambda: b"<html>" + b"<svg>" * 1_000_000,
    "escapes.html": lambda: b"<html>data:image/svg+xml," + b"%41" * 4_000_000,
    "links.md": lambda: (b"data:image/png" + (b";" + b"a" * 39)) * 100_000,
    "digits.tar": lambda: extended_header(1_000_000),
    "entries.zip": lambda: entries(400_000),
    "torn.zip": torn_lzma,
    "inflating.zip": inflating,
    "inflating.xz": lambda: lzma.compress(bytes(200 << 20), preset=0),
}
SECONDS = 10  # each takes less than two alone; the naive ways take minutes
MEGABYTES = 300  # of which the largest member takes 64, and its copies


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_soon_and_without_an_error(name: str) -> None:
    Path(name).write_bytes(HOSTILE[name]())
    began = time.thread_time()
    assert read_stamps(name) == []
    assert time.thread_time() - began < SECONDS


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_all_of_them_in_one_process_take_bounded_memory() -> None:
    for name, make in HOSTILE.items():
        Path(name).write_bytes(make())
    code = (
        "import sys; from scitex_session_plot import read_stamps\n"
        "assert [read_stamps(name) for name in sys.argv[1:]]\n"
        "print([line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line][0])"
    )
    argv = [sys.executable, "-c", code, *HOSTILE]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert int(done.stdout) < MEGABYTES * 1000


def test_of_a_figure_of_any_size_the_beginning_and_the_end_are_read() -> None:
    stamp = OPENING + b'1,"id":"run"}'
    for name, place in {"begin.tif": 100, "end.tif": (3 << 30) - 100}.items():
        with open(name, "wb") as file:  # zeros that take no room on the disk
            file.write(b"II*\0")
            file.seek(place)
            file.write(stamp)
            file.truncate(3 << 30)
        began = time.thread_time()
        assert [found.id for found in read_stamps(name)] == ["run"]
        assert time.thread_time() - began < SECONDS
