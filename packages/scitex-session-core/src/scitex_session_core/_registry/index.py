"""The index of a registry: what the journal tells, folded into SQLite, kept up with it."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from scitex_session_core._errors import warn
from scitex_session_core._paths import cache_dir, on_network
from scitex_session_core._process import host

from .fields import FIELDS, comparable
from .fold import fold, line_of
from .writer import Folding, behind, forget_all, unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

# How long a reader waits for one that is folding; then it takes what is there.
_PATIENCE_S = 10.0
_AT_ONCE = 500


class Index:
    """Reads the sessions of a registry; made, mended and kept up behind the scenes.

    Parameters
    ----------
    registry : Path
        The registry.

    Notes
    -----
    Trouble with the index is said once and costs a fold, never an answer: one that is broken is
    moved aside, and where none can be written, one is kept that ends with the process.
    """

    def __init__(self, registry: Path) -> None:
        self.registry = registry
        self._path = index_path(registry)
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._temporary = False
        self._said: set[str] = set()
        self._unreadable: set[str] = set()
        self._inherited: list[sqlite3.Connection] = []

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None and self._pid == os.getpid():
            connection.close()

    def get(self, session_id: object) -> dict[str, Any] | None:
        """Return a session as the journal tells it, or None."""
        told = self._told(session_id)
        return fold(told) if told else None

    def line(self, session_id: object) -> object:
        """Return what tells the line that created a session from every other."""
        return line_of(self._told(session_id))

    def numbers(self, query: str, parameters: Sequence[object], limit: int | None) -> list[int]:
        """Return the first numbers that a query gives, each once, of an index kept up."""

        def read(connection: sqlite3.Connection) -> list[int]:
            found: dict[int, None] = {}
            rows = connection.execute(query, parameters)
            while (limit is None or len(found) < limit) and (row := rows.fetchone()):
                found[row[0]] = None
            rows.close()
            return list(found)

        return self._safely(read)

    def sessions(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Yield sessions by their numbers, in that order, a few at a time."""
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT n, body FROM bodies WHERE n IN ({marks})"
            bodies = dict(self._rows(query, some, fresh=False))
            # One that was removed in the meantime is left out.
            yield from (_session(bodies[number]) for number in some if number in bodies)

    def everything(self) -> Iterator[dict[str, Any]]:
        """Yield all sessions, the oldest first."""
        query = "SELECT n FROM sessions ORDER BY start_time NULLS LAST, id"
        return self.sessions(self.numbers(query, (), None))

    def running(self) -> Iterator[dict[str, Any]]:
        """Yield those that have not ended as far as the journal tells, the oldest first."""
        query = "SELECT n FROM sessions WHERE status = 'running' ORDER BY start_time NULLS LAST, id"
        return self.sessions(self.numbers(query, (), None))

    def _rows(
        self, query: str, parameters: Sequence[object], *, fresh: bool = True
    ) -> list[tuple[Any, ...]]:
        return self._safely(lambda c: c.execute(query, parameters).fetchall(), fresh=fresh)

    def _told(self, session_id: object) -> list[tuple[int, dict[str, Any]]]:
        if not isinstance(session_id, str) or comparable(session_id) != session_id:
            return []  # nothing can have that ID
        query = "SELECT body FROM sessions JOIN bodies USING (n) WHERE id = ?"
        found = self._rows(query, [session_id])
        return [(file, event) for file, _, event in unpacked(found[0][0])] if found else []

    def _safely(self, read: Callable[[sqlite3.Connection], T], *, fresh: bool = True) -> T:
        with self._lock:
            for attempt in (1, 2, 3):
                try:
                    connection = self._opened()
                    if fresh:
                        self._refresh(connection)
                    return read(connection)
                except sqlite3.Error as error:
                    if attempt == 3 or self._temporary:
                        raise
                    self._mend(error)
            raise AssertionError("unreachable")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid != os.getpid():
            # A forked child must not even close what it inherited: that would end the locks.
            self._inherited.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._pid = os.getpid()
            if self._temporary:
                self._connection = open_temporary(self.registry)
            else:
                try:
                    self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                except OSError as error:
                    raise sqlite3.OperationalError(str(error)) from error
                self._connection = open_index(self._path, self.registry)
        return self._connection

    def _mend(self, error: sqlite3.Error) -> None:
        """Make room for a new index where this one is broken; else do without."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        broken = isinstance(error, ForeignIndexError) or not isinstance(
            error, (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
        )
        broken = broken or "no such table" in str(error) or "no such column" in str(error)
        if broken:
            try:
                with self._alone():
                    self._move_aside(error)
                return
            except OSError as trouble:
                error = sqlite3.OperationalError(str(trouble))
        self._temporary = True
        self._say(f"the index of the registry, {self._path}, can't be used ({error}): one is made "
                  "that ends with this process")  # fmt: skip

    def _move_aside(self, error: sqlite3.Error) -> None:
        try:
            connection = open_index(self._path, self.registry)
            sound = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            connection.close()
        except sqlite3.DatabaseError:
            sound = False
        if not sound:  # nobody was quicker
            move_aside(self._path, error)

    def _refresh(self, connection: sqlite3.Connection) -> None:
        try:
            grown = behind(connection, self.registry)
            if grown == []:
                return
            with self._alone():
                grown = behind(connection, self.registry)  # the one before may have done it
                if grown is None:
                    forget_all(connection)
                    grown = behind(connection, self.registry)
                Folding(connection, grown or [], self._unreadable).run()
        except TimeoutError:
            self._say("the registry's index is being brought up to date by another process: "
                      "what was written to the registry just now may be missing")  # fmt: skip
        except OSError as error:
            self._say(f"the registry can't be read: {error}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one that writes to the index."""
        if self._temporary:
            yield
            return
        from filelock import FileLock

        lock = FileLock(f"{self._path}.lock", timeout=_PATIENCE_S)
        try:
            lock.acquire()
        except TimeoutError:
            raise
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
        try:
            yield
        finally:
            lock.release()

    def _say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            warn(message)


def _session(body: bytes) -> dict[str, Any]:
    session = fold((file, event) for file, _, event in unpacked(body))
    assert session is not None, "a row of an index is a session"
    return session


APPLICATION_ID = 0x5C17E85E
VERSION = 3
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
