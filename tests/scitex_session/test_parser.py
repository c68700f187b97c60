"""Signatures become command lines: a table of annotations, what is typed, and what comes of it."""

from __future__ import annotations

import collections.abc
import datetime as dt
import enum
import functools
import importlib
import importlib.util
import os
import re
import typing
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union
from uuid import UUID

import pytest
from cyclopts import Parameter as Said
from cyclopts import validators

from scitex_session._command_line.parser import CommandLine
from scitex_session._command_line.signature import Parameter, parameters_of
from scitex_session._errors import UnsuitableFunctionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import PurePosixPath

    from nowhere import Nothing  # type: ignore[import-not-found]


class Color(enum.Enum):
    RED = 1
    DARK_BLUE = 2


class Mode(enum.StrEnum):
    FAST = "f"
    SLOW = "s"


class Case(enum.Enum):
    a = 1
    A = 2


@dataclass
class Inner:
    n_layers: int = 1
    N: int = 2


@dataclass
class Model:
    lr: float = 0.1
    depth: int = 3
    sizes: list[int] = field(default_factory=list)
    bias: bool = True
    inner: Inner = field(default_factory=Inner)


@dataclass
class Strict:
    lr: float
    depth: int = 3


@dataclass
class Bigger(Model):
    width: int = 1


@dataclass
class Inside:
    opts: dict[str, int] = field(default_factory=dict)


@dataclass
class Careful:
    lr: float = 0.1
    inside: Inside = field(default_factory=lambda: Inside({"k": 1}))
    made: int = field(init=False)

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"lr must be positive, not {self.lr}")
        self.made = 1


@dataclass
class Limited:
    rate: Annotated[float, Above()] = 1.0


@dataclass
class Named:
    name: str | None = None


@dataclass
class Either:
    model: Strict | Named | None = None
    many: list[Strict | Named] = field(default_factory=list)


class Label:
    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Label) and other.text == self.text

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Once:
    seed: InitVar[int]
    a: int = 1
    drawn: int = field(init=False)

    def __post_init__(self, seed: int) -> None:
        self.drawn = seed * 2


@dataclass
class Tree:
    n: int = 1
    left: Tree | None = None


@dataclass
class Holder:
    made: collections.abc.Callable[[], int]
    n: int = 1


class Point(NamedTuple):
    x: int
    y: float = 2.0


class Options(TypedDict, total=False):
    a: int
    b: float


class Plain:
    def __init__(self, a: int, b: float = 2.0) -> None:
        self.a, self.b = a, b

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and (self.a, self.b) == (other.a, other.b)

    __hash__ = None  # type: ignore[assignment]


class Above:
    """A constraint as annotated_types has it: told by its attribute."""

    gt = 0


UserId = typing.NewType("UserId", int)
NAN = float("nan")

