"""A stamp is found however its text is written: by itself, among other texts, in PDF's strings."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_plot import Stamp, read_stamp, read_stamps, watch_savefig

if TYPE_CHECKING:
    from collections.abc import Callable

    Form = Callable[[bytes], bytes]

FACTS = {"scitex-session": 1, "id": "run", "script": "Größe (1).py"}
TEXT = json.dumps(FACTS, separators=(",", ":"))


def escaped(data: bytes) -> bytes:
    """As matplotlib does."""
    for sign, name in ((b"\\", b"\\\\"), (b"(", b"\\("), (b")", b"\\)"), (b"\n", b"\\n")):
        data = data.replace(sign, name)
    return b"(" + data.replace(b"\r", b"\\r") + b")"


def octal(data: bytes) -> bytes:
    """As pypdf does: all but letters and digits in octal."""
    signs = (bytes([b]) if bytes([b]).isalnum() else b"\\%03o" % b for b in data)
    return b"(" + b"".join(signs) + b")"


def folded(data: bytes) -> bytes:
    """With lines of one escape or sign, which a backslash joins."""
    signs = re.findall(rb"\\.|.", escaped(data)[1:-1], re.DOTALL)
    return b"(" + b"\\\n".join(signs) + b")"


def hexadecimal(data: bytes) -> bytes:
    text = data.hex().encode()
    return b"<" + b"\n".join(text[at : at + 60] for at in range(0, len(text), 60)) + b">"


FORMS: tuple[Form, ...] = (escaped, octal, folded, hexadecimal)
CODES: dict[str, Callable[[str], bytes]] = {
    "ascii": lambda text: text.encode(),
    "utf-16": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-8": lambda text: b"\xef\xbb\xbf" + text.encode(),
}


def found(pdf: bytes) -> list[tuple[str, str | None]]:
    Path("x.pdf").write_bytes(b"%PDF-1.7\n" + pdf)
    return [(stamp.id, stamp.script) for stamp in read_stamps("x.pdf")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("before", ["", "mine (a) "])
def test_every_form_of_a_string_is_read(form: Form, code: str, before: str) -> None:
    string = form(CODES[code](before + TEXT))
    assert found(b"1 0 obj<</Keywords " + string + b">>endobj") == [("run", "Größe (1).py")]


@pytest.mark.parametrize("form", FORMS)
def test_an_object_stream_is_read(form: Form) -> None:
    packed = zlib.compress(b"7 0 <</Title(x)/Keywords" + form(TEXT.encode()) + b">>")
    dictionary = b"1 0 obj<</Filter/FlateDecode/Length 9/Type/ObjStm/N 1/First 4>>\nstream\r\n"
    assert found(dictionary + packed + b"\nendstream") == [("run", "Größe (1).py")]


@pytest.mark.parametrize("pack", [bytes, zlib.compress])
def test_xmp_is_read(pack: Form) -> None:
    xmp = f"<pdf:Keywords>{TEXT.replace(chr(34), '&quot;')}</pdf:Keywords>".encode()
    stream = b"1 0 obj<</Type /Metadata/Subtype/XML>>stream\n" + pack(xmp)
    assert found(stream + b"\nendstream") == [("run", "Größe (1).py")]


@pytest.mark.parametrize("packed", [(False, False), (True, False), (False, True), (True, True)])
def test_the_latest_revision_counts(packed: tuple[bool, bool]) -> None:
    pdf = b""
    for text, pack in zip((TEXT, TEXT.replace("run", "later")), packed, strict=True):
        keywords = b"<</Keywords" + escaped(text.encode()) + b">>"
        stream = b"<</Type/ObjStm>>stream\n" + zlib.compress(keywords) + b"\nendstream"
        pdf += (stream if pack else keywords) + bytes(5000)
    assert [name for name, _ in found(pdf)] == ["later"]


@pytest.mark.parametrize("before", [2**20 - 60, 2**20 - 20, 2**20, 2**21 - (32 << 10) - 5])
def test_a_stamp_that_two_chunks_share_is_read(before: int) -> None:
    pdf = b" " * before + b"<</Keywords " + escaped(TEXT.encode()) + b">>" + b" " * 2**19
    assert found(pdf) == [("run", "Größe (1).py")]


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(list(CODES)),
    st.sampled_from(FORMS),
)
def test_a_stamp_is_read_whatever_stands_before_it(before: str, code: str, form: Form) -> None:
    kept = ascii(before) if code == "ascii" else before
    string = form(CODES[code](kept + TEXT))
    assert found(b"<</Keywords " + string + b">>") == [("run", "Größe (1).py")]


@pytest.mark.parametrize(
    "pdf",
    [
        b"/Keywords (",
        b"/Keywords (scitex",
        b"/Keywords <7363697465783",
        b"/Type /ObjStm",
        b"/Type /ObjStm>>stream\n",
        b"/Type /ObjStm>>stream\n" + zlib.compress(b"x" * 999)[:20],
        b"/Type /Metadata>>stream\n\xff\xff",
    ],
)
def test_what_is_torn_has_none(pdf: bytes) -> None:
    assert found(pdf) == []


def test_a_stamp_is_one_line_of_ascii_without_what_is_not_known() -> None:
    from matplotlib.figure import Figure

    restore = watch_savefig(stamp=lambda: {"id": "x", "script": "Größe\n.py", "commit": None})
    Figure().savefig("x.png")
    restore()
    (text,) = re.findall(rb'\{"scitex-session":.*?\}', Path("x.png").read_bytes())
    start = rb'{"scitex-session":1,"id":"x","script":"Gr\u00f6\u00dfe\n.py","time":"20'
    assert text.startswith(start)
    assert text.isascii()
    assert b"commit" not in text


def drawing(text: str) -> list[Stamp]:
    """Give what is read from a drawing with this text."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    Path("x.svg").write_text(f"<svg><metadata>{text}</metadata></svg>", "utf-8", "surrogatepass")
    return read_stamps("x.svg")


