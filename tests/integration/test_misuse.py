"""What a tired user does to a session by mistake must not make its record lie."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from scitex_session import SessionManager
from support import Finished, read_json, run_script, start_script

SCRIPT = """
    import scitex_session as stx

    @stx.session
    def main():
        {body}

    if __name__ == "__main__":
        main()
"""


def ran(body: str, **options: Any) -> Finished:
    return run_script(SCRIPT.format(body=body), **options)


def the_record() -> dict[str, Any]:
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    record: dict[str, Any] = read_json(run / "session.json")
    return record


@pytest.mark.parametrize(
    "force",
    [
        "dict.clear(CONFIG)",
        "dict.update(CONFIG, SDIR_RUN='elsewhere')",
        "dict.update(CONFIG, SDIR_RUN=CONFIG.SDIR_RUN / 'sub'); CONFIG.SDIR_RUN.mkdir()",
        "dict.update(CONFIG, SDIR_OUT=None)",
        "dict.update(CONFIG, ID='mine')",
        "dict.update(CONFIG, START_DATETIME='now')",
    ],
)
def test_a_config_that_the_script_spoils_by_force_does_not_spoil_the_run(force: str) -> None:
    finished = ran(f"{force}; stx.io.save([1], 'result.json')")
    assert finished == (0, "", "")
    assert the_record()["status"] == "success"
    assert [artifact["path"] for artifact in the_record()["artifacts"]] == ["result.json"]
    assert list(Path("script_out/RUNNING").iterdir()) == []


@pytest.mark.parametrize("name", ["session.json", "./session.json", "x/../session.json"])
def test_the_record_cant_be_saved_over(name: str) -> None:
    finished = ran(
        f"""
        try:
            stx.io.save([1], {name!r})
        except ValueError as error:
            print(error)
    """.strip()
    )
    assert "path must be a name that " in finished.stdout
    assert the_record()["status"] == "success"


def test_a_relative_path_cant_lead_out_of_the_run() -> None:
    finished = ran("stx.io.save([1], '../escaped.json')")
    assert finished.returncode == 1
    assert "InvalidValueError: path must be within " in finished.stderr
    assert "../escaped.json" in finished.stderr
    assert not list(Path("script_out").glob("*/escaped.json"))


def test_a_record_that_the_script_deletes_is_written_anew_with_its_artifacts() -> None:
    finished = ran("stx.io.save([1], 'a.json'); (CONFIG.SDIR_RUN / 'session.json').unlink()")
    assert finished.returncode == 0
    assert "there is no record of the run in " in finished.stderr
    assert [artifact["path"] for artifact in the_record()["artifacts"]] == ["a.json"]


def test_workers_of_a_script_without_a_guard_start_no_sessions() -> None:
    finished = run_script(
        """
        import multiprocessing
        import scitex_session as stx

        @stx.session
        def main():
            try:
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    pool.apply_async(abs, [-1]).get(timeout=3)
            except multiprocessing.TimeoutError:
                pass

        main()
        """
    )
    assert finished.returncode == 0
    assert "RuntimeError" in finished.stderr  # what Python itself says of a missing guard
    assert len(list(Path("script_out").glob("*/2*"))) == 1
    assert len(SessionManager().list_sessions()) == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_at_any_moment_of_the_start_leaves_a_true_record_or_nothing(name: str) -> None:
    # From the call on: before it, a Ctrl-C is Python's own, which may lose one that comes within a
    # weakref callback of an import.
    source = textwrap.dedent(SCRIPT).replace("    main()", "    print('begun', flush=True); main()")
    assert "begun" in source
    for step in range(12):
        with start_script(source.format(body="import time; time.sleep(20)")) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.0025 * step)
            process.send_signal(getattr(signal, name))
            process.wait(20)
        assert process.returncode == -getattr(signal, name)
    assert list(Path("script_out").glob("RUNNING/*")) == []
    for run in Path("script_out").glob("*/2*"):
        record = read_json(run / "session.json")
        assert record["reason"]["kind"] == "signal"
        assert run.parent.name == "FINISHED_ERROR"


@pytest.mark.parametrize("call", ["stx.close(None)", "stx.running2finished(3)", "stx.start(3)"])
def test_what_is_no_argument_is_refused_in_a_sentence(call: str) -> None:
    finished = run_script(f"import scitex_session as stx\n{call}")
    assert finished.returncode == 1
    assert "must be" in finished.stderr.splitlines()[-1]


def test_a_registry_that_is_an_address_is_refused_before_anything_starts() -> None:
    finished = ran("pass", env={"SCITEX_SESSION_REGISTRY": "postgresql://u:secret@host/lab"})
    assert finished.returncode == 1
    assert "SCITEX_SESSION_REGISTRY must be a directory" in finished.stderr
    assert "secret" not in finished.stderr
    assert not Path("script_out").exists()


def test_an_option_that_nobody_reads_is_refused() -> None:
    finished = run_script(
        "import scitex_session as stx\ndef main(args): ...\nstx.run(main)", "--lr", "3"
    )
    assert finished.returncode == 2
    assert "unrecognized arguments: --lr 3" in finished.stderr
    assert not Path("script_out").exists()