# What x is annotated with; its default, where it has one; what is typed; the value, or (for a text
# that begins with "!") what the error says.
NO: Any = object()
ROWS: list[tuple[Any, Any, str, Any]] = [
    # bool
    (bool, False, "--x", True),
    (bool, True, "--no-x", False),
    (bool, False, "--x=yes", True),
    (bool, True, "--x=0", False),
    (bool, False, "--x=OFF", False),
    (bool, False, "--x=maybe", "!--x must be yes or no, not 'maybe'"),
    (bool, False, "--x yes", "!--x takes no value, so 'yes' belongs to no option; did you mean --x?"),  # noqa: E501
    (bool, False, "--x no", "!--x takes no value, so 'no' belongs to no option; did you mean --no-x?"),  # noqa: E501
    (bool, False, "--x a.csv", "!--x takes no value, so 'a.csv' belongs to no option"),
    (bool | None, None, "--no-x", False),
    (bool | None, True, "--x=none", None),
    (bool | None, None, "--x=maybe", "!--x must be yes, no or none, not 'maybe'"),
    (bool, NO, "", "!--x is required"),
    # int
    (int, NO, "--x 3", 3),
    (int, 1, "-x -7", -7),
    (int, 1, "--x=-7", -7),
    (int, 1, "--x 1_000", 1000),
    (int, 1, "--x 0x10", 16),
    (int, 1, "--x -0b11", -3),
    (int, 1, "--x 007", 7),
    (int, 1, f"--x {10**30}", 10**30),
    (int, 1, "--x 2.5", "!--x must be a whole number, not '2.5'"),
    (int, 1, "--x 2.0", "!--x must be a whole number, not '2.0'"),
    (int, 1, "--x 1e3", "!--x must be a whole number, not '1e3'"),
    (int, 1, "--x=", "!--x must be a whole number, not ''"),
    (int, 1, "--x", "!--x needs a value"),
    (int, 1, "--x 1 --x 2", "!--x is given twice"),
    (int, 1, "--x 1 2", "!'2' is one too many: --x takes one value"),
    (int, NO, "3", "!'3' belongs to no option: every value is given by name, such as --x 3"),
    (int, NO, "-- --x", "!'--x' stands behind --, where no option does"),
    (UserId, NO, "--x 3", 3),
    # float and complex
    (float, 0.5, "--x 0.75", 0.75),
    (float, 0.5, "--x -3e-12", -3e-12),
    (float, 0.5, "--x -1e-3", -1e-3),
    (float, 0.5, "--x -inf", float("-inf")),
    (float, 0.5, "--x inf", float("inf")),
    (float, 0.5, "--x -.inf", float("-inf")),
    (float, 0.5, "--x nan", NAN),
    (float, 0.5, "--x -nan", NAN),
    (float, 0.5, "--x 1_000.5", 1000.5),
    (float, 0.5, "--x 3", 3.0),
    (float, 0.5, "--x much", "!--x must be a number, not 'much'"),
    (float, 0.5, "--x 1,5", "!--x must be a number, not '1,5'"),
    (complex, 0j, "--x 1+2j", 1 + 2j),
    (complex, 0j, "--x -1-2j", -1 - 2j),
    (complex, 0j, "--x i", "!--x must be a complex number such as 1+2j, not 'i'"),
    # text and paths
    (str, NO, "--x a", "a"),
    (str, NO, "--x=", ""),
    (str, NO, "--x -foo", "-foo"),
    (str, NO, "--x -", "-"),
    (str, NO, "--x -3", "-3"),
    (str, NO, "--x=--foo", "--foo"),
    (str, NO, "--x=a=b", "a=b"),
    (str, NO, "--x --foo", "!--x needs a value (if --foo is meant to be it: --x=--foo)"),
    (bytes, b"", "--x a", b"a"),
    (Path, Path("out"), "--x a/b", Path("a/b")),
    (Path, Path("out"), "--x=", "!--x must be a path, not ''"),
    (os.PathLike[str], "out", "--x a", Path("a")),
    # choices
    (Literal["fast", "slow"], "fast", "--x slow", "slow"),
    (Literal["fast", "slow"], "fast", "--x slwo", "!--x must be one of fast, slow, not 'slwo'; did you mean slow?"),  # noqa: E501
    (Literal[1, 2], 1, "--x 2", 2),
    (Literal[1, 2], 1, "--x 3", "!--x must be one of 1, 2, not '3'"),
    ((Literal["a"] | None), "a", "--x none", None),
    (Color, Color.RED, "--x RED", Color.RED),
    (Color, Color.RED, "--x dark_blue", Color.DARK_BLUE),
    (Color, Color.RED, "--x Dark-Blue", Color.DARK_BLUE),
    (Color, Color.RED, "--x blue", "!--x must be one of RED, DARK_BLUE, not 'blue'; did you mean DARK_BLUE?"),  # noqa: E501
    (Color, Color.RED, "--x 1", "!--x must be one of RED, DARK_BLUE, not '1'"),
    (Mode, Mode.FAST, "--x slow", Mode.SLOW),
    (Mode, Mode.FAST, "--x s", Mode.SLOW),
    (Case, Case.a, "--x A", Case.A),
    (Case, Case.A, "--x a", Case.a),
    (list[Color], [], "--x red dark-blue", [Color.RED, Color.DARK_BLUE]),
    (list[Color], [], "--x red green", "!--x must be one of RED, DARK_BLUE, not 'green'"),
    # unions
    (Optional[int], None, "--x 3", 3),  # noqa: UP045
    (int | None, 3, "--x none", None),
    (int | None, 3, "--x 2.5", "!--x must be a whole number or none, not '2.5'"),
    (Union[int, str], 3, "--x 2.5", "2.5"),  # noqa: UP007
    (int | float, 1, "--x 2", 2),
    (int | float, 1, "--x 2.5", 2.5),
    (Path | None, None, "--x a", Path("a")),
    (str | list[str], "a", "--x b", "b"),
    (str | list[str], "a", "--x b c", ["b", "c"]),
    (int | list[int], 1, "--x 2", 2),
    (int | list[int], 1, "--x 2 3", [2, 3]),
    (int | list[int], 1, "--x 2 z", "!--x must be a whole number or a list[int], not 'z'"),
    # containers
    (list[str], [], "--x a b", ["a", "b"]),
    (list[str], [], "--x a --x b", ["a", "b"]),
    (list[str], ["a"], "--x", []),
    (list[str], [], "--x a --y", "!there is no option --y; did you mean --x?"),
    (list[int], [], "--x 1 -2", [1, -2]),
    (list[int], [], "--x 1 2.5", "!--x must be a whole number, not '2.5'"),
    (list[float], [], "--x -1 -inf -2e3", [-1.0, float("-inf"), -2000.0]),
    (list[int], [], "--x [1,2]", [1, 2]),
    (list[int] | None, None, "--x 1 2", [1, 2]),
    (str | None, "a", "--x none", None),
    (str | None, "a", '--x "none"', "none"),
    (str, "a", "--x none", "none"),
    (Path | None, Path("a"), "--x None", None),
    (list[str] | None, [], "--x none", None),
    (list[str] | None, [], "--x none b", ["none", "b"]),
    (str | list[str] | None, "", "--x none", None),
    (Literal["none", "all"] | None, "all", "--x none", "none"),
    (list[bool], [], "--x yes no", [True, False]),
    (list[list[int]], [], "--x [1,2] [3]", [[1, 2], [3]]),
    (list[list[int]], [], "--x [[1,2],[3]]", [[1, 2], [3]]),
    (list[list[int]], [], "--x [1,2.5]", "!--x must be a whole number, not '2.5'"),
    (list[list[int]], [], "--x 1", "!--x must be list[int] written as JSON, such as [1, 2], not '1'"),  # noqa: E501
    (list[tuple[int, str]], [], "--x 1 a 2 b", [(1, "a"), (2, "b")]),
    (list[tuple[int, str]], [], "--x 1 a 2", "!--x takes its values by 2, and 3 were given"),
    (list[dict[str, int]], [], '--x {"a":1} {"b":2}', [{"a": 1}, {"b": 2}]),
    (list[dict[str, int]], [], '--x [{"a":1.5}]', "!--x.a must be a whole number, not '1.5'"),
    (list[list[int]], [[1]], "--x []", []),
    (set[int], set(), "--x 1 1 2", {1, 2}),
    (frozenset[str], frozenset(), "--x a", frozenset({"a"})),
    (collections.abc.Sequence[float], (), "--x 1 2", [1.0, 2.0]),
    (tuple[int, int], (1, 2), "--x 3 4", (3, 4)),
    (tuple[int, str], (1, "a"), "--x -3 b", (-3, "b")),
    (tuple[int, int], (1, 2), "--x 3", "!--x needs 2 values, not 1"),
    (tuple[int, int], (1, 2), "--x 3 4 5", "!'5' is one too many: --x takes 2 values"),
    (tuple[int, ...], (), "--x 1 2 3", (1, 2, 3)),
    (tuple[bool, bool], (True, True), "--x no yes", (False, True)),
    (dict[str, int], {}, "--x.a 1 --x.my_b 2", {"a": 1, "my_b": 2}),
    (dict[str, int], {}, "--x.a 1.5", "!--x.a must be a whole number, not '1.5'"),
    (dict[str, int], {}, '--x {"a":1}', {"a": 1}),
    (dict[str, int], {}, '--x {"a":1.5}', "!--x.a must be a whole number, not '1.5'"),
    (dict[str, list[int]], {}, "--x.a 1 2 --x.b 3", {"a": [1, 2], "b": [3]}),
    (dict[str, bool], {}, "--x.a no", {"a": False}),
    (dict[str, dict[str, int]], {}, "--x.a.b 1", {"a": {"b": 1}}),
    # values within values: nothing of what was given is lost on the way
    (dict[str, bool], {}, '--x {"a":true,"b":"no"}', {"a": True, "b": False}),
    (dict[str, bool | None], {}, '--x {"a":true,"b":null}', {"a": True, "b": None}),
    (dict[str, Label], {}, "--x.a 1.50 --x.b 1e3", {"a": Label("1.50"), "b": Label("1e3")}),
    (dict[str, Label], {}, '--x.a "q" --x.b [1]', {"a": Label('"q"'), "b": Label("[1]")}),
    (dict[str, Label | None], {}, "--x.a none", {"a": None}),
    (dict[str, int], {}, '--x {"a":null}', "!--x.a must be a whole number, not null"),
    (dict[str, int], {}, "--x 1e3", "!--x must be a dict, given by its keys or as JSON, not '1e3'"),
    (list[int | Strict], [], '--x 1 {"lr":2}', [1, Strict(2.0)]),
    (list[Strict | Named], [], '--x [{"name":"a"}]', [Named("a")]),
    (dict[str, Strict | Named], {}, '--x {"a":{"name":"b"}}', {"a": Named("b")}),
    (dict[str, Strict | Named], {}, "--x.a.name b --x.c.lr 1", {"a": Named("b"), "c": Strict(1.0)}),
    (dict[str, list[int] | list[str]], {}, '--x {"a":["b"]}', {"a": ["b"]}),
    (list[Either], [], '--x {"model":{"name":"a"}}', [Either(Named("a"))]),
    (list[Either], [], '--x {"many":[{"name":"a"},{"lr":1}]}', [Either(many=[Named("a"), Strict(1.0)])]),  # noqa: E501
    (list[list[Strict]], [], '--x [{"lr":1}]', [[Strict(1.0)]]),
    (list[list[Strict]], [], '--x [[{"lr":1}],[]]', [[Strict(1.0)], []]),
    (collections.abc.Iterable[Named], [Named()], "--x []", []),
    (list[Label], [], '--x ["a",1]', [Label("a"), Label("1")]),
    (list[Label], [], '--x a {"text":"b"}', [Label("a"), Label("b")]),
    (list[Strict], [], "--x [1,2]", "!--x must be a Strict, given by its fields or as JSON, not [1, 2]"),  # noqa: E501
    (list[list[type]], [], "--x [1]", "!--x must be a type, not '1'"),
    (collections.abc.Set[tuple[int, ...]], {(1,)}, "--x [[1,2]]", {(1, 2)}),
    # times and other values of the standard library
    (dt.datetime, None, "--x 2026-11-22T05:09", dt.datetime(2026, 11, 22, 5, 9)),  # noqa: DTZ001
    (dt.datetime, None, "--x soon", "!--x must be a date and time such as 2026-11-22T05:09, not 'soon'"),  # noqa: E501
    (dt.date, None, "--x 2026-11-22", dt.date(2026, 11, 22)),
    (dt.date, None, "--x 22.11.2026", "!--x must be a date such as 2026-11-22, not '22.11.2026'"),
    (dt.time, None, "--x 05:09:48", dt.time(5, 9, 48)),
    (dt.timedelta, None, "--x 1h30m", dt.timedelta(minutes=90)),
    (dt.timedelta, None, "--x -90s", dt.timedelta(seconds=-90)),
    (dt.timedelta, None, "--x long", "!--x must be a duration such as 90s, 1h30m or 2d, not 'long'"),  # noqa: E501
    (Decimal, None, "--x 1.10", Decimal("1.10")),
    (Decimal, None, "--x much", "!--x must be a number, not 'much'"),
    (Fraction, None, "--x 1/3", Fraction(1, 3)),
    (UUID, None, "--x 12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),  # noqa: E501
    (UUID, None, "--x 1", "!--x must be a UUID, not '1'"),
    (slice, None, "--x 0:10:2", slice(0, 10, 2)),
    (slice, None, "--x ten", "!--x must be a slice such as 0:10 or 0:10:2, not 'ten'"),
    (re.Pattern[str], None, "--x a+", re.compile("a+")),
    (re.Pattern[str], None, "--x (", "!--x must be a regular expression, not '('"),
    # structures
    (Model, Model(), "--x.lr 1 --x.depth 2", Model(1.0, 2)),
    (Model, Model(depth=9), "--x.lr 1", Model(1.0, 9)),
    (Model, Model(inner=Inner(7)), "--x.inner.N 5", Model(inner=Inner(7, 5))),
    (Model, Model(), "--x.inner.n_layers 5", Model(inner=Inner(5))),
    (Model, Model(), "--x.inner.n-layers 5", Model(inner=Inner(5))),
    (Model, Model(), "--x.sizes 1 2 --x.no-bias", Model(sizes=[1, 2], bias=False)),
    (Model, Model(), '--x {"lr":1,"sizes":[1]}', Model(1.0, sizes=[1])),
    (Model, Model(), "--x.depth 2.5", "!--x.depth must be a whole number, not '2.5'"),
    (Model, Model(), '--x {"depth":2.5}', "!--x.depth must be a whole number, not '2.5'"),
    (Model, Model(), "--x.lrr 1", "!there is no option --x.lrr; did you mean --x.lr?"),
    (Model, Model(), "--x 0.1", "!--x must be a Model, given by its fields or as JSON, not '0.1'"),
    (Model, NO, "--x.lr 1", Model(1.0)),
    (Model | None, None, "--x.lr 1", Model(1.0)),
    (Model | None, Model(), "--x none", None),
    (Strict, NO, "--x.depth 1", "!--x.lr is required"),
    (Strict, NO, "--x.lr 1", Strict(1.0)),
    (Strict, Strict(2.0), "--x.depth 1", Strict(2.0, 1)),
    (list[Strict], [], '--x {"lr":1} {"lr":2}', [Strict(1.0), Strict(2.0)]),
    (list[Strict], [], '--x [{"lr":1},{"lr":2}]', [Strict(1.0), Strict(2.0)]),
    (list[Strict], [], '--x {"lr":1,"depth":2.5}', "!--x.depth must be a whole number, not '2.5'"),
    (list[Strict], [], '--x {"lr":1,"depth":"2.5"}', "!--x.depth must be a whole number, not '2.5'"),  # noqa: E501
    (list[Strict], [], '--x {"lr":1,"dept":2}', "!--x.dept: Strict has no such field; it has lr, depth"),  # noqa: E501
    (list[Strict], [], '--x {"depth":2}', "!--x.lr is required"),
    (list[Strict], [], "--x 0.1", "!--x must be Strict written as JSON, such as {\"lr\": 1}, not '0.1'"),  # noqa: E501
    (list[Strict], [Strict(1.0)], "--x []", []),
    (list[Model], [], '--x {"inner":{"N":3},"sizes":[1]}', [Model(sizes=[1], inner=Inner(N=3))]),
    (list[Model], [], '--x {"inner":{"N":3.5}}', "!--x.inner.N must be a whole number, not '3.5'"),
    (list[Model | None], [], '--x {"lr":1} none', [Model(1.0), None]),
    (tuple[Strict, Inner], NO, '--x [{"lr":1},{"N":5}]', (Strict(1.0), Inner(N=5))),
    (tuple[Strict, Inner], NO, '--x [{"lr":1}]', "!--x needs 2 values, not 1"),
    (list[Limited], [], '--x {"rate":-1}', "!--x.rate must be greater than 0, not -1.0"),
    (list[Careful], [], '--x {"lr":-1}', "!--x: lr must be positive, not -1.0"),
    (Model, Bigger(5.0, width=6), "--x.lr 1", Bigger(1.0, width=6)),
    (Model, Bigger(5.0, width=6), "--x.width 1", Bigger(5.0, width=1)),
    (Model | None, Bigger(5.0, width=6), "--x.width 1", Bigger(5.0, width=1)),
    (Model | Inner, Inner(7), "--x.N 1", Inner(7, 1)),
    (Model | Inner, Inner(7), "--x.lr 1", "!there is no option --x.lr; did you mean --x.N?"),
    (Model | Inner, NO, "--x.lr 1", Model(1.0)),
    (Model | Inner, NO, "--x.N 1", Inner(N=1)),
    (Model | Inner, NO, "--x.N 1 --x.lr 2", "!--x.lr and --x.N don't go together: --x is a Model, given by its fields or as JSON or a Inner, given by its fields or as JSON"),  # noqa: E501
    (dict[str, Model], {}, "--x.a.lr 1 --x.b.depth 2", {"a": Model(1.0), "b": Model(depth=2)}),
    (dict[str, Model], {"a": Bigger(5.0)}, "--x.a.depth 1", {"a": Bigger(5.0, 1)}),
    (dict[str, Model], {}, "--x.a.lrr 1", "!--x.a.lrr: Model has no such field; it has lr, depth, sizes, bias, inner"),  # noqa: E501
    (dict[str, Model], {}, "--x.a.inner.N 3", {"a": Model(inner=Inner(N=3))}),
    (dict[str, Model], NO, "--x.a.lr 3", {"a": Model(3.0)}),
    (dict[str, Model], {"a": Model(inner=Inner(7))}, "--x.a.inner.N 3", {"a": Model(inner=Inner(7, 3))}),  # noqa: E501
    (dict[str, Model], {}, "--x.a.inner.N 3.5", "!--x.a.inner.N must be a whole number, not '3.5'"),
    (dict[str, Model], {}, "--x.a.inner.M 3", "!--x.a.inner.M: Inner has no such field; it has n-layers, N"),  # noqa: E501
    (dict[str, Model], {}, '--x {"a":{"depth":2}}', {"a": Model(depth=2)}),
    (dict[str, Model], {}, '--x {"a":{"depth":2.5}}', "!--x.a.depth must be a whole number, not '2.5'"),  # noqa: E501
    (dict[str, Model], {}, '--x.a {"depth":2.5}', "!--x.a.depth must be a whole number, not '2.5'"),
    (dict[str, Model], {}, "--x.a 3", "!--x.a must be a Model, given by its fields or as JSON, not '3'"),  # noqa: E501
    (dict[str, Strict], {}, "--x.a.depth 1", "!--x.a.lr is required"),
    (dict[str, Model], {}, "--x.a.lr b", "!--x.a.lr must be a number, not 'b'"),
    (dict[str, Careful], {}, "--x.a.lr -1", "!--x.a: lr must be positive, not -1.0"),
    (Careful, Careful(), "--x.inside.opts.z 3", Careful(inside=Inside({"k": 1, "z": 3}))),
    (Careful, Careful(), "--x.lr -1", "!--x: lr must be positive, not -1.0"),
    (Careful, Careful(), "--x.lr 2", Careful(2.0)),
    (Careful, Careful(), "--x.made 2", "!there is no option --x.made; did you mean --x.inside?"),
    (Once, NO, "--x.seed 4", Once(4)),
    (Once, Once(4), "--x.a 2", "!--x.seed is required"),
    (Once, Once(4), "--x.a 2 --x.seed 5", Once(5, 2)),
    (Tree, Tree(), "--x.n 2", Tree(2)),
    (Holder | None, None, "--x.n 1", "!--x.n can't be given on a command line: its type is Holder | None"),  # noqa: E501
    (Point, NO, "--x.x 1", Point(1)),
    (Point, Point(4), "--x.y 1", Point(4, 1.0)),
    (Options, {"a": 4}, "--x.b 1", {"a": 4, "b": 1.0}),
    (Options, NO, "--x.b 1", {"b": 1.0}),
    (Plain, NO, "--x.a 3", Plain(3)),
    (list[Plain], [], "--x 3 4", [Plain(3), Plain(4)]),
    (list[Plain], [], '--x {"a":3}', [Plain(3)]),
    (list[Plain], [], '--x {"a":3.5}', "!--x.a must be a whole number, not '3.5'"),
    (list[Named], [], '--x {"name":"none"} {"name":null}', [Named("none"), Named()]),
    # constraints, and what the user says of a parameter
    (Annotated[int, Said(validator=validators.Number(gte=3))], 3, "--x 2", "!--x is '2': must be >= 3"),  # noqa: E501
    (Annotated[int, Said(validator=validators.Number(gte=3))], 3, "--x 4", 4),
    (Annotated[float, Above()], 1.0, "--x 0", "!--x must be greater than 0, not 0.0"),
    (list[Annotated[float, Above()]], [], "--x 1 -2", "!--x must be greater than 0, not -2.0"),
    (Annotated[float, Above()] | None, None, "--x -1", "!--x must be greater than 0, not -1.0"),
    (Annotated[str, Said(converter=lambda _, tokens: tokens[0].value * 2)], "", "--x ab", "abab"),
    (Annotated[int, Said(name="--other")], 1, "--other 3", 3),
    # nothing said, and what no command line can give
    (Any, NO, "--x 3", "3"),
    (object, None, "--x 3", "3"),
    (list, [1.5], "--x 2 3", [2.0, 3.0]),
    (list, [], "--x 2 a", ["2", "a"]),
    (list, [], '--x [1,2.5,"a",null]', [1, 2.5, "a", None]),
    (list[Any], [], "--x [1,[2]]", [1, [2]]),
    (tuple, (), "--x [1,2]", (1, 2)),
    (list, [1, 2.5], "--x 1 2", [1.0, 2.0]),
    (tuple, (0.5, 40), "--x 1 2.5", (1.0, 2.5)),
    (dict, {"a": 1, "b": 2.5}, "--x.a 1.5", {"a": 1.5, "b": 2.5}),
    (dict, {}, "--x.a 1 --x.b.c d", {"a": "1", "b": {"c": "d"}}),
    (dict, {}, '--x {"lr":0.1,"on":true}', {"lr": 0.1, "on": True}),
    (dict[str, Any], {"k": 1}, '--x {"lr":[1]}', {"lr": [1]}),
    (dict[str, Any] | None, None, '--x {"lr":[1]}', {"lr": [1]}),
    (dict, {}, "--x abc", "!--x must be a dict, given by its keys or as JSON, not 'abc'"),
    (tuple, ("a",), "--x b", ("b",)),
    (dict, {"a": 1}, "--x.b 2", {"a": 1, "b": 2}),
    (dict[str, int], {"a": 1, "b": 2}, "--x.a 3", {"a": 3, "b": 2}),
    (dict[str, int], {"a": 1, "b": 2}, '--x {"a":3}', {"a": 3}),
    (dict[str, dict[str, int]], {"a": {"b": 1}}, "--x.a.c 2", {"a": {"b": 1, "c": 2}}),
    (collections.abc.Callable, None, "--x print", "!--x can't be given on a command line: its type is Callable"),  # noqa: E501
    (str | collections.abc.Callable, None, "--x print", "print"),
    # names
    (int, 1, "--X 1", "!there is no option --X; did you mean --x?"),
    (int, 1, "-y 1", "!there is no option -y"),
    (int, 1, "--xx=1", "!there is no option --xx; did you mean --x?"),
]  # fmt: skip


def line_for(hint: Any, default: Any = NO) -> CommandLine:
    def main(x: Any = None) -> None: ...

    main.__annotations__["x"] = hint
    (given,) = parameters_of(main) if default is NO else (Parameter("x", default),)
    if default is NO:
        main.__defaults__ = None
        (given,) = parameters_of(main)
    return CommandLine(main, [given])


def same(found: Any, wanted: Any) -> bool:
    return bool(found == wanted or (found != found and wanted != wanted)) and type(found) is type(
        wanted
    )


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 120


@pytest.mark.parametrize(("hint", "default", "typed", "wanted"), ROWS)
def test_an_annotation_and_what_is_typed(hint: Any, default: Any, typed: str, wanted: Any) -> None:
    line = line_for(hint, default)
    if isinstance(wanted, str) and wanted.startswith("!"):
        with pytest.raises(UsageError) as error:
            line.parse(typed.split())
        assert error.value.why == wanted[1:]
    else:
        assert same(line.parse(typed.split()).values["x"], wanted)


def parsed(func: Callable[..., Any], *tokens: str) -> dict[str, Any]:
    return CommandLine(func, parameters_of(func)).parse(tokens).values


def test_snake_and_kebab_case_are_the_same() -> None:
    def main(data_path: str = "") -> None: ...

    assert parsed(main, "--data-path", "a") == parsed(main, "--data_path=a") == {"data_path": "a"}


def test_what_is_not_given_is_not_among_the_values() -> None:
    def main(a: int = 1, b: int | None = None, c: Model = Model()) -> None: ...  # noqa: B008

    assert parsed(main, "--a", "2") == {"a": 2}


def test_bare_values_go_to_star_args_and_unknown_options_to_star_kwargs() -> None:
    def main(a: int, *rest: float, b: str = "", **more: int) -> None: ...

    found = parsed(main, "--a", "1", "2.5", "3", "--foo-bar", "4", "--b", "x")
    assert found == {"a": 1, "rest": (2.5, 3.0), "b": "x", "more": {"foo_bar": 4}}
    assert parsed(main, "--a", "1", "--", "-3") == {"a": 1, "rest": (-3.0,)}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--a 1 x", "*rest must be a number, not 'x'"),
        ("--a 1 --lr x", "--lr must be a whole number, not 'x'"),
        ("--a 1 --lr 1 --lr 2", "--lr is given twice"),
        ("--a 1 --lr 1 --other 3 --lr 2", "--lr is given twice"),
        ("--a 1 -a 2", "--a and -a give the same parameter"),
        ("--a 1 --lr.x 1", "--lr must be a whole number, and has no x"),
    ],
)
def test_wrong_values_of_them_are_refused(typed: str, said: str) -> None:
    def main(a: int, *rest: float, **more: int) -> None: ...

    with pytest.raises(UsageError) as error:
        parsed(main, *typed.split())
    assert error.value.why == said


