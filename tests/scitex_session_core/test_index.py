"""The index says what the journal says, whatever happened to it, to the journal, or to a reader."""

from __future__ import annotations

import io
import json
import os
import random
import sqlite3
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_core import (
    SessionManager,
    SessionWarning,
    journal_close,
    journal_create,
    journal_update,
)
from scitex_session_core._registry import index as index_module
from scitex_session_core._registry import progress, writer
from scitex_session_core._registry.fold import fold
from scitex_session_core._registry.index import Index, index_path
from support import run_script, start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def create(registry: Path, session_id: str, **fields: Any) -> None:
    told = {"script_path": None, "process": None, **fields}
    journal_create(registry, session_id, {}, **told)


def everything(registry: Path) -> dict[str, Any]:
    return SessionManager(registry).list_sessions()


def statuses(registry: Path) -> dict[str, str]:
    return {name: session["status"] for name, session in everything(registry).items()}


def append(registry: Path, data: bytes, name: str = "other.jsonl") -> None:
    (registry / "journal").mkdir(parents=True, exist_ok=True)
    with open(registry / "journal" / name, "ab") as file:
        file.write(data)


def lines(events: list[dict[str, Any]]) -> bytes:
    return b"".join(b"\n" + json.dumps(event).encode() + b"\n" for event in events)


