"""A state as a file: written whole or not at all, and refused if anything in it has changed."""

from __future__ import annotations

import json
import os

from scitex_session_repro._errors import CheckpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

FORMAT = "scitex-session-repro checkpoint"
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a state to a file, in the place of what was there.

    JSON, with the SHA-256 of the state's own text. A temporary file in the same directory is
    written, synced and put in place: who is killed meanwhile leaves the checkpoint before it.

    Raises
    ------
    OSError
        If the directory is missing, full or read-only.
    """
    text = _text(state)
    data = json.dumps({"format": FORMAT, "sha256": _sha256(text), "state": state}).encode("ascii")
    path = path.resolve()  # a link stays one
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError:
            pass  # the error that brought us here says more
        if isinstance(error, OSError):  # it names a file that the caller has never heard of
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def read(path: Path) -> Any:
    """Read a state from a file.

    Raises
    ------
    OSError
        If it can't be read.
    CheckpointError
        If it is no checkpoint, or a damaged one.
    """
    data = path.read_bytes()
    shown = os.fspath(path)
    if data.startswith(b"\x80"):
        raise CheckpointError(shown, "it is a pickle, which may run code, and is not read")
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):  # undecodable bytes too
        raise CheckpointError(shown, "it is not JSON, or not all of it is there") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise CheckpointError(shown, "it is no checkpoint of scitex-session-repro")
    if "state" not in whole or whole.get("sha256") != _sha256(_text(whole["state"])):
        raise CheckpointError(shown, "its content is not what was written (SHA-256 differs)")
    return whole["state"]


def _text(state: Any) -> str:
    return json.dumps(state, sort_keys=True, separators=(",", ":"))


def _sha256(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode("ascii")).hexdigest()