def test_positional_only_parameters_are_options_too() -> None:
    def main(a: int, b: int = 2, /, c: int = 3) -> None: ...

    assert parsed(main, "--a", "1", "-c", "4") == {"a": 1, "c": 4}


def test_without_annotation_the_default_says_the_type() -> None:
    def main(a, b=1, c=0.5, d=None, e=False, f=("x",), g=[1, 2], h={"k": 1.5}):  # type: ignore[no-untyped-def]  # noqa: B006
        ...

    typed = ["-a", "1", "-b", "2", "-c", "3", "-d", "4", "-e", "-f", "5", "-g", "6", "--h.k", "7"]
    assert parsed(main, *typed) == {
        "a": "1", "b": 2, "c": 3.0, "d": "4", "e": True, "f": ("5",), "g": [6], "h": {"k": 7.0},
    }  # fmt: skip


def test_a_type_that_is_imported_for_type_checkers_only_is_found() -> None:
    def main(path: PurePosixPath, size: int = 1) -> None: ...

    (path,) = parsed(main, "--path", "a/b").values()
    assert type(path).__name__ == "PurePosixPath"


def test_the_types_of_fields_are_found_where_only_type_checkers_import_them() -> None:
    @dataclass
    class Where:
        path: PurePosixPath | None = None
        size: int = 1

    @dataclass
    class There(Where):
        name: str = ""

    class Made:
        def __init__(self, path: PurePosixPath) -> None:
            self.path = path

    def main(one: Where = There(), two: Made | None = None) -> None: ...  # noqa: B008

    main.__annotations__.update(one=Where, two=Made | None)  # local classes
    found = parsed(main, "--one.path", "a/b", "--one.size", "3", "--two.path", "c")
    assert (str(found["one"].path), found["one"].size) == ("a/b", 3)
    assert type(found["two"].path).__name__ == "PurePosixPath"


