"""The index of a registry: an SQLite database of what the journal says, always up to date.

It can be made again from the journal at any time, so a broken one is replaced.
"""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import atexit
import errno
import os
import sqlite3
import stat
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import RLock
from weakref import WeakSet

from scitex_session_core._errors import warn
from scitex_session_core._paths import cache_dir, make_folders, on_network
from scitex_session_core._process import host

from .fields import FIELDS, comparable
from .fold import creation_token
from .seal import Seal
from .writer import (
    BODY,
    DamagedIndexError,
    IndexWriter,
    clear,
    files_to_fold,
    session_of,
    unkept,
    unpacked,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    from .seal import Signature

    T = TypeVar("T")

# A reader waits so long for another one that folds, and then takes what is there.
_PATIENCE_S = 10.0
_CLOSING_S = 1.0
_ROWS_AT_ONCE = 500
_ATTEMPTS = 3
# What SQLite calls an operational error although the file is to blame.
_DAMAGE = ("no such table", "no such column", "Could not decode")

_INDEX_DIR = "index"
_APPLICATION_ID = 0x5C17E85E
_VERSION = 7
_CACHE_KIB = 32 * 1024
_PAGE_BYTES = 16 * 1024  # with SQLite's 4 KiB, the same fold takes an eighth longer
_CHECKPOINT_PAGES = 2048

# Columns of values have no type: each value is compared as what it is. Columns of row numbers have
# one: without it, comparing them with another table's would not use an index.
_FACTS_KEY = "PRIMARY KEY (k, value, owner)"
_TABLES = (
    "CREATE TABLE about (registry TEXT)",
    "CREATE TABLE files (file INTEGER PRIMARY KEY, name UNIQUE, head, folded)",
    "CREATE TABLE sessions "
    f"(n INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(FIELDS)}, config INTEGER)",
    # The lines of each session. Of a session with many, `kept` is what they are folded to, and
    # those that came later are in `more`.
    "CREATE TABLE bodies (n INTEGER PRIMARY KEY, body, kept)",
    "CREATE TABLE more (n INTEGER, body)",
    # Sessions without a creation so far: the file of another machine may be read first.
    "CREATE TABLE waiting (id PRIMARY KEY, body) WITHOUT ROWID",
    "CREATE TABLE names (k INTEGER PRIMARY KEY, name UNIQUE)",
    # Every value of every argument, result and tag, by name, and the digest of every output file:
    # their owner is n. The owner of the values in a config is the config, which sessions share.
    f"CREATE TABLE facts (k INTEGER, value, owner INTEGER, {_FACTS_KEY}) WITHOUT ROWID",
    "CREATE TABLE configs (config INTEGER PRIMARY KEY)",
    "CREATE UNIQUE INDEX by_id ON sessions (id)",
    "CREATE INDEX more_of ON more (n)",
)
_TABLE_NAMES = {
    statement.partition(" (")[0].split()[-1] for statement in _TABLES if "TABLE" in statement
}


class ForeignIndexError(sqlite3.DatabaseError):
    """A database that is not the index of this registry."""


class ReplacedIndexError(sqlite3.DatabaseError):
    """An index in whose place another process has put a new one."""


def index_path(registry: Path) -> Path:
    """Return where this machine keeps its index of a registry: never on a network file system."""
    import hashlib

    name = f"{host()}\n{registry}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(name, digest_size=8).hexdigest()
    return _local_dir() / f"{digest}-v{_VERSION}.sqlite3"


def _local_dir() -> Path:
    try:
        folder = cache_dir() / _INDEX_DIR
        # In a home that machines share, locks and shared memory fail, and SQLite with them.
        if not on_network(folder):
            return folder
    except OSError:  # there is no home
        pass
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir(), f"scitex-session-{user}")


