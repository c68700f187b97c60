"""From the journal's files to the index: what was appended since the last time, chunk by chunk."""

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
from .journal import MADE, as_fact, journal_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any, TypeAlias

    from .fields import Comparable

    Line: TypeAlias = tuple[int, bytes, dict[str, Any]]
    Facts: TypeAlias = set[tuple[int, Comparable]]
    from pathlib import Path

# Read, folded and committed at once: memory stays flat however long the journal is.
_CHUNK = 4 << 20
_AT_ONCE = 500

_COLUMNS = ("n", *FIELDS, "config")
_UPSERT = (
    f"INSERT INTO sessions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (n) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])}"
)


def forget_all(connection: sqlite3.Connection) -> None:
    """Empty the index: it is of other files than those that are there."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in ("files", "sessions", "bodies", "waiting", "names", "facts", "configs"):
            connection.execute(f"DELETE FROM {table}")


class Folding:
    """Folds files of the journal into the index.

    Parameters
    ----------
    connection : sqlite3.Connection
        The index.
    files : list of JournalFile
        What `behind` gave.
    unreadable : set of str
        The files of which it was said that they can't be read; added to.
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
        """Fold until all that was there at the beginning is in the index."""
        try:
            for file in self._files:
                try:
                    self._file(file)
                except OSError as error:
                    if file.path not in self._unreadable:
                        self._unreadable.add(file.path)
                        warn(f"a part of the registry can't be read: {error}")
        finally:
            self._progress.done()

    def _file(self, file: JournalFile) -> None:
        with open(file.path, "rb") as stream:
            stream.seek(file.folded)
            rest = b""
            while chunk := stream.read(_CHUNK):
                rest += chunk
                # A line without its newline may still be on its way.
                complete = rest.rfind(b"\n") + 1
                if complete:
                    self._commit(file, rest[:complete])
                    rest = rest[complete:]
                self._progress.show(len(chunk))

    def _commit(self, file: JournalFile, lines: bytes) -> None:
        with self._connection as connection:  # which commits, or rolls back
            connection.execute("BEGIN IMMEDIATE")
            number = self._number(file, lines)
            if number is not None:
                file.file = number
                self._fold(number, lines)
        file.folded += len(lines)

    def _number(self, file: JournalFile, lines: bytes) -> int | None:
        """Take the lines for folded; None where somebody else has folded them."""
        folded = file.folded + len(lines)
        if file.file is None:
            name = os.fsencode(os.path.basename(file.path))
            done = self._connection.execute(
                "INSERT INTO files (name, head, folded) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [name, lines[:HEAD], folded],
            )
            return done.lastrowid if done.rowcount else None
        done = self._connection.execute(
            "UPDATE files SET folded = ? WHERE file = ? AND folded = ?",
            [folded, file.file, file.folded],
        )
        return file.file if done.rowcount else None

    def _fold(self, file: int, lines: bytes) -> None:
        told: dict[str, list[Line]] = {}
        for line in lines.split(b"\n"):
            event = parse_line(line)
            if event is not None:
                session_id = event.get("id")
                if isinstance(session_id, str) and comparable(session_id) == session_id:
                    told.setdefault(session_id, []).append((file, line, event))
        self._store(told)

    def _store(self, told: dict[str, list[Line]]) -> None:
        connection = self._connection
        known = self._known(list(told))
        # A number is never used again: who found it before a removal must not read another's body.
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
        (last,) = connection.execute(query).fetchone() or (0,)
        following = last + 1
        rows, bodies, facts, gone, waiting, arrived = [], [], [], [], [], []
        for session_id, new in told.items():
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
                    gone += [(*fact, number) for fact in earlier]
                continue
            if number is None:
                if before:
                    arrived.append((session_id,))
                number, following = following, following + 1
            config = self._config(session["config"])
            rows.append((number, *row(session).values(), config))
            bodies.append((number, body))
            now = self._facts(session)
            gone += [(*fact, number) for fact in earlier - now]
            facts += [(*fact, number) for fact in now - earlier]
        connection.executemany("DELETE FROM waiting WHERE id = ?", arrived)
        connection.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?)", waiting)
        connection.executemany(_UPSERT, rows)
        connection.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?)", bodies)
        connection.executemany("DELETE FROM facts WHERE (k, value, owner) = (?, ?, ?)", gone)
        connection.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", facts)

    def _known(self, ids: list[str]) -> dict[str, tuple[int | None, bytes]]:
        known: dict[str, tuple[int | None, bytes]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
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
            facts |= {(key, fact) for kept in session[MADE] if (fact := as_fact(kept)) is not None}
        return facts

    def _config(self, config: dict[str, Any]) -> int:
        """Return the number of a config, whose values are kept once for all that have the same."""
        if not config:
            return 0
        text = repr(config).encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
        if number not in self._configs:
            done = self._connection.execute("INSERT OR IGNORE INTO configs VALUES (?)", [number])
            if done.rowcount:
                facts = [(self._key(n), value, number) for n, value in leaves("config", config)]
                self._connection.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", facts)
            if len(self._configs) >= 10_000:  # all different: nothing to be gained, and flat
                self._configs.clear()
            self._configs.add(number)
        return number

    def _key(self, name: str) -> int:
        key = self._names.get(name)
        if key is None:
            connection, kept = self._connection, comparable(name)
            connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", [kept])
            found = connection.execute("SELECT k FROM names WHERE name = ?", [kept]).fetchone()
            if len(self._names) >= 10_000:
                self._names.clear()
            key = self._names[name] = int(found[0])
        return key


def unpacked(body: bytes) -> list[Line]:
    """Return the lines that a body is made of."""
    lines = []
    for line in body.split(b"\n"):
        file, _, told = line.partition(b" ")
        lines.append((int(file), told, json.loads(told)))
    return lines


# So many bytes at the beginning of a file tell it from another of its name.
HEAD = 256


class JournalFile:
    """A file of the journal, and how much of it is folded."""

    __slots__ = ("file", "folded", "head", "path", "size")

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.file: int | None = None
        self.head = b""
        self.folded = 0


def behind(connection: sqlite3.Connection, registry: Path) -> list[JournalFile] | None:
    """Return the files that hold something new; None where the index is not of these files.

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
            continue  # a link to nowhere: no reason not to read the others
    return files


def _is_another(file: JournalFile) -> bool:
    try:
        with open(file.path, "rb") as stream:
            return stream.read(len(file.head)) != file.head
    except OSError:
        return False  # folding it says so


_SILENT_S = 1.0


class Progress:
    """Says on a terminal how far a fold has come, once it takes longer than a moment."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._read = 0
        self._began = time.monotonic()
        self._shown = False

    def show(self, read: int) -> None:
        """Note how much more was read."""
        self._read += read
        stream = sys.stderr
        if time.monotonic() - self._began < _SILENT_S or stream is None or not stream.isatty():
            return
        self._shown = True
        stream.write(f"\rfolding the registry's journal: {100 * self._read // self._total} % ")
        stream.flush()

    def done(self) -> None:
        """Take away what was shown."""
        if self._shown:
            sys.stderr.write("\r" + " " * 48 + "\r")
            sys.stderr.flush()
