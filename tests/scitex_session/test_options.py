"""Session options are checked before anything starts."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import scitex_session as stx
from scitex_session._lifecycle import options
from scitex_session._lifecycle.options import KEYWORDS, Options


def test_an_unknown_option_is_refused_with_the_near_name() -> None:
    with pytest.raises(stx.UnknownOptionError, match="'sede'; did you mean 'seed'"):
        stx.session(sede=1)  # type: ignore[call-overload]  # type checkers know it, too
    with pytest.raises(stx.UnknownOptionError):
        stx.session(fig_size=(1, 2))  # type: ignore[call-overload]
    with pytest.raises(stx.UnknownOptionError):
        stx.run(print, dpi=3)  # type: ignore[call-arg]


def test_type_checkers_know_every_option() -> None:
    """`Keywords` exists for them alone, so it is read from its source."""
    tree = ast.parse(Path(options.__file__).read_text())
    fields = {
        item.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in ("Keywords", "RunKeywords")
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    assert fields == set(KEYWORDS)


def test_every_option_of_start_is_one_unless_the_session_has_its_own() -> None:
    given = set(inspect.signature(stx.start).parameters)
    assert given - set(KEYWORDS) == {"sys", "plt", "os"}
    assert set(KEYWORDS) - given == {"message", "notify"}


def test_the_defaults_of_start_are_those_of_every_session_but_for_what_it_prints() -> None:
    options = Options({})
    parameters = inspect.signature(stx.start).parameters
    differing = {
        n for n in KEYWORDS if n in parameters and parameters[n].default != getattr(options, n)
    }
    assert differing == {"verbose"}


def test_what_is_asked_from_outside_counts_more_than_what_the_script_asks() -> None:
    options = Options({"seed": 1, "note": "kept"}, {"seed": (2, "command line")})
    assert (options.seed, options.note) == (2, "kept")


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": "a"},
        {"fig_size_mm": (0, 10)},
        {"dpi_save": 0},
        {"alpha": 2},
        {"fontsize": "smallish"},
        {"sdir_suffix": "a/b"},
        {"capture": "tee"},
        {"max_log_bytes": 1000},
        {"max_log_bytes": 1e6},
        {"max_log_bytes": True},
        {"tags": "paper"},
        {"tags": [1]},
        {"tags": None},
        {"note": None},
        {"parent": "../x"},
        {"debug": "yes"},
        {"no_save": "yes"},
        {"verbose": "no"},
        {"clear_logs": None},
        {"out": 3},
        {"stamp": "seen"},
    ],
)
def test_a_value_that_cant_be_starts_nothing(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        stx.start(**{"file": __file__, "verbose": False, **wrong})  # type: ignore[arg-type]
    assert next(iter(wrong)) in str(error.value)
    assert not Path(__file__).with_name("test_options_out").exists()
