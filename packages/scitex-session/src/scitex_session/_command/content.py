"""Compare two files by what they hold: pixels, values, text, or a drawing without its stamp."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from contextlib import contextmanager
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .values import compare_values, distances, unequal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, BinaryIO

    from numpy.typing import NDArray

MIB = 1 << 20
_LARGEST_FILE = 64 * MIB
_LARGEST_TEXT = 2 * MIB
_MOST_READ = 256 * MIB
_MOST_LINES = 10_000  # difflib takes the square of them at worst: 5 s
_MOST_SHOWN = 1000

_PACKED = (".gz", ".zst")
_TABLES = (".csv", ".parquet", ".feather", ".xlsx")
_KINDS = {
    "pixels": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif"),
    "values": (
        *(*_TABLES, ".json", ".jsonl", ".yaml", ".yml", ".toml", ".npy", ".npz", ".mat"),
        *(".h5", ".hdf5", ".nc", ".safetensors"),
    ),
    "drawing": (".pdf", ".svg", ".ps", ".eps"),
    # What can hold a pickle is not opened: that may import torch, or run code.
    "bytes": (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".mp4"),
}
_STAMP = rb'\{"scitex-session":[^{}]{0,8000}\}'
_GENERATED = {
    ".pdf": (
        rb"\s*/Keywords\s*\(%s\)" % _STAMP,
        rb"\s*/(?:CreationDate|ModDate)\s*\([^()]{0,100}\)",
        rb"/ID\s*\[[^\]]{0,300}\]",
        # The table of offsets moves with all of these.
        rb"\nxref\s[0-9 fn\s]*(?=trailer)",
        rb"startxref\s+\d+",
    ),
    ".svg": (rb"<dc:date>[^<]{0,100}</dc:date>", _STAMP),
    ".ps": (rb"%%CreationDate:[^\n]{0,200}", _STAMP),
}
_SVG_ID = re.compile(rb"\b([a-z]{1,3}[0-9a-f]{10})\b")


class Content(NamedTuple):
    """A file: its name, whose it is in a sentence, what opens it, and the SHA-256 on record.

    A file that has another SHA-256 by now is not compared.
    """

    name: str
    whose: str
    opened: Callable[[], BinaryIO]
    digest: str | None = None

    @property
    def suffix(self) -> str:
        """The suffix in lower case, without that of a compression."""
        stem, suffix = os.path.splitext(self.name.lower())
        return os.path.splitext(stem)[1] if suffix in _PACKED else suffix

    @property
    def kind(self) -> str:
        """What it holds: ``pixels``, ``values``, ``drawing``, ``bytes``, or maybe ``text``."""
        return next((kind for kind, all_ in _KINDS.items() if self.suffix in all_), "text")


class Budget:
    """How many bytes are read and compared at most, in all files together."""

    def __init__(self, left: int = _MOST_READ) -> None:
        self.left = left


class _NotComparedError(Exception):
    """Why two files can't be compared by what they hold."""


def compare(a: Content, b: Content, budget: Budget) -> dict[str, Any] | None:
    """Return how two files differ, as `diff` documents it; None if they hold the same."""
    known = a.digest is not None and b.digest is not None
    if known and a.digest == b.digest:
        return None
    try:
        with _on_disk(a, budget) as first, _on_disk(b, budget) as second:
            if _digest(a, first) == _digest(b, second):
                return None
            known = True
            return _by_kind(a, first, b, second)
    except (_NotComparedError, OSError) as error:
        return {"how": "bytes", "says": f"the bytes {'' if known else 'may '}differ; {error}"}


def compare_texts(a: str, b: str, names: tuple[str, str]) -> str:
    """Return a unified diff, shortened, or a sentence in place of it."""
    lines = a.splitlines(), b.splitlines()
    if max(map(len, lines)) > _MOST_LINES:
        return f"… texts of more than {_MOST_LINES:,} lines are not compared"
    return shortened(unified_diff(*lines, *names, lineterm="")) or "… only the ends of lines differ"


def shortened(lines: Iterable[str]) -> str:
    """Return the first thousand lines, and say how many more there are."""
    lines = iter(lines)
    shown = list(islice(lines, _MOST_SHOWN))
    if more := sum(1 for _ in lines):
        shown.append(f"… {more:,} more lines")
    return "\n".join(shown)


def _by_kind(a: Content, first: Path, b: Content, second: Path) -> dict[str, Any] | None:
    if a.kind != b.kind or (a.kind == "drawing" and a.suffix != b.suffix):
        raise _NotComparedError(f"one is a {a.suffix} file, the other a {b.suffix} file")
    if a.kind in ("pixels", "values"):
        compared = _pixels if a.kind == "pixels" else compare_values
        try:
            return compared(_loaded(a, first), _loaded(b, second))
        except RecursionError:
            raise _NotComparedError("nested too deeply to be compared further") from None
        except MemoryError:
            raise _NotComparedError("too large for this memory") from None
    data = _unpacked(a, first), _unpacked(b, second)
    if data[0] == data[1]:
        return None
    if a.kind == "drawing":
        if _drawing(data[0], a.suffix) == _drawing(data[1], b.suffix):
            return None
        return {"how": "drawing", "says": "the drawings differ"}
    return _text(*data, a, b) if a.kind == "text" else {"how": "bytes", "says": "the bytes differ"}


# -- Reading -------------------------------------------------------------------------------------


