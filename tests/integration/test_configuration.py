"""The files of ``config/``, from what is typed into them to what is on record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scitex_session import SessionManager
from scitex_session_core import reap, reindex
from support import Finished, read_json, run_script, start_script

SCRIPT = """
    import scitex_session as stx

    @stx.session
    def main(size: int = 1):
        {body}

    if __name__ == "__main__":
        main()
"""


def config(**files: str) -> None:
    Path("config").mkdir(exist_ok=True)
    for name, text in files.items():
        Path(f"config/{name}.yaml").write_text(text)


def ran(body: str, *args: str, **options: Any) -> Finished:
    return run_script(SCRIPT.format(body=body), *args, **options)


def the_run(directory: str = "FINISHED_SUCCESS") -> Path:
    (run,) = Path("script_out", directory).iterdir()
    return run


def test_values_and_where_they_came_from_are_on_disk_before_user_code() -> None:
    config(
        model="lr: 1e-3\nname: ${env:RUN_NAME}\nauth: ${env:LAB_TOKEN}\n",
        train="lr: ${MODEL.lr}\nflag: no\n",
    )
    finished = ran(
        "print((CONFIG.SDIR_RUN / 'CONFIGS' / 'CONFIG.yaml').read_text());"
        " print(CONFIG.MODEL.auth, CONFIG.TRAIN)",
        env={"RUN_NAME": "7", "LAB_TOKEN": "hunter2"},
    )
    assert finished.stderr == ""
    assert "  lr: 0.001  # config/train.yaml:1, ${MODEL.lr}\n" in finished.stdout
    assert "  name: 7  # config/model.yaml:2, ${env:RUN_NAME}\n" in finished.stdout
    assert '  auth: "***"  # config/model.yaml:3, ${env:LAB_TOKEN}\n' in finished.stdout
    assert "hunter2 DotDict({'lr': 0.001, 'flag': 'no'})\n" in finished.stdout
    record = read_json(the_run() / "session.json")
    assert record["config"] == {
        "MODEL": {"lr": 0.001, "name": 7, "auth": "***"},
        "TRAIN": {"lr": 0.001, "flag": "no"},
    }


def test_the_written_configuration_is_read_back_equal() -> None:
    config(model="lr: 1e-3\nclasses: {0: cat, 1: dog}\nno: [on, 010, 1:30, .inf]\n")
    assert ran("pass").returncode == 0
    written = (the_run() / "CONFIGS" / "CONFIG.yaml").read_text()
    assert yaml.safe_load(written)["MODEL"] == {
        "lr": 0.001,
        "classes": {0: "cat", 1: "dog"},
        "no": ["on", 10, "1:30", float("inf")],
    }


def test_values_can_be_changed_in_memory_and_the_record_keeps_what_was_resolved() -> None:
    config(model="lr: 1\n")
    finished = ran(
        "CONFIG.MODEL.lr = 2; CONFIG.ARGS.size = 5; CONFIG.MINE = 3; print(CONFIG.MODEL)"
    )
    assert finished == (0, "DotDict({'lr': 2})\n", "")
    record = read_json(the_run() / "session.json")
    assert (record["config"], record["arguments"]) == ({"MODEL": {"lr": 1}}, {"size": 1})


@pytest.mark.parametrize("change", ["CONFIG.ID = 'mine'", "CONFIG['SDIR_RUN'] = '.'"])
def test_what_protects_the_run_says_that_it_cant_be_changed(change: str) -> None:
    finished = ran(change)
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert "is the run's own and can't be changed" in last
    assert read_json(the_run("FINISHED_ERROR") / "session.json")["status"] == "failed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 0.001\nlr: 0.01\n", "line 2: the key 'lr' is in line 1 already"),
        ("lr: 0.001\nlayers: [1, 2\n", "line 3: expected ',' or ']'"),
        (
            "lr: ${MODEL.rate}\nrates: 1\n",
            "line 1: ${MODEL.rate}: there is no 'rate'; did you mean",
        ),
        ("a: ${b}\nb: ${a}\n", "line 1: a reference leads back to itself"),
        ("a: ${env:SURELY_UNSET}\n", "line 1: the environment variable SURELY_UNSET is not set"),
    ],
)
def test_a_mistake_is_one_line_and_no_run(text: str, said: str) -> None:
    config(model=text)
    finished = ran("pass")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("script.py: error: ")
    assert f"config/model.yaml: {said}" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not Path("script_out").exists()
    assert SessionManager().list_sessions() == {}


def test_start_raises_what_is_wrong_and_starts_nothing() -> None:
    config(model="a: [\n")
    finished = run_script("import scitex_session as stx\nstx.start(verbose=False)\n")
    assert finished.returncode == 1
    assert "ConfigFileError: " in finished.stderr.splitlines()[-1]
    assert not Path("script_out").exists()


def test_help_is_there_even_where_the_configuration_is_broken() -> None:
    config(model="a: [\n")
    finished = ran("pass", "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "--size" in finished.stdout


@pytest.mark.parametrize("how", ["file", "keyword"])
def test_a_debug_run_says_so_in_its_id(how: str) -> None:
    if how == "file":
        config(IS_DEBUG="IS_DEBUG: true\n")
    source = SCRIPT.format(body="print(CONFIG.DEBUG, CONFIG.ID)")
    if how == "keyword":
        source = source.replace("@stx.session", "@stx.session(debug=True)")
    finished = run_script(source)
    run = the_run()
    assert finished == (0, f"True {run.name}\n", "")
    assert run.name.startswith("DEBUG_2")
    assert list(SessionManager().list_sessions()) == [run.name]
    assert reindex("script_out") == []


def test_a_debug_run_that_is_killed_is_filed_and_known() -> None:
    config(IS_DEBUG="IS_DEBUG: true\n")
    body = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    if sys.platform == "win32":
        pytest.skip("SIGKILL is missing here")
    with start_script(SCRIPT.format(body=body)) as process:
        process.wait(20)
    reap(Path.cwd())
    run = the_run("FINISHED_ERROR")
    assert run.name.startswith("DEBUG_2")
    assert SessionManager().get_session(run.name)["status"] == "crashed"


def test_debug_false_stands_above_the_file() -> None:
    config(IS_DEBUG="IS_DEBUG: true\n")
    source = SCRIPT.format(body="print(CONFIG.DEBUG)")
    finished = run_script(source.replace("@stx.session", "@stx.session(debug=False)"))
    assert finished == (0, "False\n", "")


def test_debug_must_be_true_or_false() -> None:
    finished = run_script(SCRIPT.format(body="pass").replace("session\n", "session(debug='yes')\n"))
    assert finished.returncode == 1
    assert "debug must be True, False or None" in finished.stderr.splitlines()[-1]
    assert not Path("script_out").exists()


def test_running2finished_and_close_still_update_it() -> None:
    finished = run_script("""
        import scitex_session as stx
        CONFIG, *_ = stx.start(verbose=False)
        copy = CONFIG.copy()
        assert stx.running2finished(copy, exit_status=0) is copy
        for config in (CONFIG, copy):
            assert config.SDIR_RUN.parent.name == "FINISHED_SUCCESS", config
            assert config.EXIT_STATUS == 0 and config.RUN_DURATION is not None
        stx.close(CONFIG, verbose=False)
    """)
    assert finished == (0, "", "")
