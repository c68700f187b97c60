"""Errors can be pickled, and say what was wrong."""

from __future__ import annotations

import pickle

import pytest

from scitex_session._errors import (
    ConfigFileError,
    FacadeError,
    NestedSessionError,
    NoSessionError,
    ReadOnlyKeyError,
    UnknownOptionError,
    UnsuitableFunctionError,
    UsageError,
)

ERRORS = [
    (ConfigFileError("a.yaml", "no"), ValueError, "a.yaml: no"),
    (ConfigFileError("a.yaml", "no", 3), ValueError, "a.yaml: line 3: no"),
    (NoSessionError("CONFIG"), RuntimeError, "CONFIG belongs to a running session"),
    (NoSessionError("CONFIG"), AttributeError, "CONFIG belongs to a running session"),
    (ReadOnlyKeyError("ID"), AttributeError, "CONFIG.ID is the run's own"),
    (ReadOnlyKeyError("ID"), TypeError, "CONFIG.ID is the run's own"),
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
