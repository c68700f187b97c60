"""Open files that hold figures: archives, office documents, packed files, notebooks and pages.

The files in them that may be figures come one after the other. A file that was made to exhaust its
reader is read up to the limit of its budget; a damaged or encrypted one, as far as possible.
"""

from __future__ import annotations

import io
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO
    from zipfile import ZipFile, ZipInfo

    from .scan import Budget

    Contents = Iterator[tuple[str, BinaryIO]]

_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".avif")
_DRAWINGS = (".pdf", ".svg", ".svgz", ".ps", ".eps")
_OFFICE = (".docx", ".pptx", ".xlsx", ".odt", ".odp", ".ods")
_PAGES = (".ipynb", ".html", ".htm", ".md")
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".tbz2", ".bz2", ".txz", ".xz")
_SUFFIXES = (*_IMAGES, *_DRAWINGS, *_OFFICE, *_PAGES, *_ARCHIVES)
# Only these texts may be Markdown: a picture in the source of a program is not a figure.
_MARKDOWN = ("", ".md", ".markdown", ".qmd", ".rmd", ".rst", ".txt")

HEAD = 1 << 10  # bytes at the beginning that tell the kind of a file
_MOST_MEMBERS = 10_000
_LARGEST_MEMBER = 64 << 20
_LARGEST_DIRECTORY = 16 << 20  # of a zip: some 150,000 entries, of half a kilobyte in memory
_TAR_MARK, _TAR = slice(257, 262), b"ustar"
_TAR_BLOCK = 512
_LONGEST_NAME = 64 << 10
_FARTHEST = 1 << 40  # a size may be any number of 88 bits, which no file can be set to
_PACKED = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "lzma"))
_STREAM_BUFFER, _TORN_PIECE = 1 << 16, 1 << 12

_MOST_PICTURES = 1000
_LARGEST_DRAWING = 1 << 20
_LINK_PIECE = 64 << 10
_MOST_VALUES = 4_000_000  # of a notebook, each up to 72 bytes in memory
_NO_BASE_64 = bytes({*range(256)} - {*b"+/", *range(48, 58), *range(65, 91), *range(97, 123)})
_NOT_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# A picture in a link, or drawn in the page itself.
_PICTURE = re.compile(
    rb"data:(?:image/[a-z+.-]{1,20}|application/pdf)((?:;[^,;\"'()<>]{1,40}){0,4}),\s*"
    rb"([^\"'()<>]*)"
    rb"|(<svg\b)",
    re.IGNORECASE,
)


def contents(
    file: BinaryIO, head: bytes, name: str, budget: Budget, *, archives: bool
) -> Contents | None:
    """Return the name and content of each file within another that may be a figure.

    Parameters
    ----------
    file : file object
        The other file.
    head : bytes
        Its first `HEAD` bytes.
    name : str
        Its name, whose suffix tells Markdown from other texts.
    budget : Budget
        What may be unpacked; it is spent.
    archives : bool
        Whether archives are opened, or, too deep within others, counted as empty.

    Returns
    -------
    iterator, or None
        None for a file that holds no others. The name is empty for the inside of a packed file.
    """
    if head.startswith(b"PK\3\4"):
        return _zipped(file, budget) if archives else iter(())
    if head[_TAR_MARK] == _TAR:
        file.seek(0)
        return _tarred(file, budget) if archives else iter(())
    for beginning, module in _PACKED:
        if head.startswith(beginning):
            return _unpacked(file, module, budget, archives=archives)
    if _is_page(head, name):
        file.seek(0)
        return _pictures(_read(file, budget), budget)
    return None


def _read(file: Any, budget: Budget, size: int = _LARGEST_MEMBER) -> bytes:
    """Read at most `size` bytes, within the budget."""
    data: bytes = file.read(max(min(budget.unpacked, size, _LARGEST_MEMBER), 0))
    budget.unpacked -= len(data)
    return data


