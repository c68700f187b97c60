"""The grammar of a sweep: which values a word stands for, and which trials they make."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session import UsageError
from scitex_session._sweep.plan import Plan, text_of, values_of

SCRIPT = Path("train.py")
words = st.text(
    st.characters(exclude_characters='",[]{}', exclude_categories=["Z", "C"]), min_size=1
)
plain = words.filter(lambda word: ".." not in word)
parameters = st.dictionaries(
    st.from_regex(r"--[a-z]{1,5}", fullmatch=True), st.lists(plain, max_size=4), max_size=4
)


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("1e-3", ["1e-3"]),
        ("a,b,c", ["a", "b", "c"]),
        ("0..4", ["0", "1", "2", "3", "4"]),
        ("2..0", ["2", "1", "0"]),
        ("-1..1", ["-1", "0", "1"]),
        ("0..10..5", ["0", "5", "10"]),
        ("0..9..5", ["0", "5"]),
        ("0.1..0.3..0.1", ["0.1", "0.2", "0.3"]),
        ("0..1,7", ["0", "1", "7"]),
        ("[1,2],[3]", ["[1,2]", "[3]"]),
        ('{"a":1,"b":[2,3]}', ['{"a":1,"b":[2,3]}']),
        ('"a,b",c', ["a,b", "c"]),
        ("Loss, by epoch", ["Loss, by epoch"]),
        ("../data", ["../data"]),
        ("a..b", ["a..b"]),
        ("", [""]),
    ],
)
def test_a_word_stands_for_these_values(word: str, values: list[str]) -> None:
    assert values_of(word) == values


@given(st.lists(plain, min_size=1))
def test_values_with_commas_between_them_are_those_values(values: list[str]) -> None:
    assert values_of(",".join(values)) == values


@given(st.decimals(-50, 50, places=2), st.decimals("0.01", 3, places=2), st.integers(0, 50))
def test_a_range_is_exact_and_has_both_ends(begin: Decimal, step: Decimal, count: int) -> None:
    end = begin + count * step
    found = [Decimal(value) for value in values_of(f"{begin}..{end}..{step}")]
    assert found == [begin + number * step for number in range(count + 1)]


@given(words)
def test_a_word_is_read_or_refused_in_a_sentence(word: str) -> None:
    try:
        assert values_of(word)
    except UsageError as error:
        assert word in str(error)  # noqa: PT017  # most words raise nothing


@given(parameters)
def test_there_is_a_trial_for_each_combination(given_values: dict[str, list[str]]) -> None:
    trials = Plan(SCRIPT, ["data.csv"], given_values).trials()
    axes = [[f"{o}={v}" for v in values] or [o] for o, values in given_values.items()]
    expected = [("data.csv", *row) for row in itertools.product(*axes)]
    assert [trial.argv for trial in trials] == expected
    assert [trial.number for trial in trials] == [*range(1, len(trials) + 1)]


@given(parameters, st.lists(st.tuples(plain, plain), min_size=2, max_size=5))
def test_values_that_go_together_are_one_axis(
    others: dict[str, list[str]], pairs: list[tuple[str, str]]
) -> None:
    columns = {"--first-one": [a for a, _ in pairs], "--second": [b for _, b in pairs]}
    trials = Plan(SCRIPT, (), {**columns, **others}, [["first_one", "second"]]).trials()
    alone = Plan(SCRIPT, (), others).trials()
    found = [(trial.values["first-one"], trial.values["second"]) for trial in trials]
    assert found == [pair for pair in pairs for _ in alone]


def test_values_of_python_are_texts_that_a_command_line_reads_back() -> None:
    given_values = [1e-3, 3, True, None, "a b", Path("x/y"), [1, 2], {"a": 1}]
    expected = ["0.001", "3", "true", "none", "a b", "x/y", "[1, 2]", '{"a": 1}']
    assert [text_of(value) for value in given_values] == expected
