"""Another user of the machine, who may write where our runs lie, gets us to write nowhere else."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import SessionManager
from support import read_json, run_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Finished

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can play two users"
)

STRANGER = 12345
SECRET = b"alias ls='ls --color'\n"

# What the stranger does, at the n-th operation on files that follows the making of the directory.
STRANGER_ACTS = """
import os, sys

STRANGER, ACT_AT, PRIVATE, LINKS = 12345, int(os.environ["ACT_AT"]), os.environ["PRIVATE"], {links}
INSIDE = "INSIDE" in os.environ
if INSIDE:
    os.umask(0)
FILE_EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.listdir", "os.scandir")
seen, acting = 0, False

def act(run_dir):
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            if not INSIDE:
                os.rename(run_dir, os.path.join(os.path.dirname(run_dir), ".taken"))
                os.mkdir(run_dir)
            for name, target in LINKS.items():
                path = os.path.join(run_dir, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                if os.path.lexists(path):
                    os.rename(path, path + ".taken")
                os.symlink(os.path.join(PRIVATE, target), path)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0

def hook(event, arguments):
    global seen, acting
    if acting or event not in FILE_EVENTS:
        return
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else "/"
    if os.path.isabs(path) and "q_out" not in path:
        return
    acting = True
    try:
        found = os.listdir("q_out/RUNNING") if os.path.isdir("q_out/RUNNING") else []
        if found and not seen < 0:
            seen += 1
            if seen == ACT_AT:
                act(os.path.abspath(os.path.join("q_out/RUNNING", found[0])))
                seen = -1
                open("acted", "x").close()
    finally:
        acting = False

sys.addaudithook(hook)
"""
SCRIPT = """
import scitex_session as stx

@stx.session
def main():
    print("output", flush=True)
    {body}
    print("\\x1b[1mmore\\x1b[0m", flush=True)
    {fail}

if __name__ == "__main__":
    main()
"""
# Elsewhere: `save` takes paths, and in its own directory the run would find the stranger's.
SAVE = "import os; stx.io.save([1], os.environ['PRIVATE'] + '.json')"

# The names that are ours, each a link to a file; and the folders, each a link to a folder.
OURS = (
    *("session.json", "events.jsonl", "heartbeat", "CONFIGS/CONFIG.yaml", "code/q.py"),
    *("logs/stdout.log", "logs/stderr.log", "logs/stdout.txt", "logs/stderr.txt"),
)
LINKED_FILES = dict.fromkeys(OURS, ".profile")
LINKED_FOLDERS = {"logs": "", "CONFIGS": "", "code": "", "events.jsonl": "new", "heartbeat": "beat"}


class Commons:
    """A folder that anyone may write to, and one of the victim's own."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "commons"
        self.private = root / "private"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.private.mkdir()
        for name in (".profile", "stdout.log", "stderr.log", "CONFIG.yaml", "q.py"):
            (self.private / name).write_bytes(SECRET)

    def by_stranger(self, *names: str, mode: int) -> None:
        """Make folders that belong to the stranger."""
        for name in names:
            path = self.folder / name
            path.mkdir()
            os.chown(path, STRANGER, STRANGER)
            path.chmod(mode)

    def run(self, before: str = "", body: str = "pass", fail: str = "", **env: str) -> Finished:
        """Run ``q.py`` in the folder."""
        script = self.folder / "q.py"
        script.write_text(before + SCRIPT.format(body=body, fail=fail))
        return run_script(script, env={"PRIVATE": os.fspath(self.private), **env})

    def clear(self) -> None:
        """Forget everything about the runs so far."""
        for path in (self.folder / "q_out", Path.home()):
            shutil.rmtree(path)
        (self.folder / "acted").unlink()
        Path.home().mkdir()

    def untouched(self) -> bool:
        """Whether the victim's own folder is as it was."""
        names = {".profile", "stdout.log", "stderr.log", "CONFIG.yaml", "q.py"}
        return {*os.listdir(self.private)} == names and all(
            (self.private / name).read_bytes() == SECRET for name in names
        )


@pytest.fixture
def commons(monkeypatch: pytest.MonkeyPatch) -> Iterator[Commons]:
    """Where two users meet; pytest's own folders, and perhaps $TMPDIR, are closed to others."""
    root = Path(tempfile.mkdtemp(prefix="commons-", dir="/tmp"))
    root.chmod(0o755)
    made = Commons(root)
    monkeypatch.chdir(made.folder)
    yield made
    shutil.rmtree(root)


def the_record() -> tuple[Path, dict[str, Any]]:
    """The one run on record, by the registry, and where it is."""
    (session,) = SessionManager().list_sessions().values()
    run_dir = Path(str(session["run_dir"]))
    return run_dir, read_json(run_dir / "session.json")


def attacked(commons: Commons, links: dict[str, str], at: int, fail: str = "") -> bool:
    """Have the stranger replace the run directory; return whether it came to that."""
    commons.by_stranger("q_out", "q_out/RUNNING", mode=0o755)
    finished = commons.run(STRANGER_ACTS.format(links=links), body=SAVE, fail=fail, ACT_AT=str(at))
    assert commons.untouched(), at
    assert finished.stdout == "output\n\x1b[1mmore\x1b[0m\n", finished
    assert finished.returncode == bool(fail), finished
    run_dir, record = the_record()
    assert run_dir.stat().st_uid == 0, at
    assert record["status"] == ("failed" if fail else "success"), (at, finished)
    assert [Path(made["path"]).name for made in record["artifacts"]] == ["private.json"]
    assert (run_dir / "logs/stdout.log").read_text() == finished.stdout
    assert (run_dir / "logs/stdout.txt").read_text() == "output\nmore\n"
    return Path("acted").exists()


@pytest.mark.parametrize("links", [LINKED_FILES, LINKED_FOLDERS], ids=["files", "folders"])
@pytest.mark.parametrize("at", [1, 4])
def test_a_run_directory_that_a_stranger_replaces_is_not_written_to(
    commons: Commons, links: dict[str, str], at: int
) -> None:
    assert attacked(commons, links, at)


def attacked_inside(commons: Commons, links: dict[str, str], at: int) -> bool:
    """Have the stranger put links into a run directory that anyone may write to."""
    commons.by_stranger("q_out", "q_out/RUNNING", mode=0o755)
    acts = STRANGER_ACTS.format(links=links)
    finished = commons.run(acts, body=SAVE, ACT_AT=str(at), INSIDE="1")
    assert commons.untouched(), at
    assert finished.stdout == "output\n\x1b[1mmore\x1b[0m\n", finished
    assert finished.returncode == 0, finished
    (session,) = SessionManager().list_sessions().values()
    assert session["status"] == "success", at
    return Path("acted").exists()


@pytest.mark.parametrize("links", [LINKED_FILES, LINKED_FOLDERS], ids=["files", "folders"])
@pytest.mark.parametrize("at", [4, 20])
def test_a_run_directory_that_anyone_may_write_to_leads_nowhere(
    commons: Commons, links: dict[str, str], at: int
) -> None:
    assert attacked_inside(commons, links, at)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("links", [LINKED_FILES, LINKED_FOLDERS], ids=["files", "folders"])
@pytest.mark.parametrize("fail", ["", "raise ValueError('mine')"], ids=["success", "failure"])
def test_it_is_not_whenever_that_happens(
    commons: Commons, links: dict[str, str], fail: str
) -> None:
    for at in range(1, 200):
        if not attacked(commons, links, at, fail):
            assert at > 20
            return
        commons.clear()
    pytest.fail("the run never came to its end undisturbed")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("links", [LINKED_FILES, LINKED_FOLDERS], ids=["files", "folders"])
def test_nor_does_one_that_anyone_may_write_to(commons: Commons, links: dict[str, str]) -> None:
    for at in range(1, 200):
        if not attacked_inside(commons, links, at):
            assert at > 20
            return
        commons.clear()
    pytest.fail("the run never came to its end undisturbed")


STRANGER_LINKS = """
import os, sys
acted = False
def hook(event, arguments):
    global acted
    if acted or event != "os.mkdir" or "/RUNNING/2" not in str(arguments[0]):
        return
    acted = True
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            os.rename("q_out", ".taken")
            os.symlink(os.environ["PRIVATE"], "q_out")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
sys.addaudithook(hook)
"""


def test_no_run_is_kept_where_a_link_led_that_came_while_its_directory_was_made(
    commons: Commons,
) -> None:
    (commons.private / "RUNNING").mkdir()
    finished = commons.run(STRANGER_LINKS)
    assert Path("q_out").is_symlink()
    assert finished.returncode == 0, finished
    assert finished.stderr.count("this run is kept in") == 1
    run_dir, record = the_record()
    assert record["status"] == "success"
    assert run_dir.is_relative_to(Path.home())
    # A directory without content is all that could be made there.
    (made,) = (commons.private / "RUNNING").iterdir()
    assert list(made.iterdir()) == []


def test_places_of_a_stranger_are_traps_and_the_run_is_kept_elsewhere(commons: Commons) -> None:
    commons.by_stranger("q_out", "q_out/RUNNING", mode=0o777)
    finished = commons.run()
    assert finished.stdout == "output\n\x1b[1mmore\x1b[0m\n"
    assert finished.stderr.count("q_out is another user's, and anyone may write to it") == 1
    assert finished.stderr.count("this run is kept in") == 1
    run_dir, record = the_record()
    assert record["status"] == "success"
    assert run_dir.is_relative_to(Path.home())
    assert os.listdir("q_out/RUNNING") == []


def test_a_folder_that_anyone_may_write_to_is_used_and_said_once(commons: Commons) -> None:
    assert commons.run().stderr.count("anyone may write to") == 1
    assert commons.run() == (0, "output\n\x1b[1mmore\x1b[0m\n", "")
    assert len(os.listdir("q_out/FINISHED_SUCCESS")) == 2


def test_a_group_shares_its_runs(commons: Commons) -> None:
    commons.by_stranger("q_out", "q_out/RUNNING", "q_out/FINISHED_SUCCESS", mode=0o2775)
    commons.folder.chmod(0o755)
    assert commons.run().stderr == ""
    assert the_record()[0].parent == commons.folder / "q_out/FINISHED_SUCCESS"


def test_a_place_that_becomes_a_trap_during_the_run_is_not_moved_to(commons: Commons) -> None:
    commons.folder.chmod(0o755)
    trap = "import os; os.mkdir('q_out/FINISHED_SUCCESS'); os.chown('q_out/FINISHED_SUCCESS', 1, 1)"
    finished = commons.run(body=f"{trap}; os.chmod('q_out/FINISHED_SUCCESS', 0o777)")
    assert finished.returncode == 0
    assert finished.stderr.count("it stays where it is") == 1
    run_dir, record = the_record()
    assert (run_dir.parent.name, record["status"]) == ("RUNNING", "success")


@pytest.mark.parametrize("link", [True, False])
def test_the_crash_of_a_run_is_not_what_a_stranger_says_of_it(commons: Commons, link: bool) -> None:
    source = """
        import json, os, signal
        import scitex_session as stx

        @stx.session
        def main():
            child = os.fork()
            if child == 0:
                os.setgroups([])
                os.setgid(12345)
                os.setuid(12345)
                os.chdir("q_out/RUNNING")
                os.rename(CONFIG.ID, "taken")
                fake = {"id": CONFIG.ID, "status": "success", "exit_status": 0, "process": {}}
                os.mkdir("fake")
                json.dump(fake, open("fake/session.json", "w"))
                (os.symlink if LINK else os.rename)("fake", CONFIG.ID)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            main()
    """
    commons.by_stranger("q_out", "q_out/RUNNING", mode=0o755)
    path = commons.folder / "q.py"
    path.write_text(textwrap.dedent(source).replace("LINK", str(link)))
    assert run_script(path).returncode == -signal.SIGKILL
    wait_until(lambda: [*Path("q_out").glob("FINISHED_*/*/session.json")], what="it is filed")
    wait_until(lambda: the_record()[0].parent.name == "FINISHED_ERROR", what="it is registered")
    run_dir, record = the_record()
    assert record["status"] == "crashed"
    assert run_dir.stat().st_uid == 0
    (session,) = SessionManager().list_sessions().values()
    assert session["status"] == "crashed"


def test_where_all_files_have_one_owner_nobody_is_a_stranger(commons: Commons) -> None:
    # As on CIFS: whom a file of ours belongs to is not who we are.
    one_owner = """
        import os, sys
        from pathlib import Path
        from scitex_session_core import make_run_dir
        make_run_dir(Path("imported/q.py"))
        os.seteuid(12345)
        os.geteuid = lambda: 777
        first = make_run_dir(Path("q.py"))
        for path in (first.path.parent, first.out_dir):
            path.chmod(0o777)
        print(make_run_dir(Path("q.py")).path.relative_to(Path.cwd()).parent)
    """
    finished = run_script(one_owner)
    assert finished.stdout == "q_out/RUNNING\n", finished
    assert sorted(os.listdir("q_out")) == [".gitignore", "RUNNING"]


def test_closing_every_descriptor_and_opening_others_changes_nothing(commons: Commons) -> None:
    body = "import os; os.closerange(3, 500); held = [open('other%d' % n, 'w') for n in range(300)]"
    finished = commons.run(body=f"{body}; {SAVE}")
    assert finished.returncode == 0
    run_dir, record = the_record()
    assert record["status"] == "success"
    assert len(record["artifacts"]) == 1
    assert not any(Path(f"other{n}").stat().st_size for n in range(300))
    assert (run_dir / "code/q.py").exists()


def test_a_run_whose_folder_is_moved_while_it_runs_is_filed_where_that_is(
    commons: Commons,
) -> None:
    finished = commons.run(body="import os; os.rename('q_out', 'renamed')")
    assert finished.returncode == 0
    run_dir, record = the_record()
    assert run_dir.parent == commons.folder / "renamed/FINISHED_SUCCESS"
    assert record["status"] == "success"
    assert not Path("q_out").exists()
