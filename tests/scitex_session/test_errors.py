"""Errors derive from what Python would raise, say what was wrong, and can be pickled."""

from __future__ import annotations

import pickle

import pytest

import scitex_session as stx

ERRORS = [
    (stx.ArchiveError("/a.zip", "it is torn"), (ValueError,), "/a.zip can't be used as an archive"),
    (stx.NotResumableError("a", "it runs"), (RuntimeError,), "a can't be resumed: it runs"),
    (stx.RunKeptError("/d", "it runs"), (RuntimeError,), "/d stays as it is: it runs"),
    (stx.ConfigFileError("a.yaml", "no"), (ValueError,), "a.yaml: no"),
    (stx.ConfigFileError("a.yaml", "no", 3), (ValueError,), "a.yaml: line 3: no"),
    (stx.NoSessionError("CONFIG"), (RuntimeError, AttributeError), "CONFIG belongs to a running"),
    (stx.ReadOnlyKeyError("ID"), (AttributeError, TypeError), "CONFIG.ID is the run's own"),
    (stx.NestedSessionError("main", "ID"), (RuntimeError,), "main() would start a session inside"),
    (stx.UnsuitableFunctionError("main", "why"), (TypeError,), "main: why"),
    (stx.UsageError("--n needs a value"), (ValueError,), "--n needs a value"),
    (
        stx.UnknownOptionError("sede", "seed", ("sdir", "seed")),
        (TypeError,),
        "no session option 'sede'; did you mean 'seed'? the options are sdir, seed",
    ),
    (
        stx.QueryError("lr<", 4, "a value is missing"),
        (ValueError,),
        "a value is missing\n  lr<\n     ^",
    ),
    (stx.UnknownRunError("K7QX", "none such"), (LookupError,), "no run 'K7QX': none such"),
    (
        stx.UnstoppableRunError("2026Y", "it runs on node7; stop it there"),
        (RuntimeError,),
        "2026Y can't be stopped: it runs on node7; stop it there",
    ),
    (
        stx.AmbiguousRunError("2026Y", ("a", "b", "c", "d", "e", "f", "g")),
        (LookupError,),
        "'2026Y' could be any of several runs: a, b, c, d, e and others",
    ),
]


@pytest.mark.parametrize(("error", "builtins", "message"), ERRORS)
def test_errors_have_builtin_bases_messages_and_survive_a_pickle(
    error: stx.SessionError, builtins: tuple[type[Exception], ...], message: str
) -> None:
    assert all(isinstance(error, builtin) for builtin in builtins)
    assert str(error).startswith(message)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("error", [error for error, *_ in ERRORS], ids=repr)
def test_they_survive_the_pickle_of_dask(error: stx.SessionError) -> None:
    support = pytest.importorskip("tblib.pickling_support", reason="tblib is not installed")
    function, arguments, *_ = support.pickle_exception(error)
    again = function(*arguments)
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_every_public_error_is_a_session_error_and_is_tested_here() -> None:
    public = {getattr(stx, name) for name in dir(stx) if name.endswith("Error")}
    assert all(issubclass(error, stx.SessionError) for error in public)
    assert {type(error) for error, *_ in ERRORS} == public - {stx.SessionError}
