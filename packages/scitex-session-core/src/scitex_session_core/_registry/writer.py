"""Brings the index up to date: reads what is new in the journal, folds it, writes it to SQLite."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import hashlib
import json
import os
import sys
import time

from scitex_session_core._errors import warn
from scitex_session_core._record.record import parse_line

from .fields import FIELDS, comparable, leaves, row
from .fold import fold
from .journal import MADE, digest_number, journal_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path
    from typing import Any, TypeAlias

    from .fields import Comparable

    # The number of a file of the journal, a line of it, and the event on that line.
    Line: TypeAlias = tuple[int, bytes, dict[str, Any]]
    # The number of a name, and a value.
    Facts: TypeAlias = set[tuple[int, Comparable]]

# So much is read and committed at once: memory stays flat, however long the journal is.
_CHUNK = 4 << 20
_ROWS_AT_ONCE = 500
_CACHED_NAMES = 10_000
# The first bytes of a file distinguish it from another file of the same name.
_HEAD_LENGTH = 256
# Progress is shown after this time.
_SILENT_S = 1.0

_COLUMNS = ("n", *FIELDS, "config")
_UPSERT = (
    f"INSERT INTO sessions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (n) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])}"
)


def clear(connection: sqlite3.Connection) -> None:
    """Empty the index, because the journal has other files than those that were folded."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in ("files", "sessions", "bodies", "waiting", "names", "facts", "configs"):
            connection.execute(f"DELETE FROM {table}")


class JournalFile:
    """A file of the journal, with the number of its bytes that are folded."""

    __slots__ = ("file", "folded", "head", "path", "size")

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.file: int | None = None
        self.head = b""
        self.folded = 0


def files_to_fold(connection: sqlite3.Connection, registry: Path) -> list[JournalFile] | None:
    """Return the files with new lines; None if the index was made from other files.

    Raises
    ------
    OSError
        The journal can't be listed.
    """
    known = {
        name: (file, head, folded)
        for file, name, head, folded in connection.execute("SELECT * FROM files")
    }
    grown = []
    for found in _files(registry):
        name = os.fsencode(os.path.basename(found.path))
        if name in known:
            found.file, found.head, found.folded = known.pop(name)
            if found.size < found.folded:
                return None
        if found.size > found.folded:
            if found.folded and _is_another(found):
                return None
            grown.append(found)
    return None if known else grown


def _files(registry: Path) -> list[JournalFile]:
    files = []
    for path in journal_files(registry):
        try:
            files.append(JournalFile(str(path), path.stat().st_size))
        except OSError:
            continue  # a broken link must not hide the other files
    return files


def _is_another(file: JournalFile) -> bool:
    try:
        with open(file.path, "rb") as stream:
            return stream.read(len(file.head)) != file.head
    except OSError:
        return False  # folding it will warn


