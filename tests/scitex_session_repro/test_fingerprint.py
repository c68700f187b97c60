# ruff: noqa: DTZ001, E501 - times without a zone are values too; a pinned value is one line
from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import subprocess
import sys
import threading
import typing
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import NotFingerprintableError, fingerprint
from support import run_script


class Colour(enum.Enum):
    RED = 1


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Celsius(float):
    pass


class Point(typing.NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Model:
    lr: float
    layers: list[int]
    seen: int = dataclasses.field(default=0, compare=False)


def nan_of(bits: int) -> Any:
    return np.array([bits], np.uint64).view(np.float64)


# Published results rest on them: they change with the scheme only.
GOLDEN = {
    "None": "708d5b5f4b4fd49dba47b80986d9ec543e074f55b167038ff9bfa13ae759c58f",
    "True": "9268047e8ac07b4940f074f38b5d7c6d6aab98e92bd286b059a4c0c6c613f524",
    "42": "4fd26d0286679041e2c1006918d35ab959f71ba4cc8f94667b430135ce145179",
    "-(2**100)": "12f96023bd487467f99182f3ad61fdde077931e93fa3f0f8a7c2f75b7453c2a5",
    "0.1": "6654d2b27c58d17b54143f6ef32816307a14efa9de76e1616c9fbd0d2c7a82cc",
    "-0.0": "a3f873aa743d45f837a399fc5c87d21edeb3696ced112ac7ee7a10b242b632e7",
    'float("nan")': "af487e208b382c884bf9f8023bce7e369ef21e1b2964d59bf2d8e65215519209",
    "1 - 2j": "22fc817a23a74869a86a4721286a70b406e41ad4d351fde5166d66459ad0db45",
    '"caf\\xe9 \\ud800"': "d9517ccde936fe3a32cf4381b3532506137b48be142f88d0e4167676bc3b8170",
    'b"\\0\\xff"': "147176218df72edad0c4e46fda1addfeadca2f172c422012e49e556f7aa342cf",
    'bytearray(b"a")': "5162be7fb03c071f0de90e34e622cef12a475f9f7a3385bb582cfad90d0483af",
    "range(0, 10, 3)": "49b0c02bb80325d8cef9d933f3fd0a420f4faf17cef6a60de426147429838733",
    "slice(1, None, 2)": "b1e8d005b8e45a599c355854ce8caaf7075b552df3291c6eef6b8bb1a9829c23",
    "...": "e14dc73d771545cf0c352c00c31cfeac25d4c658c3df18e8531329d9b80bda71",
    '[1, [2, "a"]]': "3760c81150d1c873f57e8bae9c93afe630b066a293458f6b0545bad0b8956bcc",
    "(1, 2)": "26deb636a1c6af76fdaeed45a632635ce9060dcfb30ef76f65923420475e59df",
    '{"b": 1, "a": [2.5]}': "61303c8b9e5d3b6c15922193876ce7e1696e9bab9dacda823abdaf271a52e1ba",
    '{1, "a", (2, 3)}': "a9062c7d50e7958710e756f93b19dda379f69271295ee674e72d88e10d22a3ba",
    'frozenset({b"x"})': "d64ad303f6803f5ddc9f102f574b4b90a5cb390040cc7916beb8088be92c7ce6",
    "collections.deque([1, 2])": "05590066b03fcda6b372f64a2de8d0734a429fb670eaf502004c7f176cda378f",
    "Colour.RED": "fc1bc5673db6892cdff267658a4d062f5c4382c8c107e791999679ecc24fb1c2",
    "Permission.READ | Permission.WRITE": "376525af37df97b970853ac0de9251fa8fcf0f58cff9fc58bbccdfbb0dc9976c",
    "Celsius(20.5)": "b0b5d4e6c801c52e7d99d327fd7df1492bb41ad7a6543d0d0f53626d045b9f48",
    "Point(1, 2)": "2dd305c232fb2748675628f9d502180f8d4b635f2f48dc1f1d7fd451b5a20806",
    "Model(0.1, [64, 32])": "62e7e039dfed1c47444fed8bc0c2a8d40047c3adbdc90c18c9283f092da4bdab",
    'pathlib.PurePosixPath("data/x.csv")': "2c82598a0216faa04bc42377d37066abd3b911371cb305060dc362b75afcc175",
    'decimal.Decimal("-1.50E+3")': "08512b7c13226ba5076b7898dc699f004d988fddcebd278576eec44309b2072a",
    "fractions.Fraction(-1, 3)": "95df64364bb4487e2e14c85b54534c0b77bbb43708434a756d26fa95b0608851",
    "uuid.UUID(int=5)": "19fb94dfd46f882b48f6d7f208a2da69c785477bf78bd1469ea03326c9066e3a",
    "dt.date(2026, 11, 22)": "3e1f7906239e8ec233f48b12b0e62962d979ca95b38d61cca2b665a833fa8f5e",
    "dt.datetime(2026, 11, 22, 5, 9, 48, 123456)": "ccfbdb91a09096eb22535e04d218b0bb2b5efe0f2783087db592bb2ac6cbc132",
    "dt.datetime(2026, 11, 22, tzinfo=dt.timezone(dt.timedelta(hours=-5)))": "6fbe4e957aba103695e141f80341f9b87647ddb55e7ebfb630a78afc6ef0cc03",
    "dt.time(12, 30)": "9a2c6c1fcbd5bb73bfe5fea6525f1fa685ba59f27a70e95261125d1a06eb6547",
    "dt.timedelta(days=-1, microseconds=1)": "64f1b3676a04fbb20fe0e77ec2d9f28a70d9139aa675056dc8f38d858fba05a1",
    "np.arange(6.0).reshape(2, 3)": "68299dea847b0caa4161908846bad5b8131378690a3732be4eb9c38cc1382d27",
    'np.arange(3, dtype=">i4")': "515a4f3655d10a3de2da4a322ac3171cb82636f5c79403f5e24095961131cd10",
    "np.array([1, 2], np.uint8)": "94e8797b967af99258907d61b295f6d86739546e5fe5a76cdd5c0297fb3e345b",
    "np.array([True, False])": "b55a847843167e2a04d752a25253c73114fcf709542954fdfa0e2de84a358f6c",
    "np.array([1 + 2j, np.nan], np.complex64)": "0b80ffde2759ce4c74c8251d1aafb225845a7073f2fee72dd1d62ec51c773976",
    "np.array([np.nan, -0.0, np.inf], np.float16)": "b851f9733c594e709e24fd845e28218ee53dc8c20495dad3ec4764ea78d732cb",
    'np.array(["a", "bcd"])': "832c2f6851c9d6eb5196d88e0ac48076108b51cdd764e9d5fcc1656605932528",
    'np.array([b"a", b"bcd"])': "789efb476c6145bf8aa824fb4ed19bb0f8dc1fa03e82ca9eff048f022439fcb6",
    'np.array(["2026-11-22", "NaT"], "M8[ns]")': "fb83b30f468bdf984f8ebb4d778b02da0a16e3e75f0c6b98b25647b72487dda1",
    'np.array([(1, 2.5)], [("a", "<i2"), ("b", "<f8")])': "16b7b38af6f1cb79e4d379bc0ebfd301a4ddc264523f40bcdf8bef5fe334f79d",
    'np.array(["a", 1, None], object)': "f37bce356593be403a481542f0eb52fff9c7991f5b3e3e5dd6ebbd60d2bf461e",
    "np.ma.array([1, 2, 3], mask=[False, True, False])": "0f38da4695ab810f8f1d8c55e548ba45d63a83c6babc52ad975e5e625d3b3545",
    "np.zeros((0, 3))": "2a26814b0eff3e9f599eb596d0e41a05128bad03d840d2bd97b711a93d21b568",
    "np.float32(0.5)": "7927709cf8f2b401d43084dad1f4ba4a5eb3eb0562b180c4e190e4418b9a7130",
    'np.dtype("f8")': "8f3850fed3dc6e0f83656119962e4d78afd1d6e45c52ef5c2539e38bf1745216",
}


@pytest.mark.parametrize("expression", GOLDEN)
def test_fingerprints_are_pinned(expression: str) -> None:
    assert fingerprint(eval(expression)) == f"sf1:{GOLDEN[expression]}"


SCRIPT = """
    from scitex_session_repro import fingerprint
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    print(fingerprint([set(words), {word: {word} for word in words}, frozenset(words)]))
"""


def test_processes_with_other_hashes_give_the_same() -> None:
    prints = {run_script(SCRIPT, env={"PYTHONHASHSEED": str(seed)}).stdout for seed in range(3)}
    assert len(prints) == 1
    assert prints.pop().startswith("sf1:")


# Plain values, and what is made of them. `shape` tells apart what == takes for the same.
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False).filter(lambda x: x != 0)
    | st.text()
    | st.binary()
    | st.fractions()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
)
KEYS = st.text(max_size=3) | st.integers()
VALUES = st.recursive(
    LEAVES,
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.lists(parts, max_size=4).map(tuple)
        | st.dictionaries(KEYS, parts, max_size=4)
        | st.frozensets(KEYS, max_size=4)
    ),
    max_leaves=10,
)


