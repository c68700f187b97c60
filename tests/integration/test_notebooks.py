"""Sessions in a real notebook's kernel: values are returned, and nothing is left running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import read_json, without_failure_line

nbclient = pytest.importorskip("nbclient", reason="running a notebook needs nbclient")
pytest.importorskip("ipykernel", reason="running a notebook needs ipykernel")
nbformat = pytest.importorskip("nbformat", reason="running a notebook needs nbformat")


def run_notebook(*cells: str, fails: bool = False) -> list[Any]:
    """Run cells in one kernel, and give the outputs of each."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    client = nbclient.NotebookClient(
        notebook, timeout=100, kernel_name="python3", allow_errors=fails
    )
    client.execute(cwd=str(Path.cwd()))
    return [cell.outputs for cell in notebook.cells]


def text_of(outputs: list[Any]) -> str:
    text = "".join(output.get("text", "") for output in outputs)
    return without_failure_line(text)


def records() -> list[dict[str, Any]]:
    found = [read_json(path) for path in Path("notebook_out").glob("FINISHED*/*/session.json")]
    return sorted(found, key=lambda record: str(record["started"]))


DEFINE = """
import scitex_session as stx
@stx.session
def fit(n: int = 3):
    print("fitting", n)
    return n
"""


def test_what_the_function_returns_is_the_value_of_the_cell() -> None:
    _, called, ran, after = run_notebook(DEFINE, "fit()", "fit.run(n=0)", "print('alive')")
    assert text_of(called) == "fitting 3\n"
    assert called[-1]["data"]["text/plain"] == "3"
    assert ran[-1]["data"]["text/plain"] == "0"
    assert text_of(after) == "alive\n"
    first, second = records()
    assert (first["exit_status"], second["exit_status"]) == (3, 0)
    assert first["script"] == str(Path("notebook.ipynb").absolute())
    log = next(Path("notebook_out").glob(f"*/{first['id']}/logs/stdout.log"))
    assert log.read_text() == "fitting 3\n"


def test_the_cells_so_far_are_the_source_on_record() -> None:
    secret = "password = 'hunter2hunter2'"
    run_notebook("x = 1", secret, DEFINE + "fit()\nprint('the cell goes on')")
    (record,) = records()
    code = next(Path("notebook_out").glob(f"*/{record['id']}/code/notebook.py")).read_text()
    assert "# In [1]\nx = 1\n" in code
    assert "the cell goes on" in code
    assert "hunter2" not in code


def test_a_start_cell_that_runs_again_ends_the_earlier_session() -> None:
    start = "import scitex_session as stx; CONFIG, *_ = stx.start(verbose=False); CONFIG.ID"
    first, again, _ = run_notebook(start, start, "stx.close(CONFIG, exit_status=0, verbose=False)")
    earlier = first[-1]["data"]["text/plain"].strip("'")
    assert f"scitex-session: {earlier} ends, since another session begins" in text_of(again)
    assert [record["status"] for record in records()] == ["finished", "success"]
    assert not list(Path("notebook_out/RUNNING").iterdir())


def test_a_session_is_a_block_whose_error_is_the_cells() -> None:
    block = """
import scitex_session as stx
with stx.Session(seed=7, tags=["notebook"]) as s:
    print(s.CONFIG.ID)
    s.results["mean"] = s.rngg("data").normal(size=100).mean()
"""
    _, failed, after = run_notebook(
        block,
        "with stx.Session() as s:\n    raise ValueError('mine')",
        "print('alive')",
        fails=True,
    )
    assert [output.get("ename") for output in failed if output["output_type"] == "error"] == [
        "ValueError"
    ]
    assert text_of(after) == "alive\n"
    good, bad = records()
    assert list(good["results"]) == ["mean"]
    assert (good["tags"], good["status"]) == (["notebook"], "success")
    assert (bad["status"], bad["reason"]["message"]) == ("failed", "mine")


def test_an_interrupt_is_filed_and_the_kernel_goes_on() -> None:
    interrupted = """
import os, signal, threading, time
import scitex_session as stx
@stx.session
def wait():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(30)
wait()
"""
    first, after = run_notebook(interrupted, "print('alive')", fails=True)
    assert [o.get("ename") for o in first if o["output_type"] == "error"] == ["KeyboardInterrupt"]
    assert text_of(after) == "alive\n"
    (record,) = records()
    assert (record["status"], record["exit_status"]) == ("failed", 130)


def test_a_kernel_that_ends_within_a_session_leaves_the_truth() -> None:
    run_notebook("import scitex_session as stx; CONFIG, *_ = stx.start(verbose=False)")
    (record,) = records()
    assert record["status"] in ("finished", "crashed")
    assert not list(Path("notebook_out/RUNNING").iterdir())


def test_figures_are_shown_as_the_notebook_shows_them() -> None:
    pytest.importorskip("matplotlib_inline", reason="needs the inline backend of notebooks")
    plot = """
%matplotlib inline
import scitex_session as stx
@stx.session
def draw():
    plt.plot([1, 2])
    plt.show()
draw()
"""
    (outputs,) = run_notebook(plot)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1


def test_await_run_and_shell_commands_work() -> None:
    Path("script.py").write_text(
        "import scitex_session as stx\n"
        "@stx.session\n"
        "def main(n: int = 1):\n"
        "    print('in script', n)\n"
        "    return n\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    wait = """
import asyncio, sys
import scitex_session as stx
@stx.session
async def wait(n: int = 5):
    await asyncio.sleep(0.01)
    return n
await wait()
"""
    awaited, ran, shell, after = run_notebook(
        wait, "%run script.py --n 4", "!{sys.executable} script.py --n 6", "print('alive')"
    )
    assert awaited[-1]["data"]["text/plain"] == "5"
    assert text_of(ran) == "in script 4\n"
    assert text_of(shell).splitlines() == ["in script 6"]
    assert text_of(after) == "alive\n"
    scripts = [read_json(path) for path in Path("script_out").glob("FINISHED*/*/session.json")]
    assert sorted(record["exit_status"] for record in scripts) == [4, 6]
