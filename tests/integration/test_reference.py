"""The examples of the public API reference, and its signatures, are promises."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import scitex_session as stx
from support import read_json, run_script

SIGNATURES = {
    "start": "sys=None, plt=None, file=None, sdir=None, sdir_suffix=None, args=None, os=None, "
    "random=None, np=None, torch=None, seed=42, agg=False, fig_size_mm=(160, 100), fig_scale=1.0, "
    "dpi_display=100, dpi_save=300, fontsize='small', autolayout=False, show_execution_flow=False, "
    "hide_top_right_spines=True, alpha=0.9, line_width=1.0, clear_logs=False, verbose=True",
    "close": "CONFIG, message=':)', notify=False, verbose=True, exit_status=None",
    "running2finished": "CONFIG, exit_status=None, remove_src_dir=True, max_wait=60",
    "session": "func=None, *, verbose=False, agg=True, notify=False, sdir_suffix=None, "
    "**session_kwargs",
    "run": "func, parse_args=None, **session_kwargs",
    "SessionManager.create_session": "self, session_id, config, script_path=None",
    "SessionManager.close_session": "self, session_id, status='success', exit_code=0",
    "SessionManager.get_active_sessions": "self",
    "SessionManager.get_session": "self, session_id",
    "SessionManager.list_sessions": "self",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_begin_with_those_of_the_reference(name: str) -> None:
    found: object = stx
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
    parameters = [
        str(p.replace(annotation=p.empty)).replace(" = ", "=")
        for p in inspect.signature(found).parameters.values()
    ]
    if "*" not in SIGNATURES[name]:
        # What we add stands behind, by keyword only.
        keyword_only = [
            p for p in inspect.signature(found).parameters.values() if p.kind is p.KEYWORD_ONLY
        ]
        parameters = parameters[: len(parameters) - len(keyword_only)]
        assert all(p.default is not p.empty for p in keyword_only)
        assert ", ".join(parameters) == SIGNATURES[name]
    else:
        bare = str(inspect.signature(found).replace(return_annotation=inspect.Signature.empty))
        told = inspect.signature(eval(f"lambda {SIGNATURES[name]}: None"))
        assert list(inspect.signature(found).parameters) == list(told.parameters), bare
        assert {n: p.default for n, p in inspect.signature(found).parameters.items()} == {
            n: p.default for n, p in told.parameters.items()
        }


def test_the_decorators_first_example() -> None:
    Path("data.csv").write_text("x,y\n1,0.25\n2,0.75\n")
    finished = run_script(
        """
        import scitex_session as stx

        def process(data, threshold):
            return [row for row in data if row["y"] > threshold]

        @stx.session
        def analyze(data_path: str, threshold: float = 0.5):
            '''Analyze data file.'''
            data = stx.io.load(data_path)
            result = process(data, threshold)
            stx.io.save(result, "output.csv")
            return 0

        if __name__ == '__main__':
            analyze()
        """,
        "--data-path",
        "data.csv",
        "--threshold",
        "0.7",
    )
    assert finished == (0, "", "")
    run = next(Path("script_out/FINISHED_SUCCESS").iterdir())
    assert (run / "output.csv").read_text() == "x,y\n2,0.75\n"
    record = read_json(run / "session.json")
    assert record["arguments"] == {"data_path": "data.csv", "threshold": 0.7}
    assert record["function"] == "analyze"
    assert record["argv"][1:] == ["--data-path", "data.csv", "--threshold", "0.7"]
    read, made = record["artifacts"]
    assert (read["path"], read["role"]) == (str(Path("data.csv").absolute()), "input")
    assert (made["path"], made["bytes"], made["role"]) == ("output.csv", 11, "output")


def test_the_decorators_example_with_options() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session(verbose=True, notify=True)
        def train_model(model_name: str, epochs: int = 10):
            '''Train ML model.'''
            logger.info(f"Session ID: {CONFIG['ID']}")
            logger.info(f"Output directory: {CONFIG['SDIR_RUN']}")
            plt.plot([1, 2], color=COLORS.blue)
            plt.close("all")
            assert 0 <= rngg("weights").random() < 1
            return 0

        if __name__ == '__main__':
            train_model()
        """,
        "--model-name",
        "tiny",
    )
    assert finished.returncode == 0, finished
    run = next(Path("script_out/FINISHED_SUCCESS").iterdir())
    log = (run / "logs" / "stderr.log").read_text()
    assert f"INFO: Session ID: {run.name}\n" in log
    assert "INFO: Output directory: " in log
    assert str(run.absolute()) in finished.stdout
    assert "SCITEX_SESSION_NOTIFY" in finished.stderr


def test_the_example_of_run() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        def main(args):
            print("with", args)
            return 0

        if __name__ == '__main__':
            print(stx.session.run(main))
        """
    )
    assert finished == (0, "with Namespace()\n0\n", "")
    assert len(list(Path("script_out/FINISHED_SUCCESS").iterdir())) == 1


def test_start_and_close_with_every_module_of_the_reference() -> None:
    finished = run_script(
        """
        import os, random, sys
        import matplotlib.pyplot as plt
        import numpy as np
        import scitex_session as stx

        CONFIG, sys.stdout, sys.stderr, plt, COLORS, rng = stx.start(
            sys, plt, file=__file__, args={"a": 1}, os=os, random=random, np=np, agg=True,
            sdir_suffix="first", verbose=True, show_execution_flow=True,
        )
        first = random.random(), np.random.rand()
        print("ID", CONFIG.ID, CONFIG.ARGS.a)
        stx.close(CONFIG, message="done", exit_status=0)
        assert CONFIG.SDIR_RUN.name.endswith("-first")
        assert CONFIG.EXIT_STATUS == 0
        random.seed(42); np.random.seed(42)
        assert first == (random.random(), np.random.rand())
        """
    )
    assert finished.returncode == 0, finished
    assert "done  success after" in finished.stdout
    assert finished.stderr == ""


def test_running2finished_updates_the_config_in_place_and_returns_it() -> None:
    finished = run_script("""
        import scitex_session as stx
        CONFIG, *_ = stx.start(verbose=False)
        again = stx.running2finished(CONFIG, exit_status=0)
        assert again is CONFIG
        assert CONFIG.SDIR_RUN.parent.name == "FINISHED_SUCCESS"
        assert CONFIG.SDIR_RUN.is_dir() and CONFIG.SDIR == CONFIG.SDIR_RUN
        stx.close(CONFIG, verbose=False)
    """)
    assert finished == (0, "", "")
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run / "session.json")["status"] == "success"