def test_a_variable_around_the_function_may_have_no_value_yet() -> None:
    def main(size: int = 1) -> int:
        return size + later

    assert parsed(main, "--size", "3") == {"size": 3}
    later = 1
    assert main() == 2


def test_a_type_that_nobody_can_import_is_named_and_disturbs_no_other() -> None:
    def main(what: Nothing | None = None, size: int = 1) -> None: ...

    assert parsed(main, "--size", "3") == {"size": 3}
    with pytest.raises(UsageError, match=r"--what can't be given .*its type is Nothing \| None"):
        parsed(main, "--what", "x")


@dataclass
class Half:
    """Of which one field's type is nowhere to be found."""

    what: Nothing | None = None
    size: int = 1


def test_a_structure_with_such_a_field_is_not_given_within_others() -> None:
    def main(many: list[Half] = [], by: dict[str, Half] = {}, size: int = 1) -> None: ...  # noqa: B006

    assert parsed(main, "--size", "3") == {"size": 3}
    with pytest.raises(UsageError, match=r"--many can't be given .*its type is list\[.*Half\]"):
        parsed(main, "--many", '{"size": 2}')
    with pytest.raises(UsageError, match=r"--by\.a\.size can't be given .*its type is dict\["):
        parsed(main, "--by.a.size", "2")


