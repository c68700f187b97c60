"""Whatever happens to a save, the older file or the new one is there, whole, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session_io import load, save
from support import killed_at_each_call, run_script, start_script
from support._strace import need_strace

linux = pytest.mark.skipif(sys.platform != "linux", reason="files without a name need Linux")
SAVE = "import sys; from scitex_session_io import save; save([2] * 9, sys.argv[1] + '/r.json')"
# As on macOS, and on file systems that know no files without a name.
NAMED = f"import os; del os.O_TMPFILE; {SAVE}"


@pytest.mark.slow
@linux
@pytest.mark.parametrize("older", [True, False])
def test_a_kill_at_any_call_leaves_the_older_file_or_the_new_one(
    tmp_path: Path, older: bool
) -> None:
    left_at = []
    for killed in killed_at_each_call(
        lambda folder: [sys.executable, "-c", SAVE, str(folder)],
        tmp_path,
        lambda folder: save([1], folder / "r.json") if older else None,
    ):
        file = killed.directory / "r.json"
        assert (load(file) in ([1], [2] * 9)) if older or file.exists() else not older, killed
        if left := {*os.listdir(killed.directory)} - {"r.json"}:
            left_at.append(killed.call.partition("(")[0])
            assert left == {".r.json.0.scitex-session-tmp"}
        save([3], file)
        assert os.listdir(killed.directory) == ["r.json"], killed.call
    # Where an older file is replaced, the new one has a name of its own for a single call.
    assert left_at == (["rename"] if older else [])


@pytest.mark.slow
@linux
def test_where_files_must_have_names_the_next_save_removes_what_a_kill_left(
    tmp_path: Path,
) -> None:
    left = 0
    for killed in killed_at_each_call(
        lambda folder: [sys.executable, "-c", NAMED, str(folder)],
        tmp_path,
        lambda folder: save([1], folder / "r.json"),
    ):
        assert load(killed.directory / "r.json") in ([1], [2] * 9), killed.call
        left += len(os.listdir(killed.directory)) - 1
        subprocess.run([sys.executable, "-c", NAMED, str(killed.directory)], check=True)
        assert os.listdir(killed.directory) == ["r.json"], killed.call
    assert left


@linux
def test_a_sandbox_that_gives_no_names_to_files_loses_nothing(tmp_path: Path) -> None:
    need_strace()
    refused = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=linkat:error=EPERM"]
    for _ in range(2):
        done = subprocess.run(
            [*refused, sys.executable, "-c", SAVE, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert load(tmp_path / "r.json") == [2] * 9
        assert os.listdir(tmp_path) == ["r.json"]


def test_a_hidden_file_that_a_living_process_writes_is_left_alone() -> None:
    Path("writer.py").write_text(
        "import os, sys, time; del os.O_TMPFILE\n"
        "from scitex_session_io import register_format, save\n"
        "def write(obj, file):\n"
        "    print('begun', flush=True)\n"
        "    while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
        "    file.write(sys.argv[1].encode())\n"
        "register_format('.slow', write)\n"
        "save(0, 'r.slow')\n"
    )
    with start_script(Path("writer.py"), "go") as process:
        assert process.stdout is not None
        process.stdout.readline()
        (hidden,) = (name for name in os.listdir() if name.startswith(".r.slow."))
        assert run_script(Path("writer.py"), "writer.py") == (0, "begun\n", "")
        assert hidden in os.listdir()
        Path("go").touch()
        process.wait()
    assert Path("r.slow").read_text() == "go"
    assert sorted(os.listdir()) == ["go", "r.slow", "writer.py"]


def test_the_longest_name_that_a_file_can_have_is_saved() -> None:
    for letter in ("a", "漢"):
        name = letter * (250 // len(letter.encode())) + ".json"
        for value in ([1], [2]):
            assert load(save(value, name)) == value
    assert len(os.listdir()) == 2


@pytest.mark.slow
def test_a_killed_save_of_a_directory_leaves_the_older_one_or_the_new_one() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    pytest.importorskip("zarr", reason="zarr is not installed")
    save({"a": np.zeros(9), "b": np.zeros(9)}, "r.zarr")
    for _ in range(4):
        with start_script("""
            import itertools, numpy as np
            from scitex_session_io import save
            print("begun", flush=True)
            for n in itertools.count():
                save({"a": np.full(9, n), "b": np.full(9, n)}, "r.zarr")
        """) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(5):
                os.stat("r.zarr/a/zarr.json")
            process.send_signal(signal.SIGKILL)
            process.wait()
        read = load("r.zarr")
        assert read.keys() == {"a", "b"}
        assert np.array_equal(read["a"], read["b"])
    save({"a": np.zeros(9)}, "r.zarr")
    assert load("r.zarr").keys() == {"a"}
    assert [name for name in os.listdir() if name.startswith(".")] == []
