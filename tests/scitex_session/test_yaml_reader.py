"""YAML is read as people mean it, and what is wrong is said with its line."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scitex_session._config import yaml as reader
from scitex_session._config.tree import Located
from scitex_session._config.yaml import NativeComposer, read_scalar, read_yaml
from support.configured import written_config

COMPOSERS = [
    pytest.param(
        NativeComposer,
        id="native",
        marks=pytest.mark.skipif(NativeComposer is None, reason="PyYAML without libyaml"),
    ),
    pytest.param(None, id="pure"),
]


@pytest.fixture(params=COMPOSERS, autouse=True)
def composer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with PyYAML's composer in C, and with the one in Python."""
    monkeypatch.setattr(reader, "NativeComposer", request.param)


def read(text: str | bytes) -> Any:
    path = Path("a.yaml")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path).bare()


CORE = [
    ("1e-3", 1e-3),
    ("1E5", 1e5),
    ("-3e-12", -3e-12),
    (".5", 0.5),
    ("5.", 5.0),
    ("+1.5", 1.5),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("12", 12),
    ("-7", -7),
    ("010", 10),
    ("0o10", 8),
    ("0x1F", 31),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("null", None),
    ("~", None),
    ("", None),
    ("no", "no"),
    ("Yes", "Yes"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("1:30", "1:30"),
    ("1_000", "1_000"),
    ("0b11", "0b11"),
    ("2026-11-22", "2026-11-22"),
    ("1.2.3", "1.2.3"),
    ("e5", "e5"),
    (".", "."),
    ("=", "="),
    ("inf", "inf"),
    ("tRue", "tRue"),
]


@pytest.mark.parametrize(("text", "value"), CORE)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = read(f"x: {text}\n")["x"]
    assert found == value
    assert type(found) is type(value)
    assert (read_scalar(text), type(read_scalar(text))) == (value, type(value))


def test_nan_is_a_number() -> None:
    assert math.isnan(read("x: .nan")["x"])


@pytest.mark.parametrize("text", ["'1e-3'", '"no"', "|-\n  12", "!!str 12"])
def test_quoted_is_text(text: str) -> None:
    assert isinstance(read(f"x: {text}\n")["x"], str)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!timestamp 2026-11-22", datetime.date(2026, 11, 22)),
        (
            '!!timestamp "2026-11-22T05:09:48.5+01:00"',
            datetime.datetime.fromisoformat("2026-11-22T05:09:48.5+01:00"),
        ),
        ("!!binary aGk=", b"hi"),
        ("!!set {a, 1}", {"a", 1}),
        ("!!float 1e3", 1000.0),
    ],
)
def test_tags_say_what_plain_scalars_cant(text: str, value: object) -> None:
    assert read(f"x: {text}\n") == {"x": value}


def test_keys_have_the_types_that_the_file_has() -> None:
    text = "1: a\n'1': b\n0.5: c\n~: d\nfalse: e\nd: {e: [1, {0: g}]}\n!!binary aGk=: f\n"
    assert typed(read(text)) == typed(
        {1: "a", "1": "b", 0.5: "c", None: "d", False: "e", "d": {"e": [1, {0: "g"}]}, b"hi": "f"}
    )


