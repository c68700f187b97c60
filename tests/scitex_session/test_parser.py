"""Signatures become command lines: what is annotated, what is typed, and what comes of it."""

from __future__ import annotations

import collections.abc
import datetime as dt
import enum
import importlib.util
import os
import re
import typing
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import pytest
from cyclopts import Parameter, validators
from hypothesis import given as sampled
from hypothesis import settings
from hypothesis import strategies as st

from support import given, mistake

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
class Careful:
    lr: float = 0.1
    opts: dict[str, int] = field(default_factory=lambda: {"k": 1})
    made: int = field(init=False)

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"lr must be positive, not {self.lr}")
        self.made = 1


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


class Point(NamedTuple):
    x: int
    y: float = 2.0


class Options(TypedDict, total=False):
    a: int
    b: float


class Above:
    """A constraint as annotated_types has it: told by its attribute."""

    gt = 0


class Sized:
    """A constraint of length, as annotated_types has it."""

    min_length, max_length = 2, 3


UserId = typing.NewType("UserId", int)
NO: Any = object()

# What x is annotated with; its default, where it has one; what is typed; the value.
VALUES: list[tuple[Any, Any, str, Any]] = [
    (bool, False, "--x", True),
    (bool, True, "--no-x", False),
    (bool, True, "--x=0", False),
    (bool | None, True, "--x=none", None),
    (int, NO, "--x -7", -7),
    (int, 1, "--x=0x10", 16),
    (int, 1, f"-x {10**30}", 10**30),
    (UserId, NO, "--x 3", 3),
    (float, 0.5, "--x -3e-12", -3e-12),
    (float, 0.5, "--x -inf", float("-inf")),
    (float, 0.5, "--x 3", 3.0),
    (complex, 0j, "--x -1-2j", -1 - 2j),
    (str, NO, "--x=", ""),
    (str, NO, "--x -", "-"),
    (str, NO, "--x=--foo", "--foo"),
    (str, NO, "--x=a=b", "a=b"),
    (str, "a", "--x none", "none"),
    (bytes, b"", "--x a", b"a"),
    (Path, Path("out"), "--x a/b", Path("a/b")),
    (os.PathLike[str], "out", "--x a", Path("a")),
    (Literal["fast", "slow"], "fast", "--x slow", "slow"),
    (Literal[1, 2], 1, "--x 2", 2),
    (Literal["none", "all"] | None, "all", "--x none", "none"),
    (Color, Color.RED, "--x Dark-Blue", Color.DARK_BLUE),
    (Mode, Mode.FAST, "--x s", Mode.SLOW),
    (Case, Case.a, "--x A", Case.A),
    # unions: None is ``none`` wherever it is allowed
    (int | None, 3, "--x none", None),
    (str | None, "a", "--x none", None),
    (str | None, "a", '--x "none"', "none"),
    (list[str] | None, [], "--x none", None),
    (int | str, 3, "--x 2.5", "2.5"),
    (int | float, 1, "--x 2.5", 2.5),
    (str | list[str], "a", "--x b", "b"),
    (str | list[str], "a", "--x b c", ["b", "c"]),
    (str | collections.abc.Callable, None, "--x print", "print"),
    # containers
    (list[str], [], "--x a b", ["a", "b"]),
    (list[str], [], "--x a --x -", ["a", "-"]),
    (list[str], ["a"], "--x", []),
    (list[int], [], "--x [1,2]", [1, 2]),
    (list[float], [], "--x -1 -inf", [-1.0, float("-inf")]),
    (list[bool], [], "--x yes no", [True, False]),
    (list[Color], [], "--x red dark-blue", [Color.RED, Color.DARK_BLUE]),
    (set[int], set(), "--x 1 1 2", {1, 2}),
    (collections.abc.Sequence[float], (), "--x 1 2", [1.0, 2.0]),
    (tuple[int, str], (1, "a"), "--x -3 b", (-3, "b")),
    (tuple[int, ...], (), "--x 1 2 3", (1, 2, 3)),
    (dict[str, int], {}, "--x.a 1 --x.my_b 2", {"a": 1, "my_b": 2}),
    (dict[str, list[int]], {}, "--x.a 1 2 --x.b 3", {"a": [1, 2], "b": [3]}),
    (dict[str, bool], {}, "--x.a no", {"a": False}),
    (dict[str, int], {"a": 1, "b": 2}, "--x.a 3", {"a": 3, "b": 2}),
    (dict[str, int], {"a": 1, "b": 2}, '--x {"a":3}', {"a": 3}),
    (dict[str, dict[str, int]], {"a": {"b": 1}}, "--x.a.c 2", {"a": {"b": 1, "c": 2}}),
    # times and other values of the standard library
    (dt.datetime, None, "--x 2026-11-22T05:09", dt.datetime(2026, 11, 22, 5, 9)),  # noqa: DTZ001
    (dt.date, None, "--x 2026-11-22", dt.date(2026, 11, 22)),
    (dt.time, None, "--x 05:09:48", dt.time(5, 9, 48)),
    (dt.timedelta, None, "--x -1h30m", dt.timedelta(minutes=-90)),
    (Decimal, None, "--x 1.10", Decimal("1.10")),
    (Fraction, None, "--x 1/3", Fraction(1, 3)),
    (UUID, None, f"--x {UUID(int=3)}", UUID(int=3)),
    (slice, None, "--x 0:10:2", slice(0, 10, 2)),
    (re.Pattern[str], None, "--x a+", re.compile("a+")),
    # structures: what is not given is as in the default, its class too
    (Model, NO, "--x.lr 1", Model(1.0)),
    (Model, Model(depth=9), "--x.lr 1", Model(1.0, 9)),
    (Model, Model(inner=Inner(7)), "--x.inner.N 5", Model(inner=Inner(7, 5))),
    (Model, Model(), "--x.inner.n-layers 5", Model(inner=Inner(5))),
    (Model, Model(), "--x.sizes 1 2 --x.no-bias", Model(sizes=[1, 2], bias=False)),
    (Model, Model(depth=9), '--x {"lr":1,"sizes":[1]}', Model(1.0, 9, sizes=[1])),
    (Model | None, None, "--x.lr 1", Model(1.0)),
    (Model | None, Model(), "--x none", None),
    (Model, Bigger(5.0, width=6), "--x.lr 1", Bigger(1.0, width=6)),
    (Model | Inner, Inner(7), "--x.N 1", Inner(7, 1)),
    (Model | Inner, NO, "--x.N 1", Inner(N=1)),
    (Careful, Careful(), "--x.opts.z 3", Careful(opts={"k": 1, "z": 3})),
    (Once, Once(4), "--x.a 2 --x.seed 5", Once(5, 2)),
    (Tree, Tree(), "--x.n 2", Tree(2)),
    (Point, Point(4), "--x.y 1", Point(4, 1.0)),
    (Options, {"a": 4}, "--x.b 1", {"a": 4, "b": 1.0}),
    # constraints, and what the user says of a parameter
    (Annotated[int, Parameter(validator=validators.Number(gte=3))], 3, "--x 4", 4),
    (Annotated[str, Parameter(converter=lambda _, t: t[0].value * 2)], "", "--x ab", "abab"),
    (Annotated[int, Parameter(name="--other")], 1, "--other 3", 3),
    (list[Annotated[float, Above()]], [], "--x 1 2", [1.0, 2.0]),
    (Annotated[str, "a remark"], "", "--x ab", "ab"),
    (Annotated[str, Sized()], "", "--x ab", "ab"),
    (Annotated[list[int], Sized()], [], "--x 1 2", [1, 2]),
    # nothing said: the default tells
    (Any, NO, "--x 3", "3"),
    (list, [1.5], "--x 2 3", [2.0, 3.0]),
    (list, [], '--x [1,2.5,"a",null]', [1, 2.5, "a", None]),
    (tuple, (0.5, 40), "--x 1 2.5", (1.0, 2.5)),
    (dict, {"a": 1, "b": 2.5}, "--x.a 1.5", {"a": 1.5, "b": 2.5}),
    (dict[str, Any], {}, '--x {"lr":[1]}', {"lr": [1]}),
]
# The same; and what is said of it.
MISTAKES: list[tuple[Any, Any, str, str]] = [
    (bool, False, "--x=maybe", "--x.*maybe.*bool"),
    (bool, False, "--x yes", "'yes'"),
    (bool, NO, "", "Missing option --x"),
    (int, NO, "a.csv", "Unused value 'a.csv'"),
    (int, NO, "--version", "option: --version. The script has no __version__. "),
    (str, NO, "--x", "--x requires an argument"),
    (list[bool], [], "--x maybe", "maybe.*yes.no"),
    (int, 1, "--=3", r"option: --=3\. \("),
    (int, 1, "--x " + "9" * 5000 + "k", r"^.{0,1000}$"),
    (Any, NO, "--x.lr 1", "--x.lr. Give --x whole, as JSON or by --config FILE"),
    (dict[str, str], {}, "--x.a.b 1", "--x.*one level of keys"),
    (dict, {}, "--x.a.b 1", "--x.*by --config FILE, or it as JSON"),
    (int, 1, "-X 3", "Did you mean -x"),
    (int, 1, "--session.completion", "one of bash, zsh, fish "),
    (int, 1, "--x 2.5", "--x.*2.5.*int"),
    (int, 1, "--x 2.0", "--x.*2.0.*int"),
    (int, 1, "--x 1e3", "--x.*1e3.*int"),
    (int | None, 3, "--x 2.5", "--x.*2.5.*int"),
    (int, 1, "--x", "--x requires an argument"),
    (int, 1, "--x 1 --x 2", "--x.*multiple times"),
    (int, 1, "3", "'3'"),
    (int, NO, "-- --x", "Unused value '--x'"),
    (float, 0.5, "--x 1,5", "--x.*1,5.*float"),
    (str, NO, "--x -foo", "--x=-foo"),
    (Path, Path("out"), "--x=", "--x.*Path"),
    (Literal["fast", "slow"], "fast", "--x slwo", "--x.*fast.*slow.*Did you mean \"slow\""),
    (Color, Color.RED, "--x blue", "--x.*RED.*DARK-BLUE"),
    (list[int], [], "--x 1 2.5", "--x.*2.5.*int"),
    (list[int], [], "--x [1,2.5]", "--x.*2.5.*int"),
    (tuple[int, int], (1, 2), "--x 3", "--x requires 2 values"),
    (dict[str, int], {}, "--x.a 1.5", "--x.a.*1.5.*int"),
    (dict[str, int], {}, '--x {"a":1.5}', "--x.a.*1.5.*int"),
    (dt.date, None, "--x 22.11.2026", "--x.*22.11.2026.*date"),
    (re.Pattern[str], None, "--x (", "--x.*Pattern"),
    (Model, Model(), "--x.depth 2.5", "--x.depth.*2.5.*int"),
    (Model, Model(), '--x {"depth":2.5}', "--x.depth.*2.5.*int"),
    (Model, Model(), "--x.lrr 1", "--x.lrr.*Did you mean --x.lr"),
    (Model, Model(), "--x 0.1", "--x.*set its fields, such as --x"),
    (Strict, NO, "--x 0.1", "--x.*set its fields, such as --x"),
    (Strict, NO, "--x.depth 1", "Missing option --x.lr"),
    (Careful, Careful(), "--x.lr -1", "--x: lr must be positive"),
    (Careful, Careful(), "--x.made 2", "--x.made"),
    (Once, Once(4), "--x.a 2", "Missing option --x.seed"),
    (Model | Inner, NO, "--x.N 1 --x.lr 2", "--x"),
    (Model | Strict, NO, "--x.lr 2", "--config FILE"),
    (Annotated[int, Parameter(validator=validators.Number(gte=3))], 3, "--x 2", ">= 3"),
    (Annotated[float, Above()] | None, None, "--x -1", "-1.0.*--x.*> 0"),
    (list[Annotated[float, Above()]], [], "--x 1 -2", "> 0"),
    (Annotated[str, Sized()], "", "--x abcd", "at most 3 characters"),
    (Annotated[list[int], Sized()], [], "--x 1", "at least 2 items"),
    # what only a file says, or nothing
    (list[Strict], [], "--x 1", r"--x.*list\[Strict\].*--config FILE"),
    (dict[str, Model], {}, "--x.a.lr 1", r"--x.*dict\[str, Model\].*--config FILE"),
    (dict[int, float], {}, "--x.0 1", r"--x.*dict\[int, float\].*--config FILE"),
    (list[list[int]], [], "--x [1]", "--x.*--config FILE"),
    (dict[str, Model], NO, "", "--x.*--config FILE"),
    (collections.abc.Callable, None, "--x print", "--x.*Callable"),
    # names
    (int, 1, "--xx=1", "--xx. Did you mean --x"),
    (int, 1, "-y 1", "-y"),
]  # fmt: skip


