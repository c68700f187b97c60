"""``--config FILE``: YAML, TOML and JSON give values to parameters, with their types and lines."""

from __future__ import annotations

import datetime as dt
import enum
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from support import given, mistake

YAML = "lr: 1e-3\nname: no\nmodel:\n  depth: 5\n  sizes: [1, 2]\nseed: null\n"
TOML = 'lr = 1e-3\nname = "no"\n[model]\ndepth = 5\nsizes = [\n  1,\n  2,\n]\n'
JSON = '{"lr":1e-3, "name": "no",\n "model": {"depth": 5, "sizes": [1, 2]}, "seed": null}'


@dataclass
class Model:
    depth: int = 3
    sizes: tuple[int, ...] = ()


@dataclass
class Sgd:
    lr: float = 0.2
    m: float = 0.0


@dataclass
class Strict:
    lr: float
    depth: int = 3
    by: dict[int, float] = field(default_factory=dict)


class Color(enum.Enum):
    RED = 1
    DARK_BLUE = 2


class Above:
    """A constraint, as annotated_types has it."""

    ge = 0


def main(
    lr: float = 0.1,
    name: str = "",
    seed: int | None = 3,
    n_layers: int = 1,
    model: Model = Model(),  # noqa: B008
    layers: list[Model] = [],  # noqa: B006
    named: dict[str, Strict] = {},  # noqa: B006
    many: list[list[int]] = [],  # noqa: B006
    opts: dict[str, int] = {"k": 9},  # noqa: B006
    w: dict[int, float] = {0: 1.0, 1: 2.0},  # noqa: B006
    pairs: list[tuple[int, str]] = [],  # noqa: B006
    pair: tuple[int, str] = (1, ""),
    one: Model | Sgd | None = None,
    flag: bool = False,
    either: str | list[str] = "",
    mode: Literal["a", "b"] = "a",
    day: dt.date | None = None,
    above: Annotated[int | None, Above()] = 3,
    strict: Strict = Strict(1.0),  # noqa: B008
    free: Any = None,
    color: Color = Color.RED,
) -> None: ...


def of(text: str, *typed: str, file: str = "a.yaml") -> dict[str, Any]:
    """Return what differs from the defaults."""
    Path(file).write_text(text, encoding="utf-8")
    found, defaults = given(main, "--config", file, *typed), given(main)
    return {name: value for name, value in found.items() if value != defaults[name]}


@pytest.mark.parametrize(("file", "text"), [("a.yaml", YAML), ("a.toml", TOML), ("a.json", JSON)])
def test_each_format_gives_values(file: str, text: str) -> None:
    wanted: dict[str, Any] = {"lr": 1e-3, "name": "no", "model": Model(5, (1, 2))}
    assert of(text, file=file) == wanted | ({} if file == "a.toml" else {"seed": None})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # nothing is rounded, and a text stays the text that it is
        ("name: 3.10", {"name": "3.10"}),
        ("either: [a]", {"either": ["a"]}),
        ("either: []", {"either": []}),
        ("lr: .inf", {"lr": float("inf")}),
        ("flag: yes", {"flag": True}),
        ("day: 2026-11-22", {"day": dt.date(2026, 11, 22)}),
        ("above: null", {"above": None}),
        ("n-layers: 4", {"n_layers": 4}),
        ("model.depth: 7", {"model": Model(7)}),
        # what a file gives in part is laid over the default
        ("model: {depth: 7}", {"model": Model(7)}),
        ("model: {}", {}),
        ("strict: {depth: 7}", {"strict": Strict(1.0, 7)}),
        ("opts: {a: 1}", {"opts": {"k": 9, "a": 1}}),
        ("w: {0: 7.0}", {"w": {0: 7.0, 1: 2.0}}),
        ("w: {0x1: 7}", {"w": {0: 1.0, 1: 7.0}}),
        # what only a file can say
        ("layers: [{depth: 1, sizes: [1, 2]}, {}]", {"layers": [Model(1, (1, 2)), Model()]}),
        ("named: {a: {lr: 1, by: {2: 3}}}", {"named": {"a": Strict(1.0, by={2: 3.0})}}),
        ("many: [[1, 2], []]", {"many": [[1, 2], []]}),
        ("strict: {by: {1: 2}}", {"strict": Strict(1.0, by={1: 2.0})}),
        ("pair: [4, 5]", {"pair": (4, "5")}),
        ("pairs: [[4, 5]]", {"pairs": [(4, "5")]}),
        ("one: {m: 1}", {"one": Sgd(m=1.0)}),
        # what may be anything keeps the type that the file gives it
        ("free: {a: 1e-3, b.c: [no, 1, null]}", {"free": {"a": 1e-3, "b.c": ["no", 1, None]}}),
        ("free: {1: true}", {"free": {1: True}}),
        ("", {}),
        ("opts: &o {a: 1}\nmodel: {depth: 4}", {"opts": {"k": 9, "a": 1}, "model": Model(4)}),
    ],
)
def test_values_have_the_types_that_are_asked_for(text: str, values: dict[str, Any]) -> None:
    assert of(text) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 1\nsede: 3", "sede from a.yaml:2.*seed"),
        ("model:\n  dept: 3", "model.dept from a.yaml:2.*model.depth"),
        ("layers: [{dept: 3}]", r"layers\[0\].dept from a.yaml:1"),
        ("lr: much", "lr from a.yaml:1.*much.*float"),
        ("\nn_layers: 2.5", "n_layers from a.yaml:2.*2.5.*int"),
        ("n_layers: 2.0", "n_layers from a.yaml:1.*2.0.*int"),
        ("n_layers: null", "n_layers from a.yaml:1.*null.*int"),
        ("n_layers: true", "n_layers from a.yaml:1.*true.*int"),
        ("model: {depth: x}", "model.depth from a.yaml:1.*x.*int"),
        ("model: 3", "model from a.yaml:1.*Model"),
        ("model: null", "model from a.yaml:1.*null.*Model"),
        ("layers: [{depth: 2.5}]", r"layers\[0\].depth from a.yaml:1.*2.5.*int"),
        ("named: {a: {}}", "named.a from a.yaml:1: lr is missing"),
        ("lr: [1, 2]", "lr from a.yaml:1"),
        ("many: [1]", r"many\[0\] from a.yaml:1"),
        ("many: {a: 1}", "many from a.yaml:1"),
        ("pair: [1]", "pair from a.yaml:1.*2 values.*1"),
        ("flag: maybe", "flag from a.yaml:1.*maybe.*bool"),
        ("color: blue", "color from a.yaml:1.*RED.*DARK-BLUE"),
        ("layers: [{}, {sizes: [a]}]", r"layers\[1\].sizes\[0\] from a.yaml:1.*a.*int"),
        ("mode: c", "mode from a.yaml:1.*a.*b"),
        ("opts: {a: 1.5}", "opts.a from a.yaml:1.*1.5.*int"),
        ("w: {a: 1}", "w.a from a.yaml:1.*a.*int"),
        ("above: -1", "above from a.yaml:1.*>= 0"),
        ("n_layers: 1\nn-layers: 2", "n-layers.*already has it as n_layers"),
        ("- 1", "keys and values"),
        ("a: [", "a.yaml: line"),
        ("free: !!python/object/apply:os.getcwd []", "python/object"),
    ],
)
def test_what_a_file_gets_wrong_is_said_with_its_line(text: str, said: str) -> None:
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert re.search(said, mistake(main, "--config", "a.yaml"))


