"""Where plain Python runs, a session runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session_core import read_record
from support import run_script, write_script

LINUX_ROOT = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root may become another user, and change what is mounted",
)
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="as POSIX has it")
SCRIPT = """
    import scitex_session as stx

    @stx.session(verbose=True, show_execution_flow=True)
    def main():
        print("output")

    if __name__ == "__main__":
        main()
"""


def run_homeless(source: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a user who has neither an entry in passwd nor a HOME."""
    script = write_script(source)
    for folder in script.parent.parents[:2]:
        folder.chmod(0o755)
    os.chown(script.parent, 54321, 54321)
    # The interpreter may lie where only root can read.
    powers = "+dac_override,+dac_read_search"
    user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    user += [f"--inh-caps={powers}", f"--ambient-caps={powers}"]
    return subprocess.run(
        [*user, sys.executable, str(script)],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@LINUX_ROOT
def test_without_a_home_it_runs_and_says_once_that_it_is_registered_nowhere() -> None:
    finished = run_homeless(SCRIPT)
    assert finished.returncode == 0, finished
    assert finished.stderr.count("registered nowhere") == 1
    assert "Traceback" not in finished.stderr
    (run,) = Path("script_out/FINISHED_SUCCESS").glob("2*")
    assert read_record(run)["status"] == "success"


@LINUX_ROOT
def test_without_a_home_the_given_registry_is_used() -> None:
    finished = run_homeless(SCRIPT, SCITEX_SESSION_REGISTRY=str(Path("registry").absolute()))
    assert finished.returncode == 0, finished
    assert "Warning" not in finished.stderr
    assert list(Path("registry/journal").glob("*.jsonl"))


@LINUX_ROOT
def test_without_a_home_no_folder_is_called_tilde() -> None:
    finished = run_homeless(
        SCRIPT,
        SCITEX_SESSION_REGISTRY="~/registry",
        SCITEX_SESSION_CACHE="~/cache",
        SCITEX_SESSION_OUT_DIR="~/runs",
    )
    assert finished.returncode == 0, finished
    assert finished.stderr.count("this run is kept in") == 1
    assert not Path("~").exists()


def where_all_is_read_only(*but: str) -> subprocess.CompletedProcess[str]:
    """Run the script where nothing can be written `but` these folders, and what is below them."""
    script = write_script(SCRIPT)
    kept = "|".join(f"{place}*" for place in ("/proc", "/sys", *but))
    read_only = f"""
        mount --make-rprivate /
        for place in $(awk '{{print $5}}' /proc/self/mountinfo | sort -r); do
            case $place in {kept}) ;; *) mount -o remount,ro,bind $place;; esac
        done 2>/dev/null
        if touch "$1.new" 2>/dev/null; then exit 77; fi
        exec "$0" "$1"
    """
    finished = subprocess.run(
        ["unshare", "-m", "sh", "-c", read_only, sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if finished.returncode == 77 or "unshare" in finished.stderr:
        pytest.skip("what is mounted can't be changed here")
    return finished


@LINUX_ROOT
def test_where_nothing_can_be_written_at_all_one_sentence_says_so() -> None:
    finished = where_all_is_read_only()
    assert finished.returncode == 1
    assert "nor a temporary one can be written" in finished.stderr.splitlines()[-1]


@LINUX_ROOT
def test_where_all_is_read_only_the_run_is_kept_in_shared_memory() -> None:
    finished = where_all_is_read_only("/dev")
    assert finished.returncode == 0, finished
    assert "output\n" in finished.stdout
    assert finished.stderr.count("this run is kept in /dev/shm/") == 1
    assert finished.stderr.count("registering") == 1
    run = Path(finished.stdout.split()[-1])
    assert read_record(run)["status"] == "success"
    shutil.rmtree(run.parents[2])


@pytest.mark.parametrize("letter", ["s", "é"])
def test_a_script_with_the_longest_name_runs_in_a_folder_of_its_own(letter: str) -> None:
    stem = letter * (250 // len(letter.encode()))
    names = [f"{stem}{n}.py" for n in (1, 2)]
    for name in names:
        Path(name).write_text(SCRIPT.replace("\n    ", "\n"), encoding="utf-8")
        finished = run_script(Path(name).absolute())
        assert (finished.returncode, finished.stderr) == (0, ""), finished
    runs = list(Path().glob("*_out/FINISHED_SUCCESS/2*"))
    assert len({run.parents[1] for run in runs}) == 2
    for run in runs:
        (copy,) = run.joinpath("code").iterdir()
        assert copy.read_bytes() == Path(names[0]).read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_path_that_stdout_cant_encode_is_shown_with_escapes(encoding: str) -> None:
    folder = Path("é€") if os.name != "posix" else Path(os.fsdecode("é€".encode() + b"\xff"))
    folder.mkdir()
    script = folder / "ü.py"
    script.write_text(SCRIPT.replace("\n    ", "\n"), encoding="utf-8")
    finished = run_script(script.absolute(), env={"PYTHONIOENCODING": encoding})
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.count("output") == 1
    assert "success after" in finished.stdout
    assert len(list(folder.glob("ü_out/FINISHED_SUCCESS/2*"))) == 1


@POSIX_ONLY
@pytest.mark.parametrize("closed", ["> /dev/full", ">&-", "| head -1 > /dev/null"])
def test_the_verbose_lines_never_change_how_a_run_ends(closed: str) -> None:
    write_script(SCRIPT)
    python = f"{sys.executable} script.py"
    command = f"({python}; echo $? > status) {closed}" if "|" in closed else f"{python} {closed}"
    finished = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )
    status = Path("status").read_text() if "|" in closed else finished.returncode
    assert int(status) == 0, finished
    assert "Traceback" not in finished.stderr
    (run,) = Path("script_out/FINISHED_SUCCESS").glob("2*")
    assert "output\n" in (run / "logs" / "stdout.log").read_text()
