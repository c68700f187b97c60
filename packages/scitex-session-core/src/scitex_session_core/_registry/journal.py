"""The journal of a registry: one line for each event of a session, only ever appended.

A writer takes no lock and knows no database, so that nothing can hang on the file system of a
cluster, or slow down with the number of sessions. Each machine and boot has files of its own.
"""

from __future__ import annotations

import os
import sys
import time as _time
from binascii import crc32  # hashlib would load all of OpenSSL

from scitex_session_core._atomic import append_line, create_whole
from scitex_session_core._errors import InvalidValueError
from scitex_session_core._paths import absolute, cache_dir, make_folders, on_network, state_dir
from scitex_session_core._process import boot_id, host
from scitex_session_core._record.masker import dumps, without_secrets
from scitex_session_core._record.record import as_dict, attempt_of, utc_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any, TypeGuard

JOURNAL_NAME = "journal"

# The field of a session with the digests of the files that it made.
MADE = "made"
_HEX_DIGITS = "0123456789abcdef"
_DIGEST_LENGTH = 64
# The registry keeps the first 60 bits of a SHA-256, which fit an integer of SQLite. That two of ten
# million files share them has a chance of 1 in 20,000; the record has the whole digest.
_PREFIX_LENGTH = 15
# Files beyond this number are found by their directory only.
_MOST_DIGESTS = 50_000

# Network interfaces that come and go with containers and tunnels, each time with a new address.
_TRANSIENT = ("br-", "cali", "cni", "docker", "flannel", "lo", "tap", "tun", "veth", "virbr")

_writer_names: dict[Path, tuple[int, str]] = {}


class JournalTooLongError(Exception):
    """The journal could not be read within the time given."""


def registry_dir() -> Path:
    """Return the directory of the registry: ``$SCITEX_SESSION_REGISTRY``, or the user's own.

    Raises
    ------
    InvalidValueError
        The variable holds a URL, not a directory.
    OSError
        The user has no home directory.
    """
    chosen = os.environ.get("SCITEX_SESSION_REGISTRY")
    if chosen and "://" in chosen:
        raise InvalidValueError("SCITEX_SESSION_REGISTRY", without_secrets(chosen), "a directory")
    return absolute(chosen) if chosen else state_dir() / "registry"