@contextmanager
def _on_disk(content: Content, budget: Budget) -> Iterator[Path]:
    """Give the path of a file; of one in an archive, that of a copy."""
    try:
        opened = content.opened()
    except (OSError, ValueError) as error:  # ValueError: no name of a file has a NUL
        why = "is gone" if isinstance(error, FileNotFoundError) else f"can't be read: {error}"
        raise _NotComparedError(f"the file of {content.whose} {why}") from error
    with opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(0)
        if size > _LARGEST_FILE:
            raise _NotComparedError(f"not read: more than {_LARGEST_FILE // MIB} MiB")
        budget.left -= size
        if budget.left < 0:
            raise _NotComparedError(f"not read: more than {_MOST_READ // MIB} MiB in all")
        # The name of a member of an archive may be that of another file here.
        if isinstance(raw := getattr(opened, "raw", None), io.FileIO):
            yield Path(os.path.abspath(os.fsdecode(raw.name)))
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, os.path.basename(content.name))
            copy.write_bytes(opened.read())
            yield copy


def _digest(content: Content, path: Path) -> str:
    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if content.digest not in (None, digest):
        raise _NotComparedError(f"the file of {content.whose} has changed since the run")
    return digest


def _loaded(content: Content, path: Path) -> Any:
    from scitex_session_io import IoError, load

    options: dict[str, Any] = {}
    if content.suffix in _TABLES:
        options = {"into": "columns"}
    if content.suffix == ".xlsx":
        options["sheet"] = None
    try:
        loaded = load(path, **options)
    except (IoError, OSError) as error:
        why = " ".join(str(error).replace(str(path), content.name).split())
        raise _NotComparedError(f"not compared further: {why}") from error
    if content.suffix == ".nc":
        return {str(name): variable.values for name, variable in loaded.variables.items()}
    return loaded


def _unpacked(content: Content, path: Path) -> bytes:
    """Return the bytes, decompressed if gzip did it: its header has the time."""
    if not content.name.lower().endswith(".gz"):
        return path.read_bytes()
    import gzip
    import zlib

    try:
        with gzip.open(path) as opened:
            data = opened.read(_LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _NotComparedError(f"{content.name}: {error}") from error
    if len(data) > _LARGEST_FILE:
        raise _NotComparedError(
            f"not compared further: more than {_LARGEST_FILE // MIB} MiB unpacked"
        )
    return data


# -- Text and drawings ---------------------------------------------------------------------------


def _text(first: bytes, second: bytes, a: Content, b: Content) -> dict[str, Any]:
    if max(len(first), len(second)) > _LARGEST_TEXT:
        raise _NotComparedError(f"no text of more than {_LARGEST_TEXT // MIB} MiB is compared")
    try:
        texts = first.decode(), second.decode()
    except UnicodeDecodeError:
        return {"how": "bytes", "says": "the bytes differ"}
    if "\0" in texts[0] + texts[1]:
        return {"how": "bytes", "says": "the bytes differ"}
    diff = compare_texts(*texts, (f"{a.name} of {a.whose}", f"{b.name} of {b.whose}"))
    return {"how": "text", "says": "the texts differ", "diff": diff}


def _drawing(data: bytes, suffix: str) -> bytes:
    """Return a drawing without what differs each time that the same figure is saved."""
    for pattern in _GENERATED[".ps" if suffix == ".eps" else suffix]:
        data = re.sub(pattern, b"", data)
    if suffix != ".svg":
        return data
    numbers: dict[bytes, bytes] = {}
    return _SVG_ID.sub(lambda found: numbers.setdefault(found[1], b"id%d" % len(numbers)), data)


# -- Images --------------------------------------------------------------------------------------


def _pixels(a: NDArray[Any], b: NDArray[Any]) -> dict[str, Any] | None:
    import numpy as np

    shapes = [list(image.shape) for image in (a, b)]
    if a.shape != b.shape or a.dtype != b.dtype:
        said = [f"{' by '.join(map(str, image.shape))} of {image.dtype}" for image in (a, b)]
        says = f"{said[0]} and {said[1]} (rows, columns, channels)"
        return {"how": "pixels", "says": says, "shapes": shapes}
    has_channels = a.ndim > 2 and a.shape[-1] in (2, 3, 4)
    a, b = (image.astype(np.uint8) if image.dtype == bool else image for image in (a, b))
    differ = unequal(a, b)
    pixels = differ.any(axis=-1) if has_channels else differ
    count = int(np.count_nonzero(pixels))
    if not count:
        return None
    far = np.nan_to_num(np.asarray(distances(a, b)))
    at = [int(i) for i in np.unravel_index(int(np.argmax(far)), far.shape)]
    largest = far[tuple(at)].item()
    at = at[:-1] if has_channels else at
    share = count / pixels.size
    return {
        "how": "pixels",
        "says": f"{count:,} of {pixels.size:,} pixels differ ({100 * share:.3g} %), "
        f"the most by {largest} at row {at[-2]}, column {at[-1]}",
        "share": share,
        "differing": count,
        "of": pixels.size,
        "largest": largest,
        "index": at,
    }


def common(
    contents: Sequence[Content | None], budget: Budget
) -> tuple[list[int | None], dict[str, Any] | None]:
    """Give a number to what each file holds: the same for the same, from 1; None for none.

    With it comes how the last two that were compared differ.
    """
    kept: list[Content] = []
    numbers: list[int | None] = []
    how = None
    for content in contents:
        if content is None:
            numbers.append(None)
            continue
        for number, other in enumerate(kept, start=1):
            if other.whose == content.whose or (how := compare(other, content, budget)) is None:
                numbers.append(number)
                break
        else:
            kept.append(content)
            numbers.append(len(kept))
    return numbers, how
