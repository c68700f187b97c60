"""What a script gets from its session, and what it leaves as it was."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from support import read_json, run_script


def the_run(directory: str = "FINISHED_SUCCESS") -> Path:
    (run,) = Path("script_out", directory).iterdir()
    return run


def test_everything_is_on_disk_before_the_first_line_of_the_function() -> None:
    finished = run_script(
        """
        import json
        import scitex_session as stx

        @stx.session
        def main(size: int = 3, api_key: str = ""):
            record = json.loads((CONFIG.SDIR_RUN / "session.json").read_bytes())
            assert record["status"] == "running"
            assert record["arguments"] == {"size": 4, "api_key": "***"}, record
            assert "hunter2" not in (CONFIG.SDIR_RUN / "session.json").read_text()
            config = (CONFIG.SDIR_RUN / "CONFIGS" / "CONFIG.yaml").read_text()
            assert "size: 4  # command line" in config, config
            assert "hunter2" not in config
            code = (CONFIG.SDIR_RUN / "code" / "script.py").read_text()
            assert code == open(__file__).read()

        if __name__ == "__main__":
            main()
        """,
        "--size",
        "4",
        "--api-key",
        "hunter2",
    )
    assert finished == (0, "", "")


def test_config_tells_of_the_run() -> None:
    finished = run_script("""
        import os, pathlib
        import scitex_session as stx

        @stx.session(sdir_suffix="draft")
        def main(alpha: float = 0.5):
            assert isinstance(CONFIG, stx.DotDict)
            assert CONFIG.PID == os.getpid()
            assert CONFIG.SDIR_RUN == CONFIG["SDIR"]
            assert CONFIG.SDIR_RUN == CONFIG.SDIR_OUT / "RUNNING" / f"{CONFIG.ID}-draft"
            assert CONFIG.FILE == pathlib.Path(__file__)
            assert CONFIG.ARGS.alpha == 0.5
            assert CONFIG.START_DATETIME.tzinfo is not None
            assert CONFIG.END_DATETIME is CONFIG.EXIT_STATUS is None
            assert CONFIG.DEBUG is False
            global kept
            kept = CONFIG

        if __name__ == "__main__":
            main()
            assert kept.EXIT_STATUS == 0
            assert kept.RUN_DURATION == kept.END_DATETIME - kept.START_DATETIME
            assert kept.SDIR_RUN.parent.name == "FINISHED_SUCCESS" and kept.SDIR_RUN.is_dir()
    """)
    assert finished == (0, "", "")


def test_globals_are_the_scripts_own_again_afterwards() -> None:
    finished = run_script("""
        import scitex_session as stx

        CONFIG = "mine"
        logger = "mine too"

        @stx.session
        def main():
            assert CONFIG.ID
            assert logger == "mine too"
            assert {"plt", "COLORS", "rngg"} <= set(globals())

        if __name__ == "__main__":
            main()
            assert CONFIG == "mine"
            assert not {"plt", "COLORS", "rngg"} & set(globals())
    """)
    assert finished.returncode == 0, finished
    assert "CONFIG in __main__ is the session's" in finished.stderr


def test_pyplot_imported_as_plt_is_left_in_place_without_a_word() -> None:
    finished = run_script("""
        import matplotlib.pyplot as plt
        import scitex_session as stx
        real = plt

        @stx.session
        def main():
            assert plt is real
            assert plt.rcParams["axes.spines.top"] is False

        if __name__ == "__main__":
            main()
            assert plt.rcParams["axes.spines.top"] is True
    """)
    assert finished == (0, "", "")


def test_parameters_that_ask_are_given_what_the_session_has() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session
        def main(size: int, CONFIG=stx.INJECTED, rng=stx.INJECTED, *, logger=stx.INJECTED):
            assert CONFIG.ARGS == {"size": 3}
            assert rng is rngg
            logger.info("said")

        if __name__ == "__main__":
            main()
        """,
        "--size",
        "3",
    )
    assert finished == (0, "", "INFO: said\n")


def test_a_script_that_uses_nothing_imports_nothing_heavy() -> None:
    heavy = {
        *("numpy", "matplotlib", "torch", "yaml", "sqlite3", "cyclopts", "rich", "asyncio"),
        *("psutil", "filelock", "inspect", "logging", "subprocess", "dataclasses"),
    }
    if sys.platform != "linux":
        heavy -= {"psutil", "subprocess"}  # what stands in for /proc and posix_spawn there
    finished = run_script(f"""
        import sys
        import scitex_session as stx

        @stx.session
        def main(size: int = 3):
            print(sorted(set(sys.modules) & {heavy!r}))

        if __name__ == "__main__":
            main()
            print(sorted(set(sys.modules) & {heavy!r}))
    """)
    assert finished == (0, "[]\n[]\n", "")


