"""Checkpoints as files: written whole or not at all, and refused if anything in them changed."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scitex_session_repro import CheckpointError, RandomStateManager
from support import start_script, wait_until


@pytest.fixture
def rng() -> Iterator[RandomStateManager]:
    with RandomStateManager(42) as manager:
        manager("\ud800")
        yield manager


def test_a_checkpoint_replaces_the_one_before_and_leaves_nothing_beside_it(
    rng: RandomStateManager, tmp_path: Path
) -> None:
    for _ in range(2):
        assert rng.checkpoint(tmp_path / "a.json") == tmp_path / "a.json"
        expected = rng("\ud800").random()
        rng.restore(str(tmp_path / "a.json"))
        assert rng("\ud800").random() == expected
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_checkpoint_is_json_and_lies_where_one_works_by_default(rng: RandomStateManager) -> None:
    assert rng.checkpoint() == Path("checkpoint.json")
    assert json.loads(Path("checkpoint.json").read_bytes())["state"] == rng.state_dict()
    rng.restore("checkpoint.json")


def test_a_link_stays_a_link(rng: RandomStateManager, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    try:
        (tmp_path / "link.json").symlink_to(tmp_path / "real" / "a.json")
    except OSError:
        pytest.skip("no symbolic links here")
    rng.checkpoint(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    rng.restore(tmp_path / "real" / "a.json")


def test_where_it_cannot_be_written_the_one_before_stands(
    rng: RandomStateManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rng.checkpoint(tmp_path / "a.json")
    whole = path.read_bytes()
    with pytest.raises(OSError, match=r"/missing/a\.json'$"):
        rng.checkpoint(tmp_path / "missing" / "a.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"/folder'$"):
        rng.checkpoint(tmp_path / "folder")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*/a\.json'$"):
        rng.checkpoint(path)
    assert path.read_bytes() == whole
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "folder"]


@pytest.mark.skipif(os.name != "posix", reason="umask is POSIX's")
def test_who_may_read_it_is_as_for_any_file(rng: RandomStateManager, tmp_path: Path) -> None:
    found = os.umask(0o027)
    try:
        rng.checkpoint(tmp_path / "a.json")
    finally:
        os.umask(found)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("owned",)


def test_damaged_and_foreign_files_are_refused(rng: RandomStateManager, tmp_path: Path) -> None:
    path = rng.checkpoint(tmp_path / "a.json")
    whole = path.read_bytes()
    before = rng.state_dict()

    def refused(data: bytes) -> str:
        path.write_bytes(data)
        with pytest.raises(CheckpointError) as caught:
            rng.restore(path)
        assert caught.value.path == str(path)
        return caught.value.problem

    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        assert "not JSON" in refused(whole[:cut])
    assert "not JSON" in refused(b"\xff\xfe" + whole)
    assert "not JSON" in refused(b"[" * 100_000)
    for foreign in (b"[]", b"1", b"{}", json.dumps({"format": "other"}).encode()):
        assert "no checkpoint of scitex-session-repro" in refused(foreign)
    assert "SHA-256 differs" in refused(whole.replace(b'"seed": 42', b'"seed": 43'))
    assert "SHA-256 differs" in refused(
        json.dumps({"format": json.loads(whole)["format"]}).encode()
    )
    assert "pickle" in refused(pickle.dumps(Malicious()))
    assert not Path("owned").exists()
    assert rng.state_dict() == before


def test_a_missing_file_and_one_of_another_child_are_refused_and_change_nothing(
    rng: RandomStateManager, tmp_path: Path
) -> None:
    child = rng.child("a").checkpoint(tmp_path / "child.json")
    other = rng.child("b")
    before = rng.state_dict()
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        rng.restore(tmp_path / "none.json")
    with pytest.raises(CheckpointError, match=r"child\.json: it is that of"):
        other.restore(child)
    assert rng.state_dict() == before


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is missing here")
def test_a_kill_while_writing_leaves_a_whole_checkpoint(
    rng: RandomStateManager, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    source = """
        import sys
        from scitex_session_repro import RandomStateManager

        rng = RandomStateManager(42)
        for number in range(100):
            rng(f"filling {number}")
        while True:
            rng("a").random()
            rng.checkpoint(sys.argv[1])
    """
    for _ in range(3):
        path.unlink(missing_ok=True)
        with start_script(source, str(path)) as process:
            wait_until(path.exists)
            written = path.read_bytes()
            wait_until(lambda: path.read_bytes() != written)  # noqa: B023
            process.kill()
            process.wait()
        rng.restore(path)
        assert rng.state_dict()["numpy"].keys() >= {"filling 99", "a"}


def test_without_a_path_it_lies_where_the_owner_of_the_manager_says(tmp_path: Path) -> None:
    with RandomStateManager(42) as rng:
        assert rng.checkpoint() == Path("checkpoint.json")
        rng.checkpoint_directory = tmp_path
        held = rng("a")
        assert rng.checkpoint() == tmp_path / "checkpoint.json"
        following = held.random()
        rng.restore()
        assert held.random() == following


def test_a_spawned_generator_that_is_held_goes_on_from_its_state() -> None:
    with RandomStateManager(42) as rng:
        held = rng("a").spawn(3)[2]
        below = held.spawn(1)[0]
        held.random(3)
        rng.checkpoint("state.json")
        following = [held.random(), below.random(), rng("a").spawn(1)[0].random()]
        rng.restore("state.json")
        assert [held.random(), below.random(), rng("a").spawn(1)[0].random()] == following
