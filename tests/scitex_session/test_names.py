"""Options get names by one rule, the same on every Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session._command_line.names import help_flags, option_names
from scitex_session._command_line.signature import Parameter, parameters_of
from scitex_session._errors import UnsuitableFunctionError

if TYPE_CHECKING:
    from collections.abc import Callable


def names(func: Callable[..., Any], *flags: str) -> dict[str, list[str]]:
    return option_names("main", parameters_of(func), flags)


def test_short_names_go_to_the_first_that_wants_them() -> None:
    def main(alpha: int = 1, angle: int = 2, Beta: int = 3, height: int = 4) -> None: ...

    assert names(main) == {
        "alpha": ["--alpha", "-a"],
        "angle": ["--angle"],
        "Beta": ["--Beta", "-b"],
        "height": ["--height"],
    }


def test_a_name_of_one_letter_is_its_own_short_name_in_its_own_case() -> None:
    def main(number: int = 1, n: int = 2, N: int = 3, h: int = 4) -> None: ...

    found = names(main)
    assert found == {
        "number": ["--number"],
        "n": ["--n", "-n"],
        "N": ["--N", "-N"],
        "h": ["--h", "-h"],
    }
    assert help_flags(found) == ["--help"]


def test_underscores_at_the_ends_and_digits_are_no_short_names() -> None:
    def main(
        class_: int = 1, _private: int = 2, _1st: int = 3, *rest: int, **more: int
    ) -> None: ...

    assert names(main) == {
        "class_": ["--class", "-c"],
        "_private": ["--private", "-p"],
        "_1st": ["--1st"],
    }


def test_a_parameter_named_help_takes_it() -> None:
    assert help_flags(option_names("main", [Parameter("help", 1)])) == ["-h"]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [("a_", "_a", "--a"), ("verbose", "no_verbose", "--no-verbose"), ("_", "b", "no letter")],
)
def test_names_that_would_clash_are_refused(first: str, second: str, clash: str) -> None:
    parameters = [Parameter(first, 1), Parameter(second, 2)]
    with pytest.raises(UnsuitableFunctionError, match=clash):
        option_names("main", parameters, ["verbose"])


WORDS = st.lists(st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,6}", fullmatch=True), unique=True)


@given(WORDS)
def test_no_two_options_share_a_name_and_none_is_without(words: list[str]) -> None:
    found = option_names("main", [Parameter(word, 1) for word in words])
    every = [name for each in found.values() for name in each]
    assert len(every) == len(set(every))
    assert list(found) == words


@given(WORDS, st.from_regex(r"[a-zA-Z]{2,6}", fullmatch=True))
def test_a_longer_parameter_at_the_end_changes_no_name_before_it(
    words: list[str], last: str
) -> None:
    parameters = [Parameter(word, 1) for word in words if word != last]
    before = option_names("main", parameters)
    assert {**option_names("main", [*parameters, Parameter(last, 1)])}.items() >= before.items()
