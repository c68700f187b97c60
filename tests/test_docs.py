"""The pages that other tools rely on say what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import scitex_session as stx
from support import run_script

DOCS = Path(__file__).parents[1] / "docs"
ON_DISK = DOCS / "on-disk.md"


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


def test_the_experiment_beside_other_packages_prints_what_its_page_shows(tmp_path: Path) -> None:
    script = tmp_path / "walk.py"
    script.write_bytes((DOCS / "coming-from" / "walk.py").read_bytes())
    finished = run_script(script, "--steps", "2000")
    assert finished.returncode == 0, finished
    shown = (DOCS / "coming-from" / "index.md").read_text("utf-8")
    assert f"$ python walk.py --steps 2000\n{finished.stdout}$" in shown