def test_anchors_and_merges_are_followed() -> None:
    text = "base: &b {lr: 1, n: 2}\nmore: {<<: *b, n: 3}\nboth: {<<: [*b, {n: 4, m: 5}]}\n"
    assert read(text) == {
        "base": {"lr": 1, "n": 2},
        "more": {"lr": 1, "n": 3},
        "both": {"lr": 1, "n": 2, "m": 5},
    }
    assert read("a: &a {x: 1}\nb: [{<<: *a, y: 2}, '<<', <<]\n'<<': 1\n") == {
        "a": {"x": 1},
        "b": [{"x": 1, "y": 2}, "<<", "<<"],
        "<<": 1,
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_nothing(text: str) -> None:
    assert read(text) == {}


def test_a_byte_order_mark_and_windows_lines_are_no_matter() -> None:
    assert read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is in line 1 already"),
        ("m:\n  lr: 1\n  n: 2\n  lr: 3\n", 4, "the key 'lr' is in line 2 already"),
        ("1: a\n1.0: b\n", 2, "the key 1.0 is in line 1 already"),
        ("lr: 1\nlayers: [1, 2\n", 3, "expected ',' or ']'"),
        ("lr: 1\nlayers: [1, 2\n", 3, "flow sequence that begins in line 2"),
        ("a: b: c\n", 1, "a text with ': ' in it needs quotes"),
        ("a:\n\tb: 1\n", 2, "indented by spaces, never by tabs"),
        ("a: [${b}]\n", 1, "a text with { or } in it needs quotes"),
        ("a: 'open\n", 2, "found unexpected end of stream"),
        ("a: @x\n", 1, "begins with @ needs quotes"),
        ("a: 1\n b: 2\n", 2, "mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("x: !!python/object/apply:os.getcwd []\n", 1, "there is no tag !!python/object/apply:os"),
        ("a: 1\nx: !mine 3\n", 2, "there is no tag !mine; YAML is read as data only"),
        ("x: !!int many\n", 1, "'many' is no int"),
        ("x: !!timestamp 2026-13-01\n", 1, "'2026-13-01' is no timestamp"),
        ("x: !!binary é\n", 1, "'é' is no binary"),
        ("x: " + "9" * 5000 + "\n", 1, "is no int"),
        ("a: &a [1, *a]\n", 1, "an alias lies within what it names"),
        ("a: *b\n", 1, "found undefined alias 'b'"),
        ("? [1]\n: 2\n", 1, "a key must be a text or a number"),
        ("a: {<<: 3}\n", 1, "what << merges must be a mapping"),
        ("x: [{a: 1,\n  a: 2}]\n", 2, "the key 'a' is in line 1 already"),
        ("1: a\ntrue: b\n", 2, "the key True is in line 1 already, as 1"),
        ("a: {<<: {1: x}, true: y}\n", 1, "the key True is in line 1 already, as 1"),
        (".nan: 1\n.nan: 2\n", 2, "the key nan is in line 1 already"),
        ("<<: {a: 1}\n<<: {b: 1}\n", 2, "the key '<<' is in line 1 already"),
        ("a: &a {<<: *a}\n", 1, "an alias lies within what it names"),
        ("x: !!set {a: 1}\n", 1, "a !!set has keys without values"),
        ("x: !!set [a]\n", 1, "the tag !!set does not fit"),
        ('x: "\\ud83d"\n', 1, "invalid Unicode character"),
        ('x: "\\Uffffffff"\n', 1, "invalid Unicode character"),
        ("a: 1\n\ufeffb: 2\n", 2, "does not allow, U+FEFF"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow, U+0007"),
        (b"a: 1\nb: \xe9\n", 2, "is not UTF-8: byte 0xe9"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, line: int, said: str) -> None:
    with pytest.raises(ValueError, match=rf"^a\.yaml: line {line}: ") as caught:
        read(text)
    assert said in str(caught.value)
    assert caught.value.line == line  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)


def test_a_hundred_levels_are_read() -> None:
    assert read("[" * 100 + "]" * 100)
    with pytest.raises(ValueError, match="more than 100 levels within each other"):
        read("[" * 101 + "]" * 101)


@pytest.mark.parametrize(("width", "levels"), [(2, 13), (3, 8), (9, 4), (300, 1)])
def test_values_are_counted_where_aliases_repeat_them(width: int, levels: int) -> None:
    def lines(first: int) -> list[str]:
        more = (f"a{n}: &a{n} [" + f"*a{n - 1}, " * width + "]" for n in range(1, levels + 1))
        return ["a0: &a0 [" + "x, " * first + "]", *more]

    def count(first: int) -> int:
        sizes = [1 + first]
        for _ in range(levels):
            sizes.append(1 + width * sizes[-1])
        return 1 + sum(sizes)

    most = max(first for first in range(1, 1000) if count(first) <= 100_000)
    assert read("\n".join(lines(most)))
    with pytest.raises(ValueError, match="more than 100,000 values"):
        read("\n".join(lines(most + 1)))


def located(text: str) -> Located:
    Path("a.yaml").write_text(text)
    return read_yaml(Path("a.yaml"))


def test_lines_and_quotes_are_known() -> None:
    found = located("a: 1\nb:\n  c: '2'\nd:\n").value
    inner = found["b"].value["c"]
    assert (inner.value, inner.line, inner.plain) == ("2", 3, False)
    assert (found["a"].line, found["a"].plain) == (1, True)
    assert (found["d"].line, found["d"].text) == (4, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3.10", "3.10"),
        ("0x1F", "0x1F"),
        ("word", "word"),
        ("'3.10'", None),
        ("!!str 3.10", None),
        ("!!float 3", None),
        ("[1]", None),
    ],
)
def test_what_a_plain_scalar_says_is_kept(text: str, said: str | None) -> None:
    assert located(f"x: {text}").value["x"].text == said


def test_an_alias_is_the_very_value() -> None:
    found = located("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a}\n").value
    assert found["b"].value[0] is found["b"].value[1] is found["a"]
    assert found["c"].value["x"] is found["a"].value["x"]


def typed(value: Any) -> Any:
    """Make values comparable with their types and with NaN."""
    if isinstance(value, dict):
        return {(type(key).__name__, repr(key)): typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, set):
        return "set", {(type(item).__name__, repr(item)) for item in value}
    return type(value).__name__, repr(value)


def same_in_both(text: str) -> bool:
    """Tell whether a text without quotes is a text in YAML 1.1 and 1.2, or in neither."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return isinstance(read_scalar(text), str) or tag != "tag:yaml.org,2002:str"


TEXTS = st.text(max_size=20).filter(same_in_both)
KEYS = TEXTS | st.integers(2) | st.none() | st.floats(allow_nan=False, min_value=0.1, max_value=0.9)
SCALARS = KEYS | st.booleans() | st.floats() | st.binary(max_size=10)
VALUES = st.recursive(
    SCALARS | st.sets(TEXTS, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | inner.map(lambda value: [value, value])  # which is written as an anchor and an alias
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from([None, False, True]))
def test_what_pyyaml_writes_comes_back(value: dict[Any, Any], flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow)
    assert typed(read(text)) == typed(value)


TIMES = st.dates() | st.datetimes(timezones=st.none() | st.just(datetime.UTC)).map(
    lambda time: time.replace(fold=0)
)
ARGUMENTS = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none() | st.floats() | TIMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers() | st.none() | TIMES, inner, max_size=3)
        | st.sets(st.text() | st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=20)
@given(ARGUMENTS)
@example({"no": [1e-5, "1e5", "0o7", "<<", "=", "1_000", "12:30", "\x85\u2028\x7f\ufeff", "\\"]})
def test_what_a_session_writes_is_read_the_same_by_pyyaml_and_here(value: object) -> None:
    path = written_config({"x": value})
    found = [read_yaml(path).bare(), yaml.safe_load(path.read_text("utf-8"))]
    assert [typed(each["ARGS"]) for each in found] == [typed({"x": value})] * 2


# No tags without a name: of "! x", PyYAML's two composers make two things.
PIECES = [
    *("a", "b", "1", "1.0", "true", "~", "-", "?", "[", "]", "{", "}", ",", "'", '"', "#", "%"),
    *("@", "|", ">", "*a", "*b", "<<", "=", ".", "${a}", "é", "http://x", "a:b", "'x'", '"y"'),
    *(" ", "  ", "\n", "\n ", "\n  ", "\t", "\r\n", ": ", ":", "- ", ", ", " # c\n", "\\n"),
    *("&a ", "&b ", "<<: ", "!!str ", "!!set ", "!!int ", "|\n  ", ">-\n ", "---\n", "...\n"),
]


def tree(value: Located) -> Any:
    inner = value.value
    if isinstance(inner, dict):
        inner = [(typed(key), tree(item)) for key, item in inner.items()]
    elif isinstance(inner, list):
        inner = [tree(item) for item in inner]
    else:
        inner = typed(inner)
    return inner, value.line, value.text


@pytest.mark.skipif(NativeComposer is None, reason="PyYAML without libyaml")
@pytest.mark.parametrize("composer", [None], indirect=True)
@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example(text="a: 1\t# tab\nb: x\ty\nc:\t[1,\t2]\t\n")
def test_both_composers_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for composer in (NativeComposer, None):
        monkeypatch.setattr(reader, "NativeComposer", composer)
        try:
            found.append(tree(located(text)))
        except ValueError as error:
            assert str(error).startswith("a.yaml: ")  # noqa: PT017
    assert found[:1] == found[1:] or len(found) == 1
