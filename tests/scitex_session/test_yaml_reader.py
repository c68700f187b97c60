"""YAML is read as people mean it, and what is wrong is said with its line."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest

from scitex_session._config.yaml import read_scalar, read_yaml
from scitex_session._errors import ConfigFileError


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


def test_keys_may_be_numbers_and_nothing_is_lost_of_a_nested_file() -> None:
    assert read("0: cat\n1: dog\nd: {e: [1, {f: g}]}\n") == {
        0: "cat",
        1: "dog",
        "d": {"e": [1, {"f": "g"}]},
    }


def test_anchors_and_merges_are_followed() -> None:
    text = "base: &b {lr: 1, n: 2}\nmore: {<<: *b, n: 3}\nboth: {<<: [*b, {n: 4, m: 5}]}\n"
    assert read(text) == {
        "base": {"lr": 1, "n": 2},
        "more": {"lr": 1, "n": 3},
        "both": {"lr": 1, "n": 2, "m": 5},
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
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow, U+0007"),
        (b"a: 1\nb: \xe9\n", 2, "is not UTF-8: byte 0xe9"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, line: int, said: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read(text)
    assert said in str(caught.value)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"a.yaml: line {line}: ")
    assert "\n" not in str(caught.value)


def test_what_is_nested_without_end_is_refused() -> None:
    for levels in (101, 3000):
        with pytest.raises(ConfigFileError, match="more than 100 levels within each other"):
            read("[" * levels + "]" * levels)
    assert read("[" * 100 + "]" * 100)


def test_lines_and_quotes_are_known() -> None:
    Path("a.yaml").write_text("a: 1\nb:\n  c: '2'\n")
    found = read_yaml(Path("a.yaml"))
    inner = found.value["b"].value["c"]
    assert (inner.value, inner.line, inner.plain) == ("2", 3, False)
    assert (found.value["a"].line, found.value["a"].plain) == (1, True)
