"""Real command lines of real scripts: what they print, how they exit, what they leave."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from scitex_session import SessionManager
from support import Finished, read_json, run_script, write_script

SCRIPT = '''
from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import scitex_session as stx

__version__ = "2.1"

class Color(enum.Enum):
    RED = 1
    BLUE = 2

@dataclass
class Model:
    """A model.

    Attributes
    ----------
    lr : float
        Learning rate.
    """

    lr: float = 0.1
    depth: int = 3

@stx.session
def main(
    data_path: str,
    threshold: float = 0.5,
    N: int = 3,
    verbose: bool = False,
    mode: Literal["fast", "slow"] = "fast",
    color: Color = Color.RED,
    names: list[str] = [],
    model: Model = Model(depth=5),
    seed: int | None = None,
    CONFIG=stx.INJECTED,
):
    """Analyze a table.

    Parameters
    ----------
    data_path : str
        The table to read.
    threshold : float
        Least value that counts.
    """
    print(data_path, threshold, N, verbose, mode, color.name, names, model, seed)

if __name__ == "__main__":
    main()
'''
PLAIN = """
    import random, sys
    import scitex_session as stx

    @stx.session{options}
    def main(n=1):
        {body}

    if __name__ == "__main__":
        main()
"""

# A mistake is told in one line, before anything starts; what it must name.
MISTAKES = [
    ("", "Missing option --data-path."),
    ("a.csv", "Unused value 'a.csv'"),
    ("--treshold 1", "--treshold. Did you mean --threshold?"),
    ("-d a --treshold 1", "--treshold. Did you mean --threshold?"),
    ("-d a --threshold much", '--threshold: unable to convert "much" into float'),
    ("-d a --N 2.5", '--N: unable to convert "2.5" into int'),
    ("-d a -d b", "-d specified multiple times"),
    ("–data-path a -d b", "Did you mean --data-path?"),  # noqa: RUF001
    ("-d a -threshold 1", "Did you mean --threshold?"),
    ("-d a --mode slwo", 'Did you mean "slow"?'),
    ("-d a --model 3", "--model: set its fields, such as --model."),
    ("-d a --verbose yes", "'yes'"),
    ("-d -x", "-d=-x"),
    ("-d a --session.seed x", "--session.seed: must be a whole number from 0"),
    ("-d a --session.sead 3", "--session.sead. Did you mean --session.seed?"),
]


@pytest.mark.parametrize(("typed", "said"), MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(typed: str, said: str) -> None:
    finished = run_script(SCRIPT, *typed.split())
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("script.py: error: ")
    assert finished.stderr.endswith(" (try script.py --help)\n")
    assert finished.stderr.count("\n") == 1
    assert said in finished.stderr
    assert os.listdir() == ["script.py"]
    assert SessionManager().list_sessions() == {}


def test_a_wrong_variable_is_refused_as_well() -> None:
    finished = run_script(SCRIPT, "-d", "a", env={"SCITEX_SESSION_VERBOSE": "maybe"})
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "SCITEX_SESSION_VERBOSE must be yes or no (also 1 or 0), not 'maybe'" in finished.stderr
    assert os.listdir() == ["script.py"]


def the_run(folder: str = "script_out/FINISHED_SUCCESS") -> tuple[Path, dict[str, Any]]:
    (run,) = Path(folder).iterdir()
    return run, read_json(run / "session.json")


def test_every_value_is_recorded_with_its_origin() -> None:
    Path("run.yaml").write_text("threshold: 1e-3\nmodel:\n  lr: 0.2\n", encoding="utf-8")
    finished = run_script(SCRIPT, "-d", "a", "--config", "run.yaml", "--N=7")
    assert finished == (0, "a 0.001 7 False fast RED [] Model(lr=0.2, depth=5) None\n", "")
    run, record = the_run()
    assert record["arguments"]["threshold"] == 1e-3
    assert record["arguments"]["model"] == {"lr": 0.2, "depth": 5}
    text = (run / "CONFIGS" / "CONFIG.yaml").read_text(encoding="utf-8")
    for name, origin in (
        ("data_path", "command line"),
        ("threshold", "run.yaml:1"),
        ("N", "command line"),
        ("mode", "default"),
        ("model", "run.yaml:3; Model"),
    ):
        assert re.search(rf'^  "?{name}"?:.*  # {origin}$', text, re.MULTILINE)


def test_a_key_of_a_file_that_is_no_parameter_is_refused_before_anything_starts() -> None:
    Path("run.yaml").write_text("data_path: a\ntreshold: 1\n", encoding="utf-8")
    finished = run_script(SCRIPT, "--config", "run.yaml")
    said = "Unknown key treshold from run.yaml:2. Did you mean threshold?"
    assert finished == (2, "", f"script.py: error: {said} (try script.py --help)\n")
    assert not Path("script_out").exists()


def test_what_is_asked_of_the_session_is_recorded_and_found() -> None:
    script = PLAIN.format(options="(seed=1, note='old')", body="print(random.random())")
    parent = "2026Y-11M-22D-05h09m48s_K7QX2M9A"
    first = run_script(script, env={"SCITEX_SESSION_SEED": "5"})
    again = run_script(
        script,
        *("--session.seed", "5", "--session.tags", "paper,a", "--session.note", "new words"),
        *("--session.parent", parent, "--session.out", "elsewhere"),
        env={"SCITEX_SESSION_SEED": "6"},
    )
    assert first.stdout == again.stdout
    assert first.stderr == ""
    assert f"the parent session {parent} is not in the registry" in again.stderr
    run, record = the_run("elsewhere/script_out/FINISHED_SUCCESS")
    assert (record["seed"], record["note"], record["parent"]) == (5, "new words", parent)
    assert record["tags"] == ["paper", "a"]
    assert the_run()[1]["note"] == "old"
    assert [each["id"] for each in SessionManager().select({"tags": "paper"})] == [record["id"]]
    assert run.name == record["id"]


def test_a_parent_that_is_known_is_not_talked_about() -> None:
    script = PLAIN.format(options="", body="print(CONFIG.ID)")
    parent = run_script(script).stdout.strip()
    assert run_script(script, "--session.parent", parent).stderr == ""
    (child,) = SessionManager().select({"parent": parent})
    assert child["status"] == "success"


def test_a_session_by_hand_listens_to_the_environment_too() -> None:
    finished = run_script(
        """
        import scitex_session as stx
        CONFIG, *_ = stx.start(seed=1, verbose=False, tags=["kept"])
        stx.close(CONFIG, exit_status=0, verbose=False)
        """,
        env={"SCITEX_SESSION_SEED": "5", "SCITEX_SESSION_NOTE": "hello"},
    )
    assert finished == (0, "", "")
    record = the_run()[1]
    assert (record["seed"], record["note"], record["tags"]) == (5, "hello", ["kept"])


@pytest.mark.parametrize("by", ["option", "variable", "keyword"])
def test_a_run_that_is_only_tried_leaves_nothing(by: str, tmp_path: Path) -> None:
    options = "(no_save=True)" if by == "keyword" else ""
    body = "stx.io.save([n], 'n.json'); print(CONFIG.SDIR_RUN)"
    (tmp_path / "temporary").mkdir()
    finished = run_script(
        PLAIN.format(options=options, body=body),
        *(["--session.no-save"] if by == "option" else []),
        env={
            "TMPDIR": str(tmp_path / "temporary"),
            **({"SCITEX_SESSION_NO_SAVE": "1"} if by == "variable" else {}),
        },
    )
    assert finished.stderr == "scitex-session: nothing of this run was saved (no_save)\n"
    assert finished.stdout.startswith(str(tmp_path / "temporary"))
    assert not Path(finished.stdout.strip()).exists()
    assert os.listdir(tmp_path / "temporary") == []
    assert not Path("script_out").exists()
    assert SessionManager().list_sessions() == {}


def test_a_try_that_fails_is_kept_and_said() -> None:
    finished = run_script(PLAIN.format(options="", body="1 / 0"), "--session.no-save")
    assert finished.returncode == 1
    (line,) = (line for line in finished.stderr.splitlines() if line.startswith("scitex-session"))
    run = Path(line.partition("kept in ")[2].removesuffix(" (no_save)"))
    try:
        assert read_json(run / "session.json")["status"] == "failed"
        assert SessionManager().list_sessions() == {}
        assert not Path("script_out").exists()
    finally:
        shutil.rmtree(next(p for p in run.parents if p.name.startswith("scitex-session-trial-")))


def test_a_script_with_a_parser_of_its_own_has_the_sessions_options() -> None:
    script = """
        import argparse, sys
        import scitex_session as stx

        def parse_args():
            parser = argparse.ArgumentParser()
            parser.add_argument("--lr", type=float)
            return parser.parse_args()

        def main(args):
            print(args.lr, sys.argv[1:])

        stx.run(main, parse_args)
    """
    finished = run_script(script, "--lr", "3", "--session.seed", "9")
    assert finished == (0, "3.0 ['--lr', '3', '--session.seed', '9']\n", "")
    assert the_run()[1]["seed"] == 9
    refused = run_script(script, "--session.config", "a.yaml")
    assert refused.returncode == 2
    assert "--session.config can't be used here: the script has its own parser" in refused.stderr


def test_variables_of_the_session_alone_need_no_parser() -> None:
    absent = "('cyclopts', 'dataclasses', 'inspect', 'yaml', 'typing')"
    body = f"print([m for m in {absent} if m in sys.modules])"
    finished = run_script(PLAIN.format(options="", body=body), env={"SCITEX_SESSION_SEED": "3"})
    assert finished == (0, "[]\n", "")


def helped(*args: str, **env: str) -> Finished:
    return run_script(SCRIPT, *args, env=env)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_whole_and_starts_nothing(flag: str) -> None:
    finished = helped(flag, COLUMNS="80")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Usage: script.py --data-path STR [OPTIONS]\n")
    for each in (
        "Analyze a table.",
        r"--data-path -d STR +The table to read. \[required\]",
        r"--threshold -t FLOAT +Least value that counts. \[default: 0.5\]",
        r"--verbose -v --no-verbose",
        r"--mode -m CHOICE +\[choices: fast, slow\] \[default: fast\]",
        r"--model.lr FLOAT +Learning rate. \[default: 0.1\]",
        r"--model.depth INT +\[default: 5\]",
        r"--help -h +Display this message",
        r"--version",
        r"--session.seed INT",
        r"SCITEX_SESSION_SEED",
        r"--config --session.config",
    ):
        assert re.search(each, finished.stdout), each
    assert "CONFIG" not in finished.stdout.replace("CONFIGS", "")
    assert "\x1b" not in finished.stdout
    assert "Commands" not in finished.stdout
    assert os.listdir() == ["script.py"]


def test_help_names_the_variable_of_an_option() -> None:
    finished = run_script(
        """
        from typing import Annotated
        import scitex_session as stx
        from cyclopts import Parameter

        @stx.session
        def main(n: Annotated[int, Parameter(env_var="NUMBER")] = 1): ...

        if __name__ == "__main__":
            main()
        """,
        "--help",
    )
    assert "--n -n INT  [env var: NUMBER] [default: 1]" in finished.stdout


@pytest.mark.parametrize("columns", [50, 110])
def test_help_fits_the_terminal(columns: int) -> None:
    lines = helped("--help", COLUMNS=str(columns)).stdout.splitlines()
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(
    "docstring",
    [
        "Parameters\n    ----------\n    n : int\n        How many there are.",
        "Args:\n        n: How many there are.",
        ":param n: How many there are.",
    ],
    ids=["numpy", "google", "rest"],
)
def test_help_reads_each_style_of_docstring(docstring: str) -> None:
    script = f'''
import scitex_session as stx

@stx.session
def main(n: int = 1):
    """Count.

    {docstring}
    """

main()
'''
    shown = run_script(script, "--help").stdout
    assert re.search(r"--n -n INT +How many there are. \[default: 1\]", shown)


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are missing here")
@pytest.mark.parametrize(("env", "styled"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_help_is_styled_on_a_terminal_that_shows_it(env: dict[str, str], styled: bool) -> None:
    script = write_script(SCRIPT)
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, script, "--help"],
            stdout=theirs,
            env={**os.environ, "TERM": "xterm", **env},
            check=True,
            timeout=60,
        )
        seen = os.read(ours, 100_000)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (b"\x1b[36m" in seen) is styled


def test_version_is_the_scripts_own_where_it_has_one() -> None:
    assert helped("--version") == (0, "2.1\n", "")
    assert not Path("script_out").exists()
    finished = run_script(PLAIN.format(options="", body="pass"), "--version")
    assert finished.returncode == 2
    assert "--version" in finished.stderr
    taken = PLAIN.format(options="", body="print(version)").replace("n=1", "version='a'")
    assert run_script(taken, "--version", "b").stdout == "b\n"


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        ("script.py --mo", ["--mode", "--model.lr", "--model.depth"]),
        ("script.py --mode ", ["fast", "slow"]),
        ("./script.py -c B", ["BLUE"]),
        (
            "script.py --session.c",
            ["--session.capture", "--session.config", "--session.completion"],
        ),
        ("script.py --session.completion f", ["fish"]),
        ("python script.py --mode s", ["slow"]),
        ("python3 -u ./script.py --mode s", ["slow"]),
    ],
)
def test_bash_completes(typed: str, replies: list[str]) -> None:
    Path("completion.bash").write_text(helped("--session.completion", "bash").stdout)
    assert completed(typed) == replies


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
def test_bash_completes_what_runs_with_dash_m() -> None:
    Path("lab").mkdir()
    Path("lab/__init__.py").touch()
    Path("lab/__main__.py").write_text(textwrap.dedent(PLAIN).format(options="", body="pass"))
    asked = [sys.executable, "-m", "lab", "--session.completion", "bash"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    Path("completion.bash").write_text(done.stdout)
    assert completed("python -m lab --n") == ["--n"]


def completed(typed: str) -> list[str]:
    words = [w.replace("\0", " ") for w in typed.replace("\\ ", "\0").split(" ")]
    quoted = " ".join(f"'{word}'" for word in words)
    # As readline does it: the function that is registered for the command, with these variables.
    asked = f"""
        source completion.bash
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
        function=$(complete -p '{words[0]}' | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
        "$function"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", asked], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_completion(shell: str) -> None:
    finished = helped("--session.completion", shell)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "mode" in finished.stdout
    if not shutil.which(shell):
        pytest.skip(f"{shell} is missing: what is printed is not checked by it")
    Path("completion").write_text(finished.stdout)
    subprocess.run([shell, "-n", "completion"], check=True, timeout=60)


def test_a_type_imported_for_type_checkers_alone_is_what_it_says() -> None:
    script = """
from __future__ import annotations
from typing import TYPE_CHECKING
import scitex_session as stx
if TYPE_CHECKING:
    from pathlib import Path

@stx.session
def main(path: Path):
    print(type(path).__name__ == type(CONFIG.SDIR_RUN).__name__)

main()
"""
    assert run_script(script, "--path", "a") == (0, "True\n", "")


def test_args_and_kwargs_reach_the_function_and_the_record() -> None:
    script = PLAIN.format(options="", body="print(n, rest, more)").replace(
        "n=1", "n: int, *rest: float, **more: int"
    )
    assert (
        run_script(script, "--n", "1", "2", "3.5", "--k", "4").stdout == "1 (2.0, 3.5) {'k': 4}\n"
    )
    assert the_run()[1]["arguments"] == {"n": 1, "rest": [2.0, 3.5], "more": {"k": 4}}


def test_a_parameter_that_cant_come_from_a_command_line_is_refused_in_a_sentence() -> None:
    script = """
        import collections.abc
        import scitex_session as stx

        @stx.session
        def main(func: collections.abc.Callable): ...

        main()
    """
    said = (
        "script.py: error: main: the parameter func can't come from a command line, since its "
        "type is Callable; give it a default, or a type such as str\n"
    )
    assert run_script(script) == (2, "", said)
    assert not Path("script_out").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["--help", "--session.completion=bash"])
