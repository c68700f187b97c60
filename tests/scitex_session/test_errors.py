"""Errors can be pickled, and say what was wrong."""

from __future__ import annotations

import pickle

import pytest

from scitex_session._errors import (
    ConfigFileError,
    FacadeError,
    NestedSessionError,
    UnknownOptionError,
    UnsuitableFunctionError,
    UsageError,
)

ERRORS = [
    (ConfigFileError("a.yaml", "line 3: no"), ValueError, "a.yaml: line 3: no"),
    (NestedSessionError("main", "ID"), RuntimeError, "main() would start a session inside"),
    (UnsuitableFunctionError("main", "why"), TypeError, "main: why"),
    (UsageError("--n needs a value"), ValueError, "--n needs a value"),
    (
        UnknownOptionError("sede", ("seed",), ("sdir", "seed")),
        TypeError,
        "no session option 'sede'; did you mean 'seed'? the options are sdir, seed",
    ),
]


@pytest.mark.parametrize(("error", "builtin", "message"), ERRORS)
def test_errors_have_builtin_bases_messages_and_survive_a_pickle(
    error: FacadeError, builtin: type[Exception], message: str
) -> None:
    assert isinstance(error, builtin)
    assert str(error).startswith(message)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
