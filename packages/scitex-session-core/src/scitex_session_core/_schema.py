"""The SQLite file that the journal is folded into: its tables, its place, and whether it is ours.

It is an index and can always be made again: what is wrong with one is no reason to fail.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from ._errors import warn
from ._fields import FIELDS
from ._mounts import on_network
from ._places import cache_dir
from ._process import host

APPLICATION_ID = 0x5C17E85E
VERSION = 3
_PATIENCE_S = 10.0
_CACHE_KIB = 32 * 1024
_CHECKPOINT_PAGES = 8192

# Values have no type: each is compared as what it is. Numbers of rows have one: without it, their
# comparison with another table's would not use an index. An index that ends in start_time gives the
# newest of a kind without sorting them all.
_FACTS_KEY = "PRIMARY KEY (k, value, owner)"
_TABLES = (
    "CREATE TABLE about (registry TEXT)",
    "CREATE TABLE files (file INTEGER PRIMARY KEY, name UNIQUE, head, folded)",
    "CREATE TABLE sessions "
    f"(n INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(FIELDS)}, config INTEGER)",
    "CREATE TABLE bodies (n INTEGER PRIMARY KEY, body)",
    # Closed before they were created: another machine's file may be read first.
    "CREATE TABLE waiting (id PRIMARY KEY, body) WITHOUT ROWID",
    "CREATE TABLE names (k INTEGER PRIMARY KEY, name UNIQUE)",
    # Every value of every argument, result and tag, by name, and of every file made: owner is n; of
    # those inside a config, which many sessions share, it is the config.
    f"CREATE TABLE facts (k INTEGER, value, owner INTEGER, {_FACTS_KEY}) WITHOUT ROWID",
    "CREATE TABLE configs (config INTEGER PRIMARY KEY)",
    "CREATE UNIQUE INDEX by_id ON sessions (id)",
    "CREATE INDEX by_start ON sessions (start_time)",
    "CREATE INDEX by_config ON sessions (config)",
    *(
        f"CREATE INDEX by_{name} ON sessions ({name}, start_time)"
        for name in ("status", "script_path", "exit_code", "host")
    ),
)
_NAMES = {statement.partition(" (")[0].split()[-1] for statement in _TABLES if "TABLE" in statement}


class ForeignIndexError(sqlite3.DatabaseError):
    """A database that is not the index of this registry."""


def index_path(registry: Path) -> Path:
    """Return where this machine keeps its index of a registry: never on a network file system."""
    import hashlib

    name = f"{host()}\n{registry}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(name, digest_size=8).hexdigest()
    return _local_dir() / f"{digest}-v{VERSION}.sqlite3"


def open_index(path: Path, registry: Path) -> sqlite3.Connection:
    """Open the index at `path`, made if there is none.

    Raises
    ------
    sqlite3.Error
        It can't be opened or made, or is none of ours.
    """
    connection = connect(str(path))
    try:
        _check_or_make(connection, registry)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(name: str) -> sqlite3.Connection:
    """Connect to a database; the empty name is one that ends with the connection."""
    connection = sqlite3.connect(
        name, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    try:
        # Readers go on while one folds, and a commit need not wait for the disk: what a power cut
        # takes is folded again.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_temporary(registry: Path) -> sqlite3.Connection:
    """Open an index that ends with this process."""
    connection = connect("")
    _check_or_make(connection, registry)
    return connection


def move_aside(path: Path, why: object) -> None:
    """Make room for a new index, and say so."""
    aside = path.with_name(f"{path.name}.{time.strftime('%Y-%m-%d-%Hh%Mm%Ss')}.{os.getpid()}.aside")
    os.replace(path, aside)
    for end in ("-wal", "-shm"):
        try:
            os.replace(f"{path}{end}", f"{aside}{end}")
        except FileNotFoundError:
            pass
    warn(f"the index of the registry is broken ({why}): it is made anew; the old one is {aside}")


def _check_or_make(connection: sqlite3.Connection, registry: Path) -> None:
    if _pragma(connection, "application_id") == APPLICATION_ID:
        _check(connection, registry)
        return
    with connection:  # which commits, or rolls back
        connection.execute("BEGIN IMMEDIATE")
        if _pragma(connection, "application_id") != APPLICATION_ID:  # no other was quicker
            if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
                raise ForeignIndexError("it is another program's database")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES (?)", [_text(registry)])
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    _check(connection, registry)


def _check(connection: sqlite3.Connection, registry: Path) -> None:
    if _pragma(connection, "user_version") != VERSION:
        raise ForeignIndexError("it is of another version")
    if connection.execute("SELECT registry FROM about").fetchone() != (_text(registry),):
        raise ForeignIndexError("it is another registry's")
    found = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    if missing := _NAMES - {name for (name,) in found}:
        raise ForeignIndexError(f"it lacks {', '.join(sorted(missing))}")


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _text(registry: Path) -> str:
    return os.fsencode(registry).decode("utf-8", "backslashreplace")


def _local_dir() -> Path:
    folder = cache_dir() / "index"
    if not on_network(folder):
        return folder
    import tempfile

    # A home that many machines share: locks and shared memory lie there, and SQLite with them.
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir(), f"scitex-session-{user}")
