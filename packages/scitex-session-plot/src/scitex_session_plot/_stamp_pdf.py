"""The texts among the metadata of a PDF: its information dictionary, and XMP.

No reader of PDF: it looks for what such texts look like, in the open and in streams that are
packed. So it finds them also where an optimiser has moved them, and needs no sound file.
"""

from __future__ import annotations

import re

from ._stamp import MARK
from ._stamp_texts import inflated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_CHUNK = 1 << 20
_LONGEST = 32 << 10  # of a text, or of a dictionary
_MOST = 1000
_LARGEST_PACKED = 1 << 20
# The mark as it may be written; in hexadecimal, of either case.
_MARKS = tuple(
    re.compile(re.escape(mark), re.IGNORECASE)
    for code in ("ascii", "utf-16-be")
    for mark in (MARK.encode(code), MARK.encode(code).hex().encode())
)

# The texts of an information dictionary; and the streams in which one, or XMP, may be packed.
_FOUND = re.compile(
    rb"/(?:Keywords|Subject|Title|Author|Creator|Producer)[\s\0]{0,64}([(<])|/Type[\s\0]{0,64}/(ObjStm|Metadata)\b"
)
_STREAM = re.compile(rb"\bstream\r?\n")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|\r|\n)|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_texts(file: BinaryIO) -> Iterator[str]:
    """Yield the texts of a PDF that may hold a stamp, those of its latest revision first."""
    for at, kind in reversed(_places(file)):
        file.seek(at)
        if kind in b"(<":
            yield _string(kind, file.read(_LONGEST))
        else:
            yield from _packed(file.read(_LONGEST), at, file)


def _places(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Give where texts with a mark begin, and where the dictionaries of packed streams stand."""
    file.seek(0)
    places: list[tuple[int, bytes]] = []
    begin, data = 0, b""
    while len(places) < _MOST:
        chunk = file.read(_CHUNK)
        data += chunk
        end = len(data) - _LONGEST if chunk else len(data)
        places += [(begin + at, kind) for at, kind in _places_in(data, end)]
        if not chunk:
            break
        cut = max(end, 0)
        begin, data = begin + cut, data[cut:]
    return places[:_MOST]


def _places_in(data: bytes, end: int) -> Iterator[tuple[int, bytes]]:
    marked = any(mark.search(data) for mark in _MARKS)
    for match in _FOUND.finditer(data):
        if match.start() >= end:
            return
        if match[2]:
            yield match.end(), match[2]
        elif marked and any(m.search(data, match.end(), match.end() + _LONGEST) for m in _MARKS):
            yield match.end(), match[1]


def _packed(data: bytes, at: int, file: BinaryIO) -> Iterator[str]:
    begin = _STREAM.search(data)
    if begin is None:
        return
    import html

    file.seek(at + begin.end())
    content = file.read(_LARGEST_PACKED)
    # What is no zlib stream is not packed, or packed in a way that hides it.
    content = inflated(content) or content.partition(b"endstream")[0]
    for place, kind in _places_in(content, len(content)):
        if kind in b"(<":
            yield _string(kind, content[place : place + _LONGEST])
    yield html.unescape(content.decode("utf-8", "replace"))


def _string(kind: bytes, data: bytes) -> str:
    """Decode the string that begins `data`: literal or hexadecimal (ISO 32000-1, 7.3.4)."""
    if kind == b"<":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", data.partition(b">")[0])
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        raw = _ESCAPE.sub(_unescaped, data[: _end_of(data)])
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:].decode("utf-8", "replace")
    return raw.decode("latin-1")


def _end_of(data: bytes) -> int:
    """Give where the parenthesis closes that was open before `data`."""
    depth, escaped = 1, False
    for at, byte in enumerate(data):
        if escaped:
            escaped = False
        elif byte == 0x5C:
            escaped = True
        elif byte == 0x28:
            depth += 1
        elif byte == 0x29:
            depth -= 1
            if depth == 0:
                return at
    return len(data)


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 8) & 0xFF])
    return b"" if match[2] else _NAMED.get(match[3], match[3])
