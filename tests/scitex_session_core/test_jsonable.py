"""Whatever a user's configuration holds, the record stays strict JSON and describes it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime, timedelta
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core import DotDict, jsonable
from scitex_session_core._record.masker import dumps


class Colour(Enum):
    """An enumeration."""

    RED = "#f00"


class Level(IntEnum):
    """One whose members are integers."""

    HIGH = 3


class Mode(StrEnum):
    """One whose members are texts."""

    FAST = "fast-mode"


class Broken:
    """An object that fails at everything."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    @property
    def ndim(self) -> int:
        raise RuntimeError("no")

    def item(self) -> None:
        raise RuntimeError("no")


class BrokenDict(dict[str, int]):
    """A mapping whose items can't be read."""

    def items(self) -> Any:
        raise RuntimeError("no")


class Lazy:
    """A stand-in for a module that loads itself at the first attribute."""

    loaded = False

    def __getattr__(self, name: str) -> None:
        type(self).loaded = True
        raise AttributeError(name)


def strict(data: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(data, parse_constant=refuse)


# Hypothesis takes words from our sources, and so finds secrets: these are no words.
NO_WORDS = st.text("abc '\"\\\n\0\u2028\x85äЖ😀\udcff", max_size=8)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**2000, 2**2000 - 1)
    | NO_WORDS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NO_WORDS, inner, max_size=4),
    max_leaves=20,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.complex_numbers() | st.datetimes() | st.timedeltas() | st.uuids() | st.fractions()
    | st.characters(categories=["Cs"]) | st.just(Colour.RED) | st.builds(Broken)
    | st.builds(PurePosixPath, st.sampled_from(["a", "/b"])) | st.functions(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner)
    | st.dictionaries(st.none() | st.integers() | st.text() | st.tuples(st.integers()), inner,
                      max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(ANYTHING)
def test_anything_becomes_strict_json(value: object) -> None:
    assert strict(dumps(value)) == jsonable(value)


@given(JSON_VALUES)
def test_what_is_json_already_comes_back_equal(value: object) -> None:
    assert strict(dumps(value)) == value


@given(ANYTHING)
def test_converting_twice_changes_nothing(value: object) -> None:
    once = jsonable(value)
    assert jsonable(once) == once


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (np.float64("nan"), "nan"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.5), 2.5),
        (np.datetime64("2026-11-22"), "2026-11-22"),
        (np.datetime64("2026-11-22", "ns"), "2026-11-22T00:00:00.000000000"),
        (np.timedelta64(5, "ns"), "5 nanoseconds"),
        (np.longdouble(1), repr(np.longdouble(1))),
        (np.array([1, 2]), "array([1, 2])"),
        (Colour.RED, "RED"),
        (Level.HIGH, "HIGH"),
        (Mode.FAST, "FAST"),
        ({Colour.RED: 1}, {"RED": 1}),
        (Path("/a/b"), "/a/b"),
        (datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22T00:00:00+00:00"),
        (date(2026, 11, 22), "2026-11-22"),
        (timedelta(hours=1, seconds=3), "1:00:03"),
        (date, "<class 'datetime.date'>"),
        ({3, 1}, [1, 3]),
        (frozenset("b"), ["b"]),
        ((1, (2,)), [1, [2]]),
        (range(3), "range(0, 3)"),
        (Fraction(1, 3), "Fraction(1, 3)"),
        (b"ab", "b'ab'"),
        (bytes(10**6), "<bytes of 1000000 bytes>"),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (DotDict(a={"b": 1}), {"a": {"b": 1}}),
        ({1: "a", "1": "b"}, {"1": "a", "1'": "b"}),
        ({None: 1}, {"None": 1}),
        (2**2000 - 1, 2**2000 - 1),
        (Broken(), "<Broken: its repr raised RuntimeError>"),
        (BrokenDict(), "{}"),
    ],
)
def test_what_a_reader_would_write_for_it(value: object, plain: object) -> None:
    assert jsonable(value) == plain
    assert type(jsonable(value)) is type(plain)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (math.inf, math.inf),
        (np.float32("inf"), math.inf),
        (date(2026, 11, 22), date(2026, 11, 22)),
        (
            datetime(2026, 11, 22, tzinfo=UTC),
            "2026-11-22T00:00:00+00:00",
        ),  # a kind of date
        ({3, "a"}, {3, "a"}),
        (frozenset({3}), {3}),
        ({(1, 2)}, [[1, 2]]),
        ({1: "a", "1": "b"}, {1: "a", "1": "b"}),
        ({None: 1}, {"None": 1}),
        ({"password": date(2026, 11, 22)}, {"password": "***"}),
        ({date(2026, 11, 22): math.inf}, {date(2026, 11, 22): math.inf}),
    ],
)
def test_what_the_format_has_beyond_json_is_kept(value: object, kept: object) -> None:
    found = jsonable(value, also=(int, float, set, date))
    assert found == kept
    assert type(found) is type(kept)


