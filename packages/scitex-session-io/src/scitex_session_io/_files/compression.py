"""Compress what is saved and decompress what is loaded: gzip and Zstandard."""

from __future__ import annotations

import io
import sys

from scitex_session_io._errors import MalformedError, TooLargeError

from .library import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_PIECE = 1 << 20


def compressed(file: BinaryIO, compression: str, path: str) -> Any:
    """Return a file; what is written to it goes compressed to `file`, all of it when it is closed.

    The same content gives the same bytes.
    """
    if compression == ".gz":
        import gzip

        return gzip.GzipFile("", "wb", fileobj=file, mtime=0)  # neither a name nor a time
    return _zstd(path).ZstdFile(file, "wb")


def decompressed(file: BinaryIO, compression: str, path: str, most: float) -> BinaryIO:
    """Return the content of a compressed file, seekable, in memory.

    Raises
    ------
    MalformedError
        The file is not compressed so, or ends too early.
    TooLargeError
        It has more than `most` bytes: a file of a megabyte can hold a terabyte.
    """
    errors: tuple[type[Exception], ...]
    if compression == ".gz":
        import gzip
        import zlib

        stream, errors = gzip.GzipFile(fileobj=file), (EOFError, OSError, zlib.error)
    else:
        zstd = _zstd(path)
        stream, errors = zstd.ZstdFile(file), (EOFError, zstd.ZstdError)
    content = io.BytesIO()
    try:
        while piece := stream.read(_PIECE):
            content.write(piece)
            if content.tell() > most:
                raise TooLargeError(path, content.tell())
    except errors as error:
        raise MalformedError(path, f"not a sound {compression} file: {error}") from error
    content.seek(0)
    return content


def _zstd(path: str) -> Any:
    if sys.version_info >= (3, 14):
        return need("compression.zstd", "python", path)
    return need("backports.zstd", "backports.zstd", path)
