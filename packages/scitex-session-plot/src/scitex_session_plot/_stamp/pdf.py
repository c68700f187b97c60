"""The texts among the metadata of a PDF: its information dictionary, and XMP.

No reader of PDF: it looks for what such texts look like, in the open and in streams that are
packed. So it finds them also where an optimiser has moved them, and needs no sound file.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left

from .scan import inflated
from .text import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_CHUNK = 1 << 20
_LONGEST = 16 << 10  # of a text, or of a dictionary
_MOST_TEXTS = 200
_MOST_PACKED = 2000
_LARGEST_PACKED = 1 << 20
_LARGEST_TOTAL = 256 << 20
_LETTERS = MARK.partition("-")[0].encode()
# The letters of the mark as a string may have them: in one byte each or in two, of which the first
# may be written as an octal number, as all that is no letter may; with lines that a backslash
# joins; or in hexadecimal.
_JOINED = rb"(?:\\\r?\n)*"
_MARKED = re.compile(
    (_JOINED + rb"(?:\0|\\0{1,3})?" + _JOINED).join(bytes([letter]) for letter in _LETTERS)
    + b"|"
    + rb"\s*(?:0\s*0\s*)?".join(rb"%x\s*%x" % divmod(letter, 16) for letter in _LETTERS)
)

# The texts of an information dictionary; and the streams in which one, or XMP, may be packed.
_FOUND = re.compile(
    rb"/(?:Keywords|Subject|Title|Author|Creator|Producer)[\s\0]{0,64}([(<])|/Type[\s\0]{0,64}/(ObjStm|Metadata)\b"
)
_STREAM = re.compile(rb"\bstream\r?\n")
_TOKEN = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|\r|\n)|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_texts(file: BinaryIO) -> Iterator[str]:
    """Yield the texts of a PDF that may hold a stamp, those of its latest revision first."""
    inflated_so_far = 0
    for at, kind in reversed(_places(file)):
        file.seek(at)
        if kind in b"(<":
            yield _string(kind, file.read(_LONGEST))
        elif inflated_so_far < _LARGEST_TOTAL:
            content = _content(file.read(_LONGEST), at, file)
            inflated_so_far += len(content)
            yield from _packed(content)


def _places(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Give where texts with a mark begin, and where the dictionaries of packed streams stand."""
    file.seek(0)
    places: list[tuple[int, bytes]] = []
    begin, data = 0, b""
    left = dict.fromkeys((b"(", b"<", b"Metadata"), _MOST_TEXTS) | {b"ObjStm": _MOST_PACKED}
    while True:
        chunk = file.read(_CHUNK)
        data += chunk
        end = len(data) - _LONGEST if chunk else len(data)
        for at, kind in _places_in(data, end):
            left[kind] -= 1
            if left[kind] >= 0:
                places.append((begin + at, kind))
        if not chunk:
            return places
        cut = max(end, 0)
        begin, data = begin + cut, data[cut:]


def _places_in(data: bytes, end: int) -> Iterator[tuple[int, bytes]]:
    marks = [mark.start() for mark in _MARKED.finditer(data)]
    for match in _FOUND.finditer(data):
        if match.start() >= end:
            return
        if match[2]:
            yield match.end(), match[2]
        else:
            following = bisect_left(marks, match.end())
            if following < len(marks) and marks[following] < match.end() + _LONGEST:
                yield match.end(), match[1]


def _content(data: bytes, at: int, file: BinaryIO) -> bytes:
    """Give the content of the stream whose dictionary goes on in `data`, which stands at `at`."""
    begin = _STREAM.search(data)
    if begin is None:
        return b""
    file.seek(at + begin.end())
    content = file.read(_LARGEST_PACKED)
    # What is no zlib stream is not packed, or packed in a way that hides it.
    return inflated(content) or content.partition(b"endstream")[0]


def _packed(content: bytes) -> Iterator[str]:
    import html

    places = _places_in(content, len(content))
    texts = (place for place in places if place[1] in b"(<")
    for at, kind in itertools.islice(texts, _MOST_TEXTS):
        yield _string(kind, content[at : at + _LONGEST])
    if MARK.encode() in content:  # XMP
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
    depth = 1
    for token in _TOKEN.finditer(data):
        depth += {b"(": 1, b")": -1}.get(token[0], 0)
        if depth == 0:
            return token.start()
    return len(data)


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 8) & 0xFF])
    return b"" if match[2] else _NAMED.get(match[3], match[3])
