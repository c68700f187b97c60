from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import NameTypeError
from scitex_session_repro._streams.scope import (
    MARKS,
    describe,
    encode_name,
    encode_scope,
    global_seed,
    in_process,
    normalise,
)

NAMES = st.text(st.characters(), max_size=8)  # lone surrogates too
STEPS = st.tuples(st.sampled_from(sorted(MARKS)), NAMES.map(normalise))
SCOPES = st.lists(STEPS, max_size=4).map(tuple)


@given(SCOPES, SCOPES)
def test_two_scopes_are_two_byte_strings(
    one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]
) -> None:
    assert (encode_scope(one) == encode_scope(other)) is (one == other)


@given(NAMES, SCOPES.filter(bool), NAMES)
def test_no_name_looks_like_a_scope(
    name: str, scope: tuple[tuple[str, str], ...], below: str
) -> None:
    assert encode_name(name) != encode_scope(scope) + b"\xff" + encode_name(below)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1), SCOPES, SCOPES)
def test_two_places_seed_global_generators_otherwise(
    seed: int,
    other_seed: int,
    scope: tuple[tuple[str, str], ...],
    other: tuple[tuple[str, str], ...],
) -> None:
    same = (seed, scope) == (other_seed, other)
    assert (global_seed(seed, scope) == global_seed(other_seed, other)) is same


@given(st.integers(0, 2**128 - 1))
def test_the_seed_itself_seeds_where_there_is_no_scope(seed: int) -> None:
    assert global_seed(seed, ()) == seed


@given(st.text())
def test_names_are_brought_into_nfc(name: str) -> None:
    assert normalise(name) == unicodedata.normalize("NFC", name)


def test_a_name_that_is_no_string_is_refused() -> None:
    with pytest.raises(NameTypeError, match=r"must be a str, not 1 of type int$"):
        normalise(1)  # type: ignore[arg-type]


def test_a_place_is_shown_as_it_would_be_written() -> None:
    scope = (("child", "fold 3"), ("spawn", "0"), ("fork", "2"), ("worker", "7:0"))
    assert describe(42, ()) == "RandomStateManager(seed=42)"
    assert describe(42, scope) == (
        "RandomStateManager(seed=42).child('fold 3').spawn()[0] in fork 2 in worker 7:0"
    )


def test_a_very_long_name_is_shortened_where_it_is_printed() -> None:
    shown = describe(42, (("child", "x" * 10_000),))
    assert shown == f"RandomStateManager(seed=42).child('{'x' * 60}'… (10000 characters))"


BELOW = st.lists(STEPS.filter(lambda step: step[0] in ("child", "spawn")), max_size=3)


@given(st.lists(STEPS, max_size=3), BELOW, NAMES.map(normalise))
def test_a_child_alone_is_in_a_process_what_it_is_below_its_parent(
    parent: list[tuple[str, str]], below: list[tuple[str, str]], name: str
) -> None:
    moved = in_process(tuple(parent), ("worker", name))
    assert in_process((*parent, *below), ("worker", name)) == (*moved, *below)
