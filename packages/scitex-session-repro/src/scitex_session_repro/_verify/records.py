"""Record values in a directory, and compare values with the records."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize
from zipfile import BadZipFile

from scitex_session_repro._atomic import create, replace
from scitex_session_repro._errors import (
    VerificationError,
    VerificationRecordError,
    shown_name,
    wrong_type,
)
from scitex_session_repro._fingerprint.encoder import SCHEME, fingerprint

from .difference import compare, keepable, parts_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from numpy.typing import NDArray

# In a directory of the user's, we read and remove only files with these endings.
_RECORD = ".fingerprint.json"
_ARRAY = ".fingerprint.npy"
_ARRAYS = ".fingerprint.npz"


class Records:
    """The records in a directory: one JSON file for each name, arrays beside it.

    Parameters
    ----------
    directory : path
        Made with the first record.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def verify(self, obj: object, name: str, *, seed: int, verbose: bool, raises: bool) -> bool:
        """Record a value under a name, or compare it with what was recorded.

        `RandomStateManager.verify` says what it promises. Of processes that record the same name at
        once, one does, and the others compare with that record.
        """
        name = _normalised(name)
        found = fingerprint(obj)  # first: what has no fingerprint leaves no trace
        recorded = self._read(name)
        if recorded is None:
            entry: dict[str, Any] = {
                "name": name,
                "fingerprint": found,
                "seed": seed,
                "summary": summary_of(obj),
                "parts": parts_of(obj),
            }
            try:
                recorded = self._record(entry, keepable(obj))
            except OSError as error:
                _warn(f"could not record {shown_name(name)}, so nothing is verified: {error}")
                return True
            if recorded is entry:
                if verbose:
                    _say(f"recorded {shown_name(name)} in {self.directory}")
                return True
        if recorded["fingerprint"] == found:
            if verbose:
                _say(f"{shown_name(name)} is as recorded on {recorded['recorded']}")
            return True
        mismatch = self._mismatch(recorded, obj, found, seed)
        if raises:
            raise mismatch
        if verbose:
            _say(str(mismatch))
        return False

    def clear(self, patterns: str | Iterable[str] | None) -> int:
        """Remove the records of names that match, and return how many there were."""
        if patterns is None:
            return self._forget(None)
        one = isinstance(patterns, str) or not hasattr(patterns, "__iter__")
        wanted: Iterable[Any] = [patterns] if one else patterns
        return self._forget([_normalised(pattern) for pattern in wanted])

    def _mismatch(
        self, recorded: dict[str, Any], obj: object, found: str, seed: int
    ) -> VerificationError:
        kept, trouble = self._kept_of(recorded)
        text, details = compare(recorded, kept, obj)
        if trouble:
            text = f"{text} ({trouble})"
        if recorded.get("seed") != seed:
            text = f"{text}; the seed was {recorded.get('seed')} and is {seed}"
        name, when = recorded["name"], recorded["recorded"]
        return VerificationError(
            f"{shown_name(name)} is not as recorded on {when}: {text}",
            name=name,
            when=when,
            recorded=recorded["fingerprint"],
            found=found,
            difference=text,
            details=details,
        )

    def _read(self, name: str) -> dict[str, Any] | None:
        """Return the record under a name, or None.

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
            raise VerificationRecordError(
                f"cannot verify {shown_name(name)} by {path}: {entry} "
                f"(clear_cache({name!r}) forgets it)",
                path=str(path),
                name=name,
            )
        return entry

    def _record(self, entry: dict[str, Any], kept: dict[str, NDArray[Any]]) -> dict[str, Any]:
        """Write a record under the entry's name, unless there is one.

        Returns
        -------
        dict
            `entry` itself if it was written, otherwise the record of another process.

        Raises
        ------
        OSError
            If the directory can't be written.
        VerificationRecordError
            If the record of another process can't be read.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(entry["name"])
        entry["recorded"] = datetime.now(UTC).isoformat(timespec="seconds")
        entry["array"], entry["places"] = None, [*kept]
        if kept:
            # Named after its content, so that no process replaces the array of another.
            digest = entry["fingerprint"].partition(":")[2][:16]
            ending = _ARRAY if [*kept] == [""] else _ARRAYS
            entry["array"] = f"{path.name.removesuffix(_RECORD)}-{digest}{ending}"
            self._write_arrays(entry["array"], [*kept.values()])
        text = json.dumps(entry, ensure_ascii=True, indent=1) + "\n"
        if create(path, text.encode()):
            return entry
        winner = self._read(entry["name"])
        if winner is None:  # and removed again at the same moment
            return self._record(entry, kept)
        if entry["array"] not in (None, winner["array"]):
            self.directory.joinpath(entry["array"]).unlink(missing_ok=True)
        return winner

    def _kept_of(self, entry: dict[str, Any]) -> tuple[dict[str, NDArray[Any]], str]:
        """Return the arrays kept with a record, by place, and why they can't be read."""
        import numpy as np

        name = entry["array"]
        if name is None:
            return {}, ""
        try:
            # No pickle: a file from elsewhere runs no code.
            loaded = np.load(self.directory / name, allow_pickle=False)
            if name.endswith(_ARRAY):
                return {"": loaded}, ""
            with loaded:
                return {place: loaded[f"arr_{n}"] for n, place in enumerate(entry["places"])}, ""
        except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
            return {}, f"the array kept in {name} can't be read: {error}"

    def _forget(self, patterns: list[str] | None) -> int:
        """Remove the records whose name equals or matches a pattern, or all of them."""
        removed = 0
        named = {self._path(pattern).name for pattern in patterns or ()}
        for path in self._records():
            if patterns is not None and path.name not in named:
                try:
                    entry = _parsed(path.read_bytes())
                except FileNotFoundError:  # removed by another process
                    continue
                if isinstance(entry, str):
                    continue  # the name in it can't be read: only its own name removes it
                if not any(fnmatchcase(entry["name"], pattern) for pattern in patterns):
                    continue
            path.unlink(missing_ok=True)
            stem = path.name.removesuffix(_RECORD)
            for file in list(self.directory.iterdir()):
                if file.name.startswith(f"{stem}-") and file.name.endswith((_ARRAY, _ARRAYS)):
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
        # Readable, and different for different names even where a file system ignores case, or
        # where the name can't be that of a file ("a/b", "con", 300 letters).
        shown = "".join(c if (c.isascii() and c.isalnum()) or c in "-_" else "_" for c in name)
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.directory / f"{shown[:50] or '_'}-{digest}{_RECORD}"

    def _write_arrays(self, name: str, arrays: list[NDArray[Any]]) -> None:
        import io

        import numpy as np

        data = io.BytesIO()
        if name.endswith(_ARRAY):
            np.save(data, arrays[0], allow_pickle=False)
        else:
            np.savez(data, *arrays)
        replace(self.directory / name, data.getvalue())


def _parsed(data: bytes) -> dict[str, Any] | str:
    """Return the record in a file, or what is wrong with it."""
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
        not isinstance(array, str)
        or not array.endswith((_ARRAY, _ARRAYS))
        or set(array) & set("/\\:")
    ):
        return "its 'array' is no name of a file beside it"
    for key in ("summary", "parts"):
        if not isinstance(entry.setdefault(key, {}), dict):
            return f"its {key!r} is no JSON object"
    if not isinstance(entry.setdefault("places", [""]), list):
        return "its 'places' is no list"
    return entry


def _normalised(name: object) -> str:
    # Unicode's NFC, as for names of streams: one text is one name, however it was typed.
    if not isinstance(name, str):
        raise wrong_type("the name of a value to verify", "a str", name)
    return normalize("NFC", name)


def _say(message: str) -> None:
    print(f"scitex-session-repro: {message}")


def _warn(message: str) -> None:
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=4)  # where the user called the manager