def taking(hint: Any, default: Any) -> Callable[..., None]:
    def main(x: Any = default) -> None: ...

    main.__annotations__["x"] = hint
    main.__defaults__ = None if default is NO else (default,)
    return main


@pytest.mark.parametrize(("hint", "default", "typed", "value"), VALUES)
def test_what_is_typed_becomes_a_value_of_the_annotation(
    hint: Any, default: Any, typed: str, value: Any
) -> None:
    found = given(taking(hint, default), *typed.split())["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("hint", "default", "typed", "said"), MISTAKES)
def test_what_cant_be_taken_is_said_in_one_line(
    hint: Any, default: Any, typed: str, said: str
) -> None:
    assert re.search(said, mistake(taking(hint, default), *typed.split()))


def test_not_a_number_is_a_float() -> None:
    assert str(given(taking(float, 0.5), "--x", "nan")["x"]) == "nan"


def test_underscores_and_dashes_are_the_same_in_names() -> None:
    def main(data_path: str = "", class_: str = "") -> None: ...

    for typed in (["--data-path", "a", "--class", "b"], ["--data_path=a", "--class_=b"]):
        assert given(main, *typed) == {"data_path": "a", "class_": "b"}


def test_short_names_go_to_the_first_that_wants_them() -> None:
    def main(alpha: int = 1, angle: int = 2, Beta: int = 3, n: int = 4, N: int = 5) -> None: ...

    found = given(main, "-a=10", "--angle=20", "-b=30", "-n=40", "-N=50")
    assert list(found.values()) == [10, 20, 30, 40, 50]


def test_h_is_help_unless_a_parameter_is_named_so() -> None:
    def main(h: int = 1, height: int = 2) -> None: ...

    assert given(main, "-h", "3") == {"h": 3, "height": 2}


@pytest.mark.parametrize(
    ("names", "said"),
    [("a_, _a", "one"), ("verbose, no_verbose", "--no-verbose"), ("_", "rename it")],
)
def test_names_that_clash_are_refused(names: str, said: str) -> None:
    scope: dict[str, Any] = {}
    written = ", ".join(f"{name}: bool = False" for name in names.split(", "))
    exec(f"def main({written}): ...", scope)
    assert said in mistake(scope["main"], "--x")


WORDS = st.lists(st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,6}", fullmatch=True), unique=True)


@settings(max_examples=20)
@sampled(WORDS.filter(lambda words: "True" not in words and "config" not in words))
def test_every_parameter_has_an_option_of_its_own(words: list[str]) -> None:
    names = [f"p_{word}" for word in words] + words
    scope: dict[str, Any] = {}
    try:
        exec(f"def main({', '.join(f'{name}=0' for name in names)}): ...", scope)
    except SyntaxError:
        return  # a keyword of Python
    typed = [each for i, name in enumerate(names) for each in (f"--{name}", str(i + 1))]
    found = given(scope["main"], *typed)
    assert found == {name: i + 1 for i, name in enumerate(names)}


def test_a_single_dash_before_a_whole_name_is_a_mistake() -> None:
    def main(lr: float = 0.1, r: int = 1) -> None: ...

    assert "Did you mean --lr" in mistake(main, "-lr", "0.1")


def test_bare_values_go_to_star_args_and_unknown_options_to_star_kwargs() -> None:
    def main(a: int, *rest: float, b: str = "", **more: int) -> None: ...

    typed = "--a 1 2.5 -3 --foo-bar 4 --b x"
    wanted = {"a": 1, "rest": (2.5, -3.0), "b": "x", "more": {"foo_bar": 4}}
    assert given(main, *typed.split()) == wanted
    assert given(main, "--a", "1", "--", "-3")["rest"] == (-3.0,)
    assert "float" in mistake(main, "--a", "1", "x")
    assert "int" in mistake(main, "--a", "1", "--lr", "x")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--sessions.seed", "--sessions.seed. Did you mean --session.seed"),
        ("--session.sed", "--session.sed. Did you mean --session.seed"),
        ("--foo.bar", "Unknown option: --foo.bar"),
        ("--help", "Unknown option: --help"),
    ],
)
def test_star_kwargs_take_no_mistyped_options_of_the_session(typed: str, said: str) -> None:
    def main(**more: int) -> None: ...

    assert said in mistake(main, f"{typed}=3")


