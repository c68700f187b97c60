"""Find the stamp of a figure by one raw scan of its file, whatever the format.

A stamp is JSON in ASCII. A format holds it unchanged, with the escapes of PDF or XML, or in UTF-16.
So the scan deletes everything but lower-case a-z, looks for the letters of the stamp's first key,
and decodes only the pieces of the file that have them. The file may be damaged, and another program
may have moved the stamp. Compressed parts of a figure (texts of PNG, object streams and XMP of PDF)
are inflated and scanned in the same way.

A file may be made to exhaust its reader. So every step is linear in the bytes read, and a `Budget`
limits what is unpacked and decoded.
"""

from __future__ import annotations

import itertools
import re
import zlib

from .places import LONGEST_STAMP, MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal

    Kind = Literal["png", "gif", "postscript", "pdf", "plain"]
    StampDict = dict[str, Any]

# Of a larger figure, only so much of its beginning and of its end is scanned: metadata stand there.
_LARGEST_END = 256 << 20
_CHUNK = 1 << 20
_PIECE = 4 << 10
# Decoded after a piece: in UTF-16 with a backslash before each of them, parentheses take thrice
# their number of bytes.
_OVERLAP = 3 * LONGEST_STAMP
_SLACK = 1 << 10  # searched after a piece: a mark may cross its end
_MOST_TRIES = 5  # possible stamps that are decoded in one piece
_EXTRA_COST_OF_MISS = 19  # a piece without a stamp costs this many more pieces
_MOST_COMMENTS = 1000

_LETTERS = re.sub("[^a-z]", "", MARK).encode()
_NO_LETTERS = bytes({*range(256)} - {*b"abcdefghijklmnopqrstuvwxyz"})
_IN_HEXADECIMAL = tuple(MARK.encode(code).hex().encode() for code in ("ascii", "utf-16-be"))
_LOWER_CASE = bytes(range(256)).lower()
_OPENING = re.compile(rf'\{{\s*"{MARK}"\s*:')

_BEGINNINGS: tuple[tuple[bytes | tuple[bytes, ...], Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    ((b"GIF87a", b"GIF89a"), "gif"),
    ((b"%!PS", b"\xc5\xd0\xd3\xc6"), "postscript"),
    # JPEG, TIFF and BigTIFF of both byte orders, and SVG in UTF-16.
    (
        (b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\xff\xfe<\0", b"\xfe\xff\0<"),
        "plain",
    ),
)

_CONTINUATION = re.compile(rb"(?:\r\n|\r|\n)%%\+ ?")  # of a comment in PostScript
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(quot|apos|amp|lt|gt));")
_ENTITIES = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">"}
# Strings of PDF are literal, with escapes, or hexadecimal (ISO 32000-1, 7.3.4).
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|\r|\n)|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f\s]{40,}")
_COMMENT = re.compile(rb"!\xfe")  # of a GIF: blocks, each after its length
_LAST_CHARACTER = 0x10FFFF
_XMP_TAG = re.compile(r"</?\w+:[^<>]*>")

# The heads of compressed parts: texts of a PNG, and streams of a PDF that hold texts.
_PACKED: dict[Kind, re.Pattern[bytes]] = {
    "png": re.compile(rb"[zi]TXt"),
    "pdf": re.compile(rb"/(?:ObjStm|Metadata)\b"),
}
_STREAM = re.compile(rb"\bstream\r?\n")
_LONGEST_HEAD = 4 << 10  # of a stream or a text, before its compressed content
_LARGEST_INFLATED = 1 << 20
_INPUT = 16 << 10


class Budget:
    """The work that may still be done on a file and its contents.

    Attributes
    ----------
    unpacked : int
        Bytes that may still be unpacked.
    pieces : int
        Pieces that may still be decoded; a decoded piece without a stamp costs 20.
    escapes : int
        Escapes that may still be decoded.
    """

    def __init__(self) -> None:
        self.unpacked = 512 << 20
        self.pieces = 9_000
        self.escapes = 10_000_000


def figure_kind(head: bytes) -> Kind | None:
    """Return the kind of the figure whose file begins with `head`, or None."""
    for beginnings, kind in _BEGINNINGS:
        if head.startswith(beginnings):
            return kind
    if b"%PDF-" in head:
        return "pdf"
    webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    avif = head[4:12] in (b"ftypavif", b"ftypavis")
    svg = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return "plain" if webp or avif or svg else None