class IndexWriter:
    """Folds files of the journal into the index.

    Parameters
    ----------
    connection : sqlite3.Connection
        The index.
    files : list of JournalFile
        The files to fold, from `files_to_fold`.
    unreadable : set of str
        The files that could not be read, each of which is warned about once. It is added to.
    """

    def __init__(
        self, connection: sqlite3.Connection, files: list[JournalFile], unreadable: set[str]
    ) -> None:
        self._connection = connection
        self._files = files
        self._unreadable = unreadable
        self._names: dict[str, int] = {}
        self._configs: set[int] = set()
        self._progress = Progress(sum(file.size - file.folded for file in files))

    def run(self) -> None:
        """Fold all files up to their present ends."""
        try:
            for file in self._files:
                try:
                    self._read(file)
                except OSError as error:
                    if file.path not in self._unreadable:
                        self._unreadable.add(file.path)
                        warn(f"a part of the registry can't be read: {error}")
        finally:
            self._progress.done()

    def _read(self, file: JournalFile) -> None:
        with open(file.path, "rb") as stream:
            stream.seek(file.folded)
            rest = b""
            while chunk := stream.read(_CHUNK):
                rest += chunk
                # A line without its newline may not be complete yet.
                complete = rest.rfind(b"\n") + 1
                if complete:
                    self._commit(file, rest[:complete])
                    rest = rest[complete:]
                self._progress.show(len(chunk))

    def _commit(self, file: JournalFile, lines: bytes) -> None:
        with self._connection as connection:  # which commits, or rolls back
            connection.execute("BEGIN IMMEDIATE")
            number = self._mark_folded(file, lines)
            if number is not None:
                file.file = number
                self._fold(number, lines)
        file.folded += len(lines)

    def _mark_folded(self, file: JournalFile, lines: bytes) -> int | None:
        """Count `lines` as folded, and return the number of the file.

        None if another process folded them.
        """
        folded = file.folded + len(lines)
        if file.file is None:
            name = os.fsencode(os.path.basename(file.path))
            done = self._connection.execute(
                "INSERT INTO files (name, head, folded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [name, lines[:_HEAD_LENGTH], folded],
            )
            return done.lastrowid if done.rowcount else None
        done = self._connection.execute(
            "UPDATE files SET folded = ? WHERE file = ? AND folded = ?",
            [folded, file.file, file.folded],
        )
        return file.file if done.rowcount else None

    def _fold(self, file: int, lines: bytes) -> None:
        by_session: dict[str, list[Line]] = {}
        for line in lines.split(b"\n"):
            event = parse_line(line)
            if event is not None:
                session_id = event.get("id")
                if isinstance(session_id, str) and comparable(session_id) == session_id:
                    by_session.setdefault(session_id, []).append((file, line, event))
        self._store(by_session)

    def _store(self, by_session: dict[str, list[Line]]) -> None:
        connection = self._connection
        known = self._stored(list(by_session))
        # A number is never used again: a reader that found it before a removal must not read the
        # body of another session.
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
        (last,) = connection.execute(query).fetchone() or (0,)
        following = last + 1
        rows, bodies, facts, old_facts, waiting, arrived = [], [], [], [], [], []
        for session_id, new in by_session.items():
            number, body = known.get(session_id, (None, b""))
            before = [(f, event) for f, _, event in unpacked(body)] if body else []
            session = fold([*before, *((f, event) for f, _, event in new)])
            body = b"\n".join([body, *(b"%d %s" % (f, line) for f, line, _ in new)]).lstrip(b"\n")
            earlier = self._facts(fold(before)) if number is not None else set()
            if session is None:
                waiting.append((session_id, body))
                if number is not None:
                    connection.execute("DELETE FROM sessions WHERE n = ?", [number])
                    connection.execute("DELETE FROM bodies WHERE n = ?", [number])
                    old_facts += [(*fact, number) for fact in earlier]
                continue
            if number is None:
                if before:
                    arrived.append((session_id,))
                number, following = following, following + 1
            config = self._config(session["config"])
            rows.append((number, *row(session).values(), config))
            bodies.append((number, body))
            now = self._facts(session)
            old_facts += [(*fact, number) for fact in earlier - now]
            facts += [(*fact, number) for fact in now - earlier]
        connection.executemany("DELETE FROM waiting WHERE id = ?", arrived)
        connection.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?)", waiting)
        connection.executemany(_UPSERT, rows)
        connection.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?)", bodies)
        connection.executemany("DELETE FROM facts WHERE (k, value, owner) = (?, ?, ?)", old_facts)
        connection.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", facts)

    def _stored(self, ids: list[str]) -> dict[str, tuple[int | None, bytes]]:
        known: dict[str, tuple[int | None, bytes]] = {}
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            some = ids[start : start + _ROWS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            for query in (
                f"SELECT id, n, body FROM sessions JOIN bodies USING (n) WHERE id IN ({marks})",
                f"SELECT id, NULL, body FROM waiting WHERE id IN ({marks})",
            ):
                for session_id, number, body in self._connection.execute(query, some):
                    known[session_id] = (number, body)
        return known

    def _facts(self, session: dict[str, Any] | None) -> Facts:
        if session is None:
            return set()
        facts = {
            (self._key(name), value)
            for mapping in ("arguments", "results", "tags")
            if session[mapping]
            for name, value in leaves(mapping, session[mapping])
        }
        if session[MADE]:
            key = self._key(MADE)
            numbers = map(digest_number, session[MADE])
            facts |= {(key, number) for number in numbers if number is not None}
        return facts

    def _config(self, config: dict[str, Any]) -> int:
        """Return the number of a config. Sessions with the same config share its facts."""
        if not config:
            return 0
        text = repr(config).encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
        if number not in self._configs:
            done = self._connection.execute("INSERT OR IGNORE INTO configs VALUES (?)", [number])
            if done.rowcount:
                facts = [(self._key(n), value, number) for n, value in leaves("config", config)]
                self._connection.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", facts)
            if len(self._configs) >= _CACHED_NAMES:  # all differ, so the cache gains nothing
                self._configs.clear()
            self._configs.add(number)
        return number

    def _key(self, name: str) -> int:
        key = self._names.get(name)
        if key is None:
            connection, kept = self._connection, comparable(name)
            connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", [kept])
            found = connection.execute("SELECT k FROM names WHERE name = ?", [kept]).fetchone()
            if len(self._names) >= _CACHED_NAMES:
                self._names.clear()
            key = self._names[name] = int(found[0])
        return key


def unpacked(body: bytes) -> list[Line]:
    """Return the lines that a row of ``bodies`` holds."""
    lines = []
    for stored in body.split(b"\n"):
        file, _, line = stored.partition(b" ")
        lines.append((int(file), line, json.loads(line)))
    return lines


class Progress:
    """Shows on a terminal how far a fold has come, once it takes longer than a moment."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._read = 0
        self._began = time.monotonic()
        self._shown = False

    def show(self, read: int) -> None:
        """Add the number of bytes read, and show the sum."""
        self._read += read
        stream = sys.stderr
        if time.monotonic() - self._began < _SILENT_S or stream is None or not stream.isatty():
            return
        self._shown = True
        stream.write(f"\rfolding the registry's journal: {100 * self._read // self._total} % ")
        stream.flush()

    def done(self) -> None:
        """Erase what was shown."""
        if self._shown:
            sys.stderr.write("\r" + " " * 48 + "\r")
            sys.stderr.flush()