def facts(registry: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(index_path(registry)) as connection:
        found = connection.execute(
            "SELECT s.id, names.name, value FROM facts JOIN names USING (k) "
            "JOIN sessions s ON s.n = owner WHERE names.name NOT LIKE 'config.%' ORDER BY 1, 2, 3"
        ).fetchall()
    connection.close()
    return found


class TestTheJournal:
    def test_refreshing_reads_only_what_is_new(self, registry: Path) -> None:
        index = SessionManager(registry)
        create(registry, "a")
        assert index.get_session("a")
        (path,) = sorted(registry.glob("journal/*.jsonl"))
        whole = path.read_bytes()
        # Read before, so never looked at again but for its beginning.
        path.write_bytes(whole[:256] + b"#" * (len(whole) - 256))
        create(registry, "b")
        assert index.get_session("b")
        assert list(statuses(registry)) == ["a", "b"]

    def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(
        self, registry: Path
    ) -> None:
        line = json.dumps({"event": "create", "id": "x", "time": "2026-11-22T05:00:00Z"}).encode()
        append(registry, b"\n" + line[:20])
        assert not statuses(registry)
        append(registry, line[20:] + b"\n")
        assert list(statuses(registry)) == ["x"]

    def test_torn_and_garbage_lines_are_skipped(self, registry: Path) -> None:
        create(registry, "a")
        (path,) = sorted(registry.glob("journal/*.jsonl"))
        append(registry, b'\n{"event": "create", "id": "torn', path.name)
        create(registry, "b")
        append(registry, b"\n\xff\xfe\n[]\n5\n{}\n" + b"[" * 100_000 + b"\n", path.name)
        garbage = b'{"event": "create", "id": 5}\n{"event": "later", "id": "a"}\n'
        garbage += b'{"event": "create", "id": "\\ud800"}\n'
        garbage += b'{"event": "update", "id": "a", "results": {"n": NaN, "i": 1e999}}\n'
        append(registry, garbage, path.name)
        create(registry, "c")
        assert statuses(registry) == dict.fromkeys("abc", "running")

    def test_a_line_longer_than_a_chunk_is_read(
        self, registry: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "_CHUNK", 100)
        create(registry, "x", arguments={"text": "x" * 1000})
        create(registry, "y")
        assert everything(registry)["x"]["arguments"] == {"text": "x" * 1000}
        assert list(everything(registry)) == ["x", "y"]

    def test_files_of_several_hosts_are_one_registry(self, registry: Path) -> None:
        started = {"event": "create", "id": "x", "time": "2026-11-22T05:00:00+00:00"}
        ended = {"event": "close", "id": "x", "time": "2026-11-22T06:00:00+00:00"}
        append(registry, lines([{**ended, "status": "success"}]), "host-a.jsonl")
        assert statuses(registry) == {}
        append(registry, lines([started]), "host-b.jsonl")
        assert statuses(registry) == {"x": "success"}

    def test_a_journal_that_shrank_is_folded_again(self, registry: Path) -> None:
        for name in "abc":
            create(registry, name, arguments={"name": name})
        assert list(statuses(registry)) == ["a", "b", "c"]
        (path,) = sorted(registry.glob("journal/*.jsonl"))
        path.write_bytes(path.read_bytes()[:300])
        assert list(statuses(registry)) == ["a"]
        assert facts(registry) == [("a", "arguments.name", "a")]

    def test_another_file_of_the_same_name_is_folded_again(self, registry: Path) -> None:
        create(registry, "a")
        assert list(statuses(registry)) == ["a"]
        (path,) = sorted(registry.glob("journal/*.jsonl"))
        path.unlink()
        for name in "bcd":
            create(registry, name)
        assert list(statuses(registry)) == ["b", "c", "d"]

    def test_a_file_that_is_gone_takes_its_sessions_along(self, registry: Path) -> None:
        create(registry, "a")
        append(registry, lines([{"event": "create", "id": "theirs"}]))
        assert sorted(statuses(registry)) == ["a", "theirs"]
        (registry / "journal" / "other.jsonl").unlink()
        assert list(statuses(registry)) == ["a"]

    def test_a_file_that_can_not_be_read_is_warned_about_once(self, registry: Path) -> None:
        create(registry, "mine")
        (registry / "journal" / "theirs.jsonl").mkdir()
        index = SessionManager(registry)
        with pytest.warns(SessionWarning, match=r"a part of the registry can't be read: .*theirs"):
            assert index.get_session("mine")
        assert index.get_session("mine")


IDS = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(0, 5).map(lambda second: f"2026-11-22T05:00:0{second}+00:00")
MAPS = st.dictionaries(st.sampled_from("mn"), st.integers(0, 2) | st.lists(st.text(max_size=1)))
EVENTS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["create", "close", "close", "update", "update", "remove"]),
        "id": IDS,
        "time": TIMES,
    },
    optional={
        "status": st.sampled_from(["success", "crashed", "failed"]),
        "arguments": MAPS,
        "results": MAPS,
        "tags": st.lists(st.sampled_from("tu"), max_size=2),
        "tag": st.sampled_from("tu"),
        "untag": st.sampled_from("tu"),
    },
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(EVENTS, max_size=8), min_size=1, max_size=3), st.integers(1, 400),
       st.integers(0, 20), st.randoms(use_true_random=False))  # fmt: skip
def test_an_index_is_the_same_in_whatever_order_and_pieces_it_was_folded(
    files: list[list[dict[str, Any]]], chunk: int, many: int, order: random.Random
) -> None:
    registry = Path(f"registry-{os.urandom(4).hex()}").absolute()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_CHUNK", chunk)
        patch.setattr(writer, "_MANY_LINES", many)
        rest = {number: lines(events) for number, events in enumerate(files)}
        manager = SessionManager(registry)
        while any(rest.values()):
            number = order.choice([n for n, text in rest.items() if text])
            cut = order.randint(1, len(rest[number]))
            append(registry, rest[number][:cut], f"{number}.jsonl")
            rest[number] = rest[number][cut:]
            manager.get_session("a")
    found = manager.list_sessions()
    in_pieces = facts(registry)
    index_path(registry).unlink()
    assert everything(registry) == found
    assert facts(registry) == in_pieces
    values = sorted(
        {
            (name, f"{mapping}.{key}", value)
            for name, session in found.items()
            for mapping in ("arguments", "results")
            for key, stored in session[mapping].items()
            for value in ([v.replace("\0", "\ufffd") for v in stored] if isinstance(stored, list)
                          else [stored])
        }
        | {(name, "tags", tag) for name, session in found.items() for tag in session["tags"]},
        key=repr,
    )  # fmt: skip
    assert sorted(in_pieces, key=repr) == values


