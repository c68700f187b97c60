"""The pictures that notebooks and pages (HTML, Markdown) hold in their own text."""

from __future__ import annotations

import io
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

_MOST_PICTURES = 1000
_LARGEST_DRAWING = 1 << 20
_NOT_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_NOTEBOOK = re.compile(rb'"nbformat"\s*:')
# A picture in a link, or drawn in the page itself.
_PICTURE = re.compile(
    rb"data:(?:image/[a-z+.-]{1,20}|application/pdf)((?:;[^,;\"'()<>]{1,40}){0,4}),\s*"
    rb"([^\"'()<>]*)"
    rb"|(<svg\b)",
    re.IGNORECASE,
)


def is_page(file: BinaryIO, head: bytes) -> bool:
    """Tell whether a file may be a notebook or a page: text, and not a drawing or another's."""
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not begin or begin.startswith((b"%PDF-", b"%!PS")) or _NOT_TEXT.search(head):
        return False
    file.seek(0)
    return not begin.startswith(b"<") or _HTML.search(head) is not None


def pictures(data: bytes) -> Iterator[tuple[str, BinaryIO]]:
    """Yield where in the text it stands, and the content, of each picture."""
    import itertools

    found = _of_notebook(data) if _NOTEBOOK.search(data) else None
    yield from itertools.islice(_of_page(data) if found is None else found, _MOST_PICTURES)


def _of_page(data: bytes) -> Iterator[tuple[str, BinaryIO]]:
    for number, found in enumerate(_PICTURE.finditer(data), 1):
        if found[3]:
            # matplotlib begins with the metadata; one that never ends is not read to the end.
            begin, most = found.start(), found.start() + _LARGEST_DRAWING
            end = data.find(b"</svg", begin, most)
            content = data[begin : end if end >= 0 else most]
        else:
            content = _decoded(found[2], packed=b"base64" in found[1].lower())
        yield f"picture {number}", io.BytesIO(content)


def _of_notebook(data: bytes) -> Iterator[tuple[str, BinaryIO]] | None:
    import json

    try:
        notebook = json.loads(data)
        cells = notebook["cells"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return _of_cells(cells) if isinstance(cells, list) else None


def _of_cells(cells: list[Any]) -> Iterator[tuple[str, BinaryIO]]:
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
                yield f"cell {number}", io.BytesIO(content)


def _of_bundle(bundle: dict[str, Any]) -> Iterator[bytes]:
    """Yield the pictures of one output, which is there in several forms."""
    for kind, value in bundle.items():
        text = "".join(map(str, _list(value))) if isinstance(value, list) else value
        if not isinstance(text, str):
            continue
        data = text.encode("utf-8", "replace")
        if kind in ("text/html", "text/markdown"):
            yield from (content.read() for _, content in _of_page(data))
        elif kind == "image/svg+xml" and "<" in text:
            yield data
        elif kind.startswith("image/") or kind == "application/pdf":
            yield _decoded(data, packed=True)


def _decoded(data: bytes, *, packed: bool) -> bytes:
    """Give the bytes of a picture that is written in base 64, or as a part of a link."""
    if not packed:
        from urllib.parse import unquote_to_bytes

        return unquote_to_bytes(data)
    import binascii

    if b"%" in data[:4096]:
        from urllib.parse import unquote_to_bytes

        data = unquote_to_bytes(data)
    data = bytes(data).translate(None, b" \t\r\n=")
    try:
        return binascii.a2b_base64(data[: len(data) // 4 * 4] + _rest(data))
    except binascii.Error:
        return b""


def _rest(data: bytes) -> bytes:
    rest = data[len(data) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
