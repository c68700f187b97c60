"""The journal: every event of every session, one line each, appended and never changed.

Writers only append: no lock, no database, nothing that could hang on the file system of a cluster
or slow down with the number of sessions.
"""

from __future__ import annotations

import os
import sys
import time as _time
from binascii import crc32

from scitex_session_core._atomic import append_line
from scitex_session_core._errors import InvalidValueError
from scitex_session_core._paths import absolute, cache_dir, on_network, state_dir
from scitex_session_core._process import boot_id, host
from scitex_session_core._record.masker import dumps, without_secrets
from scitex_session_core._record.record import utc_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any, TypeGuard

JOURNAL_NAME = "journal"


def journal_create(
    registry: Path,
    session_id: str,
    config: Mapping[str, Any],
    *,
    script_path: str | None,
    process: Mapping[str, Any] | None,
    run_dir: Path | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    parent: str | None = None,
    attempt: int = 1,
    tags: Iterable[str] = (),
    time: str | None = None,
) -> str:
    """Tell the registry that a session began.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    config : mapping
        The user's configuration.
    script_path : str or None
        The script.
    process : mapping or None
        Whose life counts; None claims none.
    run_dir : Path, optional
        The run directory.
    function : str, optional
        The function that runs.
    arguments : mapping, optional
        The values its parameters have.
    parent : str, optional
        The session that this one belongs to.
    attempt : int
        The how-manieth attempt at the same thing.
    tags : iterable of str
        What it is tagged with from the start.
    time : str, optional
        When it began, in ISO 8601; now by default.

    Returns
    -------
    str
        What tells this line from any other that would create the same session.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    line = os.urandom(8).hex()
    event: dict[str, Any] = {
        "event": "create",
        "id": session_id,
        "time": time or utc_now(),
        "line": line,
        "config": config,
        "script_path": script_path,
        "process": process,
        "run_dir": run_dir,
    }
    more = {"function": function, "arguments": arguments, "parent": parent, "tags": list(tags)}
    event.update((name, value) for name, value in more.items() if value)
    if attempt != 1:
        event["attempt"] = attempt
    append(registry, event)
    return line


def journal_close(
    registry: Path,
    session_id: str,
    status: str,
    exit_code: int | None,
    *,
    run_dir: Path | None = None,
    time: str | None = None,
    results: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    note: str | None = None,
    artifacts: int | None = None,
    made: Iterable[str] = (),
) -> None:
    """Tell the registry that a session ended.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    status : str
        How it ended.
    exit_code : int or None
        Its exit status.
    run_dir : Path, optional
        Where its directory is now.
    time : str, optional
        When it ended, in ISO 8601; now by default.
    results, tags, note
        As they are in its record at the end; None where nothing is to be said of them.
    artifacts : int, optional
        How many it has.
    made : iterable of str
        What `made_by` says of them.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    event: dict[str, Any] = {
        "event": "close",
        "id": session_id,
        "time": time or utc_now(),
        "status": status,
        "exit_code": exit_code,
        "run_dir": run_dir,
    }
    more = {
        "results": results,
        "tags": None if tags is None else list(tags),
        "note": note,
        "artifacts": artifacts,
        "made": list(made) or None,
    }
    event.update((name, value) for name, value in more.items() if value is not None)
    append(registry, event)


def journal_update(
    registry: Path,
    session_id: str,
    *,
    tag: str | None = None,
    untag: str | None = None,
    note: str | None = None,
    results: Mapping[str, Any] | None = None,
) -> None:
    """Tell the registry what is to be added to a session, whether it has ended or not.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    tag, untag : str, optional
        A tag to be given, and one to be taken away.
    note : str, optional
        Takes the place of the note it has.
    results : mapping, optional
        Merged into the results it has.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    told = {"tag": tag, "untag": untag, "note": note, "results": results}
    given = {name: value for name, value in told.items() if value is not None}
    append(registry, {"event": "update", "id": session_id, "time": utc_now(), **given})


def journal_remove(registry: Path, session_id: str) -> None:
    """Tell the registry to forget a session. Its run directory is left alone.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    append(registry, {"event": "remove", "id": session_id, "time": utc_now()})


def journal_files(registry: Path) -> list[Path]:
    """Return the files of the journal.

    Raises
    ------
    OSError
        The journal can't be listed.
    """
    folder = registry / JOURNAL_NAME
    try:
        names = os.listdir(folder)  # Path.glob takes ten times as long
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names) if name.endswith(".jsonl")]