@pytest.mark.parametrize("file", ["a.yaml", "a.toml", "a.json"])
def test_an_empty_file_gives_nothing(file: str) -> None:
    assert of("", file=file) == {}


@pytest.mark.parametrize(("file", "said"), [("", "the name of a file"), (".", "a directory")])
def test_a_name_that_is_no_file_is_said(file: str, said: str) -> None:
    assert said in mistake(main, "--config", file)


def test_a_file_that_is_missing_is_said() -> None:
    assert "No such file" in mistake(main, "--config", "nowhere.yaml")


def test_the_command_line_stands_above_files_and_later_files_above_earlier() -> None:
    Path("a.yaml").write_text("lr: 1\nname: a\nmodel: {depth: 1, sizes: [1]}\nopts: {a: 1, b: 1}")
    Path("b.toml").write_text('name = "b"\nmodel.depth = 2\nopts.b = 2\nw = {}\nlayers = [{}]')
    typed = "--config a.yaml --lr 3 --opts.c 3 --session.config=b.toml"
    found = given(main, *typed.split())
    assert (found["lr"], found["name"], found["model"]) == (3.0, "b", Model(2, (1,)))
    assert found["opts"] == {"k": 9, "a": 1, "b": 2, "c": 3}
    assert found["layers"] == [Model()]
    assert of("model: {depth: 7}", "--model", '{"sizes":[9]}') == {"model": Model(7, (9,))}
    assert of("many: [[1]]\neither: [a, b]", "--either", "c") == {"many": [[1]], "either": "c"}


def test_a_required_field_may_come_from_a_file_and_another_be_typed() -> None:
    @dataclass
    class Both:
        a: int
        b: int

    def func(x: Both) -> None: ...

    func.__annotations__["x"] = Both
    Path("a.yaml").write_text("x: {a: 1}")
    assert given(func, "--config", "a.yaml", "--x.b", "2") == {"x": Both(1, 2)}
    assert "Missing option --x.b" in mistake(func, "--config", "a.yaml")


def test_a_none_that_is_typed_hides_the_parts_in_a_file() -> None:
    def func(model: Model | None = None) -> None: ...

    Path("a.yaml").write_text("model: {depth: 7}", encoding="utf-8")
    assert given(func, "--config", "a.yaml") == {"model": Model(7)}
    assert given(func, "--config", "a.yaml", "--model", "none") == {"model": None}


def test_values_reach_star_args_and_star_kwargs() -> None:
    def func(a: int = 1, *rest: int, **more: float) -> None: ...

    Path("a.yaml").write_text("a: 2\nrest: [3, 4]\nother_key: 5", encoding="utf-8")
    wanted = {"a": 2, "rest": (3, 4), "more": {"other_key": 5.0}}
    assert given(func, "--config", "a.yaml") == wanted


def test_a_parameter_named_config_has_that_option_itself() -> None:
    def func(config: str = "", n: int = 1) -> None: ...

    Path("a.yaml").write_text("n: 2")
    found = given(func, "--config", "x", "--session.config", "a.yaml")
    assert found == {"config": "x", "n": 2}