def test_star_kwargs_of_dicts_take_dotted_options() -> None:
    def main(**more: dict[str, int]) -> None: ...

    assert given(main, "--foo.bar", "3") == {"more": {"foo": {"bar": 3}}}


def test_an_empty_word_is_an_unused_value() -> None:
    assert "Unused value ''" in mistake(taking(int, 1), "")


def test_a_message_of_several_lines_is_put_in_one() -> None:
    @dataclass
    class Picky:
        lr: float = 0.1

        def __post_init__(self) -> None:
            if self.lr < 0:
                raise ValueError("lr is negative:\nit must not be")

    assert "negative: it must" in mistake(taking(Picky, Picky()), "--x.lr", "-1")


def test_positional_only_parameters_are_options_too() -> None:
    def main(a: int, b: int = 2, /, c: int = 3) -> None: ...

    assert given(main, "--a", "1", "-c", "4") == {"a": 1, "b": 2, "c": 4}


def test_without_annotation_the_default_says_the_type() -> None:
    def main(a, b=1, c=0.5, d=None, e=False, f=("x",), g=[1, 2], h={"k": 1.5}):  # type: ignore[no-untyped-def]  # noqa: B006
        ...

    typed = "-a 1 -b 2 -c 3 -d 4 -e -f 5 -g 6 --h.k 7"
    assert given(main, *typed.split()) == {
        "a": "1", "b": 2, "c": 3.0, "d": "4", "e": True, "f": ("5",), "g": [6], "h": {"k": 7.0},
    }  # fmt: skip