def append(registry: Path, event: Mapping[str, Any]) -> None:
    """Append an event to the file of this writer and month.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    folder = registry / JOURNAL_NAME
    month = _time.strftime("%Y-%m", _time.gmtime())
    path = folder / f"{writer_name(folder)}-{month}.jsonl"
    line = encoded(event)
    try:
        append_line(path, line)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        append_line(path, line)


def encoded(event: Mapping[str, Any]) -> bytes:
    """Return the line of an event."""
    return dumps(event, names=("id", "run_dir", "script_path", "parent"))


def tell_begin(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Register a run that begins.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record.
    run_dir : Path
        Where it is.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    journal_create(
        registry,
        record["id"],
        record["config"],
        script_path=record["script"],
        process=record["process"],
        run_dir=run_dir,
        function=record["function"],
        arguments=record["arguments"],
        parent=record["parent"],
        attempt=record["attempt"],
        tags=record["tags"],
        time=record["started"],
    )


def tell_end(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Tell how a run ended, and what came of it.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record, of any schema.
    run_dir : Path
        Where it is now.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    journal_close(
        registry,
        record["id"],
        str(record["status"]),
        record.get("exit_status"),
        run_dir=run_dir,
        time=record.get("ended"),
        results=record.get("results"),
        tags=record.get("tags"),
        note=record.get("note"),
        artifacts=len(record.get("artifacts") or ()),
        made=made_by(record.get("artifacts")),
    )


def tell_found(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Tell of a run whose directory was found; what it was told before is void.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record, its events folded in.
    run_dir : Path
        Where it was found.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    append(registry, record_event(record, run_dir))


def record_event(record: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """Return the event that tells of a run whose directory was found."""
    names = ("config", "function", "arguments", "results", "tags", "note", "parent", "attempt")
    artifacts = record.get("artifacts")
    return {
        "event": "record",
        "id": record["id"],
        "time": utc_now(),
        **{name: record[name] for name in names if record.get(name)},
        "script_path": record.get("script"),
        "process": record.get("process"),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "status": record.get("status"),
        "exit_code": record.get("exit_status"),
        "artifacts": len(artifacts) if isinstance(artifacts, list) else 0,
        "made": made_by(artifacts),
        "run_dir": run_dir,
    }


# The name under which the index keeps them.
MADE = "made"
_DIGITS = 64
# Of a digest, 60 bits are kept: they fit an integer of SQLite. That among ten million files two
# should share them has a chance of 1 in 20,000; the record has them whole.
_KEPT = 15
_HEX = "0123456789abcdef"
# What a run makes beyond that is found by its directory.
_MOST = 50_000


def made_by(artifacts: object) -> list[str]:
    """Return what is kept of the digests of the files among `artifacts` that a run made."""
    if not isinstance(artifacts, list):
        return []
    made: dict[str, None] = {}
    for artifact in artifacts:
        if isinstance(artifact, dict) and artifact.get("role") == "output":
            digest = artifact.get("sha256")
            if is_digest(digest):
                made[kept_of(digest)] = None
    return list(made)[:_MOST]


def is_digest(value: object) -> TypeGuard[str]:
    """Tell whether `value` is a SHA-256 in lower-case hexadecimal digits."""
    return isinstance(value, str) and len(value) == _DIGITS and not value.strip(_HEX)


def kept_of(digest: str) -> str:
    """Return what is kept of a digest."""
    return digest[:_KEPT]


def as_fact(kept: str) -> int | None:
    """Return what is kept of a digest as the index has it; None where it is none."""
    return int(kept, 16) if len(kept) == _KEPT and not kept.strip(_HEX) else None


# Interfaces that come and go with containers and tunnels, each time with another address.
_FLEETING = ("br-", "cali", "cni", "docker", "flannel", "lo", "tap", "tun", "veth", "virbr")

_known: dict[Path, tuple[int, str]] = {}


def writer_name(folder: Path) -> str:
    """Return the name under which this process writes to `folder`: its machine and boot.

    On Windows and on network file systems, where two appends may overwrite each other, it is the
    process's own.
    """
    pid, name = _known.get(folder, (0, ""))
    if pid != os.getpid():  # a forked child may need a name of its own
        pid, name = os.getpid(), _drawn(folder)
        _known[folder] = (pid, name)
    return name


def _drawn(folder: Path) -> str:
    machine = f"{host()}-{(boot_id() or 'noboot')[:8]}".replace(os.sep, "_")
    token = _token(machine)
    if token and sys.platform != "win32" and not on_network(folder):
        return f"{machine}-{token}"
    return f"{machine}-{token or 'own'}-{os.getpid()}-{os.urandom(4).hex()}"


def _token(machine: str) -> str:
    """Return what was drawn at random, once for this machine and boot; empty if it can't be kept.

    Machines that were cloned while they ran share their boot ID, machine ID and even the state of
    their random generators up to the clone. The token is kept under a name that the addresses of
    the network are part of, so that a clone with an address of its own draws its own.
    """
    path = cache_dir() / "machines" / f"{machine}-{_fingerprint():08x}.token"
    try:
        return _read(path) or _kept(path)
    except OSError:
        return ""


def _kept(path: Path) -> str:
    # Written beside and linked: of two that draw at once, both read what came first, whole.
    beside = path.with_name(f".{os.getpid()}.{os.urandom(4).hex()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(beside, "xb") as file:
        file.write(os.urandom(4).hex().encode())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)
    return _read(path)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            token = os.fsdecode(file.read(16))
    except FileNotFoundError:
        return ""
    return token if token.isalnum() else ""


def _fingerprint() -> int:
    told = "\n".join((_line("/etc/machine-id"), *_addresses()))
    return crc32(told.encode("utf-8", "surrogateescape"))


def _addresses() -> list[str]:
    try:
        names = os.listdir("/sys/class/net")
    except OSError:
        return []
    lasting = sorted(name for name in names if not name.startswith(_FLEETING))
    return [_line(f"/sys/class/net/{name}/address") for name in lasting]


def _line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.readline().strip())
    except OSError:
        return ""


def registry_dir() -> Path:
    """Return the registry in use: ``$SCITEX_SESSION_REGISTRY``, or one in `state_dir`.

    Raises
    ------
    InvalidValueError
        The variable holds an address, not a directory.
    """
    chosen = os.environ.get("SCITEX_SESSION_REGISTRY")
    if chosen and "://" in chosen:
        raise InvalidValueError("SCITEX_SESSION_REGISTRY", without_secrets(chosen), "a directory")
    return absolute(chosen) if chosen else state_dir() / "registry"