def test_integers_that_python_refuses_to_print_are_hexadecimal() -> None:
    assert strict(dumps(10**5000)) == hex(10**5000)


def test_containers_that_hold_themselves_are_named() -> None:
    rows: list[Any] = [1]
    rows.append(rows)
    table: dict[str, Any] = {"rows": [{}]}
    table["rows"][0]["table"] = table
    assert jsonable(rows) == [1, "<the list that holds this>"]
    assert jsonable(table) == {"rows": [{"table": "<the dict that holds this>"}]}


def test_the_same_object_twice_is_no_cycle() -> None:
    row = [1]
    assert jsonable([row, row]) == [[1], [1]]


def test_what_doubles_at_every_level_ends_soon() -> None:
    value: list[Any] = []
    for _ in range(30):
        value = [value, value]
    assert len(dumps(value)) < 10_000_000


def test_what_is_too_deep_is_named() -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    assert b'"<list of 1 items>"' in dumps(value)


def test_what_is_too_much_is_named() -> None:
    assert jsonable({"rows": list(range(10**6)), "n": 1}) == {
        "rows": "<list of 1000000 items>",
        "n": 1,
    }


@dataclasses.dataclass
class Model:
    lr: float = 0.1
    api_key: str = "hunter2"
    inner: object = None


def test_dataclasses_become_mappings_with_their_secrets_masked() -> None:
    plain = {"lr": 0.1, "api_key": "***", "inner": None}
    assert jsonable(Model()) == plain
    assert jsonable(Model(inner=[Model()])) == {**plain, "inner": [plain]}
    assert isinstance(jsonable(Model), str)


def test_a_dataclass_that_holds_itself_ends() -> None:
    model = Model()
    model.inner = model
    assert json.loads(dumps(model))["lr"] == 0.1


def test_a_lazy_module_is_not_loaded() -> None:
    assert str(jsonable(Lazy())).startswith("<")
    assert not Lazy.loaded


def test_undecodable_bytes_of_argv_come_back(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\xfe\xf0b")
    assert strict(dumps({"argv": [name]})) == {"argv": [name]}
    assert os.fsencode(strict(dumps(name))) == b"a\xff\xfe\xf0b"


def test_long_descriptions_are_shortened() -> None:
    class Long:
        def __repr__(self) -> str:
            return "x" * 5000

    assert jsonable(Long()) == "x" * 1000 + "…"


@pytest.mark.parametrize("secret", ["hunter2", b"x", ["a"], ["a", 1], {"user": "me"}])
def test_what_has_the_name_of_a_secret_is_masked_as_a_whole(secret: object) -> None:
    assert jsonable({"db": {"password": secret}}) == {"db": {"password": "***"}}


@pytest.mark.parametrize("harmless", [None, True, False])
def test_whether_there_is_a_secret_may_be_known(harmless: object) -> None:
    assert jsonable({"password": harmless}) == {"password": harmless}


def test_secrets_are_masked_inside_paths_and_reprs_and_keys() -> None:
    token = "ghp_" + "a" * 36

    class Client:
        def __repr__(self) -> str:
            return f"Client({token})"

    assert token.encode() not in dumps([Path("/x") / token, Client(), {token: 1}, [token]])


def test_recursion_near_the_limit_of_the_stack_does_not_raise() -> None:
    def deep(n: int) -> bytes:
        return dumps({"a": [[[1]]]}) if n == 0 else deep(n - 1)

    assert strict(deep(sys.getrecursionlimit() // 2)) == {"a": [[[1]]]}