def test_a_function_that_is_only_called_as_a_plain_one_imports_no_part_of_a_session() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx

        @stx.session(seed=3)
        def main(size: int = 3):
            return size

        assert main(4) == 4
        parts = {f"scitex_session_{part}" for part in ("io", "plot", "repro")}
        print(sorted(parts & set(sys.modules)))
    """)
    assert finished == (0, "[]\n", "")


def test_runs_of_the_same_seed_draw_the_same_numbers_and_another_seed_others() -> None:
    source = """
        import random
        import scitex_session as stx

        @stx.session(seed={seed})
        def main():
            import numpy
            print(random.random(), numpy.random.rand(), rngg("a").random(3).tolist())

        if __name__ == "__main__":
            main()
    """
    first, second, other = (run_script(source.format(seed=seed)).stdout for seed in (7, 7, 8))
    assert first == second != other


def test_called_with_arguments_it_is_the_plain_function() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def add(a: int, b: int = 1):
            return a + b

        print(add(1), add(a=2, b=3), add.plain(5), add.__name__)
    """)
    assert finished == (0, "2 5 6 add\n", "")
    assert not Path("script_out").exists()


def test_plain_runs_a_function_without_arguments_without_a_session() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            return "plain"

        print(main.plain())
    """)
    assert finished == (0, "plain\n", "")
    assert not Path("script_out").exists()


def test_sessions_can_be_turned_off_from_outside() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session
        def main(size: int = 1):
            print("plain", size)

        if __name__ == "__main__":
            main()
        """,
        "--size",
        "2",
        env={"SCITEX_SESSION_DISABLE": "1"},
    )
    assert finished == (0, "plain 2\n", "")
    assert not Path("script_out").exists()


def test_a_session_within_a_session_is_refused_with_what_to_do() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def inner():
            return "ran"

        @stx.session
        def outer():
            assert inner.plain() == "ran"
            try:
                inner()
            except RuntimeError as error:
                print(error)

        if __name__ == "__main__":
            outer()
    """)
    assert "inner() would start a session inside the session" in finished.stdout
    assert "inner.plain()" in finished.stdout
    the_run()


def test_two_sessions_one_after_the_other_are_two_runs() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def first():
            print("one")

        @stx.session
        def second():
            print("two")

        if __name__ == "__main__":
            first()
            print("between")
            second()
    """)
    assert finished == (0, "one\nbetween\ntwo\n", "")
    runs = sorted(Path("script_out/FINISHED_SUCCESS").iterdir(), key=lambda p: p.stat().st_ctime)
    assert [(r / "logs" / "stdout.log").read_text() for r in runs] == ["one\n", "two\n"]


def test_a_run_that_uses_numpy_records_what_repeats() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session(deterministic=True)
        def main():
            print(rngg("noise").normal() == rngg.child("fold")("noise").normal())

        if __name__ == "__main__":
            main()
        """
    )
    assert finished == (0, "False\n", "")
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    checks = read_json(run / "session.json")["reproducibility"]["checks"]
    (named,) = (check for check in checks if check["what"] == "named generators")
    assert named["status"] == "guaranteed"


def test_what_one_run_verified_the_next_is_compared_with() -> None:
    source = """
        import scitex_session as stx

        @stx.session
        def main(lr: float = 0.5):
            return 0 if rngg.verify([lr, 2], "weights", raises=False) else 3

        if __name__ == "__main__":
            main()
        """
    assert run_script(source).returncode == 0
    assert run_script(source).returncode == 0
    changed = run_script(source, "--lr", "0.25")
    assert changed.returncode == 3
    assert "'weights' is not as recorded" in changed.stdout
    assert Path("script_out/fingerprints").is_dir()


def test_a_style_that_can_not_be_is_said_without_our_frames() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        @stx.session(fig_size_mm="natur single")
        def main():
            print("never")

        if __name__ == "__main__":
            main()
        """
    )
    assert finished.returncode == 1
    assert "nature single" in finished.stderr.splitlines()[-1]
    assert "_style.py" not in finished.stderr
    assert "_validation.py" not in finished.stderr
    assert not Path("script_out").exists()


def test_a_clock_that_is_set_back_makes_no_negative_duration() -> None:
    finished = run_script(
        """
        import datetime, time
        import scitex_session as stx
        from scitex_session_core._record import record

        @stx.session(verbose=True)
        def main():
            time.sleep(0.2)
            # As ntpd or a user sets the machine's clock, for this process alone.
            class Earlier(datetime.datetime):
                @classmethod
                def now(cls, tz=None):
                    return super().now(tz) - datetime.timedelta(days=1)
            record.datetime = Earlier
            return 0

        if __name__ == "__main__":
            main()
        """
    )
    (path,) = Path("script_out/FINISHED_SUCCESS").glob("*/session.json")
    record = read_json(path)
    assert record["ended"] > record["started"], finished
    assert 0.2 <= record["duration_s"] < 60
    assert f"success after {record['duration_s']:.2f} s" in finished.stdout


def test_the_duration_is_that_of_the_run() -> None:
    run_script(
        """
        import time
        import scitex_session as stx
        CONFIG, *_ = stx.start(verbose=False)
        time.sleep(0.2)
        stx.close(CONFIG, verbose=False)
        print(CONFIG.RUN_DURATION.total_seconds(), file=open("told", "w"))
        """
    )
    (path,) = Path("script_out/FINISHED").glob("*/session.json")
    record = read_json(path)
    times = [datetime.fromisoformat(record[name]) for name in ("started", "ended")]
    assert 0.2 <= record["duration_s"] == float(Path("told").read_text())
    assert abs((times[1] - times[0]).total_seconds() - record["duration_s"]) < 5