LATE = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.fixed_dictionaries(
            {"event": st.just("update"), "id": st.just("x"),
             "time": st.integers(0, 40).map(lambda s: f"2026-11-22T05:00:{s:02d}+00:00")},
            optional={"results": MAPS, "tag": st.sampled_from("tuv"),
                      "untag": st.sampled_from("tu"), "note": st.text(max_size=2)},
        ),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(LATE, st.booleans())
def test_a_session_with_many_updates_is_what_all_of_its_events_make(
    updates: list[tuple[int, dict[str, Any]]], in_order: bool
) -> None:
    if in_order:
        updates = sorted(updates, key=lambda update: update[1]["time"])
    registry = Path(f"registry-{os.urandom(4).hex()}").absolute()
    created = {"event": "create", "id": "x", "time": "2026-11-22T05:00:00+00:00"}
    append(registry, lines([created]), "0.jsonl")
    manager = SessionManager(registry)
    told = [(0, created)]
    assert manager.get_session("x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_MANY_LINES", 3)
        for file, event in updates:
            append(registry, lines([event]), f"{file}.jsonl")
            told.append((file, event))
            assert manager.get_session("x") == fold(told)
    in_pieces = facts(registry)
    index_path(registry).unlink()
    assert manager.get_session("x")
    assert everything(registry) == {"x": fold(told)}
    assert facts(registry) == in_pieces