def test_a_required_parameter_that_no_command_line_can_give_is_refused() -> None:
    def main(func: Callable[[], int]) -> None: ...

    with pytest.raises(UnsuitableFunctionError, match=r"main: the parameter func can't come from"):
        CommandLine(main, parameters_of(main))


def test_a_union_of_classes_that_differ_in_a_field_is_refused() -> None:
    def main(x: Model | Strict) -> None: ...

    with pytest.raises(
        UnsuitableFunctionError,
        match=r"the type of x\.lr is float in one class and float that must be given in another",
    ):
        CommandLine(main, parameters_of(main))


def test_star_kwargs_dont_take_what_is_left_out() -> None:
    def main(func: Callable[[], int] = int, **more: str) -> None: ...

    with pytest.raises(UsageError, match="--func can't be given"):
        parsed(main, "--func", "x")


def test_the_fields_of_a_parameter_cant_pose_as_the_sessions_options() -> None:
    def main(session: Model = Model()) -> None: ...  # noqa: B008

    with pytest.raises(UnsuitableFunctionError, match="rename the parameter"):
        CommandLine(main, parameters_of(main))


def test_the_names_of_parameters_are_free() -> None:
    def main(
        values: list[float], named: dict[str, int], target: int = 1, self: int = 2
    ) -> None: ...

    typed = "--values 1 2.5 --named.a 3 --target 4 --self 5"
    assert parsed(main, *typed.split()) == {
        "values": [1.0, 2.5], "named": {"a": 3}, "target": 4, "self": 5,
    }  # fmt: skip