def test_types_that_only_type_checkers_import_are_found_in_structures_too() -> None:
    @dataclass
    class Where:
        path: PurePosixPath | None = None
        size: int = 1

    def main(here: PurePosixPath, there: Where = Where()) -> None: ...  # noqa: B008

    main.__annotations__["there"] = Where  # a local class
    found = given(main, "--here", "a/b", "--there.path", "c", "--there.size", "3")
    assert type(found["here"]).__name__ == "PurePosixPath"
    assert (str(found["there"].path), found["there"].size) == ("c", 3)
    assert "PurePosixPath" not in globals()


def test_a_type_that_nobody_can_import_is_named_and_disturbs_no_other() -> None:
    def main(what: Nothing | None = None, size: int = 1) -> None: ...

    assert given(main, "--size", "3")["size"] == 3
    assert "Nothing" in mistake(main, "--what", "x")


@dataclass
class Half:
    what: Nothing
    size: int = 1


@pytest.mark.parametrize("hint", [collections.abc.Callable, list[type], Half])
def test_a_required_parameter_that_nothing_can_give_is_refused(hint: Any) -> None:
    assert "x can't come from a command line" in mistake(taking(hint, NO), "--x", "3")


def test_a_variable_around_the_function_may_have_no_value_yet() -> None:
    def main(size: int = 1) -> int:
        return size + later

    assert given(main, "--size", "3") == {"size": 3}
    later = 1
    assert main() == 2


