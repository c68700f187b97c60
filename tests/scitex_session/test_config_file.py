"""Files of values: YAML, TOML and JSON say the same, with the line of each value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from scitex_session._command_line.files import read_config_file
from scitex_session._command_line.parser import CommandLine, Parsed
from scitex_session._command_line.signature import parameters_of
from scitex_session._errors import ConfigFileError, UsageError

YAML = """\
# a comment
lr: 1e-3
name: no
model:
  depth: 5

  sizes: [1, 2]
seed: null
"""
TOML = """\
# a comment
lr = 1e-3
name = "no"
seed = 4

[model]
depth = 5
sizes = [
  1,
  2,
]
"""
JSON = """\
{
\t"lr":1e-3, "name": "no",
\t"model": {"depth": 5,
\t\t"sizes": [1, 2]},
\t"seed": null
}
"""


@dataclass
class Model:
    depth: int = 3
    sizes: tuple[int, ...] = ()


@dataclass
class Above:
    """A constraint, as annotated_types has it."""

    ge: int


def main(
    lr: float = 0.1,
    name: str = "",
    seed: int | None = 3,
    n_layers: int = 1,
    model: Model = Model(),  # noqa: B008
    many: list[list[int]] = [],  # noqa: B006
    opts: dict[str, int] = {},  # noqa: B006
    flag: bool = False,
    either: str | list[str] = "",
    free: list[Any] = [],  # noqa: B006
    above: Annotated[int | None, Above(0)] = 3,
) -> None: ...


def given(*files: tuple[str, str], typed: str = "") -> Parsed:
    for name, text in files:
        Path(name).write_text(text, encoding="utf-8")
    line = CommandLine(main, parameters_of(main))
    return line.parse(typed.split(), [read_config_file(name) for name, _ in files])


@pytest.mark.parametrize(
    ("file", "text", "lines"),
    [("a.yaml", YAML, "2 3 5,7 8"), ("a.toml", TOML, "2 3 7,8 4"), ("a.json", JSON, "2 2 3,4 5")],
)
def test_each_format_gives_values_and_lines(file: str, text: str, lines: str) -> None:
    found = given((file, text))
    seed = 4 if file == "a.toml" else None
    assert found.values == {"lr": 1e-3, "name": "no", "model": Model(5, (1, 2)), "seed": seed}
    origins = [
        ",".join(each.split(":")[1] for each in o.split(", ")) for o in found.origins.values()
    ]
    assert dict(zip(found.origins, origins, strict=True)) == dict(
        zip(("lr", "name", "model", "seed"), lines.split(), strict=True)
    )


def test_the_command_line_stands_above_files_and_later_files_above_earlier() -> None:
    found = given(
        ("a.yaml", "lr: 1\nname: a\nmodel: {depth: 1, sizes: [1]}\nopts: {a: 1, b: 1}"),
        ("b.toml", 'name = "b"\nmodel.depth = 2\nopts.b = 2'),
        typed="--lr 3 --opts.c 3",
    )
    assert found.values == {
        "lr": 3.0,
        "name": "b",
        "model": Model(2, (1,)),
        "opts": {"a": 1, "b": 2, "c": 3},
    }
    assert found.origins["lr"] == "command line"
    assert found.origins["name"] == "b.toml:1"
    assert set(found.origins["model"].split(", ")) == {"a.yaml:3", "b.toml:2"}


@pytest.mark.parametrize(
    ("text", "value"), [("a", "a"), ("[a]", ["a"]), ("[a, b]", ["a", "b"]), ("[]", [])]
)
def test_a_list_of_one_stays_a_list_where_one_value_may_stand(text: str, value: object) -> None:
    assert given(("a.yaml", f"either: {text}")).values == {"either": value}


def test_a_constraint_says_nothing_of_none() -> None:
    assert given(("a.yaml", "above: null")).values == {"above": None}
    with pytest.raises(UsageError, match="above must be at least 0, not -1"):
        given(("a.yaml", "above: -1"))


def test_a_mapping_where_a_list_stands_is_refused_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"a\.yaml:2: free must be a list\[Any\], and has no a"):
        given(("a.yaml", "free:\n  a: 1"))


def test_a_list_of_the_command_line_or_a_later_file_replaces_an_earlier_one() -> None:
    files = ("a.yaml", "many: [[1, 2], [3]]\neither: [a, b]"), ("b.yaml", "many: [[4]]")
    assert given(*files).values == {"many": [[4]], "either": ["a", "b"]}
    assert given(*files, typed="--either c --many").values == {"many": [], "either": "c"}


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (
            dict[str, list[int] | str],
            "x: {a: [1], b: [], c: [1, 2]}",
            {"a": [1], "b": [], "c": [1, 2]},
        ),
        (dict[str, list[int | None]], "x: {a: [null]}", {"a": [None]}),
        (list[list[Model]], "x: [[{depth: 1}]]", [[Model(1)]]),
        (dict[str, tuple[int, int]], "x: {a: []}", "a.yaml:1: x.a needs 2 values, not 0"),
        (list[Model], "x: [{depth: 1}]", [Model(1)]),
        (
            dict[str, list[int] | str],
            "x: {a: null}",
            "a.yaml:1: x.a must be a list[int] or a text, not null",
        ),
        (
            dict[str, dict[str, int]],
            "x: {a: {b: null}}",
            "a.yaml:1: x.a.b must be a whole number, not null",
        ),
        (dict[str, list[int]], "x: {a: [null]}", "a.yaml:1: x.a must be a whole number, not null"),
        (
            dict[str, list[Model]],
            "x: {a: [{depth: x}]}",
            "a.yaml:1: x.a.depth must be a whole number, not 'x'",
        ),
        (
            Model | None,
            "x: []",
            "a.yaml:1: x must be a Model, given by its fields or as JSON or none, not []",
        ),
        (list[Any], "x: {a: {b: 1}}", "a.yaml:1: x must be a list[Any], and has no a"),
    ],
)
def test_what_a_file_holds_within_keys_and_lists(hint: Any, text: str, value: Any) -> None:
    def holder(x=None) -> None: ...  # type: ignore[no-untyped-def]

    holder.__annotations__["x"] = hint
    Path("a.yaml").write_text(text, encoding="utf-8")
    line = CommandLine(holder, parameters_of(holder))
    if isinstance(value, str):
        with pytest.raises(UsageError) as error:
            line.parse([], [read_config_file("a.yaml")])
        assert error.value.why == value
    else:
        assert line.parse([], [read_config_file("a.yaml")]).values == {"x": value}


def test_parts_from_several_places_make_one_whole() -> None:
    found = given(("a.yaml", "model: {depth: 7}"), typed='--model {"sizes":[9]}')
    assert found.values == {"model": Model(7, (9,))}


def test_a_none_on_the_command_line_hides_the_parts_in_a_file() -> None:
    def with_or_without(model: Model | None = None) -> None: ...

    Path("a.yaml").write_text("model: {depth: 7}", encoding="utf-8")
    line = CommandLine(with_or_without, parameters_of(with_or_without))
    entries = read_config_file("a.yaml")
    assert line.parse([], [entries]).values == {"model": Model(7)}
    assert line.parse(["--model", "none"], [entries]).values == {"model": None}


@pytest.mark.parametrize("key", ["n_layers", "n-layers"])
def test_keys_are_written_with_underscores_or_dashes(key: str) -> None:
    assert given(("a.yaml", f"{key}: 4")).values == {"n_layers": 4}


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("no", False), ("true", True)])
def test_switches_take_the_words_of_yaml(text: str, value: bool) -> None:
    assert given(("a.yaml", f"flag: {text}")).values == {"flag": value}


def test_empty_files_anchors_and_characters_beyond_16_bits() -> None:
    assert given(("a.yaml", ""), ("b.yaml", "# nothing"), ("c.toml", ""), ("d.json", "{}")) == (
        Parsed({}, {})
    )
    anchors = "opts: {a: 1}\nmodel: &m {depth: 4}\n"
    assert given(("a.yaml", anchors)).values == {"opts": {"a": 1}, "model": Model(4)}
    assert given(("a.json", '{"name": "\\ud83d\\ude00 é"}')).values == {"name": "😀 é"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 1\nsede: 3", "a.yaml:2: there is no parameter sede; did you mean seed?"),
        (
            "model:\n  dept: 3",
            "a.yaml:2: there is no parameter model.dept; did you mean model.depth?",
        ),
        ("lr: much", "a.yaml:1: lr must be a number, not 'much'"),
        ("\nn_layers: 2.5", "a.yaml:2: n_layers must be a whole number, not '2.5'"),
        ("n_layers: null", "a.yaml:1: n_layers must be a whole number, not null"),
        ("model: {depth: x}", "a.yaml:1: model.depth must be a whole number, not 'x'"),
        ("lr: [1, 2]", "a.yaml:1: lr takes one value, not a list"),
        ("lr: {a: 1}", "a.yaml:1: there is no parameter lr.a"),
        ("flag: maybe", "a.yaml:1: flag must be yes or no, not 'maybe'"),
        ("opts: {a: 1.5}", "a.yaml:1: opts.a must be a whole number, not '1.5'"),
    ],
)
def test_what_a_parameter_cant_take_is_said_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        given(("a.yaml", text))
    assert error.value.why.startswith(said)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.yaml", "a: 1\nb: [", "line 2: "),
        ("a.yaml", "a: 1\nb: 2\na: 3", "line 3: the key a stands here again"),
        ("a.yaml", "- 1", "it must have keys and values"),
        ("a.json", '{"a": 1,\n"a": 2}', "line 2: the key a stands here again"),
        ("a.json", '{"a": 1,\n"b"}', "line 2: "),
        ("a.json", "{'a': 1}", "line 1: "),
        ("a.toml", "a = 1\nb = \n", "line 2"),
        ("a.toml", "a = 1\na = 2\n", "line 2"),
        ("a.toml", "[[a]]\nb = 1", "line 1: a list of tables is no parameter"),
        ("a.txt", "a: 1", "its suffix must be one of .yaml, .yml, .toml, .json"),
    ],
)
def test_a_file_that_cant_be_read_says_why_and_where(file: str, text: str, said: str) -> None:
    Path(file).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigFileError) as error:
        read_config_file(file)
    assert error.value.path == file
    assert said in error.value.why


def test_a_file_that_is_missing_or_no_text_is_said() -> None:
    with pytest.raises(ConfigFileError, match=r"nowhere.yaml: No such file"):
        read_config_file("nowhere.yaml")
    Path("bytes.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigFileError, match="not UTF-8"):
        read_config_file("bytes.yaml")


def test_values_reach_star_kwargs() -> None:
    def open_ended(a: int = 1, **more: Any) -> None: ...

    Path("a.yaml").write_text("a: 2\nother_key: x", encoding="utf-8")
    line = CommandLine(open_ended, parameters_of(open_ended))
    found = line.parse([], [read_config_file("a.yaml")])
    assert found.values == {"a": 2, "more": {"other_key": "x"}}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.yaml", 'anything: {a: 1e-3, "b.c": [no, 1]}\nd: {on: true, n: {m: 2}}\nitems: [1, "1", {a: null}]\n'),  # noqa: E501
        ("a.toml", 'anything = {a = 1e-3, "b.c" = ["no", 1]}\nd = {on = true, n = {m = 2}}\nitems = [1, "1", {}]\n'),  # noqa: E501
        ("a.json", '{"anything": {"a": 1e-3, "b.c": ["no", 1]}, "d": {"on": true, "n": {"m": 2}}, "items": [1, "1", null]}'),  # noqa: E501
    ],
)  # fmt: skip
def test_what_may_be_anything_keeps_the_type_that_the_file_gives_it(file: str, text: str) -> None:
    def free(anything=None, d: dict = {}, items: list = []) -> None: ...  # type: ignore[no-untyped-def, type-arg]  # noqa: B006

    Path(file).write_text(text, encoding="utf-8")
    values = CommandLine(free, parameters_of(free)).parse([], [read_config_file(file)]).values
    assert values["anything"] == {"a": 1e-3, "b.c": ["no", 1]}
    assert values["d"] == {"on": True, "n": {"m": 2}}
    assert values["items"][:2] == [1, "1"]


def test_structures_within_lists_and_dicts_are_written_as_yaml_has_them() -> None:
    def main(
        layers: list[Model],
        named: dict[str, Model],
        pair: tuple[Model, Model],
        limit: float = 1.0,
    ) -> None: ...

    text = """