def test_partials_and_instances_have_their_annotations_read() -> None:
    class Main:
        def __call__(self, size: int = 1) -> None: ...

    def main(size: int, other: int = 2) -> None: ...

    assert parsed(Main(), "--size", "3") == {"size": 3}
    assert parsed(functools.partial(main, 1), "--other", "3") == {"other": 3}


def test_near_names_are_those_of_switches_and_fields_too() -> None:
    def main(verbose: bool = False, model: Model = Model()) -> None: ...  # noqa: B008

    for typed, near in (("--no-verbos", "--no-verbose"), ("--model.dept=1", "--model.depth")):
        with pytest.raises(UsageError, match=f"did you mean {near}"):
            parsed(main, typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--conf", "--config"),
        ("--sesion.seed", "--session.seed"),
        ("--seed", "--session.seed"),
        ("--no-save", "--session.no-save"),
        ("--N-ITER", "--n-iter"),
        ("--n-itr", "--n-iter"),
    ],
)
def test_near_names_are_those_of_the_session_and_of_another_case_too(
    typed: str, meant: str
) -> None:
    def main(n_iter: int = 1, class_: str = "") -> None: ...

    with pytest.raises(UsageError) as error:
        parsed(main, typed, "1")
    assert error.value.why == f"there is no option {typed}; did you mean {meant}?"
    assert parsed(main, "--class_", "a") == parsed(main, "--class=a") == {"class_": "a"}


