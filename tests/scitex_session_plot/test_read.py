"""A stamp is read back from each format, and from no file that is no figure."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from scitex_session_plot import Stamp, read_stamp, read_stamps

if TYPE_CHECKING:
    pass

FACTS = {
    "scitex-session": 1,
    "id": "run",
    "script": "Größe (1).py",
    "commit": "c" * 40,
    "version": "0.4.0",
    "time": "2026-11-22T05:09:48+00:00",
}
TEXT = json.dumps(FACTS, separators=(",", ":"))
STAMP = Stamp(
    id="run",
    script="Größe (1).py",
    commit="c" * 40,
    time=datetime(2026, 11, 22, 5, 9, 48, tzinfo=UTC),
    version="0.4.0",
)
PIXEL = Image.new("RGB", (2, 2))


def png(**kinds: str) -> bytes:
    info = PngInfo()
    for kind, text in kinds.items():
        match kind:
            case "text":
                info.add_text("Comment", text)
            case "packed":
                info.add_text("Comment", text, zip=True)
            case "international":
                info.add_itxt("Comment", text, "de", "Kommentar")
            case "international_packed":
                info.add_itxt("Comment", text, "de", "Kommentar", zip=True)
    buffer = io.BytesIO()
    PIXEL.save(buffer, "png", pnginfo=info)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["text", "packed", "international", "international_packed"])
def test_every_kind_of_text_in_a_png_is_read(kind: str) -> None:
    Path("x").write_bytes(png(**{kind: f"by me {TEXT}"}))
    assert read_stamp("x") == STAMP


def test_text_behind_the_pixels_of_a_png_is_read() -> None:
    data = b"Comment\0" + TEXT.encode()
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    plain = png()
    end = plain.index(b"IEND") - 4
    Path("x").write_bytes(plain[:end] + chunk + plain[end:])
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("place", ["comment", "exif", "xmp"])
def test_every_place_in_a_jpeg_is_read(place: str) -> None:
    exif = Image.Exif()
    exif[270] = TEXT
    escaped = TEXT.replace('"', "&quot;").encode()
    xmp = b"http://ns.adobe.com/xap/1.0/\0<dc:source>" + escaped + b"</dc:source>"
    segment = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    buffer = io.BytesIO()
    options: dict[str, Any] = {"comment": {"comment": TEXT}, "exif": {"exif": exif}, "xmp": {}}
    PIXEL.save(buffer, "jpeg", **options[place])
    data = buffer.getvalue()
    Path("x").write_bytes(data[:2] + segment + data[2:] if place == "xmp" else data)
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tag", [270, 305, 700])
def test_the_tags_of_a_tiff_are_read(tag: int, big: bool) -> None:
    value = TEXT.encode() if tag == 700 else TEXT
    PIXEL.save("x.tif", tiffinfo={tag: value}, big_tiff=big)
    assert read_stamp("x.tif") == STAMP


def test_a_tiff_of_the_other_byte_order_is_read_to_its_last_page() -> None:
    text = TEXT.encode() + b"\0"
    first = struct.pack(">HHHIII", 1, 256, 4, 1, 2, 26)
    second = struct.pack(">HHHIII", 1, 270, 2, len(text), 44, 0)
    Path("x").write_bytes(b"MM\0*\0\0\0\x08" + first + second + text)
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("place", ["xmp", "exif"])
def test_both_places_in_a_webp_are_read(place: str) -> None:
    exif = Image.Exif()
    exif[270] = TEXT
    values: dict[str, Any] = {"exif": exif.tobytes(), "xmp": f"<a>{TEXT}</a>".encode()}
    PIXEL.save("x.webp", **{place: values[place]})
    assert read_stamp("x.webp") == STAMP


@pytest.mark.parametrize("written", [TEXT, TEXT.replace('"', "&quot;"), TEXT.replace('"', "&#34;")])
@pytest.mark.parametrize("before", ["", "\ufeff", "<?xml version='1.0'?>\n<!-- " + "x" * 5000])
def test_markup_is_read_however_it_is_escaped(written: str, before: str) -> None:
    Path("x").write_text(f"{before}<svg><metadata><li>{written}</li></metadata></svg>")
    assert read_stamp("x") == STAMP
    Path("y").write_bytes(gzip.compress(Path("x").read_bytes()))
    assert read_stamp("y") == STAMP


@pytest.mark.parametrize("place", [2**20 - 20, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 - 8192])
def test_a_stamp_that_two_chunks_share_is_read(place: int) -> None:
    data = b"<svg>".ljust(place) + TEXT.encode() + b" " * 2**19
    Path("x").write_bytes(data)
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_comments_of_postscript_go_on_in_the_next_line(newline: str) -> None:
    half = len(TEXT) // 2
    text = f"%!PS-Adobe-3.0\n%%Creator: me\n%%+ {TEXT[:half]}\n%%+ {TEXT[half:]}\n%%EndComments\n"
    Path("x").write_bytes(text.replace("\n", newline).encode())
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_drawing_in_utf_16_is_read(encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    Path("x").write_bytes(f"{mark}<svg><metadata>{TEXT}</metadata></svg>".encode(encoding))
    assert read_stamp("x") == STAMP


@pytest.mark.parametrize("data", [b"", b"x", TEXT.encode(), b"id,script\n1,2\n", png()])
def test_what_has_no_stamp_in_its_metadata_has_none(data: bytes) -> None:
    Path("x").write_bytes(data)
    assert read_stamp("x") is None
    assert read_stamps("x") == []


def test_fields_of_a_later_schema_are_ignored_and_garbage_is_not_known() -> None:
    text = '{"scitex-session":9,"id":"run","script":7,"commit":null,"time":"soon","new":[1]}'
    Path("x").write_bytes(png(text=text))
    assert read_stamp("x") == Stamp(id="run", schema=9)


def test_a_missing_file_a_directory_and_a_pipe_are_errors() -> None:
    with pytest.raises(FileNotFoundError):
        read_stamp("missing.png")
    with pytest.raises(IsADirectoryError):
        read_stamp(os.curdir)
    os.mkfifo("pipe")
    with pytest.raises(OSError, match="pipe is no regular file"):
        read_stamp("pipe")


def test_neither_the_record_of_a_run_nor_a_source_is_a_stamped_figure() -> None:
    record = {"schema": 1, "id": "run", "versions": {"scitex-session": "0.4.0"}, **FACTS}
    source = f"TEXT = '<svg><metadata>{TEXT}</metadata></svg>'\n"
    for name, text in {
        "session.json": json.dumps(record, indent=1),
        "events.jsonl": f"{TEXT}\n<svg>{TEXT}</svg>\n",
        "test_read.py": source,
        "CONFIG.yaml": source,
        "stdout.log": source,
    }.items():
        Path(name).write_text(text)
        assert read_stamps(name) == [], name


def test_none_of_our_own_files_is_a_stamped_figure() -> None:
    root = Path(__file__).parents[2]
    folders = ("packages", "tests", "docs", "examples", "benchmarks")
    files = [path for folder in folders for path in (root / folder).rglob("*.*") if path.is_file()]
    ours = [path for path in files if path.suffix in {".md", ".py", ".pyi", ".toml", ".json"}]
    assert len(ours) > 100
    assert [path for path in ours if read_stamps(path)] == []


def test_neither_matplotlib_nor_pillow_is_imported() -> None:
    Path("x.png").write_bytes(png(text=TEXT))
    code = (
        "import sys; from scitex_session_plot import read_stamp; assert read_stamp('x.png');"
        "print([m for m in ('matplotlib', 'PIL', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


BEGINNINGS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\0\x08\0\0\0",
    b"MM\0+\0\x08\0\0",
    b"RIFF\0\0\0\0WEBP",
    b"GIF89a\x01\0\x01\0\x80\0\0" + bytes(6),
    b"\0\0\0\x14ftypavif",
    b"%PDF-1.7\n",
    b"%!PS",
    b"<svg>",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"BZh9",
    bytes(257) + b"ustar",
    b"<html>",
    b'{"nbformat": 4, "cells": [',
    b"\xff\xfe<\0",
)
PIECES = (
    *(b"!\xfe", b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b",", b";"),
    *(b"tEXt", b"zTXt", b"iTXt", b"IEND", b"XMP ", b"EXIF", b"\xff\xfe\x00\x10", b"\xff\xe1"),
    *(
        b"/Keywords (",
        b"/Title <",
        b"/Type /ObjStm>>stream\n",
        b"/Type/Metadata",
        b"\\",
        b")",
        b">",
    ),
    *(
        TEXT.encode(),
        TEXT[:40].encode(),
        zlib.compress(TEXT.encode()),
        b"\x0e\x01\x02\0",
        b"\0" * 7,
        b"data:image/png;base64,",
        b'"]}',
    ),
)


@settings(max_examples=300)
@given(
    st.sampled_from(BEGINNINGS),
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=40)), max_size=30),
)
def test_garbage_is_read_to_an_end(begin: bytes, pieces: list[bytes]) -> None:
    path = Path("garbage")
    path.write_bytes(begin + b"".join(pieces))
    assert all(isinstance(stamp.id, str) for stamp in read_stamps(path))


@settings(max_examples=200)
@given(st.sampled_from(["text", "packed", "international"]), st.data())
def test_a_torn_or_altered_png_is_read_as_far_as_it_goes(kind: str, data: st.DataObject) -> None:
    whole = bytearray(png(**{kind: TEXT}))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    Path("garbage").write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    read_stamps("garbage")
