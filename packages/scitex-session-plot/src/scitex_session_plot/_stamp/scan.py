"""The texts among a figure's metadata, in which a stamp may stand.

Of every format just so much is read as leads to its metadata: a file may be of any size, torn, or
made by somebody who wishes harm. Each reader takes bounded steps, holds bounded memory, and
passes over what it doesn't understand.
"""

from __future__ import annotations

import itertools
import struct
import zlib

from .text import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_MARK = MARK.encode()
_CHUNK = 1 << 20
_BEFORE, _AFTER = 1 << 10, 8 << 10  # of a mark that is found in a stream
_LARGEST_TEXT = 1 << 20
_MOST_STEPS = 100_000
_MOST_TEXTS = 500


def texts_of(file: BinaryIO) -> Iterator[str]:
    """Yield the texts of a file's metadata that may hold a stamp; none for other kinds of files."""
    file.seek(0)
    head = file.read(1024)
    if (read := _reader_of(head)) is not None:
        yield from itertools.islice(read(file), _MOST_TEXTS)


def _reader_of(head: bytes) -> Callable[[BinaryIO], Iterator[str]] | None:
    for begins, read in _READERS:
        if head.startswith(begins):
            return read
    if b"%PDF-" in head:
        from .pdf import pdf_texts

        return pdf_texts
    # XMP stands in the open in an AVIF (ISO/IEC 23008-12), whose boxes need not be followed.
    return _markup if _is_markup(head) or head[4:12] in (b"ftypavif", b"ftypavis") else None


def _is_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def windows(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes around each mark in a file, read piece by piece."""
    file.seek(0)
    data, searched = b"", 0
    while True:
        chunk = file.read(_CHUNK)
        data += chunk
        # A mark near the end waits for what follows it.
        end = len(data) - _AFTER if chunk else len(data)
        while 0 <= (at := data.find(_MARK, searched)) < end:
            searched = at + len(_MARK)
            yield data[max(at - _BEFORE, 0) : at + _AFTER]
        if not chunk:
            return
        searched = max(searched, end, 0)
        cut = max(searched - _BEFORE, 0)
        data, searched = data[cut:], searched - cut


def _markup(file: BinaryIO) -> Iterator[str]:
    import html

    for window in windows(file):
        yield html.unescape(window.decode("utf-8", "replace"))


def _png(file: BinaryIO) -> Iterator[str]:
    for kind, length in _chunks(file, ">I4s", 8, padding=4):
        if kind == b"IEND":
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt") and length <= _LARGEST_TEXT:
            data = file.read(length)
            _, _, value = data.partition(b"\0")
            if kind == b"tEXt":
                yield value.decode("latin-1")
            elif kind == b"zTXt":
                yield inflated(value[1:]).decode("latin-1")
            else:
                packed = value[:1] == b"\1"
                text = value[2:].split(b"\0", 2)[-1]
                yield (inflated(text) if packed else text).decode("utf-8", "replace")


def _webp(file: BinaryIO) -> Iterator[str]:
    for kind, length in _chunks(file, "<4sI", 12, padding=None):
        if kind in (b"XMP ", b"EXIF") and length <= _LARGEST_TEXT:
            yield _searched(file.read(length))


def _chunks(
    file: BinaryIO, form: str, begin: int, padding: int | None
) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and length of each chunk, the file standing at its data."""
    at = begin
    for _ in range(_MOST_STEPS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        first, second = struct.unpack(form, header)
        kind, length = (second, first) if isinstance(second, bytes) else (first, second)
        yield kind, length
        # After its data: a checksum in PNG, a byte to make it even in RIFF.
        at += 8 + length + (length % 2 if padding is None else padding)


def _jpeg(file: BinaryIO) -> Iterator[str]:
    at = 2
    for _ in range(_MOST_STEPS):
        file.seek(at)
        header = file.read(4)
        if len(header) < 4 or header[0] != 0xFF:
            return
        if header[1] == 0xFF:  # bytes that fill up
            at += 1
            continue
        marker, length = header[1], int.from_bytes(header[2:])
        if marker in (0xD9, 0xDA):  # the end, or the pixels
            return
        if marker == 0xFE or 0xE0 <= marker <= 0xEF:
            yield _searched(file.read(max(length - 2, 0)))
        at += 2 + length


def _gif(file: BinaryIO) -> Iterator[str]:
    file.seek(10)
    flags = (file.read(1) or b"\0")[0]
    file.seek(13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))  # behind the table of colours
    for _ in range(_MOST_TEXTS):
        if file.read(1) != b"!":  # the first image, which comments precede
            return
        comment = file.read(1) == b"\xfe"
        content = b"".join(itertools.islice(_blocks(file), _LARGEST_TEXT >> 8))
        if comment:
            yield _searched(content)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while length := (file.read(1) or b"\0")[0]:
        yield file.read(length)


def _tiff(file: BinaryIO) -> Iterator[str]:
    from .tiff import tiff_blocks

    for block in tiff_blocks(file):
        yield _searched(block)


def _postscript(file: BinaryIO) -> Iterator[str]:
    # "%%+" continues the comment before it.
    for window in windows(file):
        text = window.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
        yield text.replace("\n%%+ ", "")


def inflated(data: bytes) -> bytes:
    """Inflate, as much as a text may be; what is torn as far as it goes."""
    try:
        return zlib.decompressobj().decompress(data, _LARGEST_TEXT)
    except zlib.error:
        return b""


def _searched(data: bytes) -> str:
    """Give the text of a block whose inside may be EXIF, XMP or a plain comment."""
    import html

    text = data.decode("latin-1")
    return html.unescape(text) if "&" in text else text


_READERS: tuple[tuple[bytes | tuple[bytes, ...], Callable[[BinaryIO], Iterator[str]]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    ((b"GIF87a", b"GIF89a"), _gif),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    (b"RIFF", _webp),
    ((b"%!PS", b"\xc5\xd0\xd3\xc6"), _postscript),
)