def test_a_lone_dash_is_a_value_behind_two() -> None:
    def main(*files: str) -> None: ...

    assert parsed(main, "--", "-") == {"files": ("-",)}
    with pytest.raises(UsageError, match="write it behind --"):
        parsed(main, "-")


def test_origins_tell_what_was_typed() -> None:
    def main(a: int = 1, b: int = 2, model: Model = Model()) -> None: ...  # noqa: B008

    line = CommandLine(main, parameters_of(main))
    given = line.parse(["--a", "2", "--model.lr", "1"])
    assert given.origins == {"a": "command line", "model": "command line"}


needs_attrs_and_pydantic = pytest.mark.skipif(
    not importlib.util.find_spec("pydantic"), reason="pydantic is missing"
)


@needs_attrs_and_pydantic
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("--x.a 1", {"a": 1, "b": 2.0}),
        ("--x.b 1", {"a": 9, "b": 1.0}),
        ("--x.a 1.5", "--x.a must be a whole number, not '1.5'"),
        ("--x.b -1", "--x.b is '-1': input should be greater than 0"),
    ],
)
def test_pydantic_models_are_checked_by_pydantic(typed: str, wanted: Any) -> None:
    import pydantic

    class Checked(pydantic.BaseModel):
        a: int
        b: float = pydantic.Field(2.0, gt=0)

    line = line_for(Checked, Checked(a=9, b=2.0))
    if isinstance(wanted, str):
        with pytest.raises(UsageError, match=re.escape(wanted)):
            line.parse(typed.split())
    else:
        assert line.parse(typed.split()).values["x"].model_dump() == wanted