def test_the_fields_of_a_parameter_cant_pose_as_the_sessions_options() -> None:
    @dataclass
    class Seeded:
        seed: int = 1

    assert "--session.seed" in mistake(taking(Seeded, Seeded()), "--session.sead", "1")

    def main(session: Model = Model()) -> None: ...  # noqa: B008

    main.__annotations__["session"] = Seeded
    assert "--session.seed; rename one" in mistake(main, "--session.seed", "1")


def test_the_names_of_parameters_are_free() -> None:
    def main(
        values: list[float], named: dict[str, int], target: int = 1, self: int = 2
    ) -> None: ...

    typed = "--values 1 2.5 --named.a 3 --target 4 --self 5"
    assert given(main, *typed.split()) == {
        "values": [1.0, 2.5], "named": {"a": 3}, "target": 4, "self": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--verbos", "--verbose"),
        ("--model.dept", "--model.depth"),
        ("--sesion.seed", "--session.seed"),
        ("--seed", "--session.seed"),
        ("--conf", "--config"),
    ],
)
def test_near_names_are_told(typed: str, meant: str) -> None:
    def main(verbose: bool = False, model: Model = Model()) -> None: ...  # noqa: B008

    assert f"{typed}. Did you mean {meant}?" in mistake(main, f"{typed}=1")


