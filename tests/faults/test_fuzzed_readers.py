"""Whatever stands in a file, its reader answers or raises the error that it documents.

``FUZZ=10000`` in the environment is the number of damaged files for each reader; CI does fewer.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scitex_session as stx
from scitex_session._config.folder import read_config_files
from scitex_session_core import (
    ArchiveError,
    RecordError,
    SessionManager,
    SessionWarning,
    archive_runs,
    read_events,
    read_record,
    registry_dir,
    reindex,
)
from scitex_session_io import MalformedError, load, save
from scitex_session_plot import read_stamps, watch_savefig
from scitex_session_repro import CheckpointError, RandomStateManager
from support.runs import ended_run

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("FUZZ", "20"))
MOST_SAID = 2000
FIGURES = (".png", ".pdf", ".svg")
SAVED = (".csv", ".json", ".jsonl", ".yaml", ".toml")
QUERIES = (
    'lr<1e-3 and (status:failed or tag:paper) and results.acc>0.9 and not script~"^debug"',
    '"pass@1">=0.5 started:2026-11-01 duration>10m',
    "host!=node7 or attempt=2 and argument:x",
)
numbers = itertools.count()


class Reader(NamedTuple):
    """What reads a kind of file: `write` gives whole files, of which `read` is given a damaged one.

    `errors` are what it may raise.
    """

    write: Callable[[], list[Path]]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...] = ()


def a_run() -> Path:
    run = ended_run(tags=["a"], arguments={"lr": 0.1, "names": ["a", "b"]})
    stx.tag(run, "paper")
    return run


def an_archive() -> list[Path]:
    run = a_run()
    (run / "result.txt").write_text("a result\n" * 50)
    path = archive_runs(run.parents[1], [run], registry_dir()).path
    assert path is not None
    return [path]


def a_figure(suffix: str) -> list[Path]:
    end = watch_savefig(stamp=lambda: {"id": "run", "script": "fit.py"})
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, 2])
    figure.savefig(path := Path(f"figure{suffix}"))
    plt.close(figure)
    end()
    return [path]


def a_saved_file(suffix: str) -> list[Path]:
    table = {"a": [1, 2], "b": ["x", "7"]}
    return [save([table] if suffix == ".jsonl" else table, f"table{suffix}")]


def a_configuration() -> list[Path]:
    Path("config").mkdir()
    path = Path("config/model.yaml")
    path.write_text("lr: 0.1\nlayers: [1, 2]\nname: &a x\nother: *a\ndebug: {lr: 1}\n")
    Path("script.py").write_text("")
    return [path]


def a_checkpoint() -> list[Path]:
    manager = RandomStateManager(1)
    try:
        manager("a").random()
        return [manager.checkpoint("checkpoint.json")]
    finally:
        manager.release()


def restored(path: Path) -> None:
    manager = RandomStateManager(2)
    try:
        manager.restore(path)
    finally:
        manager.release()


def read_archive(path: Path) -> object:
    reindex(path.parents[1])
    runs = [run["id"] for run in stx.find()]
    return [stx.record(run) for run in runs], stx.restore(*runs)


READERS = {
    "session.json": Reader(
        lambda: [a_run() / "session.json"], lambda at: read_record(at.parent), (RecordError,)
    ),
    "events.jsonl": Reader(
        lambda: [a_run() / "events.jsonl"],
        lambda at: (read_events(at.parent), read_record(at.parent)),
    ),
    "the journal": Reader(
        lambda: [a_run(), *registry_dir().rglob("*.jsonl")][1:],
        lambda _: SessionManager().list_sessions(),
    ),
    "an archive": Reader(an_archive, read_archive, (ArchiveError, RecordError)),
    "config/model.yaml": Reader(
        a_configuration, lambda _: read_config_files(Path("script.py"), ()), (stx.ConfigFileError,)
    ),
    "a checkpoint": Reader(a_checkpoint, restored, (CheckpointError,)),
    **{f"a stamp in {s}": Reader(partial(a_figure, s), read_stamps) for s in FIGURES},
    **{f"saved {s}": Reader(partial(a_saved_file, s), load, (MalformedError,)) for s in SAVED},
}
changes = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "repeat", "insert"]),
        st.floats(0, 1),
        st.integers(1, 64),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from([b"{", b"]", b'"', b"\0", b"null", b"1e999", b"\xff\xfe", b": &a [*a"]),
        ),
    ),
    min_size=1,
    max_size=3,
)


def damaged(content: bytes, change: tuple[str, float, int, bytes]) -> bytes:
    kind, place, length, new = change
    at = int(place * len(content))
    rest = content[at + length :]
    match kind:
        case "flip":
            return (
                content[:at]
                + bytes(b ^ 1 << length % 8 for b in content[at : at + 1])
                + content[at + 1 :]
            )
        case "cut":
            return content[:at] + (rest if length % 2 else b"")
        case "repeat":
            return content[: at + length] * (1 + length % 3) + rest
    return content[:at] + new + content[at:]


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes, which=st.integers(0, 10))
def test_a_damaged_file_is_read_or_refused(
    name: str, tmp_path: Path, changes: list[tuple[str, float, int, bytes]], which: int
) -> None:
    place = tmp_path / str(next(numbers))
    place.mkdir()
    os.chdir(place)
    os.environ.update(
        SCITEX_SESSION_REGISTRY=str(place / "r"), SCITEX_SESSION_CACHE=str(place / "c")
    )
    reader = READERS[name]
    files = reader.write()
    file = files[which % len(files)]
    content = file.read_bytes()
    for change in changes:
        content = damaged(content, change)
    file.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SessionWarning)
        try:
            reader.read(file)
        except reader.errors as error:
            said = str(error)
        else:
            said = "nothing"
    assert 0 < len(said) < MOST_SAID


@settings(max_examples=10 * EXAMPLES)
@given(st.lists(changes, min_size=1, max_size=2), st.sampled_from(QUERIES))
def test_a_damaged_query_is_understood_or_refused(
    many: list[list[tuple[str, float, int, bytes]]], query: str
) -> None:
    content = query.encode()
    for change in itertools.chain.from_iterable(many):
        content = damaged(content, change)
    with contextlib.suppress(stx.QueryError):
        stx.find(content.decode("utf-8", "surrogateescape"))
