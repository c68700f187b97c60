"""IDs hold the time, never clash, and can't be taken for anything else."""

from __future__ import annotations

import random
import re
import time

import pytest

from scitex_session_core import InvalidSessionIdError, InvalidTypeError, check_id, new_id

SHAPE = re.compile(r"\d{4}Y-\d\dM-\d\dD-\d\dh\d\dm\d\ds_[0-9ABCDEFGHJKMNPQRSTVWXYZ]{8}", re.ASCII)


def test_an_id_is_the_local_time_and_eight_characters_of_crockford() -> None:
    assert SHAPE.fullmatch(new_id())


def test_an_id_of_a_debug_run_says_so() -> None:
    prefix, _, rest = new_id(debug=True).partition("_")
    assert prefix == "DEBUG"
    assert SHAPE.fullmatch(rest)


def test_the_time_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    try:
        assert new_id(1795324188.9).startswith("2026Y-11M-22D-14h09m48s_")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_ids_of_one_second_differ() -> None:
    assert len({new_id(0) for _ in range(10_000)}) == 10_000


def test_seeding_random_does_not_repeat_an_id() -> None:
    ids = set()
    for _ in range(10):
        random.seed(42)
        ids.add(new_id(0))
    assert len(ids) == 10


def test_every_character_of_the_alphabet_is_drawn() -> None:
    drawn = {c for _ in range(1000) for c in new_id(0).rpartition("_")[2]}
    assert drawn == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_drawing_an_id_leaves_the_user_generator_alone() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    new_id()
    assert random.random() == expected


@pytest.mark.parametrize(
    "good", ["a", "2026Y-11M-22D-05h09m48s_K7QX2M9A", "nightly import", "Übung-3", "x" * 200]
)
def test_what_can_name_a_session_is_taken(good: str) -> None:
    assert check_id(good) == good


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("x" * 201, "has 201 characters"),
        ("a/b", "path"),
        ("a\\b", "path"),
        ("..", "path"),
        (".hidden", "path"),
        ("a\nb", "path"),
        ("a\0b", "path"),
        ("a\udcffb", "path"),
    ],
)
def test_what_can_not_is_refused_with_the_reason(bad: str, why: str) -> None:
    with pytest.raises(InvalidSessionIdError, match=why):
        check_id(bad)


@pytest.mark.parametrize("bad", [None, 5, b"x", ["x"]])
def test_what_is_no_string_is_a_type_error(bad: object) -> None:
    with pytest.raises(InvalidTypeError, match="session_id must be a string"):
        check_id(bad)
