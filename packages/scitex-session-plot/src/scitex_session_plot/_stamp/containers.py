"""What lies in archives and documents: the files that may be figures, one after the other.

What somebody made to exhaust a reader is read as far as an allowance goes, and no further.
"""

from __future__ import annotations

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal

    Members = Iterator[tuple[str, BinaryIO]]

_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".avif")
_DRAWINGS = (".pdf", ".svg", ".svgz", ".ps", ".eps")
_OFFICE = (".docx", ".pptx", ".xlsx", ".odt", ".odp", ".ods")
_PAGES = (".ipynb", ".html", ".htm", ".md")
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".tbz2", ".bz2", ".txz", ".xz")
_SUFFIXES = (*_IMAGES, *_DRAWINGS, *_OFFICE, *_PAGES, *_ARCHIVES)
_MOST_MEMBERS = 10_000
_LARGEST_MEMBER = 64 << 20
_LARGEST_ARCHIVE = 512 << 20
_TAR_MARK, _TAR = slice(257, 262), b"ustar"
_PACKED = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "lzma"))
_PIECE, _TORN_PIECE = 1 << 16, 1 << 12


class Allowance:
    """How many bytes may still be read from inside a file."""

    def __init__(self) -> None:
        self.left = _LARGEST_ARCHIVE

    def read(self, file: Any) -> bytes:
        """Read from a file as much as is allowed."""
        data: bytes = file.read(max(min(self.left, _LARGEST_MEMBER), 0))
        self.left -= len(data)
        return data


def members(file: BinaryIO, head: bytes, allowance: Allowance, *, archives: bool) -> Members | None:
    """Give the name and content of each file within another that may be a figure.

    Parameters
    ----------
    file : file object
        The other.
    head : bytes
        Its first kilobyte.
    allowance : Allowance
        What may be read; it is used up.
    archives : bool
        Whether archives are opened, or, being too deep within others, counted as empty.

    Returns
    -------
    iterator, or None
        None for a file that holds no others. The name is empty for the inside of a packed file.
    """
    if head.startswith(b"PK\3\4"):
        return _zipped(file, allowance) if archives else iter(())
    if head[_TAR_MARK] == _TAR:
        return _tarred(file, "r:", allowance) if archives else iter(())
    for begins, module in _PACKED:
        if head.startswith(begins):
            return _unpacked(file, module, allowance, archives=archives)
    if head[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
        return _in_utf_16(file, allowance)
    from .pages import is_page, pictures

    return pictures(allowance.read(file)) if is_page(file, head) else None


def _zipped(file: BinaryIO, allowance: Allowance) -> Members:
    import zipfile
    import zlib

    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
    with archive:
        for entry in archive.infolist()[:_MOST_MEMBERS]:
            if allowance.left <= 0:
                return
            if not entry.filename.lower().endswith(_SUFFIXES):
                continue
            try:
                with archive.open(entry) as packed:
                    data = allowance.read(packed)
            except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, zlib.error):
                continue  # encrypted, torn, or packed in a way that this Python can't read
            yield entry.filename, io.BytesIO(data)


def _tarred(file: Any, mode: Literal["r:", "r|"], allowance: Allowance) -> Members:
    import tarfile

    if mode == "r:":
        file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for number, entry in enumerate(archive):
                if number >= _MOST_MEMBERS or allowance.left <= 0:
                    return
                if entry.isreg() and entry.name.lower().endswith(_SUFFIXES):
                    packed = archive.extractfile(entry)
                    yield entry.name, io.BytesIO(allowance.read(packed) if packed else b"")
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return  # torn


def _unpacked(file: BinaryIO, module: str, allowance: Allowance, *, archives: bool) -> Members:
    stream = io.BufferedReader(_Inside(file, module), _PIECE)
    if stream.peek(512)[_TAR_MARK] != _TAR:
        yield "", io.BytesIO(allowance.read(stream))
    elif archives:
        yield from _tarred(stream, "r|", allowance)


class _Inside(io.RawIOBase):
    """What is packed in a file, from front to back; what is torn, as far as it goes."""

    def __init__(self, file: BinaryIO, module: str) -> None:
        from importlib import import_module

        file.seek(0)
        self._file = import_module(module).open(file)
        self._left = _LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        import zlib
        from lzma import LZMAError

        try:
            # Less than asked for, so that little is lost where the file is torn.
            data = self._file.read(min(len(buffer), self._left, _TORN_PIECE))
        except (OSError, EOFError, ValueError, zlib.error, LZMAError):
            return 0
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _in_utf_16(file: BinaryIO, allowance: Allowance) -> Members:
    file.seek(0)
    yield "", io.BytesIO(allowance.read(file).decode("utf-16", "replace").encode())