def test_a_union_of_classes_that_share_a_field_makes_the_one_that_fits() -> None:
    @dataclass
    class Adam:
        lr: float = 0.1
        beta: float = 0.9

    @dataclass
    class Sgd:
        lr: float = 0.1
        momentum: float = 0.0

    main = taking(Adam | Sgd, Adam())
    main.__defaults__ = (None,)
    assert given(main, "--x.lr", "1", "--x.momentum", "2")["x"] == Sgd(1.0, 2.0)


needs_pydantic = pytest.mark.skipif(
    not importlib.util.find_spec("pydantic"), reason="pydantic is missing"
)


@needs_pydantic
def test_pydantic_models_are_checked_by_pydantic_and_keep_their_defaults() -> None:
    import pydantic

    class Checked(pydantic.BaseModel):
        a: int
        b: float = pydantic.Field(2.0, gt=0, alias="bb")
        url: pydantic.HttpUrl | None = None

        @pydantic.model_validator(mode="after")
        def ordered(self) -> Checked:
            if self.a > 100:
                raise ValueError("a must be small")
            return self

    main = taking(Checked, Checked(a=9, bb=3.0))
    assert given(main, "--x.a", "1")["x"].model_dump() == {"a": 1, "b": 3.0, "url": None}
    assert given(main, "--x.bb", "1", "--x.url", "http://a.b/")["x"].b == 1.0
    assert "--x.a" in mistake(main, "--x.a", "1.5")
    assert "> 0" in mistake(main, "--x.b", "-1")
    assert "a must be small" in mistake(main, "--x.a", "101")


@needs_pydantic
def test_an_imported_pydantic_does_not_check_what_is_none_of_its_business() -> None:
    importlib.import_module("pydantic")

    def main(n: int = None, either: str | list[str] = "", flags: list[bool] = []) -> None: ...  # type: ignore[assignment]  # noqa: B006, RUF013

    found = given(main, "--either", "a", "--flags", "yes")
    assert found == {"n": None, "either": "a", "flags": [True]}


def test_attrs_classes_are_structures() -> None:
    attrs: Any = pytest.importorskip("attrs")

    @attrs.define
    class Made:
        a: int
        b: float = 2.0

    made: Any = Made
    assert given(taking(Made, made(4)), "--x.b", "3") == {"x": made(4, 3.0)}


def test_numbers_of_numpy_are_numbers_and_arrays_are_nothing_to_type() -> None:
    import numpy as np

    assert type(given(taking(np.float64, 1.0), "--x", "3")["x"]) is np.float64
    assert "ndarray" in mistake(taking(np.ndarray, None), "--x", "3")