def shape(value: Any) -> Any:
    """Say what the value is, in terms for which == is what is meant here."""
    kind = type(value).__name__
    if isinstance(value, list | tuple):
        return kind, [shape(part) for part in value]
    if isinstance(value, frozenset):
        return kind, {shape(part) for part in value}
    if isinstance(value, dict):
        return kind, {shape(key): shape(part) for key, part in value.items()}
    return kind, value


@given(VALUES, VALUES)
def test_prints_are_equal_exactly_where_values_are(one: object, other: object) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (shape(one) == shape(other))


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_where_one_part_ends_and_the_next_begins_counts(one: list[str], other: list[str]) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (one == other)
    assert (fingerprint([one, other]) == fingerprint([other, one])) is (one == other)


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_count(items: dict[Any, Any], random: Any) -> None:
    pairs = list(items.items())
    random.shuffle(pairs)
    assert fingerprint(dict(pairs)) == fingerprint(items)
    assert fingerprint(collections.OrderedDict(pairs)) == fingerprint(items)


@given(st.lists(KEYS, max_size=8, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_a_set_does_not_count(parts: list[Any], random: Any) -> None:
    shuffled = random.sample(parts, len(parts))
    assert fingerprint(set(parts)) == fingerprint(set(shuffled))


@given(st.floats(), st.floats())
def test_floats_are_told_apart_by_their_bits_and_nan_by_nothing(one: float, other: float) -> None:
    same = one.hex() == other.hex()
    assert (fingerprint(one) == fingerprint(other)) is same


@given(st.integers(1, 2**51), st.booleans())
def test_every_nan_is_alike(payload: int, negative: bool) -> None:
    bits = 0x7FF0_0000_0000_0000 | payload | negative << 63
    odd = nan_of(bits)
    assert fingerprint(float(odd[0])) == fingerprint(float("nan"))
    assert fingerprint(odd) == fingerprint(np.array([np.nan]))


@given(st.integers(), st.integers(), st.integers().filter(bool), st.integers(0, 3))
def test_ranges_that_give_the_same_numbers_are_alike(
    start: int, stop: int, step: int, more: int
) -> None:
    one = range(start, start + step * (more + 1), step)
    assert fingerprint(one) == fingerprint(range(start, one[-1] + (1 if step > 0 else -1), step))
    assert (fingerprint(one) == fingerprint(range(start, stop, step))) is (
        one == range(start, stop, step)
    )


def test_what_stands_for_the_same_value_is_alike() -> None:
    assert fingerprint(pathlib.PureWindowsPath("a\\b")) == fingerprint(pathlib.Path("a/b"))
    assert fingerprint(Model(0.1, [1], seen=5)) == fingerprint(Model(0.1, [1]))
    assert fingerprint(collections.ChainMap({"a": 1})) == fingerprint({"a": 1})
    noon = dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert fingerprint(noon) == fingerprint(
        noon.replace(tzinfo=dt.timezone(dt.timedelta(hours=2), "X"))
    )


def test_the_class_counts_where_it_may_mean_something() -> None:
    assert fingerprint(Celsius(1)) != fingerprint(1.0)
    assert fingerprint(Point(1, 2)) != fingerprint((1, 2))
    assert fingerprint(Permission.READ | Permission.WRITE) != fingerprint(3)


class Settings(dict[str, int]):
    """A mapping that can hold attributes beside its items."""


class Wrapped(collections.UserDict[str, int]):
    """The same, that keeps its items in an attribute."""


class Slotted(dict[str, int]):
    """The same, of which all attributes are known."""

    __slots__ = ("_private", "epochs", "lr")


@pytest.mark.parametrize("kind", [Settings, Wrapped, Slotted])
def test_what_a_mapping_holds_beside_its_items_is_not_passed_over(kind: Any) -> None:
    settings = kind(lr=1)
    assert fingerprint(settings) == fingerprint({"lr": 1})
    settings._private, settings.lr = 2, 1  # items are attributes too, in many
    assert fingerprint(settings) == fingerprint({"lr": 1})
    settings.epochs = 3
    with pytest.raises(NotFingerprintableError, match="attribute 'epochs' beside its items"):
        fingerprint(settings)


@dataclasses.dataclass
class Scores(list[float]):
    """A dataclass with items."""

    unit: str = "dB"


@dataclasses.dataclass
class Output(dict[str, int]):
    """A dataclass with items, as transformers makes them."""

    loss: float = 0.0


def test_the_items_of_a_dataclass_count_beside_its_fields() -> None:
    one, other = Scores(), Scores()
    assert fingerprint(one) == fingerprint(other)
    one.append(1.0)
    assert fingerprint(one) != fingerprint(other)
    mine, yours = Output(), Output(loss=0.5)
    assert fingerprint(mine) != fingerprint(yours)
    yours = Output()
    yours["loss"] = 1
    assert fingerprint(mine) != fingerprint(yours)


def test_attrs_classes_are_known() -> None:
    attr = pytest.importorskip("attr", reason="attrs is not installed: no classes of it")
    model = attr.make_class("Fit", {"lr": attr.ib(), "cache": attr.ib(eq=False)})
    assert fingerprint(model(1, 2)) == fingerprint(model(1, 3))
    assert fingerprint(model(1, 2)) != fingerprint(model(2, 2))


def function() -> None: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "a function": ({"model": [1, 2, {"loss": function}]}, "obj['model'][2]['loss'], which is the"),
    "a class": ([Model], "obj[0], which is the class "),
    "a file": ({"log": sys.__stdout__}, "obj['log'], which is of type _io.TextIOWrapper"),
    "a generator": ((x for x in "ab"), "obj, which is of type generator: pass the list"),
    "a lock": ([threading.Lock()], "obj[0], which is of type "),
    "an object": (Model(object(), []), "obj.lr, which is of type object: pass its values"),  # type: ignore[arg-type]
    "a member of a set": ([{function}], "obj[0]{…}, which is the function function"),
    "a key": ({function: 1}, "obj.keys(){<function>}, which is the function"),
    "a module": ({("a", 1): sys}, "obj[<tuple>], which is of type module"),
    "a Generator": (np.random.default_rng(1), "obj, which is of type numpy.random._generator"),
    "an element": (np.array([[1, function]], object), "obj[0, 1], which is the function"),
    "a field of a tuple": (Point(function, 1), "obj.x, which is the function"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_value_is_refused_with_its_place(what: str) -> None:
    obj, message = REFUSED[what]
    with pytest.raises(NotFingerprintableError) as caught:
        fingerprint(obj)
    assert str(caught.value).startswith(f"cannot fingerprint {message}")
    assert caught.value.where in message


def test_a_subclass_with_attributes_of_its_own_is_refused() -> None:
    warm = Celsius(20.0)
    warm.place = "Rome"  # type: ignore[attr-defined]
    with pytest.raises(NotFingerprintableError, match="has attributes beside its value"):
        fingerprint([warm])


class Attributes(dict[Any, Any]):
    """A mapping whose items are its attributes."""

    def __init__(self, items: dict[Any, Any]) -> None:
        super().__init__(items)
        self.__dict__ = self


def test_a_mapping_whose_items_are_its_attributes_may_have_numbers_for_keys() -> None:
    labels = {0: "cat", "other": "dog"}
    assert fingerprint(Attributes(labels)) == fingerprint(labels)


class Groups(collections.defaultdict[str, list[int]]):
    """A defaultdict of one's own."""


@pytest.mark.parametrize("kind", [collections.defaultdict, Groups])
def test_how_a_defaultdict_makes_what_is_missing_does_not_count(kind: Any) -> None:
    assert fingerprint(kind(list, a=[1])) == fingerprint({"a": [1]})


class Series(list[float]):
    """A list with a unit."""

    __slots__ = ("unit",)
    unit: str


def test_a_subclass_with_slots_of_its_own_is_refused_once_they_are_filled() -> None:
    series = Series([1.0])
    assert fingerprint(series) == fingerprint(Series([1.0]))
    series.unit = "mm"
    with pytest.raises(NotFingerprintableError, match="has attributes beside its value"):
        fingerprint(series)


def test_a_container_that_contains_itself_is_refused_with_its_place() -> None:
    inner: dict[str, Any] = {}
    inner["back"] = outer = [0, inner]
    with pytest.raises(
        NotFingerprintableError, match=r"^cannot fingerprint obj\[1\]\['back'\], which contains"
    ):
        fingerprint(outer)


def test_the_same_part_twice_is_no_cycle() -> None:
    part = [1]
    assert fingerprint([part, part, (part,)]) == fingerprint([[1], [1], ([1],)])


def test_too_deep_a_nesting_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        nested = [nested]
    with pytest.raises(NotFingerprintableError, match="nested too deeply"):
        fingerprint(nested)


def test_threads_get_the_same() -> None:
    value = {"a": np.arange(100_000.0), "b": [1, 2]}
    prints: list[str] = []
    threads = [threading.Thread(target=lambda: prints.append(fingerprint(value))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert prints == [fingerprint(value)] * 4


def test_plain_values_need_no_library() -> None:
    code = (
        "import sys; from scitex_session_repro import fingerprint as f; f([{'a': {1}}, 'x', (1,)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"numpy", "torch", "pandas", "polars", "decimal", "uuid"} & {*done.stdout.split()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (fractions.Fraction(1), 1),
        (uuid.UUID(int=1), 1),
        (pathlib.Path("a"), "a"),
        (dt.datetime(2026, 1, 1), dt.date(2026, 1, 1)),
        (dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        (bytearray(b"a"), b"a"),
        ([1], (1,)),
        ({1}, frozenset({1})),
        ([], {}),
        (0.0, -0.0),
        (True, 1),
        (Colour.RED, 1),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        (slice(1), slice(None, 1, 1)),
        (collections.deque([1]), [1]),
    ],
    ids=repr,
)
def test_values_of_different_kinds_differ(one: object, other: object) -> None:
    assert fingerprint(one) != fingerprint(other)
