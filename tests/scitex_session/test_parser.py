"""Signatures become command lines."""

from __future__ import annotations

import enum
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional

import pytest

from scitex_session._parser import parse
from scitex_session._signature import parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nowhere import Nothing  # type: ignore[import-not-found]


class Color(enum.Enum):
    RED = 1
    DARK_BLUE = 2


def parsed(func: Callable[..., Any], *tokens: str) -> dict[str, Any]:
    return parse(func, parameters_of(func), tokens, "script.py")


def takes_many(  # type: ignore[no-untyped-def]
    data_path: str,
    threshold: float = 0.5,
    size: int = 3,
    verbose: bool = False,
    mode: Literal["fast", "slow"] = "fast",
    color: Color = Color.RED,
    out: Path = Path("out"),
    seed: Optional[int] = None,  # noqa: UP045
    names: list[str] | None = None,
    shape: tuple[int, int] = (1, 2),
    untyped=0.25,
) -> None: ...


@pytest.mark.parametrize(
    ("tokens", "values"),
    [
        ("--data-path a.csv", {"data_path": "a.csv"}),
        ("--data_path a.csv", {"data_path": "a.csv"}),
        ("-d a.csv -t 0.75", {"data_path": "a.csv", "threshold": 0.75}),
        ("--data-path=a.csv --threshold=-3e-12", {"data_path": "a.csv", "threshold": -3e-12}),
        ("-d a --threshold -1e-3", {"data_path": "a", "threshold": -1e-3}),
        ("-d a --size -7", {"data_path": "a", "size": -7}),
        ("-d a --verbose", {"data_path": "a", "verbose": True}),
        ("-d a --no-verbose", {"data_path": "a", "verbose": False}),
        ("-d a --mode slow", {"data_path": "a", "mode": "slow"}),
        ("-d a --color dark-blue", {"data_path": "a", "color": Color.DARK_BLUE}),
        ("-d a --out x/y", {"data_path": "a", "out": Path("x/y")}),
        ("-d a --seed 7", {"data_path": "a", "seed": 7}),
        ("-d a --names b c", {"data_path": "a", "names": ["b", "c"]}),
        ("-d a --shape 3 4", {"data_path": "a", "shape": (3, 4)}),
        ("-d a --untyped 1.5", {"data_path": "a", "untyped": 1.5}),
    ],
)
def test_values_are_read_as_the_signature_says(tokens: str, values: dict[str, Any]) -> None:
    assert parsed(takes_many, *tokens.split()) == values


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("", "--data-path is required"),
        ("-d", "-d needs a value"),
        ("-d a --treshold 1", "Unknown option: --treshold. Did you mean --threshold?"),
        ("-d a --threshold much", 'Invalid value for --threshold: unable to convert "much"'),
        ("-d a --mode slwo", '"slwo" for --mode. Choose from: "fast", "slow"'),
        ("-d a stray", "'stray' belongs to no option"),
        ("-d a -d b", "specified multiple times"),
    ],
)
def test_mistakes_are_one_line_with_status_2(
    tokens: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        parsed(takes_many, *tokens.split())
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("script.py: error: ")
    assert said in err


def test_names_that_differ_only_in_case_are_kept_apart() -> None:
    def main(n: int = 1, N: int = 2) -> None: ...

    assert parsed(main, "--n", "5", "--N", "6") == {"n": 5, "N": 6}


def test_short_options_go_to_the_first_that_wants_them() -> None:
    def main(alpha: int = 1, angle: int = 2, height: int = 3) -> None: ...

    assert parsed(main, "-a", "5") == {"alpha": 5}
    with pytest.raises(SystemExit) as exit_:
        parsed(main, "-h")
    assert exit_.value.code == 0


def test_annotations_that_only_type_checkers_can_import_are_read_as_text_and_no_others() -> None:
    def main(what: Nothing | None = None, size: int = 1) -> None: ...

    assert parsed(main, "--what", "x", "--size", "3") == {"what": "x", "size": 3}


def whole(
    n: int = 1,
    maybe: int | None = None,
    many: list[int] = [],  # noqa: B006
    real: int | float = 1,  # noqa: PYI041
) -> None: ...


@pytest.mark.parametrize(
    ("tokens", "values"),
    [
        ("--n -7", {"n": -7}),
        ("--n 1_000", {"n": 1000}),
        ("--n 0x10", {"n": 16}),
        ("--maybe 3", {"maybe": 3}),
        ("--many 1 2", {"many": [1, 2]}),
        ("--real 2", {"real": 2}),
        ("--real 2.5", {"real": 2.5}),
    ],
)
def test_whole_numbers_are_read(tokens: str, values: dict[str, Any]) -> None:
    found = parsed(whole, *tokens.split())
    assert found == values
    assert [type(v) for v in found.values()] == [type(v) for v in values.values()]


@pytest.mark.parametrize("tokens", ["--n 2.5", "--n 0.4", "--maybe 1.5", "--many 1 2.5", "--n 1e3"])
def test_what_is_no_whole_number_is_refused_and_never_rounded(tokens: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        parsed(whole, *tokens.split())
    assert exit_.value.code == 2


def test_partials_and_instances_have_their_annotations_read() -> None:
    class Main:
        def __call__(self, size: int = 1) -> None: ...

    def main(size: int, other: int = 2) -> None: ...

    assert parsed(Main(), "--size", "3") == {"size": 3}
    assert parsed(functools.partial(main, 1), "--other", "3") == {"other": 3}
