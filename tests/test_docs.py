"""What the pages and READMEs show is what happens, and what they list is all there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx

REPOSITORY = Path(__file__).parents[1]
ON_DISK = REPOSITORY / "docs" / "on-disk.md"
PAGES = [
    str(page.relative_to(REPOSITORY))
    for folder in ("README.md", "packages/*/README.md", "docs/**/*.md")
    for page in sorted(REPOSITORY.glob(folder))
    if re.search(r"^```(python|console)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.skipif(sys.platform != "linux", reason="the pages show bash, and paths of Linux")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_happens(page: str) -> None:
    text = REPOSITORY.joinpath(page).read_text(encoding="utf-8")
    for library in re.findall(r"\w+", "".join(re.findall(r"^% needs: (.*)$", text, re.MULTILINE))):
        pytest.importorskip(library)
    script = REPOSITORY / "docs" / "executed.py"
    done = subprocess.run(
        [sys.executable, script, REPOSITORY / page], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


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

    @stx.session(file="analysis.py")
    def main() -> dict[str, Any]:
        with open(stx.CONFIG.SDIR_RUN / "large", "wb") as file:
            file.truncate(1 << 30)  # which is not read
        return {"curve": []}  # which is omitted

    main.run()
    (path,) = Path("analysis_out").glob("*/2*/session.json")
    record = json.loads(path.read_bytes())
    statuses = {"running", "success", "failed", "finished", "crashed", "lost", "unknown"}
    assert first_cells(section("session.json")) == {*record, *statuses}


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