def find_stamp(file: BinaryIO, kind: Kind, budget: Budget) -> StampDict | None:
    """Return the stamp of a figure: the first; in a PDF, the last (its newest revision)."""
    if kind != "pdf":
        return next((stamp for _, stamp in _stamps(file, kind, budget)), None)
    latest, newest = -1, None
    for at, stamp in _stamps(file, kind, budget):
        if newest is not None:  # charge for extra stamps, or a crafted PDF could cost without limit
            budget.pieces -= _EXTRA_COST_OF_MISS
        if at >= latest:
            latest, newest = at, stamp
    return newest


def _stamps(file: BinaryIO, kind: Kind, budget: Budget) -> Iterator[tuple[int, StampDict]]:
    """Yield the stamps of a figure, each with its approximate place in the file."""
    comments = 0
    for begin, data, end in _chunks(file):
        if kind == "gif":
            for match in _COMMENT.finditer(data, 0, end):
                comments += 1
                if comments > _MOST_COMMENTS:
                    break
                comment = _gif_comment(data[match.end() : match.end() + _OVERLAP])
                for _, stamp in _stamps_in(comment, len(comment), kind, budget):
                    yield begin + match.start(), stamp
        # After the comments of a GIF, since in the raw file length bytes interrupt a stamp.
        for at, stamp in _stamps_in(data, end, kind, budget):
            yield begin + at, stamp
        if kind in _PACKED:
            for match in _PACKED[kind].finditer(data, 0, end):
                if budget.unpacked <= 0:
                    break
                budget.unpacked -= _LONGEST_HEAD
                offset = _content_offset(data, match.start(), kind)
                if offset is not None:
                    content = _inflated(file, begin + offset, budget)
                    for _, stamp in _stamps_in(content, len(content), kind, budget):
                        yield begin + match.start(), stamp


def _chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Yield the offset of each chunk of a file, the chunk, and the end of its search range.

    The bytes after it complete a stamp that begins before it, and start the next chunk.
    """
    size = file.seek(0, 2)
    begin, data = 0, b""
    while True:
        file.seek(begin + len(data))
        read = file.read(_CHUNK)
        data += read
        end = max(len(data) - _OVERLAP, 0) if read else len(data)
        yield begin, data, end
        if not read:
            return
        begin, data = begin + end, data[end:]
        if _LARGEST_END <= begin < size - _LARGEST_END:
            begin, data = size - _LARGEST_END, b""


def _stamps_in(
    data: bytes, end: int, kind: Kind, budget: Budget
) -> Iterator[tuple[int, StampDict]]:
    """Yield the stamps that begin before `end`, each with its approximate place."""
    hexadecimal = kind == "pdf"
    if not _has_letters(data[: end + _SLACK], hexadecimal=hexadecimal):
        return
    for begin in range(0, end, _PIECE):
        searched = data[begin : min(begin + _PIECE, end) + _SLACK]
        if budget.pieces > 0 and _has_letters(searched, hexadecimal=hexadecimal):
            budget.pieces -= 1
            piece = data[begin : begin + _PIECE + _OVERLAP]
            stamps = _of_pdf(piece, budget) if kind == "pdf" else _of_text(piece, kind, budget)
            if not stamps:
                budget.pieces -= _EXTRA_COST_OF_MISS
            for stamp in stamps:
                yield begin, stamp


def _has_letters(data: bytes, *, hexadecimal: bool) -> bool:
    if _LETTERS in data.translate(None, _NO_LETTERS):
        return True
    digits = data.translate(_LOWER_CASE, b" \t\r\n\f\0") if hexadecimal else b""
    return any(mark in digits for mark in _IN_HEXADECIMAL)


def _of_text(piece: bytes, kind: Kind, budget: Budget) -> list[StampDict]:
    """Return the stamps in a piece of a figure, with or without XML's escapes."""
    if kind == "postscript":
        piece = _CONTINUATION.sub(b"", piece)
    text = _as_latin1_without_zeros(piece)
    unescaped = _without_entities(text, budget)
    if kind == "plain":
        return _stamps_of_text(unescaped)
    return _stamps_of_text(text) or _stamps_of_text(unescaped)


