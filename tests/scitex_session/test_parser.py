"""Signatures become command lines."""

from __future__ import annotations

import enum
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


def test_annotations_that_only_type_checkers_can_import_are_read_as_text() -> None:
    def main(what: Nothing, size: int = 1) -> None: ...

    assert parsed(main, "--what", "x", "--size", "3") == {"what": "x", "size": 3}
