"""`run` with parsers of the user's own, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session import UnknownOptionError, run
from scitex_session_core import InvalidTypeError
from support import Finished, read_json, run_script

NEEDS_CLICK = "click is missing: it is in the test environment `all`"
ARGPARSE = """
    import argparse
    import scitex_session as stx

    def parse_args():
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.5)
        return parser.parse_args()

    def main(args):
        print(args.lr, CONFIG.ARGS.lr)
        return {"lr": args.lr}

    if __name__ == "__main__":
        print(stx.run(main, parse_args, verbose=False))
"""
CLICK = """
    import click
    import scitex_session as stx

    @click.command()
    @click.option("--lr", type=float, default=0.5)
    def parse_args(lr):
        return {{"lr": lr}}

    def main(args):
        print(args["lr"])
        return "value"

    if __name__ == "__main__":
        print(stx.run(main, {parse_args}))
"""
CLICK_COMMAND = CLICK.format(parse_args="parse_args")


def arguments() -> Any:
    (record,) = Path("script_out/FINISHED_SUCCESS").glob("*/session.json")
    return read_json(record)["arguments"]


def test_argparse_reads_and_its_namespace_is_on_record() -> None:
    assert run_script(ARGPARSE, "--lr", "0.25") == (0, "0.25 0.25\n{'lr': 0.25}\n", "")
    assert arguments() == {"lr": 0.25}


@pytest.mark.parametrize(("given", "status"), [("--help", 0), ("--rl", 2), ("--lr=much", 2)])
@pytest.mark.parametrize("parser", ["argparse", "click"])
def test_help_and_mistakes_are_the_parsers_and_start_nothing(
    parser: str, given: str, status: int
) -> None:
    if parser == "click":
        pytest.importorskip("click", reason=NEEDS_CLICK)
    finished = run_script(ARGPARSE if parser == "argparse" else CLICK_COMMAND, given)
    assert finished.returncode == status
    assert "--lr" in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    assert not Path("script_out").exists()


@pytest.mark.parametrize("parse_args", ["parse_args", "lambda: parse_args(standalone_mode=False)"])
def test_click_hands_over_what_it_read_and_does_not_end_the_process(parse_args: str) -> None:
    pytest.importorskip("click", reason=NEEDS_CLICK)
    finished = run_script(CLICK.format(parse_args=parse_args), "--lr", "0.25")
    assert finished == (0, "0.25\nvalue\n", "")
    assert arguments() == {"lr": 0.25}


def test_mistakes_in_click_called_by_hand_are_said_as_click_says_them() -> None:
    pytest.importorskip("click", reason=NEEDS_CLICK)
    by_hand = CLICK.format(parse_args="lambda: parse_args(standalone_mode=False)")
    finished = run_script(by_hand, "--rl", "3")
    assert finished.returncode == 2
    assert "No such option" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_with_nothing_the_signature_makes_the_command_line() -> None:
    finished = run_script(
        """
        import scitex_session as stx

        def main(lr: float = 0.5):
            return lr

        if __name__ == "__main__":
            print(stx.run(main))
        """,
        "--lr",
        "0.25",
    )
    assert finished == (0, "0.25\n", "")
    assert arguments() == {"lr": 0.25}


def disabled(source: str, *args: str) -> Finished:
    return run_script(source, *args, env={"SCITEX_SESSION_DISABLE": "1"})


def test_disable_runs_the_plain_function_with_what_was_parsed() -> None:
    plain = ARGPARSE.replace("print(args.lr, CONFIG.ARGS.lr)", "print(args.lr)")
    assert disabled(plain, "--lr", "0.25") == (0, "0.25\n{'lr': 0.25}\n", "")
    assert not Path("script_out").exists()


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("sede", "seed"), ("verbos", "verbose"), ("mesage", "message"), ("fig_size", "fig_size_mm")],
)
def test_unknown_keywords_are_refused_with_the_near_name(wrong: str, near: str) -> None:
    with pytest.raises(UnknownOptionError, match=f"no session option '{wrong}'; .*'{near}'"):
        run(print, None, **{wrong: 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["exit_status", "CONFIG", "sys"])
def test_what_the_session_itself_decides_is_no_keyword(name: str) -> None:
    with pytest.raises(UnknownOptionError) as raised:
        run(print, None, **{name: None})  # type: ignore[arg-type]
    assert {"agg", "seed", "verbose"} <= set(raised.value.allowed)


def test_a_parser_that_cant_be_called_is_refused() -> None:
    import argparse

    parser: Any = argparse.ArgumentParser()
    with pytest.raises(InvalidTypeError, match=r"parse_args must be .*parser\.parse_args"):
        run(print, parser)


def test_session_is_also_a_namespace() -> None:
    assert stx.session.run is stx.run
    assert stx.session.start is stx.start
    assert stx.session.close is stx.close
    assert stx.session.running2finished is stx.running2finished
    assert stx.session.SessionManager is stx.SessionManager
    assert stx.session.INJECTED is stx.INJECTED
    with pytest.raises(AttributeError, match="it has run, start, close, running2finished"):
        _ = stx.session.stop  # type: ignore[attr-defined]


COMMAND = """
    import click
    import scitex_session as stx

    {decorator}
    @click.command()
    @click.option("--n", type=int, default=3)
    def main(n):
        print("n is", n)
        if n == 7:
            raise click.ClickException("seven")
        return n

    if __name__ == "__main__":
        {call}
