"""A sweep runs the code of the moment when it was made, whatever is edited meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support import read_json, run_script, wait_until

# Each trial says that it runs, and the second one waits until the code has been edited.
SCRIPT = """\
import sys, time
from pathlib import Path
import scitex_session as stx
import helper
@stx.session
def main(x: int = 0):
    here = Path(__file__).parent
    Path("seen").touch()
    while not Path("edited").exists():
        time.sleep(0.02)
    import late
    found = {name: (here / name).read_text() for name in ("data/table.csv", "../beside.txt")}
    return {"helper": helper.VALUE, "late": late.VALUE, "depth": CONFIG.MODEL.depth, **found}
if __name__ == "__main__":
    main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A script with modules, configuration, and data that git does not know."""
    folder = tmp_path / "project"
    files = {
        "train.py": SCRIPT,
        "helper.py": "VALUE = 1",
        "late.py": "VALUE = 1",
        "config/model.yaml": "depth: 1",
        "data/table.csv": "1",
        ".env": "TOKEN=abc",
        "../beside.txt": "1",
        ".gitignore": "data/",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def git(*words: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


EDITED = {
    "train.py": "raise SystemExit(9)",
    "helper.py": "VALUE = 2",
    "late.py": "VALUE = 2",
    "config/model.yaml": "depth: 2",
    "data/table.csv": "2",
    "../beside.txt": "2",
}


def swept(project: Path, edited: Mapping[str, str] = EDITED) -> list[dict[str, Any]]:
    """Run a sweep of two trials, one after the other; edit all of it once the first one runs."""
    command = [sys.executable, "-m", "scitex_session", "sweep", str(project / "train.py")]
    with subprocess.Popen([*command, "--x", "1", "2"], stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: Path("seen").exists() or process.poll() is not None)
            for name, text in edited.items():
                (project / name).write_text(text)
            Path("edited").touch()
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, said.decode()
    found = [read_json(path) for path in project.glob("train_out/FINISHED_SUCCESS/*/session.json")]
    return sorted(found, key=lambda record: record["arguments"]["x"])


@pytest.mark.parametrize("repository", [True, False])
def test_trials_run_the_code_of_the_start_and_read_the_data_of_now(
    project: Path, repository: bool
) -> None:
    if repository:
        git("init", str(project))
    for record in swept(project):
        assert record["results"] == {
            "helper": 1,
            "late": 1,
            "depth": 1,
            "data/table.csv": "2",
            "../beside.txt": "2",
        }


def test_the_record_names_the_originals_and_the_git_state_of_the_start(project: Path) -> None:
    git("init", str(project))
    git("-C", str(project), "add", ".")
    git("-C", str(project), "commit", "-m", "first")
    (project / "helper.py").write_text("VALUE = 3")
    for record in swept(project):
        assert record["script"] == str(project / "train.py")
        assert record["argv"][0] == record["script"]
        assert record["code"]["modules"] == {
            name: str(project / f"{name}.py") for name in ("helper", "late")
        }
        assert record["code"]["frozen"]["root"] == str(project)
        assert record["git"]["dirty"]
        (run,) = project.glob(f"train_out/FINISHED_SUCCESS/{record['id']}*")
        assert (run / "code/train.py").read_text() == SCRIPT
        assert (run / "code/helper.py").read_text() == "VALUE = 3"
        diff = (run / "code/changes.diff").read_text()
        assert "+VALUE = 3" in diff
        assert "VALUE = 2" not in diff
    told = run_script("import scitex_session.__main__ as m; m.main()", "show", "latest")
    assert f"{project} as it was at" in told.stdout


def test_no_secret_file_and_no_run_is_copied(project: Path) -> None:
    git("init", str(project))
    swept(project)
    for name in ("seen", "edited"):
        Path(name).unlink()
    (project / "train.py").write_text(SCRIPT)
    swept(project)
    copies = [*project.glob("train_out/SWEEPS/*/.frozen/*/tree")]
    assert len(copies) == 2
    for tree in copies:
        frozen = tree.joinpath(*project.parts[1:])
        copied = {path.name for path in frozen.iterdir() if not path.is_symlink()}
        assert copied - {"__pycache__"} == {
            *("train.py", "helper.py", "late.py", "config", ".gitignore")
        }


def test_a_package_of_the_repository_that_python_finds_elsewhere_is_frozen(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", str(project))
    (project / "src").mkdir()
    (project / "helper.py").rename(project / "src/helper.py")
    monkeypatch.setenv("PYTHONPATH", str(project / "src"))
    for record in swept(project, {"src/helper.py": "VALUE = 2"}):
        assert record["results"]["helper"] == 1


def test_a_spawned_worker_reads_the_frozen_configuration(project: Path) -> None:
    git("init", str(project))
    worker = """\
from multiprocessing import get_context
import helper
def work(_):
    return [helper.VALUE, CONFIG.MODEL.depth]
"""
    text = SCRIPT.replace("import late\n", "return {'worker': str(pool(work))}\n")
    text = text.replace("import helper\n", worker, 1).replace(
        "if __name__",
        "def pool(f):\n    with get_context('spawn').Pool(1) as p:\n        return p.map(f, [0])\n"
        "if __name__",
    )
    (project / "train.py").write_text(text)
    assert [record["results"]["worker"] for record in swept(project)] == ["[[1, 1]]"] * 2


def test_what_a_trial_sweeps_are_runs_of_the_original_script_in_the_frozen_code(
    project: Path,
) -> None:
    inner = (
        "import scitex_session as stx\n@stx.session\ndef inner(y: int = 0):\n    return None\n"
        "if __name__ == '__main__':\n    inner()\n"
    )
    (project / "helper.py").write_text(inner)
    outer = (
        "import time\nfrom pathlib import Path\nimport scitex_session as stx\n"
        "from helper import inner\n@stx.session\ndef main(x: int = 0):\n    Path('seen').touch()\n"
        "    while not Path('edited').exists():\n        time.sleep(0.02)\n"
        "    return {'failed': len(inner.sweep(y=[x]).failed)}\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    (project / "train.py").write_text(outer)
    assert [record["results"] for record in swept(project)] == [{"failed": 0}] * 2
    inner_runs = [*project.glob("helper_out/FINISHED_SUCCESS/*/session.json")]
    assert [read_json(run)["script"] for run in inner_runs] == [str(project / "helper.py")] * 2
