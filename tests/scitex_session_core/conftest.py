"""Runs that are dead, and places for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import make_run_dir, new_record, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDENTIFY = (
    "import json; from scitex_session_core import new_record; "
    "print(json.dumps(new_record('x')['process']))"
)


@pytest.fixture(scope="session")
def dead_process() -> dict[str, Any]:
    """What a record says of a process that really ran here, and is gone."""
    done = subprocess.run([sys.executable, "-c", IDENTIFY], capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry of the test's own."""
    return tmp_path / "registry"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that has runs."""
    path = tmp_path / "analysis.py"
    path.write_text("print('hello')\n")
    return path


@pytest.fixture
def dead_run(script: Path, dead_process: dict[str, Any]) -> Callable[..., Path]:
    """Make a run whose process is dead, and give its directory in ``RUNNING``."""

    def make(**fields: Any) -> Path:
        run = make_run_dir(script)
        record = {**new_record(run.id, script=script), "process": dead_process, **fields}
        write_record(run.path, record)
        return run.path

    return make


@pytest.fixture
def here(request: pytest.FixtureRequest) -> Path:
    """The directory of the test's own file."""
    return Path(request.path).parent


@pytest.fixture
def lives(tmp_path: Path, here: Path) -> Callable[..., list[dict[str, Any]]]:
    """Live one of the lives in ``killing.py`` until it comes to its end; see there."""

    def live(name: str, most: int) -> list[dict[str, Any]]:
        argv = [sys.executable, str(here / "killing.py"), name, str(tmp_path), str(most)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert found[-1]["exit"] == 0, done.stderr
        return found

    return live


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; `fill` fills it."""
    yield from _mounted(tmp_path / "disk", "size=256k")


@pytest.fixture
def fill() -> Callable[[Path], Path]:
    """Write to a directory until its disk is full, and give the file that fills it."""

    def write(directory: Path) -> Path:
        filler = directory / "filler"
        with open(filler, "wb", buffering=0) as file:
            for _ in range(100_000):
                try:
                    file.write(b"x" * 512)
                except OSError:
                    return filler
        raise AssertionError(f"{directory} takes more than 50 MB")

    return write


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Mount another file system on a directory, so that no rename gets there."""
    with ExitStack() as mounts:

        def mount(folder: Path) -> None:
            mounts.enter_context(contextmanager(_mounted)(folder, "size=16m"))

        yield mount


def _mounted(folder: Path, option: str) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a tmpfs can be mounted only by root on Linux")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs can't be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