"""
WAYS = {
    "decorated": {"decorator": "@stx.session(seed=5)", "call": "main()"},
    "run": {"decorator": "", "call": "raise SystemExit(stx.run(main, seed=5))"},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_command_of_click_runs_within_the_session(way: str) -> None:
    pytest.importorskip("click", reason=NEEDS_CLICK)
    script = COMMAND.format(**WAYS[way])
    assert run_script(script, "--session.note", "x", "--n", "4") == (4, "n is 4\n", "")
    (run,) = Path("script_out/FINISHED_ERROR").iterdir()
    record = read_json(run / "session.json")
    assert (record["arguments"], record["seed"], record["note"]) == ({"n": 4}, 5, "x")
    assert record["function"] == "main"
    assert (run / "logs" / "stdout.log").read_text() == "n is 4\n"


@pytest.mark.parametrize("way", WAYS)
def test_what_click_refuses_starts_nothing(way: str) -> None:
    pytest.importorskip("click", reason=NEEDS_CLICK)
    finished = run_script(COMMAND.format(**WAYS[way]), "--n", "x")
    assert finished.returncode == 2
    assert finished.stderr.endswith("Invalid value for '--n': 'x' is not a valid integer.\n")
    assert not Path("script_out").exists()


def test_an_error_of_click_in_the_session_fails_it() -> None:
    pytest.importorskip("click", reason=NEEDS_CLICK)
    finished = run_script(COMMAND.format(**WAYS["decorated"]), "--n", "7")
    assert (finished.returncode, finished.stderr) == (1, "Error: seven\n")
    assert len(list(Path("script_out/FINISHED_ERROR").iterdir())) == 1


def test_a_group_of_click_is_refused() -> None:
    click = pytest.importorskip("click", reason=NEEDS_CLICK)

    @click.group()  # type: ignore[untyped-decorator]
    def main() -> None:
        pass

    with pytest.raises(stx.UnsuitableFunctionError, match=r"a group of click .*stx\.Session"):
        stx.session(main)


def test_a_script_with_a_parser_of_its_own_is_told_the_way_out() -> None:
    finished = run_script(
        """
        import argparse
        import scitex_session as stx

        @stx.session
        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("--lr")
            parser.parse_args()

        if __name__ == "__main__":
            main()
        """,
        "--lr",
        "3",
    )
    assert finished == (
        2,
        "",
        "script.py: error: Unknown option: --lr: main has no parameters; "
        "stx.run(main, parser.parse_args) has argparse read it (try script.py --help)\n",
    )