def register_start(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Register the start of a run.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        The record of the run, of any schema.
    run_dir : Path
        The run directory.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    journal_create(
        registry,
        record["id"],
        as_dict(record.get("config")),
        script_path=record.get("script"),
        process=record.get("process"),
        run_dir=run_dir,
        function=record.get("function"),
        arguments=as_dict(record.get("arguments")),
        parent=record.get("parent"),
        attempt=attempt_of(record),
        sweep=record.get("sweep"),
        env=as_dict(record.get("env")),
        tags=record.get("tags") or (),
        note=record.get("note") or "",
        time=record.get("started"),
    )


def register_end(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Register the end of a run, with its results, tags, note and artifacts.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        The record of the run, of any schema.
    run_dir : Path
        Where the run is now.

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
        attempt=attempt_of(record),
        run_dir=run_dir,
        time=record.get("ended"),
        results=record.get("results"),
        tags=record.get("tags"),
        note=record.get("note"),
        artifacts=len(record.get("artifacts") or ()),
        made=output_digests(record.get("artifacts")),
    )


def register_crash(
    registry: Path, record: Mapping[str, Any], began_in: Path, run_dir: Path
) -> None:
    """Register the end of a run that others found dead, and its start.

    It may have died between its first record and the line of its start, and would never be listed.
    If the start is registered already, a second line of it changes nothing.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        The record of the run, of any schema.
    began_in : Path
        Where it was before its death was filed.
    run_dir : Path
        Where the run is now.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    register_start(registry, record, began_in)
    register_end(registry, record, run_dir)


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
    sweep: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    tags: Iterable[str] = (),
    note: str = "",
    time: str | None = None,
) -> str:
    """Append the start of a session to the journal.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The ID of the session.
    config : mapping
        The user's configuration.
    script_path : str or None
        The script.
    process : mapping or None
        The process with which the session lives; None if there is none.
    run_dir : Path, optional
        The run directory.
    function : str, optional
        The function that runs.
    arguments : mapping, optional
        The arguments of the function.
    parent : str, optional
        The session that this one belongs to.
    attempt : int
        The number of the attempt, starting at 1.
    sweep : mapping, optional
        The sweep that the session is a trial of: ``id`` and ``trial``.
    env : mapping, optional
        The variables of the environment that are on record.
    tags : iterable of str
        The first tags.
    note : str
        The first note.
    time : str, optional
        When the session began, in ISO 8601; now by default.

    Returns
    -------
    str
        The unique token of this line, which distinguishes two creations of the same ID.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    token = os.urandom(8).hex()
    event: dict[str, Any] = {
        "event": "create",
        "id": session_id,
        "time": time or utc_now(),
        "line": token,
        "config": config,
        "script_path": script_path,
        "process": process,
        "run_dir": run_dir,
    }
    more = {"function": function, "arguments": arguments, "parent": parent, "tags": list(tags)}
    more.update(env=env, sweep=sweep, note=note)
    event.update((name, value) for name, value in more.items() if value)
    if attempt != 1:
        event["attempt"] = attempt
    append(registry, event)
    return token


def journal_close(
    registry: Path,
    session_id: str,
    status: str,
    exit_code: int | None,
    *,
    attempt: int = 1,
    run_dir: Path | None = None,
    time: str | None = None,
    results: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    note: str | None = None,
    artifacts: int | None = None,
    made: Iterable[str] = (),
) -> None:
    """Append the end of a session to the journal.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The ID of the session.
    status : str
        How it ended.
    exit_code : int or None
        Its exit status.
    attempt : int
        The number of the attempt that ended.
    run_dir : Path, optional
        Where the run is now.
    time : str, optional
        When it ended, in ISO 8601; now by default.
    results, tags, note
        Those of its record at the end. None leaves them as they are in the registry.
    artifacts : int, optional
        The number of its artifacts.
    made : iterable of str
        The digests of its output files, shortened.

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
        MADE: list(made) or None,
    }
    event.update((name, value) for name, value in more.items() if value is not None)
    if attempt != 1:
        event["attempt"] = attempt
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
    """Append a change of a session to the journal. The session may have ended.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The ID of the session.
    tag, untag : str, optional
        A tag to add, and one to remove.
    note : str, optional
        The new note, in place of the earlier one.
    results : mapping, optional
        Results to merge into the earlier ones.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    changes = {"tag": tag, "untag": untag, "note": note, "results": results}
    given = {name: value for name, value in changes.items() if value is not None}
    append(registry, {"event": "update", "id": session_id, "time": utc_now(), **given})


def journal_remove(registry: Path, session_id: str, run_dir: Path | None = None) -> None:
    """Append to the journal that a session is to be forgotten. Its run directory is left alone.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The ID of the session.
    run_dir : Path, optional
        Where its directory is in the trash.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    event: dict[str, Any] = {"event": "remove", "id": session_id, "time": utc_now()}
    append(registry, event if run_dir is None else {**event, "run_dir": run_dir})


def record_event(record: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """Return the event for a run whose directory was found.

    It replaces everything that the journal says about the run so far.
    """
    names = (
        *("config", "function", "arguments", "results", "env"),
        *("tags", "note", "parent", "attempt", "sweep"),
    )
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
        MADE: output_digests(artifacts),
        "run_dir": run_dir,
    }


def append(registry: Path, event: Mapping[str, Any]) -> None:
    """Append an event to the journal, to the file of this writer and month.

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
        make_folders(folder)
        append_line(path, line)


def encoded(event: Mapping[str, Any]) -> bytes:
    """Return the line of an event."""
    return dumps(event, names=("id", "run_dir", "script_path", "parent"))


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
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(".jsonl")]


