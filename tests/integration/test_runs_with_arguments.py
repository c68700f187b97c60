"""`main.run(...)` is a session with arguments; what it returns in a dict is on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scitex_session import SessionManager
from support import read_json, run_script


def records() -> list[dict[str, Any]]:
    found = [read_json(path) for path in Path("script_out").glob("FINISHED_*/*/session.json")]
    return sorted(found, key=lambda record: str(record["started"]))


def test_a_loop_over_parameters_is_a_session_each() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session(seed=7, tags=["sweep"])
        def main(lr: float, *more: int, depth: int = 3, rng=stx.INJECTED, **rest):
            assert CONFIG.ARGS.lr == lr and rng.seed == 7
            return {"loss": lr * 2, "curve": [1, 2], "test": {"n": 1}}

        if __name__ == "__main__":
            for lr in (0.1, 0.2):
                assert main.run(lr)["loss"] == lr * 2
            main.run(0.3, 1, 2, depth=4, other="x")
    """)
    assert finished == (0, "", "")
    first, _, last = records()
    assert first["arguments"] == {"lr": 0.1, "more": [], "depth": 3, "rest": {}}
    assert last["arguments"] == {"lr": 0.3, "more": [1, 2], "depth": 4, "rest": {"other": "x"}}
    assert first["results"] == {"loss": 0.2, "test.n": 1}
    assert first["results_omitted"] == ["curve"]
    assert (first["tags"], first["status"], first["exit_status"]) == (["sweep"], "success", 0)
    best = SessionManager().select({"results.loss": 0.2})
    assert [found["id"] for found in best] == [first["id"]]


def test_run_returns_an_integer_instead_of_exiting_with_it() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main(n: int = 0):
            return n

        if __name__ == "__main__":
            assert main.run(n=3) == 3
    """)
    assert finished == (0, "", "")
    assert [r["exit_status"] for r in records()] == [3]


def test_arguments_that_do_not_fit_are_refused_before_anything_starts() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main(lr: float):
            pass

        if __name__ == "__main__":
            main.run(lrr=1)
    """)
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last == "TypeError: main.run: missing a required argument: 'lr'"
    assert not Path("script_out").exists()


def test_stx_run_keeps_the_options_of_a_decorated_function() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session(seed=7, tags=["a"], sdir_suffix="x")
        def main():
            assert rngg.seed == 7
            return 5

        if __name__ == "__main__":
            assert stx.run(main, tags=["b"]) == 5
    """)
    assert finished == (0, "", "")
    (record,) = records()
    assert (record["seed"], record["tags"], record["exit_status"]) == (7, ["b"], 5)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_runs_a_session_for_each_of_its_tasks(method: str) -> None:
    finished = run_script(
        """
        import multiprocessing, sys
        import scitex_session as stx

        @stx.session
        def main(n: int):
            print("task", n)
            return n * n

        if __name__ == "__main__":
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                assert pool.map(main.run, range(1, 5)) == [1, 4, 9, 16]
        """,
        method,
    )
    assert finished.returncode == 0, finished.stderr
    assert sorted(record["arguments"]["n"] for record in records()) == [1, 2, 3, 4]
    for log in Path("script_out").glob("FINISHED_*/*/logs/stdout.log"):
        record = read_json(log.parent.parent / "session.json")
        assert log.read_text() == f"task {record['arguments']['n']}\n"


def test_a_plain_call_that_misses_its_session_names_the_way_out() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main(lr: float = 0.1):
            return CONFIG.ID

        if __name__ == "__main__":
            for lr in (0.1, 0.2):
                main(lr=lr)
    """)
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-2:] == [
        "NameError: name 'CONFIG' is not defined",
        "main() with arguments is the plain function, which has no CONFIG; "
        "main.run() is a session with these arguments",
    ]


@pytest.mark.parametrize("call", ["main(1)", "main.run(1)", "main.plain(1)", "stx.run(main)"])
def test_the_traceback_of_a_call_shows_no_frame_of_ours(call: str) -> None:
    finished = run_script(f"""
        import scitex_session as stx

        @stx.session
        def main(n: int = 1):
            raise ValueError("mine")

        if __name__ == "__main__":
            {call}
    """)
    assert finished.returncode == 1
    assert finished.stderr.count("  File ") == 2
    assert "scitex_session" not in finished.stderr.replace("import scitex_session", "")


def test_run_is_awaited_within_an_event_loop() -> None:
    finished = run_script("""
        import asyncio
        import scitex_session as stx

        @stx.session
        async def main(n: int = 0):
            await asyncio.sleep(0)
            return {"n": n}

        async def several():
            return [await main.run(n=n) for n in range(2)]

        if __name__ == "__main__":
            assert asyncio.run(several()) == [{"n": 0}, {"n": 1}]
    """)
    assert finished == (0, "", "")
    assert [record["results"] for record in records()] == [{"n": 0}, {"n": 1}]