def _make_local_dir(folder: Path) -> None:
    """Make the folder of indexes.

    Raises
    ------
    OSError
        It can't be made, or lies where all users may write and another one may have made it: what
        it holds would be theirs.
    """
    if folder.name == _INDEX_DIR:
        make_folders(folder)
        return
    make_folders(folder.parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and not _is_own(found)):
            raise PermissionError(errno.EPERM, "is another user's", str(folder)) from None


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _open_index(name: str, registry: Path, seal: Seal | None = None) -> sqlite3.Connection:
    """Open the index in the file `name`, or make it. "" is an index that ends with the connection.

    Raises
    ------
    sqlite3.Error
        It can't be opened or made, or is not an index of this registry.
    """
    connection = sqlite3.connect(
        name, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    try:
        # Readers go on while one folds, and a commit does not wait for the disk: what a power cut
        # takes is folded again.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of an index that is made now
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        _check_or_make(connection, registry, seal)
    except BaseException:
        connection.close()
        raise
    _connections.add(connection)
    return connection


def _close(connection: sqlite3.Connection) -> None:
    _connections.discard(connection)
    connection.close()


def _move_aside(path: Path, why: object) -> None:
    """Rename a broken index to make room for a new one, and warn."""
    aside = path.with_name(f"{path.name}.{time.strftime('%Y-%m-%d-%Hh%Mm%Ss')}.{os.getpid()}.aside")
    os.replace(path, aside)
    for end in ("-wal", "-shm"):
        try:
            os.replace(f"{path}{end}", f"{aside}{end}")
        except FileNotFoundError:
            pass
    warn(f"the index of the registry is broken ({why}): it is made again; the old one is {aside}")


def _check_or_make(connection: sqlite3.Connection, registry: Path, seal: Seal | None) -> None:
    if _pragma(connection, "application_id") == _APPLICATION_ID:
        _check(connection, registry)
        return
    with connection:  # which commits, or rolls back
        connection.execute("BEGIN IMMEDIATE")
        if _pragma(connection, "application_id") != _APPLICATION_ID:  # no other process made it
            if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
                raise ForeignIndexError("it is another program's database")
            if seal is not None:
                seal.remove()  # that of an index which was deleted
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES (?)", [_text(registry)])
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    _check(connection, registry)


def _check(connection: sqlite3.Connection, registry: Path) -> None:
    if _pragma(connection, "user_version") != _VERSION:
        raise ForeignIndexError("it is of another version")
    if connection.execute("SELECT registry FROM about").fetchone() != (_text(registry),):
        raise ForeignIndexError("it is another registry's")
    found = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    if missing := _TABLE_NAMES - {name for (name,) in found}:
        raise ForeignIndexError(f"it lacks {', '.join(sorted(missing))}")


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _text(registry: Path) -> str:
    return os.fsencode(registry).decode("utf-8", "backslashreplace")


def _inode(signature: Signature | None) -> int | None:
    return None if signature is None else signature[0]


def _has_content(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


class Index:
    """Reads the sessions of a registry. Every read first folds what is new in the journal.

    Parameters
    ----------
    registry : Path
        The directory of the registry.

    Notes
    -----
    Trouble with the index is warned about once, and costs a fold but never the answer. A broken
    index, and one that another program has changed, is moved aside and made again. Where none can
    be written, a temporary one serves that ends with the process.
    """

    def __init__(self, registry: Path) -> None:
        self.registry = registry
        self._path = index_path(registry)
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._temporary = False
        self._seal = Seal(self._path)
        self._verified: Signature | None = None  # the file as it was when last found to be sound
        self._inode: int | None = None
        self._generation = 0  # counts the files that were used: numbers of rows are those of one
        self._warned: set[str] = set()
        self._unreadable: set[str] = set()
        self._inherited: list[sqlite3.Connection] = []
        _open_ones.add(self)

    def __del__(self) -> None:
        if hasattr(self, "_inherited"):
            self.close()

    def close(self) -> None:
        """Close the file of the index, and leave it sealed. The next read opens it again."""
        connection, self._connection = self._connection, None
        if connection is None or self._pid != os.getpid():
            return
        if self._temporary or not _has_content(f"{self._path}-wal"):
            _close(connection)
            return
        try:
            # SQLite moves what is in the log to the file when its last user closes it.
            with self._write_lock(_CLOSING_S):
                now = self._seal.now()
                sealed = now is not None and now[0] == self._inode and self._seal.read() == now
                if sealed:
                    self._seal.remove()
                _close(connection)
                if sealed:
                    self._seal.write()
        except Exception:  # noqa: BLE001  # the lock is held; or the interpreter is half gone
            self._seal.remove()
            _close(connection)

    def whole(self, work: Callable[[], T]) -> T:
        """Return what `work` reads, in any number of steps, from one and the same index.

        If the index turns out to be broken in between, the numbers that were read are those of
        another one, and `work` begins again.
        """
        for _ in range(_ATTEMPTS):
            generation = self._generation
            found = work()
            if generation == self._generation:
                break
        return found

    def get(self, session_id: object) -> dict[str, Any] | None:
        """Return a session as the journal has it, or None."""
        return self._read_body(session_id, session_of)

    def creation_token(self, session_id: object) -> object:
        """Return the unique token of the journal line that created the session."""
        return self._read_body(session_id, _token)

    def numbers(self, query: str, parameters: Sequence[object], limit: int | None) -> list[int]:
        """Return the first `limit` session numbers that a query finds, each once."""

        def read(connection: sqlite3.Connection) -> list[int]:
            found: dict[int, None] = {}
            rows = connection.execute(query, parameters)
            while (limit is None or len(found) < limit) and (row := rows.fetchone()):
                found[row[0]] = None
            rows.close()
            return list(found)

        return self._read(read)

    def texts(self, query: str, parameters: Sequence[object]) -> list[str]:
        """Return the texts that a query finds."""
        return self._read(lambda connection: [t for (t,) in connection.execute(query, parameters)])

    def names(self) -> list[str]:
        """Return the dotted names of arguments, results, configs and environments."""
        return [name for name in self.texts("SELECT name FROM names", ()) if "." in name]

    def sessions(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Yield the sessions with these numbers, in this order."""
        return (session for _, session in self.numbered(numbers))

    def numbered(self, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield these numbers and the sessions, in this order."""
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            some = numbers[start : start + _ROWS_AT_ONCE]
            found = self._read(partial(_sessions, some), fresh=False)
            # A session that was removed in the meantime is left out.
            yield from ((number, found[number]) for number in some if number in found)

    def all_sessions(self) -> list[dict[str, Any]]:
        """Return all sessions, the oldest first."""
        return self._from_the_oldest()

    def directories(self) -> dict[str, str]:
        """Return where the run of each session was last seen, by ID."""
        query = "SELECT id, run_dir FROM sessions WHERE run_dir IS NOT NULL"
        return self._read(lambda connection: dict(connection.execute(query).fetchall()))

    def running(self) -> list[dict[str, Any]]:
        """Return the sessions whose end is not in the journal, the oldest first."""
        return self._from_the_oldest("WHERE status = 'running'")

    def _from_the_oldest(self, where: str = "") -> list[dict[str, Any]]:
        query = f"SELECT n FROM sessions {where} ORDER BY start_time NULLS LAST, id"
        return self.whole(lambda: list(self.sessions(self.numbers(query, (), None))))

    def _read_body(self, session_id: object, take: Callable[[bytes, str | None], T]) -> T | None:
        """Return what `take` makes of what the index holds of a session; None if it has none."""
        if not isinstance(session_id, str) or comparable(session_id) != session_id:
            return None  # no session can have that ID
        query = f"SELECT {BODY} FROM sessions JOIN bodies USING (n) WHERE id = ?"

        def read(connection: sqlite3.Connection) -> T | None:
            found = connection.execute(query, [session_id]).fetchone()
            return None if found is None else take(*found)

        return self._read(read)

    def _read(self, read: Callable[[sqlite3.Connection], T], *, fresh: bool = True) -> T:
        with self._lock:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    connection = self._open()
                    self._verify(connection)
                    if fresh or attempt > 1:
                        self._refresh(connection)
                    return read(connection)
                except (sqlite3.Error, UnicodeDecodeError) as error:
                    if attempt == _ATTEMPTS or self._temporary:
                        raise
                    if isinstance(error, UnicodeDecodeError):
                        # SQLite quotes a name that it can't read, and that is no text.
                        self._recover(DamagedIndexError(str(error)))
                    else:
                        self._recover(error)
            raise AssertionError("unreachable")

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid != os.getpid():
            # A forked child must not even close what it inherited: that would release the locks.
            self._inherited.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._pid = os.getpid()
            self._verified = None
            if self._temporary:
                self._connection = _open_index("", self.registry)
                return self._connection
            try:
                _make_local_dir(self._path.parent)
            except OSError as error:
                raise sqlite3.OperationalError(str(error)) from error
            self._inode = _inode(self._seal.now())
            self._connection = _open_index(str(self._path), self.registry, self._seal)
            self._inode = _inode(self._seal.now())
        return self._connection

    def _verify(self, connection: sqlite3.Connection) -> None:
        """Check the file of the index if it is not as it was when last found to be sound.

        Raises
        ------
        DamagedIndexError
            It is broken, or another program has changed it.
        ReplacedIndexError
            Another process has put another index in its place.
        """
        if self._temporary or (now := self._seal.now()) == self._verified:
            return
        if _inode(now) != self._inode:
            raise ReplacedIndexError("it was replaced")
        sealed = self._seal.read()
        if sealed is not None and sealed != now:
            try:
                with self._write_lock():  # or somebody is just about to seal it
                    now, sealed = self._seal.now(), self._seal.read()
            except TimeoutError:
                return
            if sealed is not None and sealed != now:
                raise DamagedIndexError("another program has changed it")
        if sealed is None and self._verified is None:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise DamagedIndexError(found[0] if found else "it can't be checked")
            self._seal_unsealed(now)
        if sealed is not None or self._verified is None:
            self._verified = now

    def _seal_unsealed(self, checked: Signature | None) -> None:
        try:
            with self._write_lock(0):
                if self._seal.read() is None and self._seal.now() == checked:
                    self._seal.write()
        except (TimeoutError, sqlite3.OperationalError):
            pass  # somebody folds, and will seal it

    def _recover(self, error: sqlite3.Error) -> None:
        """Move a broken index aside; after any other error, use a temporary one."""
        self._generation += 1
        if isinstance(error, ReplacedIndexError):
            self.close()
            return
        damaged = isinstance(error, (ForeignIndexError, DamagedIndexError)) or not isinstance(
            error, (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
        )
        if damaged or any(text in str(error) for text in _DAMAGE):
            if self._connection is not None:
                _close(self._connection)
                self._connection = None
            try:
                with self._write_lock():
                    if _inode(self._seal.now()) == self._inode:  # no other process replaced it
                        self._seal.remove()
                        _move_aside(self._path, error)
                return
            except OSError as trouble:
                error = sqlite3.OperationalError(str(trouble))
        self.close()
        self._temporary = True
        self._warn_once(
            f"the index of the registry, {self._path}, can't be used ({error}): "
            "a temporary one is made that ends with this process"
        )

    def _refresh(self, connection: sqlite3.Connection) -> None:
        try:
            files = files_to_fold(connection, self.registry)
            if files == []:
                return
            with self._write_lock():
                files = files_to_fold(connection, self.registry)  # others may have folded some
                if not self._temporary:
                    self._seal.remove()
                if files is None:
                    clear(connection)
                    files = files_to_fold(connection, self.registry)
                IndexWriter(connection, files or [], self._unreadable).run()
                if not self._temporary:
                    self._verified = self._seal.write()
        except TimeoutError:
            self._warn_once(
                "the registry's index is being brought up to date by another process: "
                "what was written to the registry just now may be missing"
            )
        except OSError as error:
            where = error.filename or self.registry
            self._warn_once(f"the registry can't be read: {where}: {error.strerror or error}")

    @contextmanager
    def _write_lock(self, patience: float | None = None) -> Iterator[None]:
        """Keep other processes from writing to the index."""
        if self._temporary:
            yield
            return
        from filelock import FileLock

        timeout = _PATIENCE_S if patience is None else patience
        lock = FileLock(f"{self._path}.lock", timeout=timeout)
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

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            warn(message)


def _token(body: bytes, kept: str | None) -> object:
    if kept is not None:
        return unkept(kept).token
    return creation_token((file, event) for file, _, event in unpacked(body))


def _sessions(numbers: Sequence[int], connection: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    marks = ", ".join("?" * len(numbers))
    query = f"SELECT n, {BODY} FROM bodies WHERE n IN ({marks})"
    return {n: session_of(body, kept) for n, body, kept in connection.execute(query, numbers)}


_open_ones: WeakSet[Index] = WeakSet()
# Held here, a connection is no garbage together with its index, which closes it: Python finalizes
# garbage in any order, and warns of a connection that is finalized open (since 3.13).
_connections: set[sqlite3.Connection] = set()


@atexit.register
def _close_all() -> None:
    for index in list(_open_ones):
        index.close()
