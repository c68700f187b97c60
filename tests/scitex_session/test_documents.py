"""YAML, TOML and JSON are read into one tree, with types and lines as the file has them."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session._config.documents import read_document
from scitex_session._config.tree import Located


def read(suffix: str, text: str) -> Located:
    path = Path(f"c.{suffix}")
    path.write_text(text, encoding="utf-8")
    return read_document(path)


def lines_of(value: Located, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int | None]:
    """Give the line of each value by its path."""
    found = {path: value.line}
    inner = value.value
    for key, item in inner.items() if isinstance(inner, dict) else ():
        found |= lines_of(item, (*path, key))
    for number, item in enumerate(inner if isinstance(inner, list) else ()):
        found |= lines_of(item, (*path, number))
    return found


SAME = {
    "yaml": "a: 1e-3\nversion: 3.10\nb:\n  c: [1,\n    'x', true]\nlayers:\n- {w: 1}\n- {w: 2}\n",
    "yml": "# c\na: 1e-3\n\nversion: 3.10\n\nb: {c: [1, x, true]}\nlayers: [{w: 1},\n {w: 2}]\n",
    "toml": "a = 1e-3\nversion = 3.10\nb.c = [1, # c\n 'x', true,\n]\n"
    "[[layers]]\nw = 1\n\n[[layers]]\nw = 2\n",
    "json": '{"a": 1e-3, "version": 3.10,\n"b": {"c": [1,\n\t"x", true]},\n'
    '"layers": [{"w": 1},\n{"w": 2}]}',
}


@pytest.mark.parametrize("suffix", SAME)
def test_every_format_gives_the_same_values(suffix: str) -> None:
    found = read(suffix, SAME[suffix])
    assert found.bare() == {
        "a": 0.001,
        "version": 3.1,
        "b": {"c": [1, "x", True]},
        "layers": [{"w": 1}, {"w": 2}],
    }
    version, c = found.value["version"], found.value["b"].value["c"].value
    assert (version.plain, version.text) == (True, "3.10")
    assert [item.text for item in c] == ["1", None if suffix != "yml" else "x", "true"]


@pytest.mark.parametrize(
    ("suffix", "lines"),
    [
        ("yaml", [1, 2, 4, 5, 7, 8]),
        ("yml", [2, 4, 6, 6, 7, 8]),
        ("toml", [1, 2, 3, 4, 7, 10]),
        ("json", [1, 1, 2, 3, 4, 5]),
    ],
)
def test_every_format_gives_the_lines(suffix: str, lines: list[int]) -> None:
    found = lines_of(read(suffix, SAME[suffix]))
    paths = [
        ("a",),
        ("version",),
        ("b", "c"),
        ("b", "c", 1),
        ("layers", 0, "w"),
        ("layers", 1, "w"),
    ]
    assert [found[path] for path in paths] == lines


@pytest.mark.parametrize("suffix", ["yaml", "toml"])
def test_a_file_that_is_empty_has_no_values(suffix: str) -> None:
    assert read(suffix, "# nothing\n").bare() == {}


@pytest.mark.parametrize(("suffix", "text"), [("yaml", "null"), ("json", " null ")])
def test_a_null_is_no_values(suffix: str, text: str) -> None:
    assert read(suffix, text).bare() == {}


@pytest.mark.parametrize(("suffix", "text"), [("yaml", "- 1"), ("json", "[1]"), ("yml", "x")])
def test_the_top_must_be_a_mapping(suffix: str, text: str) -> None:
    with pytest.raises(ValueError, match=rf"^c\.{suffix}: line 1: it must have keys and values"):
        read(suffix, text)


def test_another_suffix_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"^c\.ini: .*\.yaml, \.yml, \.toml, \.json"):
        read("ini", "")


def test_a_file_that_is_missing_or_a_folder_is_said() -> None:
    Path("d.toml").mkdir()
    for name in ("gone.json", "d.toml"):
        with pytest.raises(ValueError, match=rf"^{name}: can't be read: "):
            read_document(Path(name))


def test_a_byte_order_mark_and_windows_lines_are_no_matter() -> None:
    for suffix, text in (
        ("toml", 'a = 1\r\nb = """\r\nx"""\r\n'),
        ("json", '{"a": 1,\r\n"b": "x"}'),
    ):
        Path(f"c.{suffix}").write_bytes(b"\xef\xbb\xbf" + text.encode())
        found = read_document(Path(f"c.{suffix}"))
        assert (found.bare(), lines_of(found)["b",]) == ({"a": 1, "b": "x"}, 2)


def test_types_of_toml_are_kept() -> None:
    found = read(
        "toml",
        "day = 1979-05-27\nat = 1979-05-27 07:32:00\ntime = 07:32:00\nn = 1_000\nx = 0xFF\n"
        "i = inf\n# '\"\nempty = ''\nt = '''\n'a' ''b'''''\ne = {}\nq.\"a.b\".'c' = 1 # x\n",
    )
    assert found.bare() == {
        "day": dt.date(1979, 5, 27),
        "at": dt.datetime(1979, 5, 27, 7, 32),  # noqa: DTZ001
        "time": dt.time(7, 32),
        "n": 1000,
        "x": 255,
        "i": math.inf,
        "empty": "",
        "t": "'a' ''b''",
        "e": {},
        "q": {"a.b": {"c": 1}},
    }
    assert {key: item.text for key, item in found.value.items() if item.plain} == {
        "day": "1979-05-27",
        "at": "1979-05-27 07:32:00",
        "time": "07:32:00",
        "n": "1_000",
        "x": "0xFF",
        "i": "inf",
    }
    assert lines_of(found)["q", "a.b", "c"] == 12


def test_types_of_json_are_kept() -> None:
    found = read("json", '{"1": 1, "n": NaN, "i": -Infinity, "s": "\\ud83d\\ude00\\n", "e": ""}')
    assert found.bare() == {"1": 1, "n": pytest.approx(math.nan, nan_ok=True), "i": -math.inf} | {
        "s": "😀\n",
        "e": "",
    }


def test_tables_within_lists_of_tables_have_their_lines() -> None:
    found = read(
        "toml",
        "[a.b]\nc = 1\n[[t]]\nn = 1\n[t.deep]\nx = 1\n[[t.more]]\ny = 1\n[[t.more]]\ny = 2\n"
        "[[t]]\nn = 2\n[[t.more]]\ny = {z = 3, u.v = [\n{w = 4}]}\n[a]\nd = 2\n",
    )
    lines = lines_of(found)
    assert None not in lines.values()
    assert {path: line for path, line in lines.items() if path and path[-1] in list("cnxzwd")} == {
        ("a", "b", "c"): 2,
        ("a", "d"): 17,
        ("t", 0, "n"): 4,
        ("t", 0, "deep", "x"): 6,
        ("t", 1, "n"): 12,
        ("t", 1, "more", 0, "y", "z"): 14,
        ("t", 1, "more", 0, "y", "u", "v", 0, "w"): 15,
    }
    assert [lines["t", 0, "more", n, "y"] for n in (0, 1)] == [8, 10]


LONG = "x" * 1_000_000
WRONG = [
    ("toml", "a = 1\nb = 2\na = 3\n", 3, "the key 'a' is in line 1 already"),
    ("toml", "[a]\nx = 1\n[a]\n", 3, "the key 'a' is in line 1 already"),
    ("toml", "a = {b = 1, b = 2}\n", 1, "the key 'a.b' is in line 1 already"),
    ("toml", "[[a]]\nb = 1\n[[a]]\nb = 1\nb = 2\n", 5, "the key 'a.b' is in line 4 already"),
    ("toml", "a = 1\nb = \n", 2, "Invalid value"),
    ("toml", 'a = "x\nb = 1\n', 1, "Illegal character"),
    ("toml", "a = 1 2\n", 1, "Expected newline"),
    ("toml", "a = [1,\n", None, "end of document"),
    ("toml", "a = " + "[" * 200, 1, "more than 100 levels"),
    ("toml", "a." * 200_000 + "b = 1", 1, "more than 100 levels"),
    ("toml", "x = {" + "a." * 200_000 + "b = 1}", 1, "more than 100 levels"),
    ("toml", "a = [" + "1," * 200_000 + "]", 1, "more than 100,000 values"),
    ("toml", "a = " + "9" * 5000, None, "more digits"),
    ("toml", f"'{LONG}' = 1\n'{LONG}' = 2", 2, "is in line 1 already"),
    ("json", '{"a": 1,\n"b": [{"c": 1,\n"c": 2}]}', 3, "the key 'c' is in line 2 already"),
    ("json", '{"a": 1,\n"b" 2}', 2, ""),
    ("json", '{"a": 1} x', 1, "Extra data"),
    ("json", '{"a": ' + "[" * 200 + "]" * 200 + "}", 1, "more than 100 levels"),
    ("json", "[" * 500_000, None, "more than 100 levels"),
    ("json", '{"a": [' + "1," * 200_000 + "1]}", 1, "more than 100,000 values"),
    ("json", '{"a": ' + "9" * 5000 + "}", None, "more digits"),
    ("json", "#" * 10_000_001, None, "larger than 10 MB"),
    ("yaml", "a: 1\na: 2", 2, "the key 'a' is in line 1 already"),
]


@pytest.mark.parametrize(("suffix", "text", "line", "said"), WRONG, ids=lambda x: str(x)[:20])
def test_what_is_wrong_is_said_in_time_with_its_line(
    suffix: str, text: str, line: int | None, said: str
) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=rf"^c\.{suffix}: ") as caught:
        read(suffix, text)
    assert time.process_time() - began < 5
    assert said in str(caught.value)
    assert caught.value.line == line  # type: ignore[attr-defined]
    assert len(str(caught.value)) < 200


LEAVES = st.sampled_from(["number", "text", "literal", "long", "long literal"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=10,
)
COMMENT = st.sampled_from(["", "  # 'c' = [", ' # """', "\t"])