class _Directory:
    """The file of a zip, of which one read returns no more than a directory may have.

    `zipfile` reads the whole directory, and makes an object of each entry: of two million entries,
    those take 800 MB. So a directory that is cut off is refused.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        most = _LARGEST_DIRECTORY
        return self._file.read(min(size, most) if size >= 0 else most)


def _zipped(file: BinaryIO, budget: Budget) -> Contents:
    import zipfile

    try:
        archive = zipfile.ZipFile(_Directory(file))
    except Exception:  # noqa: BLE001  # a damaged or hostile archive can raise anything
        return
    with archive:
        for entry in archive.infolist()[:_MOST_MEMBERS]:
            if budget.unpacked <= 0:
                return
            if entry.filename.lower().endswith(_SUFFIXES):
                yield entry.filename, io.BytesIO(_member(archive, entry, budget))


def _member(archive: ZipFile, entry: ZipInfo, budget: Budget) -> bytes:
    try:
        with archive.open(entry) as packed:
            return _read(packed, budget)
    except Exception:  # noqa: BLE001  # encrypted, damaged, or packed by an unknown method
        return b""


def _tarred(file: BinaryIO, budget: Budget) -> Contents:
    """Follow the headers of a tar: `tarfile` is quadratic in the digits of an extended header."""
    long_name = ""
    for _ in range(_MOST_MEMBERS):
        header = file.read(_TAR_BLOCK)
        if budget.unpacked <= 0 or header[_TAR_MARK] != _TAR:
            return  # two blocks of zeros are the end
        size, kind = _tar_size(header[124:136]), header[156:157]
        left = -(-size // _TAR_BLOCK) * _TAR_BLOCK
        content = b""
        if kind in b"Lx":  # a longer name for the next entry: GNU's, or POSIX's among others
            content = file.read(min(size, _LONGEST_NAME))
            text = content.partition(b"\0")[0] if kind == b"L" else content
            if kind == b"x":
                text = text.partition(b" path=")[2].partition(b"\n")[0]
            long_name = text.decode("utf-8", "replace") or long_name
        else:
            name = long_name or "/".join(
                filter(None, (_tar_text(header[345:500]), _tar_text(header[:100])))
            )
            long_name = ""
            if kind in (b"0", b"\0", b"7") and name.lower().endswith(_SUFFIXES):
                content = _read(file, budget, size)
                yield name, io.BytesIO(content)
        _skip(file, left - len(content))


def _skip(file: BinaryIO, size: int) -> None:
    if file.seekable():
        file.seek(min(size, _FARTHEST), io.SEEK_CUR)
        return
    while size > 0 and (skipped := len(file.read(min(size, _STREAM_BUFFER)))):
        size -= skipped


def _tar_size(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def _tar_text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _unpacked(file: BinaryIO, module: str, budget: Budget, *, archives: bool) -> Contents:
    stream: Any = io.BufferedReader(_Inside(file, module, budget.unpacked), _STREAM_BUFFER)
    if stream.peek(_TAR_BLOCK)[_TAR_MARK] != _TAR:
        yield "", io.BytesIO(_read(stream, budget))
    elif archives:
        yield from _tarred(stream, budget)


class _Inside(io.RawIOBase):
    """The unpacked content of a file, up to the first damage."""

    def __init__(self, file: BinaryIO, module: str, most: int) -> None:
        from importlib import import_module

        file.seek(0)
        self._file = import_module(module).open(file)
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            # Read small pieces, so that little is lost if the file is damaged.
            data = self._file.read(max(min(len(buffer), self._left, _TORN_PIECE), 0))
        except Exception:  # noqa: BLE001  # each method of packing has its own errors
            return 0
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _is_page(head: bytes, name: str) -> bool:
    """Return whether a file may be a notebook or a page: a text, and not a drawing."""
    begin = _begins(head)
    if not begin or begin.startswith((b"%PDF-", b"%!PS")) or _NOT_TEXT.search(head):
        return False
    if begin.startswith(b"<"):
        return _HTML.search(head) is not None
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return begin.startswith(b"{") or suffix in _MARKDOWN


def _begins(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()


def _pictures(data: bytes, budget: Budget) -> Contents:
    """Yield the place and the content of each picture in a page or a notebook."""
    import itertools

    is_notebook = _begins(data[:HEAD]).startswith(b"{")
    pictures = _of_notebook(data) if is_notebook else _of_page(data)
    for where, content in itertools.islice(pictures, _MOST_PICTURES):
        budget.unpacked -= len(content)
        if budget.unpacked <= 0:
            return
        yield where, io.BytesIO(content)


def _of_page(data: bytes) -> Iterator[tuple[str, bytes]]:
    for number, match in enumerate(_PICTURE.finditer(data), 1):
        if match[3]:
            # matplotlib writes the metadata first; a drawing without an end is not read whole.
            begin, most = match.start(), match.start() + _LARGEST_DRAWING
            end = data.find(b"</svg", begin, most)
            content = data[begin : end if end >= 0 else most]
        else:
            content = _linked(match[2], packed=b"base64" in match[1].lower())
        yield f"picture {number}", content


def _of_notebook(data: bytes) -> Iterator[tuple[str, bytes]]:
    if b'"nbformat"' not in data:
        return  # other JSON, such as the record of a run
    if (cells := _cells(data)) is None:
        yield from _of_page(data)
        return
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            continue
        outputs, attached = cell.get("outputs"), cell.get("attachments")
        bundles = [
            *(o.get("data") for o in _list(outputs) if isinstance(o, dict)),
            *(attached.values() if isinstance(attached, dict) else ()),
            {"text/markdown": cell.get("source")} if cell.get("cell_type") == "markdown" else None,
        ]
        for bundle in bundles:
            for content in _of_bundle(bundle) if isinstance(bundle, dict) else ():
                yield f"cell {number}", content


def _cells(data: bytes) -> list[Any] | None:
    """Return the cells of a notebook; None if it is damaged, or would take too much memory."""
    import json

    if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        return None
    try:
        # Stamps are ASCII, so each character may stay one byte.
        cells = json.loads(data.decode("latin-1").removeprefix("\xef\xbb\xbf"))["cells"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return _list(cells)


def _of_bundle(bundle: dict[str, Any]) -> Iterator[bytes]:
    """Yield the pictures of one output, which has several forms."""
    for kind, value in bundle.items():
        text = "".join(map(str, value)) if isinstance(value, list) else value
        if not isinstance(text, str):
            continue
        data = text.encode("utf-8", "replace")
        if kind in ("text/html", "text/markdown"):
            yield from (content for _, content in _of_page(data))
        elif kind == "image/svg+xml" and "<" in text:
            yield data
        elif kind.startswith("image/") or kind == "application/pdf":
            yield _linked(data, packed=True)


def _linked(data: bytes, *, packed: bool) -> bytes:
    """Return the bytes of a picture in base 64 or in a percent-encoded link."""
    if not packed or b"%" in data[:4096]:
        data = b"".join(_unquoted(data))
    if not packed:
        return data
    import binascii

    digits = data.translate(None, _NO_BASE_64)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]  # torn
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _unquoted(data: bytes) -> Iterator[bytes]:
    """Decode the escapes of a link piece by piece: urllib makes objects of each one."""
    from urllib.parse import unquote_to_bytes

    begin = 0
    while begin < len(data):
        end = begin + _LINK_PIECE
        escape = data.find(b"%", end - 2, end)  # which the end would cut
        end = escape if escape >= 0 else end
        yield unquote_to_bytes(data[begin:end])
        begin = end


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