def output_digests(artifacts: object) -> list[str]:
    """Return the shortened SHA-256 digests of the output files among `artifacts`."""
    if not isinstance(artifacts, list):
        return []
    digests: dict[str, None] = {}
    for artifact in artifacts:
        if isinstance(artifact, dict) and artifact.get("role") == "output":
            digest = artifact.get("sha256")
            if is_digest(digest):
                digests[shortened(digest)] = None
    return list(digests)[:_MOST_DIGESTS]


def is_digest(value: object) -> TypeGuard[str]:
    """Tell whether `value` is a SHA-256 in lower-case hexadecimal digits."""
    return isinstance(value, str) and len(value) == _DIGEST_LENGTH and not value.strip(_HEX_DIGITS)


def shortened(digest: str) -> str:
    """Return the part of a digest that the registry keeps."""
    return digest[:_PREFIX_LENGTH]


def digest_number(prefix: str) -> int | None:
    """Return a shortened digest as the integer that the index holds; None if it is not one."""
    valid = len(prefix) == _PREFIX_LENGTH and not prefix.strip(_HEX_DIGITS)
    return int(prefix, 16) if valid else None


def writer_name(folder: Path) -> str:
    """Return the name under which this process writes to `folder`: its machine and boot.

    On Windows and on network file systems, where one append may overwrite another, each process
    has a name of its own.
    """
    pid, name = _writer_names.get(folder, (0, ""))
    if pid != os.getpid():  # a forked child may need a name of its own
        pid, name = os.getpid(), _new_writer_name(folder)
        _writer_names[folder] = (pid, name)
    return name


def machine_name(process: object) -> str:
    """Return how the names of the files begin to which a machine writes in one boot.

    Parameters
    ----------
    process : object
        The ``process`` of a record of that machine. If it tells no machine, the name is empty.
    """
    if not isinstance(process, dict) or not isinstance(process.get("host"), str):
        return ""
    return f"{process['host']}-{str(process.get('boot_id') or 'noboot')[:8]}".replace(os.sep, "_")


def _new_writer_name(folder: Path) -> str:
    machine = machine_name({"host": host(), "boot_id": boot_id()})
    token = _machine_token(machine)
    if token and sys.platform != "win32" and not on_network(folder):
        return f"{machine}-{token}"
    return f"{machine}-{token or 'own'}-{os.getpid()}-{os.urandom(4).hex()}"


def _machine_token(machine: str) -> str:
    """Return the random token of this machine and boot; empty if it can't be kept.

    Machines that were cloned while they ran share their boot ID, their machine ID and the state of
    their random generators. So the file of the token is named by the network addresses, too: a
    clone with another address draws its own token.
    """
    try:
        name = f"{machine}-{_address_checksum():08x}.token"
        path = cache_dir() / "machines" / name
        return _read_token(path) or _draw_token(path)
    except OSError:
        return ""


def _draw_token(path: Path) -> str:
    make_folders(path.parent)
    create_whole(path, os.urandom(4).hex().encode())
    return _read_token(path)  # which another process may have drawn at the same time


def _read_token(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            token = os.fsdecode(file.read(16))
    except FileNotFoundError:
        return ""
    return token if token.isalnum() else ""


def _address_checksum() -> int:
    facts = "\n".join((_first_line("/etc/machine-id"), *_addresses()))
    return crc32(facts.encode("utf-8", "surrogateescape"))


def _addresses() -> list[str]:
    try:
        names = os.listdir("/sys/class/net")
    except OSError:
        return []
    lasting = sorted(name for name in names if not name.startswith(_TRANSIENT))
    return [_first_line(f"/sys/class/net/{name}/address") for name in lasting]


def _first_line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.readline().strip())
    except OSError:
        return ""