class Writer:
    """Write TOML in which each value is unique, so that the line where it stands is known."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.values: list[str] = []

    def value(self, tree: Any, *, inline: bool = False) -> str:
        if isinstance(tree, dict):
            parts = (f"{key} = {self.value(item, inline=True)}" for key, item in tree.items())
            return "{" + ", ".join(parts) + "}"
        if isinstance(tree, list):
            gap = "" if inline else self._draw(st.sampled_from(["", "\n", " # ]\n", "\n\n\t"]))
            parts = (gap + self.value(item, inline=inline) + gap for item in tree)
            return "[" + ",".join(parts) + "]"
        self.values.append(found := f"4{len(self.values):04}2")
        return {
            "number": found,
            "text": f'"{found} # \\" = [ \'"',
            "literal": f"'{found} # \" \\'",
            "long": f'"""{found} "" \\"\\"" \n a = 1\n\\\\"""',
            "long literal": f"'''{found} \\ '' \n[x]\n''''",
        }[tree]

    def table(self, tree: dict[str, Any], name: str) -> str:
        text = ""
        tables = []
        for key, item in tree.items():
            if isinstance(item, dict) and self._draw(st.booleans()):
                tables.append((key, item))
            else:
                blanks = self._draw(st.sampled_from(["", " ", "\t"]))
                text += f'{blanks}"{key}" ={blanks}{self.value(item)}{self._draw(COMMENT)}\n'
        for key, item in tables:
            path = f"{name}.{key}" if name else key
            text += f"\n[{path}]{self._draw(COMMENT)}\n{self.table(item, path)}"
        return text


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    writer = Writer(draw)
    return writer.table(draw(st.dictionaries(st.sampled_from("abcd"), TREES)), ""), writer.values


