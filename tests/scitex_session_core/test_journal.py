"""The journal is only ever appended to, by any number of processes."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import journal_close, journal_create, journal_update, new_record
from support import read_json_lines, run_script


def create(registry: Path, session_id: str = "x", **fields: Any) -> None:
    journal_create(registry, session_id, fields, script_path=None, process=None)


def test_a_session_is_two_lines(registry: Path, tmp_path: Path) -> None:
    line = journal_create(
        registry,
        "x",
        {"lr": 1},
        script_path="fit.py",
        process={"pid": 1},
        run_dir=tmp_path / "RUNNING" / "x",
    )
    journal_close(registry, "x", "failed", 3, run_dir=tmp_path, time="2026-11-22T05:09:48+00:00")
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    created, closed = read_json_lines(path)
    assert created.pop("time") < "3"
    assert created == {
        "event": "create",
        "id": "x",
        "line": line,
        "config": {"lr": 1},
        "script_path": "fit.py",
        "process": {"pid": 1},
        "run_dir": str(tmp_path / "RUNNING" / "x"),
    }
    assert closed == {
        "event": "close",
        "id": "x",
        "time": "2026-11-22T05:09:48+00:00",
        "status": "failed",
        "exit_code": 3,
        "run_dir": str(tmp_path),
    }


def test_there_is_a_file_per_machine_boot_and_month(registry: Path) -> None:
    create(registry)
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    month = time.strftime("%Y-%m", time.gmtime())
    process = new_record("x")["process"]
    machine = f"{process['host']}-{(process['boot_id'] or 'noboot')[:8]}"
    assert re.fullmatch(rf"{re.escape(machine)}-[0-9a-f]{{8}}-{month}\.jsonl", path.name)
    assert path.parent == registry / "journal"


def test_absent_fields_are_not_written(registry: Path) -> None:
    create(registry)
    journal_close(registry, "x", "success", 0)
    created, closed = read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])
    assert not {"arguments", "function", "parent", "attempt", "tags"} & created.keys()
    assert not {"results", "tags", "note", "artifacts"} & closed.keys()


def test_all_fields_of_a_session_are_written(registry: Path) -> None:
    told = {"arguments": {"lr": 1}, "function": "fit", "parent": "p", "attempt": 2, "tags": ["a"]}
    journal_create(registry, "x", {}, script_path=None, process=None, **told)  # type: ignore[arg-type]
    ended = {"results": {"acc": 1}, "tags": [], "note": "n", "artifacts": 0}
    journal_close(registry, "x", "success", 0, **ended)  # type: ignore[arg-type]
    journal_update(registry, "x", tag="b", results={"f1": 2})
    created, closed, updated = read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])
    assert {name: created[name] for name in told} == told
    assert {name: closed[name] for name in ended} == ended
    assert {k: v for k, v in updated.items() if k != "time"} == {
        "event": "update",
        "id": "x",
        "tag": "b",
        "results": {"f1": 2},
    }


def test_a_journal_is_only_appended_to(registry: Path) -> None:
    create(registry, "a")
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    before = path.read_bytes()
    create(registry, "b")
    assert path.read_bytes().startswith(before)


def test_a_line_begins_and_ends_with_a_newline(registry: Path) -> None:
    create(registry, note="two\nlines")
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    assert path.read_bytes().count(b"\n") == 2
    assert path.read_bytes()[:1] == path.read_bytes()[-1:] == b"\n"


def test_secrets_are_not_written(registry: Path) -> None:
    create(registry, password="hunter2", url="postgres://me:hunter2@db")
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    assert b"hunter2" not in path.read_bytes()


def test_each_creation_has_a_token_of_its_own(registry: Path) -> None:
    create(registry, "a")
    create(registry, "a")
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    assert len({line["line"] for line in read_json_lines(path)}) == 2


def test_a_registry_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        create(tmp_path / "file")


def test_sixteen_processes_lose_nothing(registry: Path) -> None:
    done = run_script(
        """
        import os, sys
        from pathlib import Path
        from scitex_session_core import journal_close, journal_create, journal_update
        registry = Path(sys.argv[1])
        children = []
        for writer in range(16):
            child = os.fork()
            if child == 0:
                for n in range(100):
                    name = f"{writer}-{n}"
                    config = {"text": "x" * (37 * n)}
                    journal_create(registry, name, config, script_path=None, process=None)
                    journal_close(registry, name, "success", 0)
                os._exit(0)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children] == [0] * 16)
        """,
        str(registry),
    )
    assert done.stdout == "True\n", done.stderr
    (path,) = sorted(registry.glob("journal/*.jsonl"))
    lines = [json.loads(line) for line in path.read_bytes().splitlines() if line]
    told = [(line["event"], line["id"]) for line in lines]
    everyone = [f"{writer}-{n}" for writer in range(16) for n in range(100)]
    assert sorted(told) == sorted((e, i) for e in ("create", "close") for i in everyone)
    assert all(told.index(("create", i)) < told.index(("close", i)) for i in everyone[::50])
    assert os.listdir(registry) == ["journal"]
