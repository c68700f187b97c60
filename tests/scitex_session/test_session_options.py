"""``--session.*`` and the variables of the same meaning: one table, read alike."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session._command_line.arguments import arguments_for, session_part
from scitex_session._command_line.session_options import SESSION_OPTIONS
from scitex_session_core import SessionWarning
from support import given, mistake

DOCS = Path(__file__).parents[2] / "docs"
README = Path(__file__).parents[2] / "packages" / "scitex-session" / "README.md"
PARENT = "2026Y-11M-22D-05h09m48s_K7QX2M9A"
VALUES: list[tuple[str, str, Any]] = [
    ("seed", "7", 7),
    ("seed", "none", None),
    ("note", "first try", "first try"),
    ("tags", "a, b", ["a", "b"]),
    ("out", "new", "new"),
    ("capture", "sys", "sys"),
    ("parent", PARENT, PARENT),
]
WRONG = [
    ("seed", "x", "a whole number from 0 to 2**128 - 1, or none to draw one, not 'x'"),
    ("seed", "-1", "a whole number from 0"),
    ("seed", str(2**128), "a whole number from 0"),
    ("note", " ", "a text that is not empty, not ' '"),
    ("tags", "a,,b", "tags with commas between them, such as paper,figure-2, not 'a,,b'"),
    ("out", __file__, "a directory, or one that can be made"),
    ("capture", "tee", "one of fd, sys, none, not 'tee'"),
    ("parent", "../x", "the ID of a session, not '../x'"),
]
OPTIONS = {option.keyword: option for option in SESSION_OPTIONS}


def main(a: int = 1) -> None: ...


def asked(*tokens: str) -> dict[str, Any]:
    sys.argv = ["script.py", *tokens]
    return arguments_for(main).session.keywords


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_an_option_and_its_variable_mean_the_same(
    name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked("--a", "2", OPTIONS[name].name, text) == {name: value}
    assert asked(f"{OPTIONS[name].name}={text}") == {name: value}
    monkeypatch.setenv(OPTIONS[name].variable, text)
    assert asked() == {name: value}
    assert arguments_for(main).session.with_origins() == {
        name: (value, f"${OPTIONS[name].variable}")
    }


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_a_wrong_value_is_named_with_where_it_stands(
    name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{OPTIONS[name].name}: must be {said}" in mistake(main, f"{OPTIONS[name].name}={text}")
    monkeypatch.setenv(OPTIONS[name].variable, text)
    assert f"{OPTIONS[name].variable} must be {said}" in mistake(main)


@pytest.mark.parametrize(
    ("typed", "keyword", "value"),
    [
        ("--session.verbose", "verbose", True),
        ("--session.no-verbose", "verbose", False),
        ("--session.verbose=no", "verbose", False),
        ("--session.no-save", "no_save", True),
        ("--session.no_save", "no_save", True),
        ("--session.save", "no_save", False),
        ("--session.debug=1", "debug", True),
    ],
)
def test_switches(typed: str, keyword: str, value: bool) -> None:
    assert asked(typed, "--a", "2") == {keyword: value}


def test_the_command_line_stands_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_SEED", "1")
    monkeypatch.setenv("SCITEX_SESSION_TAGS", "from,there")
    found = asked("--session.seed", "2", "--session.tags", "a", "--session.tags", "b")
    assert found == {"seed": 2, "tags": ["a", "b"]}


def test_a_mistyped_variable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_SED", "1")
    with pytest.warns(SessionWarning, match=r"\$SCITEX_SESSION_SED .* \$SCITEX_SESSION_SEED"):
        assert asked() == {}


def test_all_documented_variables_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "environment.md").read_text("utf-8")
    for name in set(re.findall(r"`(SCITEX_SESSION_[A-Z_]+)`", page)):
        monkeypatch.setenv(name, "")
    assert asked() == {}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--session.sead 3", "--session.sead. Did you mean --session.seed?"),
        ("--session.seed", "--session.seed requires an argument"),
        ("--session.seed 1 --session.seed 2", "--session.seed"),
        ("--session.save --session.no-save", "--session.no-save"),
        ("--session.verbose=maybe", "--session.verbose"),
        ("--session.completion tcsh", "--session.completion must be one of bash, zsh, fish"),
        ("--session 3", "--session"),
    ],
)
def test_mistakes_are_said(typed: str, said: str) -> None:
    assert said in mistake(main, *typed.split())


def test_behind_two_dashes_nothing_is_the_sessions() -> None:
    def takes(*rest: str) -> None: ...

    typed = ["--session.seed=1", "--", "--session.seed=2"]
    assert given(takes, *typed) == {"rest": ("--session.seed=2",)}


def test_of_a_script_with_its_own_parser_only_the_sessions_part_is_taken() -> None:
    sys.argv = ["script.py", "--lr", "3", "--session.seed", "9", "file", "-x", "--", "--session.a"]
    part = session_part()
    assert part.keywords == {"seed": 9}
    assert part.rest == ["--lr", "3", "file", "-x", "--", "--session.a"]


def test_every_option_is_a_keyword_of_start() -> None:
    assert {*OPTIONS} <= set(inspect.signature(stx.start).parameters)


def test_the_table_in_the_readme_is_this_table() -> None:
    rows = re.findall(
        r"^\| `--session\.([\w-]+)(?: ([^`]+))?` \| (?:`(\w+)`)?", README.read_text(), re.MULTILINE
    )
    told = {
        (f"--session.{name}", form.replace("\\|", "|"), variable) for name, form, variable in rows
    }
    known = {(option.name, option.form, option.variable) for option in SESSION_OPTIONS}
    others = {("--session.config", "FILE", ""), ("--session.completion", "SHELL", "")}
    assert told == known | others
