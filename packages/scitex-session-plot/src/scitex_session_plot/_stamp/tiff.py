"""The texts among the tags of a TIFF (TIFF 6.0, and BigTIFF)."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# ImageDescription, Software, Artist, HostComputer, XMP, Copyright, UserComment.
_TEXT_TAGS = {270, 305, 315, 316, 700, 33432, 37510}
_EXIF_DIRECTORY = 34665
_ONE_BYTE_TYPES = {1, 2, 6, 7}  # BYTE, ASCII, SBYTE, UNDEFINED
_LARGEST_TEXT = 1 << 20
_MOST_DIRECTORIES = 100
_MOST_TAGS = 4096


def tiff_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the values of the tags that hold texts, of all pages."""
    end = file.seek(0, 2)  # beyond which an offset can't be sought on every file system
    file.seek(0)
    head = file.read(16).ljust(16, b"\0")
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(f"{order}H", head[2:4]) == (43,)
    count = struct.Struct(f"{order}Q" if big else f"{order}H")
    entry = struct.Struct(f"{order}HHQ8s" if big else f"{order}HHI4s")
    offset = struct.Struct(f"{order}Q" if big else f"{order}I")
    waiting = [*offset.unpack_from(head, 8 if big else 4)]
    seen = {0}
    while waiting and len(seen) <= _MOST_DIRECTORIES:
        at = waiting.pop()
        if at in seen or at > end:
            continue
        seen.add(at)
        file.seek(at)
        (number,) = count.unpack(file.read(count.size).ljust(count.size, b"\0"))
        table = file.read(min(number, _MOST_TAGS) * entry.size)
        waiting += offset.unpack(file.read(offset.size).ljust(offset.size, b"\0"))
        for tag, kind, length, value in entry.iter_unpack(
            table[: len(table) // entry.size * entry.size]
        ):
            (place,) = offset.unpack(value)
            if tag == _EXIF_DIRECTORY:
                waiting.append(place)
            elif tag in _TEXT_TAGS and kind in _ONE_BYTE_TYPES and length <= _LARGEST_TEXT:
                file.seek(min(place, end))
                yield file.read(length)
