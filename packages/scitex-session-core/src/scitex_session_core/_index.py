"""The index of a registry: what the journal tells, folded into SQLite, kept up with it."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from threading import RLock

from ._errors import warn
from ._fields import comparable
from ._fold import fold, line_of
from ._folding import Folding, forget_all, unpacked
from ._grown import behind
from ._schema import ForeignIndexError, index_path, move_aside, open_index, open_temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
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