@given(st.text(), st.text(), st.text())
def test_a_stamp_is_found_between_any_texts(before: str, script: str, after: str) -> None:
    text = json.dumps({"scitex-session": 1, "id": "x", "script": script})
    assert drawing(before + text + after) == [Stamp("x", script)]


def test_another_writer_of_json_may_have_set_spaces() -> None:
    assert drawing('{ "scitex-session" : 7,\n "id" : "x" }') == [Stamp("x", schema=7)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"scitex-session":',
        '{"scitex-session":1}',
        '{"scitex-session":1,"id":7}',
        '{"scitex-session":1,"id":"x"',
        '{"scitex-session":' + "[" * 5000,
        '{"scitex-session":' + "9" * 5000 + "}",
        '{"other":1,"id":"x"}',
        '{"versions": {"scitex-session": "0.4.0"}, "id": "x"}',
    ],
)
def test_what_names_no_run_is_no_stamp(text: str) -> None:
    assert drawing(text) == []


@given(st.lists(st.sampled_from(['{"scitex-session":', "1", ',"id":', '"x"', "}", "[", "\\"])))
def test_garbage_ends(parts: list[str]) -> None:
    assert all(stamp.id == "x" for stamp in drawing("".join(parts)))


def test_a_comment_in_a_gif_goes_on_from_block_to_block() -> None:
    for length in range(200, 320):  # the byte of length falls on every letter, and may be one
        comment = b"x" * length + TEXT.encode()
        blocks = [comment[at : at + 255] for at in range(0, len(comment), 255)]
        packed = b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
        Path("x.gif").write_bytes(b"GIF89a\1\0\1\0\0\0\0!\xfe" + packed + b";")
        assert read_stamp("x.gif") == Stamp("run", "Größe (1).py"), length