layers:
  - {depth: 1, sizes: [1, 2]}
  - {}
named: {a: {depth: 4, sizes: [3]}}
pair: [{depth: 5}, {sizes: [4, 5]}]
limit: .inf
"""
    Path("a.yaml").write_text(text, encoding="utf-8")
    line = CommandLine(main, parameters_of(main))
    assert line.parse([], [read_config_file("a.yaml")]).values == {
        "layers": [Model(1, (1, 2)), Model()],
        "named": {"a": Model(4, (3,))},
        "pair": (Model(5), Model(sizes=(4, 5))),
        "limit": float("inf"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pair: [1]", "a.yaml:1: pair needs 2 values, not 1"),
        ("model.depth: x", "a.yaml:1: model.depth must be a whole number, not 'x'"),
        (
            "day: then",
            "a.yaml:1: day must be a date such as 2026-11-22 or none, not 'then'",
        ),
        (
            "layers: [{depth: 1}, {depth: 2.5}]",
            "a.yaml:1: layers.depth must be a whole number, not '2.5'",
        ),
        ("n_epochs: 1\nn-epochs: 2", "a.yaml:2: n-epochs stands above as n_epochs already"),
        (
            "model.depth: 1\nmodel: {depth: 2}",
            "a.yaml:2: model.depth stands above as model.depth already",
        ),
    ],
)
def test_mistakes_name_parameter_file_and_line(text: str, said: str) -> None:
    def main(
        pair: tuple[int, int] = (1, 2),
        n_epochs: int = 1,
        model: Model = Model(),  # noqa: B008
        day: dt.date | None = None,
        layers: list[Model] = [],  # noqa: B006
    ) -> None: ...

    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        CommandLine(main, parameters_of(main)).parse([], [read_config_file("a.yaml")])
    assert error.value.why == said


def test_tags_that_make_objects_are_refused() -> None:
    Path("a.yaml").write_text("d:\n  x: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    with pytest.raises(ConfigFileError, match=r"line 2: the tag !!python/object/apply:os.getcwd"):
        read_config_file("a.yaml")
