"""``--session.*`` and the variables of the same meaning: one table, read alike."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session._command_line.session_options import asked_by_environment, asked_of_session
from scitex_session._command_line.session_table import OTHERS, SESSION_OPTIONS, VARIABLE_PREFIX
from scitex_session._errors import UsageError
from scitex_session._lifecycle.options import KEYWORDS

README = Path(__file__).parents[2] / "packages" / "scitex-session" / "README.md"

VALUES: list[tuple[str, str, Any]] = [
    ("seed", "7", 7),
    ("seed", "none", None),
    ("note", "first try", "first try"),
    ("tags", "a, b", ["a", "b"]),
    ("out", "new", "new"),
    ("capture", "sys", "sys"),
    ("parent", "2026Y-11M-22D-05h09m48s_K7QX2M9A", "2026Y-11M-22D-05h09m48s_K7QX2M9A"),
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


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_an_option_and_its_variable_mean_the_same(
    name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (option,) = (option for option in SESSION_OPTIONS if option.name == name)
    for typed in ([f"--session.{name}", text], [f"--session.{name}={text}"]):
        asked = asked_of_session(["--a", *typed, "1"])
        assert asked.keywords == {option.keyword: value}
        assert asked.rest == ["--a", "1"]
    monkeypatch.setenv(VARIABLE_PREFIX + option.variable, text)
    assert asked_by_environment().keywords == {option.keyword: value}


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_a_wrong_value_is_named_with_where_it_stands(
    name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (option,) = (option for option in SESSION_OPTIONS if option.name == name)
    with pytest.raises(UsageError, match=re.escape(f"--session.{name} must be {said}")):
        asked_of_session([f"--session.{name}={text}"])
    monkeypatch.setenv(VARIABLE_PREFIX + option.variable, text)
    with pytest.raises(UsageError, match=re.escape(f"{VARIABLE_PREFIX}{option.variable} must be")):
        asked_by_environment()


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
    assert asked_of_session([typed, "x"]).keywords == {keyword: value}
    assert asked_of_session([typed, "x"]).rest == ["x"]


def test_the_command_line_stands_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_SEED", "1")
    monkeypatch.setenv("SCITEX_SESSION_TAGS", "from,there")
    asked = asked_of_session(["--session.seed", "2", "--session.tags", "a", "--session.tags", "b"])
    assert asked.keywords == {"seed": 2, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--session.sead 3", "there is no option --session.sead; did you mean --session.seed?"),
        ("--session.nothing 3", "there are --session.seed, --session.note"),
        ("--session.seed", "--session.seed needs a value"),
        ("--session.seed --a", "--session.seed needs a value"),
        ("--session.seed 1 --session.seed 2", "--session.seed is given twice"),
        ("--session.save --session.no-save", "--session.save and --session.no-save contradict"),
        ("--session.verbose=maybe", "--session.verbose must be yes or no"),
        ("--session.completion tcsh", "--session.completion must be one of bash, zsh, fish"),
    ],
)
def test_mistakes_are_said(typed: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        asked_of_session(typed.split())


def test_behind_two_dashes_nothing_is_the_sessions() -> None:
    asked = asked_of_session(["--session.seed=1", "--", "--session.seed=2"])
    assert (asked.keywords, asked.rest) == ({"seed": 1}, ["--", "--session.seed=2"])


def test_files_come_in_order_and_config_is_left_to_a_parameter_of_that_name() -> None:
    typed = ["--config", "a.yaml", "--session.config=b.toml"]
    assert asked_of_session(typed).files == ["a.yaml", "b.toml"]
    asked = asked_of_session(typed, config=False)
    assert (asked.files, asked.rest) == (["b.toml"], ["--config", "a.yaml"])


def test_every_option_is_a_keyword_of_session_run_and_start() -> None:
    keywords = {option.keyword for option in SESSION_OPTIONS}
    assert keywords <= set(KEYWORDS)
    assert keywords <= set(inspect.signature(stx.start).parameters)


def test_the_table_in_the_readme_is_this_table() -> None:
    rows = re.findall(
        r"^\| `--session\.([\w-]+)(?: ([^`]+))?` \| (?:`(\w+)`)?", README.read_text(), re.MULTILINE
    )
    told = {(name, form.replace("\\|", "|"), variable) for name, form, variable in rows}
    known = {(o.name, o.form, VARIABLE_PREFIX + o.variable) for o in SESSION_OPTIONS}
    assert told == known | {(name, form, "") for name, (form, _) in OTHERS.items()}
