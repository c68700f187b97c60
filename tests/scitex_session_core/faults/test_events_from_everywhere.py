"""Events of any process, before, during and after the end of a run: none is lost, none comes twice.

A state machine against a model. Tags are compared as a set: their order is that of the file, and
which of two processes that append at once comes first, nobody can say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from scitex_session_core import (
    append_event,
    ended_record,
    file_crash,
    locate_run,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    reap,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Event = tuple[str, dict[str, Any]]

APPENDER = """
import json, sys
from pathlib import Path
from scitex_session_core import append_event
for line in sys.stdin:
    run_dir, events = json.loads(line)
    for event, fields in events:
        append_event(Path(run_dir), event, **fields)
    print("done", flush=True)
"""
NAMES = st.sampled_from(["a", "b", "c", "ü ✓", '"\n'])
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["tag", "untag"]), st.fixed_dictionaries({"tag": NAMES})),
    st.tuples(st.just("note"), st.fixed_dictionaries({"note": st.text(max_size=5)})),
    st.tuples(
        st.just("result"),
        st.fixed_dictionaries({"results": st.dictionaries(NAMES, st.integers(), max_size=2)}),
    ),
    st.tuples(
        st.just("artifact"),
        st.fixed_dictionaries({"path": NAMES, "role": st.sampled_from(["input", "output"])}),
    ),
)


class Appender:
    """Another process that appends what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def append(self, run_dir: Path, events: list[Event]) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(run_dir), events]) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


class Here:
    """This process."""

    def append(self, run_dir: Path, events: list[Event]) -> None:
        for event, fields in events:
            append_event(run_dir, event, **fields)


@pytest.fixture
def appenders() -> Iterator[list[Appender | Here]]:
    with ExitStack() as stack:
        pipe = subprocess.PIPE
        others = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", APPENDER], stdin=pipe, stdout=pipe, text=True
                )
            )
            for _ in range(2)
        ]
        yield [*(Appender(process) for process in others), Here(), Here()]
        for process in others:
            assert process.stdin is not None
            process.stdin.close()


class Run(RuleBasedStateMachine):
    """One run, and everybody who tells of it."""

    appenders: list[Appender | Here]
    dead_process: dict[str, Any]

    @initialize(dead=st.booleans(), name=st.sampled_from([None, "chosen"]))
    def begin(self, dead: bool, name: str | None) -> None:
        self.disk = TemporaryDirectory()
        root = Path(self.disk.name)
        run = make_run_dir(root / "fit.py", sdir=root / name if name else None)
        record = new_record(run.id)
        record["tags"] = ["born with"]
        if dead:
            record["process"] = self.dead_process
        write_record(run.path, record)
        self.dead = dead
        self.run_dir, self.out_dir = run.path, run.out_dir
        self.status, self.moved, self.count = "running", False, 0
        self.tags, self.note = {"born with"}, ""
        self.results: dict[str, Any] = {}
        self.artifacts: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        if hasattr(self, "disk"):
            self.disk.cleanup()

    def apply(self, event: str, fields: dict[str, Any]) -> None:
        if event == "tag":
            self.tags.add(fields["tag"])
        elif event == "untag":
            self.tags.discard(fields["tag"])
        elif event == "note":
            self.note = fields["note"]
        elif event == "result":
            self.results |= fields["results"]
        else:
            self.artifacts.add((fields["path"], fields["role"]))

    @rule(who=st.integers(0, 3), events=st.lists(EVENTS, min_size=1, max_size=3))
    def one_appends(self, who: int, events: list[Event]) -> None:
        self.appenders[who].append(self.run_dir, events)
        for event in events:
            self.apply(*event)

    @rule(each=st.integers(1, 20))
    def all_append_at_once(self, each: int) -> None:
        told = []
        for _ in self.appenders:
            # What each says is its own, so that the order does not matter.
            own = [str(self.count + n) for n in range(each)]
            self.count += each
            events: list[Event] = [("tag", {"tag": name}) for name in own]
            events += [("result", {"results": {name: 1}}) for name in own]
            told.append(events)
        with ThreadPoolExecutor() as pool:
            for future in [
                pool.submit(appender.append, self.run_dir, events)
                for appender, events in zip(self.appenders, told, strict=True)
            ]:
                future.result()
        for events in told:
            for event in events:
                self.apply(*event)

    @rule(line=st.binary(max_size=20).filter(lambda line: b"}" not in line))
    def one_is_torn(self, line: bytes) -> None:
        whole = b'\n{"event": "tag", "tag": "torn"'
        with open(locate_run(self.run_dir) / "events.jsonl", "ab") as file:
            file.write(line + whole)

    @rule()
    def somebody_folds(self) -> None:
        place = locate_run(self.run_dir)
        write_record(place, read_record(place))

    @precondition(lambda self: self.status == "running" and not self.dead)
    @rule(exit_status=st.sampled_from([0, 3, None]), moves=st.booleans())
    def it_ends(self, exit_status: int | None, moves: bool) -> None:
        reason = {"kind": "returned"}
        record = ended_record(read_record(self.run_dir), exit_status=exit_status, reason=reason)
        write_record(self.run_dir, record)
        self.status = record["status"]
        if moves:
            move_to_finished(self.run_dir, self.status)

    @rule(reaps=st.booleans())
    def somebody_looks_for_the_dead(self, reaps: bool) -> None:
        if reaps:
            reap(self.out_dir)
            found = self.run_dir.parent.name == "RUNNING"
        else:
            file_crash(self.run_dir, {"signal": 9})
            found = True
        if self.dead and found:
            self.status = "crashed"

    @precondition(lambda self: self.run_dir.parent.name == "RUNNING")
    @rule()
    def a_late_child_makes_the_directory_anew(self) -> None:
        self.run_dir.mkdir(exist_ok=True)

    @invariant()
    def nothing_is_lost_or_double(self) -> None:
        if not hasattr(self, "run_dir"):
            return
        record = read_record(self.run_dir)
        assert record["status"] == self.status
        assert sorted(record["tags"]) == sorted(self.tags)
        assert record["note"] == self.note
        assert record["results"] == self.results
        found = [(artifact["path"], artifact["role"]) for artifact in record["artifacts"]]
        assert sorted(found) == sorted(self.artifacts)


def test_none_is_lost(
    appenders: list[Appender | Here],
    dead_process: dict[str, Any],
    caused: Callable[[str, str], None],
) -> None:
    Run.appenders, Run.dead_process = appenders, dead_process
    run_state_machine_as_test(
        Run,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    caused("events of 4 at once, torn lines, ends, crashes, late children", "none lost or double")