def leaves(value: Located) -> list[Located]:
    inner = value.value
    if isinstance(inner, dict):
        return [leaf for item in inner.values() for leaf in leaves(item)]
    if isinstance(inner, list):
        return [leaf for item in inner for leaf in leaves(item)]
    return [value]


@given(documents())
def test_each_value_of_toml_stands_in_its_line(document: tuple[str, list[str]]) -> None:
    text, values = document
    found = read("toml", text)
    assert found.bare() == tomllib.loads(text)
    lines = text.split("\n")
    assert sorted(str(leaf.value)[:6] for leaf in leaves(found)) == sorted(values)
    for leaf in leaves(found):
        assert leaf.line is not None
        assert str(leaf.value)[:6] in lines[leaf.line - 1]
        assert leaf.text in (None, str(leaf.value))


JSON = st.recursive(
    st.integers() | st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), JSON), st.sampled_from([None, 0, 2]), st.booleans())
def test_what_json_writes_comes_back(
    value: dict[str, Any], indent: int | None, plain: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    found = read("json", text)
    assert json.dumps(found.bare()) == json.dumps(value)
    for leaf in leaves(found):
        assert leaf.line is not None
        if not isinstance(leaf.value, list | dict):
            assert json.dumps(leaf.value, ensure_ascii=plain) in text.split("\n")[leaf.line - 1]


@given(st.text(st.sampled_from("ab.=[]{}\"'#\n\\ ,1-")))
def test_any_text_is_toml_or_refused_in_a_sentence(text: str) -> None:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(ValueError, match=r"^c\.toml: "):
            read("toml", text)
    else:
        found = read("toml", text)
        assert found.bare() == value
        assert None not in lines_of(found).values()