def test_an_update_reads_no_earlier_ones(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = SessionManager(registry)
    manager.create_session("x", {}, pid=None)
    for n in range(60):
        manager.update_session("x", results={"n": n})
    unpacked = writer.unpacked
    read: list[int] = []

    def counting(body: bytes) -> Any:
        found = unpacked(body)
        read.append(len(found))
        return found

    monkeypatch.setattr(writer, "unpacked", counting)
    manager.update_session("x", results={"n": -1}, tag="t")
    assert manager.get_session("x")["results"] == {"n": -1}
    assert read == []


@pytest.fixture
def told(registry: Path) -> Path:
    """A registry with two sessions, and an index of it."""
    create(registry, "a")
    journal_close(registry, "a", "success", 0)
    create(registry, "b")
    assert statuses(registry) == {"a": "success", "b": "running"}
    return registry


EXPECTED = {"a": "success", "b": "running"}


class TestABrokenIndex:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"this is no database at all" * 100,
            lambda data: data[: len(data) // 2],
            lambda data: data[:4096] + b"\xff" * (len(data) - 4096),
            lambda data: data[:20],
        ],
        ids=["garbage", "truncated", "overwritten", "a header's beginning"],
    )
    def test_it_is_moved_aside_and_made_again(self, told: Path, damage: Any) -> None:
        path = index_path(told)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.warns(SessionWarning, match="index of the registry is broken") as warned:
            assert statuses(told) == EXPECTED
        assert len(warned) == 1
        assert list(path.parent.glob("*.aside"))
        assert statuses(told) == EXPECTED

    def test_a_missing_one_is_made(self, told: Path) -> None:
        index_path(told).unlink()
        assert statuses(told) == EXPECTED

    def test_an_empty_one_is_filled(self, told: Path) -> None:
        index_path(told).write_bytes(b"")
        assert statuses(told) == EXPECTED

    def test_that_of_another_program_is_kept_aside(self, told: Path) -> None:
        path = index_path(told)
        path.unlink()
        with sqlite3.connect(path) as theirs:
            theirs.execute("CREATE TABLE precious (x)")
        theirs.close()
        with pytest.warns(SessionWarning, match="it is another program's database"):
            assert statuses(told) == EXPECTED
        (aside,) = path.parent.glob("*.aside")
        with sqlite3.connect(aside) as theirs:
            assert theirs.execute("SELECT count(*) FROM precious").fetchone() == (0,)
        theirs.close()

    def test_that_of_another_registry_is_not_taken_for_this_ones(
        self, told: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        create(other, "theirs")
        assert list(statuses(other)) == ["theirs"]
        index_path(told).write_bytes(index_path(other).read_bytes())
        with pytest.warns(SessionWarning, match="another registry's"):
            assert statuses(told) == EXPECTED

    def test_where_none_can_be_made_one_is_kept_for_the_time_being(
        self, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("SCITEX_SESSION_CACHE", str(tmp_path / "file" / "cache"))
        manager = SessionManager(told)
        with pytest.warns(SessionWarning, match="can't be used .* ends with this process") as said:
            assert list(manager.list_sessions()) == ["a", "b"]
        create(told, "c")
        assert manager.get_session("c")
        assert len(said) == 1

    @pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="needs a mount, so root on Linux"
    )
    def test_a_read_only_disk_is_no_obstacle(
        self, told: Path, full_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import subprocess

        monkeypatch.setenv("SCITEX_SESSION_CACHE", str(full_disk))
        assert statuses(told) == EXPECTED
        create(told, "c")
        subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
        with pytest.warns(SessionWarning, match="can't be used"):
            assert statuses(told) == {**EXPECTED, "c": "running"}

    def test_a_full_disk_is_no_obstacle(
        self, registry: Path, full_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SCITEX_SESSION_CACHE", str(full_disk))
        create(registry, "a", arguments={"text": "x" * 500_000})
        with pytest.warns(SessionWarning, match="can't be used"):
            assert list(statuses(registry)) == ["a"]


def asked(manager: SessionManager) -> list[Any]:
    """What a registry answers to one question of each kind."""
    return [
        manager.list_sessions(),
        manager.get_session("s7"),
        [s["id"] for s in manager.select({"status": "failed"}, sort="id")],
        [s["id"] for s in manager.select({"arguments.n": (">", 25)}, sort="-results.acc")],
        [s["id"] for s in manager.select({"tags": "odd"}, limit=5)],
        manager.get_active_sessions(),
    ]


@pytest.fixture
def many(registry: Path) -> tuple[Path, list[Any]]:
    """A registry with forty sessions, and its answers."""
    for n in range(40):
        create(registry, f"s{n}", arguments={"n": n, "path": f"/data/{n}.csv"})
        status = "failed" if n % 3 else "success"
        tags = ["odd"] if n % 2 else []
        journal_close(registry, f"s{n}", status, n % 3, results={"acc": n / 7}, tags=tags)
    for n in range(30):
        journal_update(registry, "s7", results={"step": n}, tag=f"t{n}")
    create(registry, "alive")
    return registry, asked(SessionManager(registry))


class TestAnIndexThatAnotherProgramChanged:
    def test_a_flipped_byte_never_gives_a_wrong_answer(
        self, many: tuple[Path, list[Any]], caused: Callable[[str, str], None]
    ) -> None:
        registry, right = many
        path, order = index_path(registry), random.Random(7)
        for _ in range(40):
            with open(path, "r+b") as file:
                at = order.randrange(file.seek(0, os.SEEK_END))
                file.seek(at)
                (byte,) = file.read(1)
                file.seek(at)
                file.write(bytes([byte ^ (1 << order.randrange(8))]))
            manager = SessionManager(registry)
            with pytest.warns(SessionWarning, match="index of the registry is broken") as warned:
                assert asked(manager) == right
            assert len(warned) == 1
            assert asked(manager) == asked(SessionManager(registry)) == right
            del manager
            caused("a byte of the index flipped", "folded anew, every answer right, one warning")

    def test_damage_that_sqlite_can_not_quote_is_damage(self, many: tuple[Path, list[Any]]) -> None:
        registry, right = many
        path = index_path(registry)
        # SQLite says "malformed database schema (by_ho\x9at)", which is no UTF-8.
        path.write_bytes(path.read_bytes().replace(b"by_hostsessions", b"by_ho\x9atsessions"))
        with sqlite3.connect(path) as broken, pytest.raises(UnicodeDecodeError):
            broken.execute("SELECT * FROM sessions")
        broken.close()
        with pytest.warns(SessionWarning, match="index of the registry is broken") as warned:
            assert asked(SessionManager(registry)) == right
        assert len(warned) == 1

    @pytest.mark.parametrize("part", [0.9, 0.5, 0.2, 0.0])
    def test_a_part_of_it_never_passes_for_all(
        self, many: tuple[Path, list[Any]], part: float
    ) -> None:
        registry, right = many
        path = index_path(registry)
        pages = int(path.stat().st_size * part) // 4096
        os.truncate(path, max(1, pages) * 4096)
        with pytest.warns(SessionWarning, match="index of the registry is broken") as warned:
            assert asked(SessionManager(registry)) == right
        assert len(warned) == 1

    def test_a_manager_that_has_it_open_notices(self, many: tuple[Path, list[Any]]) -> None:
        registry, right = many
        manager = SessionManager(registry)
        assert asked(manager) == right
        with open(index_path(registry), "r+b") as file:
            file.seek(5 * 4096)
            file.write(b"\xff" * 100)
        with pytest.warns(SessionWarning, match="index of the registry is broken"):
            assert asked(manager) == right

    def test_one_that_another_process_has_made_anew_is_taken(
        self, many: tuple[Path, list[Any]]
    ) -> None:
        registry, right = many
        manager = SessionManager(registry)
        assert asked(manager) == right
        index_path(registry).unlink()
        assert asked(SessionManager(registry)) == right
        create(registry, "later")
        assert manager.get_session("later")
        assert SessionManager(registry).get_session("later")

    def test_damage_that_comes_to_light_in_the_middle_begins_the_answer_anew(
        self, many: tuple[Path, list[Any]]
    ) -> None:
        registry, right = many
        with sqlite3.connect(index_path(registry)) as theirs:
            theirs.execute("UPDATE bodies SET body = X'ff' || body, kept = '[' WHERE n % 5 = 0")
            theirs.execute("DELETE FROM sessions WHERE n = 2")
        theirs.close()
        seal = index_path(registry).with_name(f"{index_path(registry).name}.seal")
        seal.unlink()  # as where a process was killed while it folded
        with pytest.warns(SessionWarning, match="index of the registry is broken") as warned:
            found = SessionManager(registry).list_sessions()
        assert found == right[0]
        assert len(warned) == 1

    def test_its_own_changes_are_no_damage(self, many: tuple[Path, list[Any]]) -> None:
        registry, _ = many
        # Under -W error, a warning would be an error.
        for n in range(5):
            one, other = SessionManager(registry), SessionManager(registry)
            one.create_session(f"new-{n}", {}, pid=None)
            assert other.get_session(f"new-{n}")
            del one
            other.close_session(f"new-{n}")
            del other
            assert SessionManager(registry).get_session(f"new-{n}")["status"] == "success"

    def test_its_pages_are_not_checked_each_time(
        self, many: tuple[Path, list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry, right = many
        asked_for: list[str] = []
        opened = index_module._open_index

        def tracing(*given: Any) -> sqlite3.Connection:
            connection = opened(*given)
            connection.set_trace_callback(asked_for.append)
            return connection

        monkeypatch.setattr(index_module, "_open_index", tracing)
        assert asked(SessionManager(registry)) == right
        create(registry, "later")
        assert SessionManager(registry).get_session("later")
        assert asked_for
        assert not any("quick_check" in statement for statement in asked_for)


def test_while_another_folds_what_is_there_is_read(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_PATIENCE_S", 0.05)
    manager = SessionManager(told)
    assert manager.get_session("b")
    create(told, "c")
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with FileLock(f"{index_path(told)}.lock"):
            held.set()
            free.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    try:
        with pytest.warns(SessionWarning, match="brought up to date by another process"):
            assert manager.get_session("c") == {}
        assert manager.get_session("a")
        manager.create_session("mine", {}, pid=None)  # not taken for a duplicate
    finally:
        free.set()
        holder.join()
    assert {"c", "mine"} <= manager.list_sessions().keys()


def test_a_database_that_is_locked_for_long_is_no_obstacle(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_PATIENCE_S", 0.05)
    manager = SessionManager(told)
    assert manager.get_session("b")
    locker = sqlite3.connect(index_path(told), isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    create(told, "c")
    try:
        with pytest.warns(SessionWarning, match="database is locked"):
            assert manager.get_session("c")
    finally:
        locker.close()


def test_a_session_that_ends_while_it_is_selected_is_there_once(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = SessionManager(registry)
    manager.create_session("race", {}, pid=None)
    running = Index.running

    def ending(index: Index) -> Iterator[dict[str, Any]]:
        yield from list(running(index))
        journal_close(registry, "race", "success", 0)

    monkeypatch.setattr(Index, "running", ending)
    found = manager.select({"status": ("in", ["running", "success"])})
    assert [session["status"] for session in found] == ["success"]


def test_a_forked_child_has_a_connection_of_its_own(told: Path) -> None:
    done = run_script(
        """
        import os, sys
        from pathlib import Path
        from scitex_session_core import SessionManager
        manager = SessionManager(sys.argv[1])
        print(sorted(manager.list_sessions()), flush=True)
        child = os.fork()
        if child == 0:
            manager.create_session("child", {}, pid=None)
            os._exit(0 if "child" in manager.list_sessions() else 1)
        print(os.waitpid(child, 0)[1])
        print(sorted(manager.list_sessions()))
        """,
        str(told),
    )
    assert done.stdout == "['a', 'b']\n0\n['a', 'b', 'child']\n", done.stderr


def test_threads_share_a_manager(registry: Path) -> None:
    manager = SessionManager(registry)
    failed = []

    def work(number: int) -> None:
        try:
            for n in range(10):
                manager.create_session(f"{number}-{n}", {}, pid=None)
                manager.close_session(f"{number}-{n}")
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert {s["status"] for s in manager.list_sessions().values()} == {"success"}
    assert len(manager.list_sessions()) == 40


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.6])
def test_a_folder_that_was_killed_leaves_an_index_that_goes_on(
    registry: Path, after: float
) -> None:
    events: list[dict[str, Any]] = []
    for n in range(20_000):
        events.append({"event": "create", "id": str(n), "time": "2026-11-22T05:00:00Z"})
        events.append({"event": "close", "id": str(n), "status": "success", "results": {"n": n}})
    append(registry, lines(events))
    program = """
        import sys
        from scitex_session_core import SessionManager
        from scitex_session_core._registry import writer
        writer._CHUNK = 20_000
        print("up", flush=True)
        SessionManager(sys.argv[1]).get_session("0")
        print("folded", flush=True)
        """
    with start_script(program, str(registry)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        path = index_path(registry)
        wait_until(path.exists)
        try:
            child.wait(after)
        except Exception:  # noqa: BLE001  # subprocess.TimeoutExpired: it is folding
            child.kill()
            child.wait()
    found = statuses(registry)
    assert len(found) == 20_000
    assert set(found.values()) == {"success"}
    assert len(facts(registry)) == 20_000


def test_sixteen_processes_create_close_and_fold_at_once(registry: Path) -> None:
    done = run_script(
        """
        import os, sys
        from scitex_session_core import SessionManager
        children = []
        for writer in range(16):
            child = os.fork()
            if child == 0:
                manager = SessionManager(sys.argv[1])
                for n in range(6):
                    manager.create_session(f"{writer}-{n}", {"n": n})
                    assert f"{writer}-{n}" in manager.get_active_sessions()
                    manager.close_session(f"{writer}-{n}", "failed", n)
                    assert manager.get_session(f"{writer}-{n}")["exit_code"] == n
                os._exit(0)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children])
        """,
        str(registry),
    )
    assert done.stdout == f"{[0] * 16}\n", done.stderr
    assert done.stderr == ""
    found = everything(registry)
    assert sorted(found) == sorted(f"{writer}-{n}" for writer in range(16) for n in range(6))
    assert all(s["exit_code"] == int(name.split("-")[1]) for name, s in found.items())


def test_a_cache_may_be_chosen(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(tmp_path / "chosen"))
    create(registry, "a")
    assert list(statuses(registry)) == ["a"]
    assert index_path(registry).parent == tmp_path / "chosen" / "index"
    assert index_path(registry).exists()
    assert os.listdir(registry) == ["journal"]


class Terminal(io.StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "silent"), [(Terminal, 60), (Terminal, 0), (io.StringIO, 0)])
def test_a_long_fold_shows_its_progress_on_a_terminal_only(
    registry: Path, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], silent: float
) -> None:
    monkeypatch.setattr(progress, "_SILENT_S", silent)
    monkeypatch.setattr(writer, "_CHUNK", 500)
    monkeypatch.setattr(sys, "stderr", stream())
    for name in "abcdef":
        create(registry, name)
    assert len(everything(registry)) == 6
    shown = sys.stderr.getvalue()  # type: ignore[union-attr]
    if stream is Terminal and not silent:
        assert "\rfolding the registry's journal: " in shown
        assert "100 %" in shown
        assert shown.endswith("\r")
    else:
        assert shown == ""


def test_what_is_too_long_for_a_line_is_passed_over(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As zeros after a power cut, or a file of another program."""
    monkeypatch.setattr(writer, "_LONGEST_LINE", 10_000)
    monkeypatch.setattr(writer, "_CHUNK", 1 << 12)
    create(registry, "before")
    held = [len(name) for name in ("short", "x" * 9_000, "x" * 30_000)]
    for number, length in enumerate(held):
        event = {"event": "create", "id": str(number), "config": {"note": "x" * length}}
        append(registry, lines([event]))
    append(registry, bytes(100_000))
    assert list(everything(registry)) == ["before", "0", "1"]
    append(registry, lines([{"event": "create", "id": "after"}]))
    assert list(everything(registry)) == ["before", "0", "1", "after"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_or_a_device_in_the_journal_keeps_no_reader(registry: Path) -> None:
    create(registry, "mine")
    journal = registry / "journal"
    os.mkfifo(journal / "pipe.jsonl")
    (journal / "device.jsonl").symlink_to("/dev/zero")
    assert list(everything(registry)) == ["mine"]


def test_updates_reach_what_was_folded_before(registry: Path) -> None:
    manager = SessionManager(registry)
    create(registry, "x")
    journal_close(registry, "x", "success", 0, results={"acc": 1}, tags=["a"])
    assert manager.get_session("x")
    journal_update(registry, "x", tag="b", untag="a", results={"acc": 2})
    session = manager.get_session("x")
    assert (session["tags"], session["results"]) == (["b"], {"acc": 2})
    assert facts(registry) == [("x", "results.acc", 2), ("x", "tags", "b")]


def test_an_update_far_behind_in_the_same_file_is_folded_with_what_it_changes(
    registry: Path,
) -> None:
    create(registry, "x")
    journal_close(registry, "x", "success", 0, results={"acc": 1}, tags=["a"])
    for _ in range(2):
        journal_update(registry, "other", note="n" * 200_000)
    journal_update(registry, "x", tag="b", untag="a", results={"acc": 2})
    assert SessionManager(registry).get_session("x")
    assert facts(registry) == [("x", "results.acc", 2), ("x", "tags", "b")]


@pytest.fixture(autouse=True)
def no_connection_left_open() -> Iterator[None]:
    import gc

    yield
    gc.collect()
