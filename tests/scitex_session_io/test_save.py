"""A file is there whole or not at all, where it was asked for, and comes back as it was."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
from pathlib import Path

import pytest

from scitex_session_io import (
    InvalidTypeError,
    MalformedError,
    MissingFileError,
    UnsavableError,
    load,
    save,
    save_into,
)
from support import start_script, wait_until


@pytest.mark.parametrize("name", ["r.csv", "R.CSV", "deep/er/r.json", "r.JSON", "a.b.json"])
def test_the_suffix_names_the_format_and_directories_are_made(name: str) -> None:
    value = [{"a": 1}, {"a": 2}]
    path = save(value, name)
    assert type(path) is type(pathlib.Path())
    assert path == Path(name).absolute()
    assert load(name) == value
    assert load(path) == value


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("r.json", {"ident": 1}, "options must be indent, allow_nan for a .json file, not ident="),
        (
            "r.csv",
            {"indent": 1},
            "options must be sep, decimal, encoding, index for a .csv file, not indent=",
        ),
    ],
)
def test_an_option_that_the_format_does_not_have_is_refused(
    name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        save([], name, **options)
    assert not Path(name).exists()


@pytest.mark.parametrize("name", ["r.json", "r.csv"])
def test_what_fails_leaves_the_old_file_and_nothing_else(name: str) -> None:
    path = save([["a"], [1]], name)
    old = path.read_bytes()
    with pytest.raises(UnsavableError):
        save([["a"], [1], [object()]], name)
    assert path.read_bytes() == old
    assert os.listdir() == [name]


def test_a_file_that_cannot_be_written_is_an_error_of_the_system() -> None:
    Path("file").touch()
    with pytest.raises(OSError, match="file"):
        save([], "file/r.json")


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no files")
def test_a_file_that_may_not_grow_is_named_by_the_error() -> None:
    import resource

    save("x", "first.txt")  # Python would write half of our bytecode, and read it later
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*r\.txt'"):
            save("x" * 2000, "r.txt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not Path("r.txt").exists()


def test_a_killed_save_leaves_the_old_file_whole() -> None:
    save({"old": True}, "r.json")
    with start_script("""
        from scitex_session_io import save
        print("begun", flush=True)
        while True:
            save({"old": True, "long": list(range(200_000))}, "r.json")
    """) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(20):
            assert load("r.json")["old"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert load("r.json")["old"]
    save({"old": False}, "r.json")
    assert sorted(os.listdir()) == ["r.json", "script.py"]


def test_permissions_of_the_old_file_and_a_symbolic_link_are_kept() -> None:
    Path("real").mkdir()
    save([1], "real/r.json").chmod(0o640)
    Path("link.json").symlink_to("real/r.json")
    save([2], "link.json")
    assert Path("link.json").is_symlink()
    assert load("real/r.json") == [2]
    assert stat.S_IMODE(Path("real/r.json").stat().st_mode) == 0o640


def test_relative_paths_go_into_the_directory_while_it_is_set() -> None:
    told: list[Path] = []
    restore = save_into("run", on_save=told.append)
    inside = save([1], "sub/r.json")
    outside = save([2], Path("elsewhere/r.json").absolute())
    assert inside == Path("run/sub/r.json").absolute()
    assert told == [inside, outside]
    assert load("sub/r.json") == [1]
    restore()
    restore()
    assert save([3], "r.json") == Path("r.json").absolute()
    assert told == [inside, outside]
    with pytest.raises(MissingFileError):
        load("sub/r.json")


def test_load_prefers_the_working_directory() -> None:
    save(["here"], "r.json")
    restore = save_into("run")
    try:
        save(["there"], "r.json")
        assert load("r.json") == ["here"]
        Path("r.json").unlink()
        assert load("r.json") == ["there"]
    finally:
        restore()


def test_the_directory_is_fixed_when_it_is_set_and_taking_back_is_in_any_order() -> None:
    first, second = save_into("one"), save_into("two")
    Path("cd").mkdir()
    os.chdir("cd")
    first()
    assert save([], "r.json").parent.name == "two"
    second()
    assert save([], "r.json").parent.name == "cd"


def test_a_missing_file_says_where_it_was_looked_for() -> None:
    restore = save_into("run")
    try:
        with pytest.raises(FileNotFoundError) as caught:
            load("r.json")
    finally:
        restore()
    places = (str(Path("r.json").absolute()), str(Path("run/r.json").absolute()))
    assert caught.value.looked_in == places  # type: ignore[attr-defined]
    assert str(caught.value) == f"no file 'r.json'; looked for {places[0]} and {places[1]}"


def test_each_file_that_was_read_is_told_with_its_absolute_path() -> None:
    told: list[Path] = []
    here = save([1], "here.json")
    Path("torn.json").write_text("[1,")
    restore = save_into("run", on_load=told.append)
    try:
        there = save([2], "there.json")
        assert (load("here.json"), load("there.json")) == ([1], [2])
        with pytest.raises(MalformedError):
            load("torn.json")
    finally:
        restore()
    load("here.json")
    assert told == [here, there]


def test_a_file_that_stands_nowhere_is_asked_for_and_told_where_it_was_found() -> None:
    asked: list[Path] = []
    told: list[Path] = []
    made = save({"a": 1}, "FINISHED/made.json")

    def find(path: Path) -> Path | None:
        asked.append(path)
        return Path("FINISHED/made.json") if path.name == "made.json" else None

    restore = save_into("run", on_load=told.append, find=find)
    try:
        assert load("FINISHED/made.json") == load("prepare_out/made.json") == {"a": 1}
        with pytest.raises(MissingFileError, match="prepare_out/other"):
            load("prepare_out/other.json")
    finally:
        restore()
    assert asked == [Path("prepare_out/made.json"), Path("prepare_out/other.json")]
    assert told == [made, made]


def test_what_a_callback_raises_reaches_the_caller_of_load() -> None:
    def refuse(path: Path) -> Path | None:
        raise PermissionError(f"not {path}")

    save([1], "r.json")
    restore = save_into("run", on_load=refuse, find=refuse)
    try:
        for name in ("r.json", "gone.json"):
            with pytest.raises(PermissionError, match=name):
                load(name)
    finally:
        restore()


def test_saves_from_many_processes_at_once_leave_one_of_them_whole() -> None:
    Path("writer.py").write_text(
        "from scitex_session_io import save; import sys; n = int(sys.argv[1])\n"
        "for _ in range(50): save([n] * 1000, 'r.json')\n"
    )
    with start_script(Path("writer.py"), "1") as one, start_script(Path("writer.py"), "2") as two:
        wait_until(lambda: Path("r.json").exists())
        while one.poll() is None or two.poll() is None:
            assert load("r.json") in ([1] * 1000, [2] * 1000)
    assert (one.returncode, two.returncode) == (0, 0)
    assert sorted(os.listdir()) == ["r.json", "writer.py"]
