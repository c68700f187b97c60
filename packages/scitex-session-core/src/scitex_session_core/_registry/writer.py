"""Brings the index up to date: reads what is new in the journal, folds it, writes it to SQLite."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import gc
import hashlib
import json
import os
import sqlite3
from collections import defaultdict

from scitex_session_core._atomic import open_regular
from scitex_session_core._errors import warn
from scitex_session_core._record.record import parse_line

from .fields import FIELDS, comparable, leaves, row
from .fold import Folded, fold
from .journal import MADE, digest_number, journal_files
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any, TypeAlias

    from .fields import Comparable
    from .fold import Entry

    # The number of a file of the journal, a line of it, and the event on that line.
    Line: TypeAlias = tuple[int, bytes, dict[str, Any]]
    # The number of a name, and a value. The same fact may come twice.
    Facts: TypeAlias = list[tuple[int, Comparable]]

# So much is read and committed at once: memory stays flat, however long the journal is.
_CHUNK = 4 << 20
# So much of it is folded at once: what is in work fits the caches of a processor. With all of a
# chunk, a fold takes a fifth longer.
_BLOCK = 256 << 10
# So few files are compared at each reading even if they have not grown: somebody may have
# deleted the registry and made it anew with as many bytes.
_FEW = 20
# What is longer is no line of ours: zeros after a power cut, or another program's file.
_LONGEST_LINE = 32 << 20
_ROWS_AT_ONCE = 500
_CACHED_NAMES = 10_000
# The first bytes of a file distinguish it from another file of the same name.
_HEAD_LENGTH = 256
# So many lines of a session are folded again for each new one.
_MANY_LINES = 16

# What ``bodies`` holds of a session: its lines or, of many, what they are folded to.
BODY = "CASE WHEN kept IS NULL THEN body END, kept"

_COLUMNS = ("n", *FIELDS, "config")
_UPSERT = (
    f"INSERT INTO sessions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (n) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])}"
)

# An index that ends in start_time gives the newest of a kind without sorting them all. They are
# made after a fold, unless they are there: so the first one, of all sessions, is a tenth quicker.
_INDEXES = (
    "by_start ON sessions (start_time)",
    "by_config ON sessions (config)",
    *(
        f"by_{name} ON sessions ({name}, start_time)"
        for name in ("status", "script", "script_path", "exit_code", "host")
    ),
    "by_sweep ON sessions (sweep, trial) WHERE sweep IS NOT NULL",  # most are trials of none
)

_UPSERT_BODY = (
    "INSERT INTO bodies (n, body, kept) VALUES (?, ?, ?) ON CONFLICT (n) "
    "DO UPDATE SET body = ifnull(excluded.body, body), kept = excluded.kept"
)


class DamagedIndexError(sqlite3.DatabaseError):
    """An index that holds what was never written to it."""


def clear(connection: sqlite3.Connection) -> None:
    """Empty the index, because the journal has other files than those that were folded."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in (
            "files",
            "sessions",
            "bodies",
            "more",
            "waiting",
            "names",
            "facts",
            "configs",
        ):
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
    files = _files(registry)
    for found in files:
        name = os.fsencode(os.path.basename(found.path))
        if name in known:
            found.file, found.head, found.folded = known.pop(name)
            if found.size < found.folded:
                return None
        if (
            found.folded
            and (found.size > found.folded or len(files) <= _FEW)
            and _is_another(found)
        ):
            return None
        if found.size > found.folded:
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
        with open(file.path, "rb", opener=open_regular) as stream:
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
        self._progress = Progress(
            "folding the registry's journal", sum(file.size - file.folded for file in files)
        )
        # By the number of the name: values and owners.
        self._new_facts: defaultdict[int, list[tuple[Comparable, int]]] = defaultdict(list)

    def run(self) -> None:
        """Fold all files up to their present ends."""
        collects = gc.isenabled()
        gc.disable()  # it would look through all events again and again, and there are no cycles
        try:
            for file in self._files:
                try:
                    self._read(file)
                except OSError as error:
                    if file.path not in self._unreadable:
                        self._unreadable.add(file.path)
                        why = f"{error.filename}: {error.strerror}"
                        warn(f"a part of the registry can't be read: {why}")
            for index in _INDEXES:
                self._connection.execute(f"CREATE INDEX IF NOT EXISTS {index}")
        finally:
            if collects:
                gc.enable()
            self._progress.done()

    def _read(self, file: JournalFile) -> None:
        with open(file.path, "rb", opener=open_regular) as stream:
            stream.seek(file.folded)
            # What stands behind the last newline: that line may not be complete yet.
            rest: list[bytes] = []
            length = 0
            while chunk := stream.read(_CHUNK):
                complete = chunk.rfind(b"\n") + 1
                if complete:
                    self._commit(file, b"".join([*rest, chunk[:complete]]))
                    rest, length = [], 0
                rest.append(chunk[complete:])
                length += len(rest[-1])
                if length > _LONGEST_LINE:
                    self._commit(file, b"".join(rest))
                    rest, length = [], 0
                self._progress.show(len(chunk))

    def _commit(self, file: JournalFile, lines: bytes) -> None:
        with self._connection as connection:  # which commits, or rolls back
            connection.execute("BEGIN IMMEDIATE")
            number = self._mark_folded(file, lines)
            if number is not None:
                file.file = number
                end = 0
                while (begin := end) < len(lines):
                    end = lines.find(b"\n", begin + _BLOCK) + 1 or len(lines)
                    self._fold(number, lines[begin:end])
                self._store_facts()
        file.folded += len(lines)

    def _store_facts(self) -> None:
        """Write the new facts of a chunk at once."""
        for key, facts in sorted(self._new_facts.items()):
            try:
                # In the order of the table, each of its pages is looked for once.
                facts.sort()
            except TypeError:
                pass  # a name with numbers and texts: slower, and as right
            query = f"INSERT OR IGNORE INTO facts VALUES ({key}, ?, ?)"
            self._connection.executemany(query, facts)
        self._new_facts.clear()

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
            event = _event(line) if line and len(line) <= _LONGEST_LINE else None
            if event is None:
                continue
            session_id = event.get("id")
            if not isinstance(session_id, str):
                continue
            if (found := by_session.get(session_id)) is not None:
                found.append((file, line, event))
            elif comparable(session_id) == session_id:
                by_session[session_id] = [(file, line, event)]
        self._store(by_session)

    def _store(self, by_session: dict[str, list[Line]]) -> None:
        connection = self._connection
        known = self._stored(list(by_session))
        # A number is never used again: a reader that found it before a removal must not read the
        # body of another session.
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
        (last,) = connection.execute(query).fetchone() or (0,)
        following = last + 1
        bodies: list[tuple[int, bytes | None, str | None]] = []
        rows, more, old_facts = [], [], []
        waiting, arrived, gone = [], [], []
        for session_id, new in by_session.items():
            before = known.get(session_id, _NOTHING)
            number, earlier = before.number, before.session
            folded = before.folded.with_updates(_entries(new)) if before.folded else None
            if folded is not None and number is not None:
                session = folded.session
                bodies.append((number, None, folded.dumps()))
                more.append((number, _packed(new)))
            else:
                lines = [*self._lines(before), *new]
                found = fold(_entries(lines))
                if found is None:
                    waiting.append((session_id, _packed(lines)))
                    if number is not None:
                        gone.append((number,))
                        old_facts += [(*fact, number) for fact in self._facts(earlier)]
                    continue
                if number is None:
                    if before.body:
                        arrived.append((session_id,))
                    number, following = following, following + 1
                session = found
                many = len(lines) > _MANY_LINES
                kept = Folded.of(session, [*_entries(lines)]).dumps() if many else None
                bodies.append((number, _packed(lines), kept))
                if before.folded:
                    connection.execute("DELETE FROM more WHERE n = ?", [number])
            config = self._config(session["config"])
            rows.append((number, *row(session), config))
            if earlier is None:
                for key, value in self._facts(session):
                    self._new_facts[key].append((value, number))
                continue
            now, then = map(set, self._changed_facts(session, earlier))
            old_facts += [(*fact, number) for fact in then - now]
            for key, value in now - then:
                self._new_facts[key].append((value, number))
        connection.executemany("DELETE FROM waiting WHERE id = ?", arrived)
        connection.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?)", waiting)
        if old_facts:  # which may still wait to be written
            self._store_facts()
        for table in ("sessions", "bodies", "more"):
            connection.executemany(f"DELETE FROM {table} WHERE n = ?", gone)
        connection.executemany(_UPSERT, rows)
        connection.executemany(_UPSERT_BODY, bodies)
        connection.executemany("INSERT INTO more VALUES (?, ?)", more)
        connection.executemany("DELETE FROM facts WHERE (k, value, owner) = (?, ?, ?)", old_facts)

    def _stored(self, ids: list[str]) -> dict[str, _Stored]:
        known: dict[str, _Stored] = {}
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            some = ids[start : start + _ROWS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = (
                f"SELECT id, n, {BODY} FROM sessions JOIN bodies USING (n) WHERE id IN ({marks})"
            )
            for session_id, number, body, kept in self._connection.execute(query, some):
                known[session_id] = _Stored(number, body or b"", kept)
            query = f"SELECT id, body FROM waiting WHERE id IN ({marks})"
            for session_id, body in self._connection.execute(query, some):
                known[session_id] = _Stored(None, body)
        return known

    def _lines(self, stored: _Stored) -> list[Line]:
        """Return all lines of a session so far."""
        if not stored.folded:
            return unpacked(stored.body) if stored.body else []
        query = (
            "SELECT body FROM bodies WHERE n = ? "
            "UNION ALL SELECT * FROM (SELECT body FROM more WHERE n = ? ORDER BY rowid)"
        )
        bodies = self._connection.execute(query, [stored.number, stored.number]).fetchall()
        return [line for (body,) in bodies for line in unpacked(body)]

    def _changed_facts(
        self, session: dict[str, Any], earlier: dict[str, Any]
    ) -> tuple[Facts, Facts]:
        """Return the facts of a session, and those of what it was, as far as they may differ."""
        parts: list[dict[str, Any]] = [{MADE: []}, {MADE: []}]
        if session[MADE] != earlier[MADE]:
            parts = [{MADE: session[MADE]}, {MADE: earlier[MADE]}]
        for name in ("arguments", "results", "env"):
            now, then = session[name], earlier[name]
            # A name with a dot may be that of another value's part.
            if now is then or any("." in key for key in (*now, *then)):
                differ = [*now] if now is not then else []
                missing = [*then] if now is not then else []
            else:
                differ = [k for k in now if k not in then or not _same(now[k], then[k])]
                missing = [k for k in then if k not in now or not _same(now[k], then[k])]
            parts[0][name] = {key: now[key] for key in differ}
            parts[1][name] = {key: then[key] for key in missing}
        new, old = dict.fromkeys(session["tags"]), dict.fromkeys(earlier["tags"])
        parts[0]["tags"] = [tag for tag in new if tag not in old]
        parts[1]["tags"] = [tag for tag in old if tag not in new]
        return self._facts(parts[0]), self._facts(parts[1])

    def _facts(self, session: dict[str, Any] | None) -> Facts:
        """Return the facts of a session, or of parts of one."""
        if session is None:
            return []
        names, facts = self._names, []
        for mapping in ("arguments", "results", "env", "tags"):
            if session.get(mapping):
                for name, value in leaves(mapping, session[mapping]):
                    facts.append((names.get(name) or self._key(name), value))
        if session.get(MADE):
            key = self._key(MADE)
            numbers = map(digest_number, session[MADE])
            facts += [(key, number) for number in numbers if number is not None]
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


class _Stored:
    """What the index holds of a session so far."""

    __slots__ = ("body", "folded", "number")

    def __init__(
        self, number: int | None = None, body: bytes = b"", kept: str | None = None
    ) -> None:
        self.number = number
        self.body = body
        self.folded = None if kept is None else unkept(kept)

    @property
    def session(self) -> dict[str, Any] | None:
        if self.number is None:
            return None
        return self.folded.session if self.folded else session_of(self.body, None)


_NOTHING = _Stored()


def session_of(body: bytes, kept: str | None) -> dict[str, Any]:
    """Return the session in a row of ``bodies``.

    Raises
    ------
    DamagedIndexError
        It can't be read.
    """
    session = fold(_entries(unpacked(body))) if kept is None else unkept(kept).session
    if session is None:
        raise DamagedIndexError("a session has no creation")
    return session


def unkept(kept: str) -> Folded:
    """Return the session with many events in a row of ``bodies``.

    Raises
    ------
    DamagedIndexError
        It can't be read.
    """
    try:
        return Folded.loads(kept)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedIndexError(f"a session can't be read: {error}") from error


def unpacked(body: bytes) -> list[Line]:
    """Return the lines that a row of ``bodies`` holds.

    Raises
    ------
    DamagedIndexError
        They can't be read.
    """
    lines = []
    try:
        for stored in body.split(b"\n"):
            file, _, line = stored.partition(b" ")
            event = json.loads(line)
            event["id"]  # or it is no event
            lines.append((int(file), line, event))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedIndexError(f"a line can't be read: {error}") from error
    return lines


_decode = json.JSONDecoder().raw_decode


def _event(line: bytes) -> dict[str, Any] | None:
    """Return what `parse_line` does, in half the time for a line of ours."""
    try:
        text = line.decode("utf-8", "surrogatepass")
        event, end = _decode(text)
    except (ValueError, RecursionError):
        return parse_line(line)
    return event if end == len(text) and isinstance(event, dict) else parse_line(line)


def _packed(lines: Iterable[Line]) -> bytes:
    return b"\n".join(b"%d %s" % (file, line) for file, line, _ in lines)


def _entries(lines: Iterable[Line]) -> Iterator[Entry]:
    return ((file, event) for file, _, event in lines)


def _same(one: object, other: object) -> bool:
    return one is other or repr(one) == repr(other)  # 1, 1.0 and True are equal, and differ
