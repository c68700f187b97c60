"""The directory of what was recorded: one JSON file for each name, arrays beside it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING

from scitex_session_repro._errors import VerificationRecordError
from scitex_session_repro._fingerprint.encoder import SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

# No other file in a directory of the user's is ours to read or to remove.
_RECORD = ".fingerprint.json"
_ARRAY = ".fingerprint.npy"
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"


class Store:
    """What was recorded in a directory, which is made with the first record.

    Parameters
    ----------
    directory : Path
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, name: str) -> dict[str, Any] | None:
        """Give what was recorded under a name, or None.

        Raises
        ------
        VerificationRecordError
            If the record is damaged, or made by other rules.
        OSError
            If it can't be read.
        """
        path = self._path(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        entry = _parsed(data)
        if isinstance(entry, str):
            raise VerificationRecordError(str(path), name, entry)
        return entry

    def record(self, entry: dict[str, Any], array: NDArray[Any] | None) -> dict[str, Any]:
        """Record under the entry's name, unless something is recorded there already.

        Returns
        -------
        dict
            The same object where it was recorded, else what another process had recorded.

        Raises
        ------
        OSError
            If the directory can't be written.
        VerificationRecordError
            If what another process has recorded can't be read.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(entry["name"])
        entry["recorded"] = datetime.now(UTC).isoformat(timespec="seconds")
        entry["array"] = None
        if array is not None:
            # Named after its content: of two processes, neither replaces the other's array.
            digest = entry["fingerprint"].partition(":")[2][:16]
            entry["array"] = f"{path.name.removesuffix(_RECORD)}-{digest}{_ARRAY}"
            self._write_array(entry["array"], array)
        text = json.dumps(entry, ensure_ascii=True, indent=1) + "\n"
        if _create(path, text.encode()):
            return entry
        winner = self.read(entry["name"])
        if winner is None:  # and forgotten again at the same moment
            return self.record(entry, array)
        if entry["array"] not in (None, winner["array"]):
            self.directory.joinpath(entry["array"]).unlink(missing_ok=True)
        return winner

    def array_of(self, entry: dict[str, Any]) -> tuple[NDArray[Any] | None, str]:
        """Give the array kept with a record, or None, and what is the trouble with it."""
        import numpy as np

        name = entry["array"]
        if name is None:
            return None, ""
        try:
            # No pickle: a file from elsewhere runs no code.
            array: NDArray[Any] = np.load(self.directory / name, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            return None, f"the array kept in {name} can't be read: {error}"
        return array, ""

    def forget(self, patterns: list[str] | None) -> int:
        """Remove the records whose name equals or matches one of the patterns, or all."""
        removed = 0
        named = {self._path(pattern).name for pattern in patterns or ()}
        for path in self._records():
            if patterns is not None and path.name not in named:
                try:
                    entry = _parsed(path.read_bytes())
                except FileNotFoundError:  # forgotten by another process
                    continue
                if isinstance(entry, str):
                    continue  # the name in it can't be read: only its own name removes it
                if not any(fnmatchcase(entry["name"], pattern) for pattern in patterns):
                    continue
            path.unlink(missing_ok=True)
            stem = path.name.removesuffix(_RECORD)
            for file in list(self.directory.iterdir()):
                if file.name.startswith(f"{stem}-") and file.name.endswith(_ARRAY):
                    file.unlink(missing_ok=True)
            removed += 1
        return removed

    def _records(self) -> Iterator[Path]:
        try:
            names = sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return
        for name in names:
            if name.endswith(_RECORD) and not name.startswith("."):
                yield self.directory / name

    def _path(self, name: str) -> Path:
        # Readable, and different for different names where case does not count, or where the
        # name is no name of a file ("a/b", "con", 300 letters).
        shown = "".join(c if (c.isascii() and c.isalnum()) or c in "-_" else "_" for c in name)
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.directory / f"{shown[:50] or '_'}-{digest}{_RECORD}"

    def _write_array(self, name: str, array: NDArray[Any]) -> None:
        import io

        import numpy as np

        data = io.BytesIO()
        np.save(data, array, allow_pickle=False)
        path = self.directory / name
        temporary = _written(path, data.getvalue())
        os.replace(temporary, path)


def _parsed(data: bytes) -> dict[str, Any] | str:
    """Give the record in a file, or what is wrong with it."""
    try:
        entry = json.loads(data)
    except ValueError as error:
        return f"it is no JSON: {error}"
    if not isinstance(entry, dict):
        return "it is no JSON object"
    for key in ("name", "fingerprint", "recorded"):
        if not isinstance(entry.get(key), str):
            return f"its {key!r} is missing or no text"
    scheme = entry["fingerprint"].partition(":")[0]
    if scheme != SCHEME:
        return f"its fingerprint is of scheme {scheme!r:.40}, not {SCHEME!r}"
    array = entry.setdefault("array", None)
    if array is not None and (
        not isinstance(array, str) or not array.endswith(_ARRAY) or set(array) & set("/\\:")
    ):
        return "its 'array' is no name of a file beside it"
    for key in ("summary", "parts"):
        if not isinstance(entry.setdefault(key, {}), dict):
            return f"its {key!r} is no JSON object"
    return entry


def _written(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _create(path: Path, data: bytes) -> bool:
    """Write a whole file where there is none, and say whether there was none."""
    temporary = _written(path, data)
    try:
        try:
            os.link(temporary, path)  # atomic, and never over an existing file
        except FileExistsError:
            return False
        except OSError:
            # No hard links on this file system. Of two processes in these microseconds both
            # record, and the last one stays.
            if path.exists():
                return False
            os.replace(temporary, path)
        return True
    finally:
        temporary.unlink(missing_ok=True)