def test_help_that_cant_be_written_is_one_line(option: str) -> None:
    script = write_script("""
        import scitex_session as stx

        @stx.session
        def main(n: int = 1): ...

        main()
    """)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(script), option],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"script.py: can't write to stdout: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="there is no sh")
@pytest.mark.parametrize("typed", ["--help", "--session.completion=bash"])
@pytest.mark.parametrize("into", [">&-", "| true"])
def test_help_that_nobody_reads_ends_in_silence(typed: str, into: str) -> None:
    script = write_script("""
        import scitex_session as stx

        @stx.session
        def main(n: int = 1): ...

        main()
    """)
    command = f"{{ '{sys.executable}' {script} {typed}; echo $? >status; }} {into}"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, check=False)
    assert (Path("status").read_text(), done.stderr) == ("0\n", b"")


def test_help_says_what_only_a_file_gives() -> None:
    script = """
        import scitex_session as stx

        @stx.session
        def main(grid: list[list[int]] = []): ...

        main()
    """
    said = run_script(script, "--help", env={"COLUMNS": "110"}).stdout
    assert re.search(r"--grid .*list.* \(by --config", said)


def test_a_module_is_called_as_it_was() -> None:
    script = write_script("""
        import scitex_session as stx

        @stx.session
        def main(n: int = 1): ...

        main()
    """)
    done = subprocess.run(
        [sys.executable, "-m", script.stem, "--m", "1"],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == (
        f"python -m {script.stem}: error: Unknown option: --m. Did you mean --n? "
        f"(try python -m {script.stem} --help)\n"
    )
