"""Shells complete commands, options and runs: as a user installs it, at a real prompt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import SessionManager

if TYPE_CHECKING:
    from support.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such shells here")

SLOW = pytest.mark.slow
SHELLS = ["bash", pytest.param("zsh", marks=SLOW), pytest.param("fish", marks=SLOW)]
PROMPT = "at-your-service "
STARTUP = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
SET_PROMPT = {
    "bash": f"PS1='{PROMPT}'\n",
    "zsh": f"PS1='{PROMPT}'\n",
    "fish": f"function fish_prompt; echo -n '{PROMPT}'; end; set fish_greeting\n",
}
HAS_RUNS = "path"  # a command that takes the name of a run


@pytest.fixture
def takes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    if f" {HAS_RUNS} " not in capsys.readouterr().out:
        pytest.skip(f"there is no command {HAS_RUNS}, whose completion this test looks at")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not shutil.which(name):
        pytest.skip(f"{name} is missing")
    return name


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command `scitex-session` on the path, by this interpreter."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "scitex-session"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scitex_session "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def at_prompt(shell: str) -> Terminal:
    """Start a shell as a user has it who has installed the completion."""
    from support.terminal import Terminal

    startup = Path.home() / STARTUP[shell]
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(SET_PROMPT[shell])
    assert main(["--install-completion", shell]) == 0
    terminal = Terminal("", columns=150, argv=[str(shutil.which(shell)), "-i"])
    terminal.read(PROMPT.encode(), timeout=60)
    return terminal


def run_at(terminal: Terminal, typed: str, until: str) -> None:
    """Type, press Enter, and wait for what is shown and for the next prompt."""
    terminal.send(typed.encode() + b"\r")
    terminal.read(until.encode())
    terminal.read(PROMPT.encode())


@pytest.mark.usefixtures("command")
def test_commands_options_and_files_are_completed(shell: str) -> None:
    Path("no-run-here").mkdir()
    with at_prompt(shell) as terminal:
        # What they do shows that the words were completed: nobody knows `rei` and `--js`.
        run_at(terminal, "scitex-session rei\t misspelt", "misspelt is not a folder")
        run_at(terminal, "scitex-session reap --js\t no-ru\t", "[]\r\n")


@pytest.mark.usefixtures("command", "takes_runs")
def test_runs_are_completed(shell: str, tmp_path: Path) -> None:
    ids = []
    for name in ("first.py", "second.py"):
        with stx.Session(file=str(tmp_path / name), capture="none") as session:
            ids.append(session.CONFIG.ID)
    first, second = ids
    common = len(os.path.commonprefix(ids))
    with at_prompt(shell) as terminal:
        for run, script in ((first, "first"), (second, "second")):
            typed = f"scitex-session {HAS_RUNS} {run[: common + 1]}\t"
            run_at(terminal, typed, f"{tmp_path / script}_out/FINISHED_SUCCESS/{run}")


def test_the_newest_fifty_are_offered_each_with_a_word_on_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    manager = SessionManager()
    for number in range(60):
        manager.create_session(f"run-{number:02}", {}, f"/home/me/fit_{number % 2}.py")
    manager.close_session("run-59", "failed", 1)
    assert main(["__complete", HAS_RUNS, "run-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["run-59\tfailed fit_1.py", "run-58\trunning fit_0.py"]
    assert [line.split("\t")[0] for line in lines] == [f"run-{n:02}" for n in range(59, 9, -1)]
    main(["__complete", HAS_RUNS, "run-0"])
    assert len(capsys.readouterr().out.splitlines()) == 10
    main(["__complete", HAS_RUNS, "run_"])  # what a pattern would take for any letter
    assert capsys.readouterr().out == ""
    main(["__complete", HAS_RUNS, "la"])
    assert capsys.readouterr().out == "latest\tthe run that started last\n"


def test_a_hostile_script_name_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    SessionManager().create_session("x", {}, "/tmp/\x1b]0;owned\x07\nrm\t.py")
    main(["__complete", HAS_RUNS, "x"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("x\trunning ")
    assert line.isprintable() or line.replace("\t", "", 1).isprintable()


def test_a_press_of_tab_does_not_wait_for_cyclopts() -> None:
    code = (
        "import sys; from scitex_session.__main__ import main; main(['__complete', 'path', ''])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sqlite3" in done.stdout
    assert not {"cyclopts", "rich", "numpy", "yaml"} & set(done.stdout.split())


@pytest.mark.usefixtures("takes_runs")
def test_all_commands_that_name_runs_ask_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--install-completion", "--show", "bash"])
    script = capsys.readouterr().out
    (names,) = re.findall(r"local all_commands='(.*)'", script)
    asking = []
    for name in names.split():
        main([name, "--help"])
        usage = capsys.readouterr().out.splitlines()[0]
        if re.search(r"\bRUN\b", usage):
            begin = script.index(f'        "{name}")')
            assert "__complete" in script[begin : script.index("\n          ;;\n", begin)], usage
            asking.append(name)
    assert HAS_RUNS in asking


@pytest.mark.parametrize("shell_name", SHELLS)
def test_it_is_installed_once_and_the_doctor_sees_it(
    shell_name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell_name}")
    startup = Path.home() / STARTUP[shell_name]
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text("# mine, without a newline at the end")
    (check,) = stx.doctor("completion", within=60)
    assert check.state == "absent"
    assert check.mend == f"scitex-session --install-completion {shell_name}"
    for _ in range(2):
        assert main(["--install-completion"]) == 0
    lines = startup.read_text().splitlines()
    assert lines[0] == "# mine, without a newline at the end"
    assert len(lines) == (1 if shell_name == "fish" else 2)
    place = Path(capsys.readouterr().out.splitlines()[0].removeprefix("wrote "))
    (check,) = stx.doctor("completion", within=60)
    assert check.state == "ok", check
    place.write_text("# of an earlier version")
    (check,) = stx.doctor("completion", within=60)
    assert (check.state, check.found) == ("wrong", f"{place} is of another version")


@pytest.mark.parametrize("argv", [["tcsh"], []])
def test_another_shell_is_refused(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert main(["--install-completion", *argv]) == 2
    assert "'tcsh': give one of bash, zsh, fish" in capsys.readouterr().err
    assert list(Path.home().iterdir()) == []