def _of_pdf(piece: bytes, budget: Budget) -> list[StampDict]:
    """Return the stamps in the strings of a piece of a PDF, or else in its XMP."""
    text = _as_latin1_without_zeros(_without_escapes(piece, budget))
    unescaped = _stamps_with_places(text)
    # In a string, a backslash belongs to the PDF; in XMP, to the JSON.
    stamps = [stamp for at, stamp in unescaped if not _is_in_xmp(text, at)]
    runs = (b"".join(match[0].split()).lower() for match in _HEXADECIMAL.finditer(piece))
    marked = ((max(map(digits.find, _IN_HEXADECIMAL)), digits) for digits in runs)
    for at, digits in itertools.islice((run for run in marked if run[0] >= 0), _MOST_TRIES):
        pairs = digits[at % 2 :]  # the piece may begin within a pair
        data = bytes.fromhex(pairs[: len(pairs) // 2 * 2].decode())
        stamps += _stamps_of_text(_as_latin1_without_zeros(data))
    return stamps or _of_text(piece, "plain", budget) or [stamp for _, stamp in unescaped]


def _stamps_of_text(text: str) -> list[StampDict]:
    return [stamp for _, stamp in _stamps_with_places(text)]


def _stamps_with_places(text: str) -> list[tuple[int, StampDict]]:
    """Return the stamps in a text that have a text `id`, each with its offset."""
    import json

    decoder = json.JSONDecoder()
    stamps = []
    for opening in itertools.islice(_OPENING.finditer(text), _MOST_TRIES):
        at = opening.start()
        try:
            stamp, _ = decoder.raw_decode(text[at : at + LONGEST_STAMP])
        except (ValueError, RecursionError):
            continue
        if isinstance(stamp.get("id"), str):
            stamps.append((at, stamp))
    return stamps


def _is_in_xmp(text: str, at: int) -> bool:
    return _XMP_TAG.match(text, text.rfind("<", 0, at), at) is not None


def _as_latin1_without_zeros(data: bytes) -> str:
    """Decode ASCII, and the ASCII characters of UTF-16."""
    return data.replace(b"\0", b"").decode("latin-1")


def _without_entities(text: str, budget: Budget) -> str:
    """Decode XML's escapes; `html.unescape` fails at thousands of digits."""
    if budget.escapes > 0:
        text, number = _ENTITY.subn(_character, text)
        budget.escapes -= number
    return text


def _character(entity: re.Match[str]) -> str:
    if entity[3]:
        return _ENTITIES[entity[3]]
    code = int(entity[1]) if entity[1] else int(entity[2], 16)
    return chr(code) if code <= _LAST_CHARACTER else ""


def _without_escapes(data: bytes, budget: Budget) -> bytes:
    """Decode the escapes in literal strings of PDF."""
    if budget.escapes > 0:
        data, number = _ESCAPE.subn(_byte, data)
        budget.escapes -= number
    return data


def _byte(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes([int(escape[1], 8) & 0xFF])
    return b"" if escape[2] else _ESCAPED.get(escape[3], escape[3])


def _gif_comment(blocks: bytes) -> bytes:
    """Return the content of a GIF's comment: blocks, each after its length."""
    content, at = [], 0
    while at < len(blocks) and blocks[at]:
        content.append(blocks[at + 1 : at + 1 + blocks[at]])
        at += 1 + blocks[at]
    return b"".join(content)


def _content_offset(data: bytes, at: int, kind: Kind) -> int | None:
    """Return the offset in `data` at which the compressed content starts.

    `at` is the offset of the head of its stream or text.
    """
    head = data[at : at + _LONGEST_HEAD]
    if kind == "pdf":
        stream = _STREAM.search(head)
        return at + stream.end() if stream else None
    name, _, rest = head.partition(b"\0")
    if name.startswith(b"zTXt"):
        return at + len(name) + 2
    # iTXt: a flag for compression, its method, a language, and the keyword in that language.
    language_and_on = rest[2:].split(b"\0", 2)
    if rest[:1] != b"\1" or len(language_and_on) < 3:
        return None
    return at + len(head) - len(language_and_on[2])


def _inflated(file: BinaryIO, at: int, budget: Budget) -> bytes:
    """Inflate the content at `at`, up to the first damage or the limit of the budget."""
    file.seek(at)
    unpack = zlib.decompressobj()
    content = b""
    while not unpack.eof and len(content) < _LARGEST_INFLATED and (data := file.read(_INPUT)):
        try:
            more = unpack.decompress(data, _LARGEST_INFLATED - len(content))
        except zlib.error:
            break
        budget.unpacked -= len(data) + len(more)
        content += more
    return content
