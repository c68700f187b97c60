"""`scitex-session diff` of real runs: what a user changed is what it tells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = """
import helper
import scitex_session as stx

@stx.session
def fit(lr: float = 0.1):
    fig, ax = stx.plt.subplots()
    ax.plot([0, helper.scaled(lr)])
    for suffix in ("png", "pdf", "svg"):
        stx.io.save(fig, f"fit.{suffix}")
    stx.io.save({"lr": [lr, 1.0]}, "fit.csv")
    return {"acc": 1 - lr}

fit()
"""


def made(*args: str) -> Path:
    """Run the script; give the directory of its run."""
    finished = run_script(SCRIPT, *args)
    assert (finished.returncode, finished.stderr) == (0, "")
    return Path("script_out/latest").resolve()


def on_terminal(argv: Sequence[str], columns: int) -> list[str]:
    """Give the lines that a command shows on a terminal of so many columns."""
    pyte = pytest.importorskip("pyte")
    terminal = pytest.importorskip("support.terminal", reason="a pseudo-terminal")
    command = [sys.executable, "-m", "scitex_session", *argv]
    with terminal.Terminal("", columns=columns, argv=command) as shown:
        screen = pyte.Screen(columns, 100)
        pyte.ByteStream(screen).feed(shown.read())
    return [line.rstrip() for line in screen.display]


def test_what_was_changed_between_two_runs_is_told_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    helper = Path("helper.py")
    helper.write_text("def scaled(x):\n    return x * 2\n")
    Path("notes.md").write_text("one\n")
    Path(".gitignore").write_text("script_out\nscript.py\n__pycache__\n")
    for command in ("init -q", "add .", "commit -qm one"):
        subprocess.run(["git", *command.split()], check=True)
    first, again = made(), made()
    # Other stamps, the same figures.
    assert (first / "fit.png").read_bytes() != (again / "fit.png").read_bytes()
    assert stx.diff(first, again) == {}
    assert main(["diff", str(first / "fit.pdf"), str(again / "fit.pdf")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "the same, as far as is on record: files, arguments, config, seed, code"
    )

    helper.write_text("def scaled(x):\n    return x * 3\n")
    Path("notes.md").write_text("two\n")
    second = made("--lr", "0.2")
    found = stx.diff(first / "fit.png", second / "fit.png")
    assert list(found) == ["files", "arguments", "code", "results", "artifacts"]
    assert 0 < found["files"]["share"] < 0.5
    assert found["arguments"] == {"lr": [0.1, 0.2]}
    assert found["results"] == {"acc": [0.9, 0.8]}
    assert list(found["code"]) == ["files", "changes"]
    assert list(found["code"]["files"]) == ["helper.py"]
    assert found["code"]["files"]["helper.py"]["diff"].splitlines()[-2:] == [
        "-    return x * 2",
        "+    return x * 3",
    ]
    assert list(found["code"]["changes"]) == ["notes.md"]
    assert {n: a["how"] for n, a in found["artifacts"].items()} == {
        "fit.png": "pixels",
        "fit.pdf": "drawing",
        "fit.svg": "drawing",
        "fit.csv": "values",
    }
    assert found["artifacts"]["fit.csv"]["differences"][0]["largest"] == 0.1

    ids = [first.name, second.name]
    assert main(["diff", *ids, "--json"]) == 1
    del found["files"]
    assert json.loads(capsys.readouterr().out) == found


EXIT = """
import sys
import scitex_session as stx

@stx.session
def main(n: int):
    sys.exit(n)

main()
"""


@pytest.fixture
def ended() -> tuple[Path, Path]:
    """Give the directories of two runs: one that succeeded, and one that failed."""
    for n in "03":
        run_script(EXIT, "--n", n)
    (good,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    (bad,) = Path("script_out/FINISHED_ERROR").iterdir()
    return good, bad


@pytest.mark.parametrize("columns", [80, 160])
def test_it_fits_a_terminal(columns: int, ended: tuple[Path, Path]) -> None:
    good, bad = ended
    lines = on_terminal(["diff", good.name, bad.name], columns)
    assert lines[0].startswith(f"- {good.name}  script.py  success")
    assert lines[1].startswith(f"+ {bad.name}  script.py  failed")
    assert " n 0 → 3" in lines
    assert " status      success → failed" in lines
    table = on_terminal(["diff", *[good.name] * 10, bad.name], columns)
    assert sum(line.startswith("  n ") for line in table) == (2 if columns == 80 else 1)
    shown = " ".join(table).split()
    assert shown.count("failed") == 1
    assert shown.count("success") == 10


def test_runs_that_ended_otherwise_and_runs_that_are_gone(ended: tuple[Path, Path]) -> None:
    good, bad = ended
    assert stx.diff(good, bad) == {
        "arguments": {"n": [0, 3]},
        "ending": {
            "status": ["success", "failed"],
            "exit_status": [0, 3],
            "reason.code": [0, 3],
        },
    }
    good.rename("elsewhere")
    with pytest.raises(stx.UnknownRunError, match="its directory is gone from"):
        stx.diff(good.name, bad)
