"""The strings of a PDF as its many writers write them."""

from __future__ import annotations

import io
import re
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathlib import Path
from scitex_session_plot import read_stamps
from scitex_session_plot._stamp.places import stamp_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Form = Callable[[bytes], bytes]

TEXT = stamp_text({"id": "run", "script": "Größe (1).py"}, "2026-11-22T05:09:48+00:00")


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


def found(pdf: bytes) -> list[tuple[str, str]]:
    Path("x.pdf").write_bytes(b"%PDF-1.7\n" + pdf)
    return [(stamp.id, stamp.script) for stamp in read_stamps("x.pdf")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("before", ["", "mine (a) "])
def test_every_form_of_a_string(form: Form, code: str, before: str) -> None:
    string = form(CODES[code](before + TEXT))
    assert found(b"1 0 obj<</Keywords " + string + b">>endobj") == [("run", "Größe (1).py")]


@pytest.mark.parametrize("form", FORMS)
def test_in_an_object_stream(form: Form) -> None:
    packed = zlib.compress(b"7 0 <</Title(x)/Keywords" + form(TEXT.encode()) + b">>")
    dictionary = b"1 0 obj<</Filter/FlateDecode/Length 9/Type/ObjStm/N 1/First 4>>\nstream\r\n"
    assert found(dictionary + packed + b"\nendstream") == [("run", "Größe (1).py")]


@pytest.mark.parametrize("pack", [bytes, zlib.compress])
def test_in_xmp(pack: Form) -> None:
    xmp = f"<pdf:Keywords>{TEXT.replace(chr(34), '&quot;')}</pdf:Keywords>".encode()
    stream = b"1 0 obj<</Type /Metadata/Subtype/XML>>stream\n" + pack(xmp)
    assert found(stream + b"\nendstream") == [("run", "Größe (1).py")]


def test_the_latest_revision_comes_first() -> None:
    first, second = TEXT.encode(), TEXT.replace("run", "later").encode()
    pdf = b"".join(b"<</Keywords" + escaped(text) + b">>" for text in (first, second))
    assert [name for name, _ in found(pdf)] == ["later", "run"]


@pytest.mark.parametrize("before", [2**20 - 60, 2**20 - 20, 2**20, 2**21 - (16 << 10) - 5])
def test_across_the_pieces_in_which_a_file_is_read(before: int) -> None:
    pdf = b" " * before + b"<</Keywords " + escaped(TEXT.encode()) + b">>" + b" " * 2**19
    assert found(pdf) == [("run", "Größe (1).py")]


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(list(CODES)),
    st.sampled_from(FORMS),
)
def test_whatever_stands_before_it(before: str, code: str, form: Form) -> None:
    kept = ascii(before) if code == "ascii" else before
    string = form(CODES[code](kept + TEXT))
    assert ("run", "Größe (1).py") in found(b"<</Keywords " + string + b">>")


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
