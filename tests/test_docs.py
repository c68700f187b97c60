"""What the pages and READMEs show is what happens, and what they list is all there is."""

from __future__ import annotations

import doctest
import json
import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx

REPOSITORY = Path(__file__).parents[1]
ON_DISK = REPOSITORY / "docs" / "on-disk.md"
PAGES = [
    str(page.relative_to(REPOSITORY))
    for folder in ("*.md", "packages/*/README.md", "docs/**/*.md")
    for page in sorted(REPOSITORY.glob(folder))
    if "```" in (text := page.read_text(encoding="utf-8"))
    and not text.startswith("<!-- needs: slurm")  # tests/cluster runs it
]
SLOW = re.compile("docs/(tutorial|how-to|explanations|sweeps|clusters|coming-from)")


@pytest.mark.skipif(sys.platform != "linux", reason="the pages show bash, and paths of Linux")
@pytest.mark.parametrize(
    "page",
    # READMEs and the pages of the reference are quick.
    [pytest.param(page, marks=pytest.mark.slow if SLOW.match(page) else ()) for page in PAGES],
)
def test_a_page_shows_what_happens(page: str) -> None:
    text = REPOSITORY.joinpath(page).read_text(encoding="utf-8")
    if needs := re.match("<!-- needs: (.*) -->", text):
        for library in needs[1].split():
            pytest.importorskip(library)
    script = REPOSITORY / "docs" / "executed.py"
    done = subprocess.run(
        [sys.executable, script, REPOSITORY / page], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore:no run has")  # the examples search, and find nothing yet
@pytest.mark.parametrize("package", ["", "_core", "_io", "_plot", "_repro"])
def test_what_the_reference_shows_is_what_happens(package: str, tmp_path: Path) -> None:
    os.environ["SCITEX_SESSION_OUT_DIR"] = str(tmp_path)  # not beside the source of `start`
    pytest.importorskip("pandas")  # for `stx.runs`
    module = import_module(f"scitex_session{package}")
    public = {name: getattr(module, name) for name in module.__all__}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for name, value in public.items():
        for example in doctest.DocTestFinder().find(value, name, globs={**public, "stx": module}):
            printed: list[str] = []
            assert runner.run(example, out=printed.append).failed == 0, "".join(printed)


@pytest.mark.parametrize("readme", [page for page in PAGES if page.endswith("README.md")])
def test_a_readme_has_a_snippet_and_what_it_prints(readme: str) -> None:
    text = REPOSITORY.joinpath(readme).read_text(encoding="utf-8")
    assert re.search(r"^```python\n", text, re.MULTILINE)
    assert re.search(r"^```console\n\$ .*\n(?!`)|^```text\n", text, re.MULTILINE)


def section(title: str) -> str:
    text = ON_DISK.read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


def first_cells(table: str) -> set[str]:
    return {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`([\w./]+)`", row)
    }


def test_the_page_on_disk_names_every_field_of_a_record() -> None:
    import numpy as np  # noqa: F401  # a run that used it says what repeats

    os.environ["SLURM_JOB_ID"] = "7"  # whose scheduler asks the run to stop

    @stx.session(file="analysis.py")
    def main() -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGUSR1)
        with open(stx.CONFIG.SDIR_RUN / "large", "wb") as file:
            file.truncate(1 << 30)  # which is not read
        return {"curve": []}  # which is omitted

    main.run()
    (first,) = Path("analysis_out").glob("*/2*")
    stx.run(main, resume=first.name, notify=True)
    (path,) = Path("analysis_out").glob("*/2*/session.json")
    record = json.loads(path.read_bytes())
    statuses = {"running", "success", "failed", "finished", "crashed", "lost", "unknown"}
    ranks = {"ranks"}  # which a run of one process has not
    assert first_cells(section("session.json")) == {*record, *ranks, *statuses}


def test_the_page_on_disk_names_every_event_of_the_registry(tmp_path: Path) -> None:
    manager = stx.SessionManager(tmp_path)
    manager.create_session("one", {})
    manager.update_session("one", tag="paper")
    manager.close_session("one")
    manager.remove("one")
    lines = [
        json.loads(line)
        for file in (tmp_path / "journal").iterdir()
        for line in file.read_bytes().split(b"\n")
        if line
    ]
    assert {line["event"] for line in lines} | {"record"} == first_cells(section("The registry"))


def test_the_page_on_the_environment_names_every_variable_of_ours() -> None:
    page = REPOSITORY.joinpath("docs", "environment.md").read_text(encoding="utf-8")
    readme = REPOSITORY.joinpath("packages", "scitex-session", "README.md")
    listed = page + readme.read_text(encoding="utf-8")  # which has the options of the session
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in REPOSITORY.glob("packages/*/src/**/*.py")
    )
    assert not set(re.findall(r"SCITEX_SESSION_[A-Z_]+[A-Z]", sources)).difference(
        re.findall(r"SCITEX_SESSION_[A-Z_]+", listed)
    )