@needs_attrs_and_pydantic
def test_an_imported_pydantic_does_not_check_what_is_none_of_its_business() -> None:
    importlib.import_module("pydantic")

    def main(n: int = None, either: str | list[str] = "", flags: list[bool] = []) -> None: ...  # type: ignore[assignment]  # noqa: B006, RUF013

    assert parsed(main, "--either", "a", "--flags", "yes") == {"either": "a", "flags": [True]}


@needs_attrs_and_pydantic
@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("--x.b 5", {"a": 7, "b": 5}), ("--x.aa 3", {"a": 3, "b": 2}), ("--x.a 3", {"a": 3, "b": 2})],
)
def test_aliases_of_pydantic_are_names_of_the_same_field(typed: str, wanted: Any) -> None:
    import pydantic

    class Aliased(pydantic.BaseModel, extra="forbid"):
        a: int = pydantic.Field(1, alias="aa")
        b: int = 3

    line = line_for(Aliased, Aliased(aa=7, b=2))
    assert line.parse(typed.split()).values["x"].model_dump() == wanted


@needs_attrs_and_pydantic
def test_types_of_pydantics_own_are_read_by_it() -> None:
    import pydantic

    class Login(pydantic.BaseModel):
        url: pydantic.HttpUrl | None = None
        word: pydantic.SecretStr = pydantic.SecretStr("a")

    given = line_for(Login, Login()).parse(["--x.url", "http://a.b/"]).values["x"]
    assert (str(given.url), given.word.get_secret_value()) == ("http://a.b/", "a")
    typed = ["--x", '{"url": "http://a.b/"}']
    (within,) = line_for(list[Login], []).parse(typed).values["x"]
    assert str(within.url) == "http://a.b/"
    (alone,) = line_for(list[pydantic.HttpUrl], []).parse(["--x", "http://a.b/"]).values["x"]
    assert str(alone) == "http://a.b/"


@needs_attrs_and_pydantic
def test_what_validators_of_pydantic_say_is_one_line() -> None:
    import pydantic

    class Checked(pydantic.BaseModel):
        low: int = 1
        high: int = 2

        @pydantic.model_validator(mode="after")
        def ordered(self) -> Checked:
            if self.low > self.high:
                raise ValueError("low must be below high")
            return self

    with pytest.raises(UsageError) as error:
        line_for(Checked, Checked()).parse(["--x.low", "3"])
    assert error.value.why == "--x: low must be below high"


def test_attrs_classes_are_structures() -> None:
    attrs: Any = pytest.importorskip("attrs")

    @attrs.define
    class Made:
        a: int
        b: float = 2.0

    made: Any = Made
    assert line_for(Made, made(4)).parse(["--x.b", "3"]).values == {"x": made(4, 3.0)}


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    assert type(line_for(np.float64, 1.0).parse(["--x", "3"]).values["x"]) is np.float64
    with pytest.raises(UsageError, match="--x can't be given"):
        line_for(np.ndarray, None).parse(["--x", "3"])
