"""Errors say what is wrong, carry it as data, and can be pickled."""

from __future__ import annotations

import pickle
import sys
import warnings
from typing import Any

import pytest

import scitex_session_core as core
from scitex_session_core import SessionError, SessionWarning, warn
from support import run_script

ERRORS = [
    (core.InvalidSessionIdError("a/b", "could be taken for a path"), ValueError, "'a/b' could be"),
    (core.DuplicateSessionError("a", "/reg"), ValueError, "'a' is already in the registry /reg"),
    (core.InvalidValueError("pid", -1, "positive"), ValueError, "pid must be positive, not -1"),
    (core.InvalidTypeError("pid", "x", "an integer"), TypeError, "must be an integer, not 'x'"),
    (core.RecordError("/d/session.json", "is torn"), ValueError, "/d/session.json: is torn"),
    (core.ArchiveError("/a.zip", "it is torn"), ValueError, "/a.zip can't be used .* it is torn"),
    (core.RunKeptError("/d", "it runs"), RuntimeError, "/d stays as it is: it runs"),
    (core.GitError("no git"), RuntimeError, "no git"),
    (core.NotResumableError("a", "it runs"), RuntimeError, "a can't be resumed: it runs"),
    (core.RunDirectoryBusyError("/d", "a"), FileExistsError, "/d belongs .* still running"),
    (core.RunDirectoryBusyError("/d", "a", "unknown"), OSError, "can't be told from this machine"),
]


@pytest.mark.parametrize(("error", "builtin", "message"), ERRORS)
def test_an_error_is_the_builtin_that_a_caller_expects_and_names_the_thing(
    error: SessionError, builtin: type[Exception], message: str
) -> None:
    assert isinstance(error, SessionError)
    with pytest.raises(builtin, match=message):
        raise error


@pytest.mark.parametrize("error", [error for error, _, _ in ERRORS])
def test_an_error_survives_pickling(error: SessionError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_every_public_error_is_tried_here() -> None:
    public = {getattr(core, name) for name in dir(core) if name.endswith("Error")}
    assert public - {SessionError} == {type(error) for error, _, _ in ERRORS}


def test_busy_has_the_error_number_of_its_builtin() -> None:
    error = core.RunDirectoryBusyError("/d", "a")
    assert (error.filename, error.strerror) == ("/d", "belongs to another run")
    assert isinstance(error.errno, int)


def test_a_warning_points_at_the_users_line_however_deep_we_are() -> None:
    namespace: dict[str, Any] = {"warn": warn, "__name__": "scitex_session._ours"}
    ours = "def write(): warn('the disk is full')\ndef finish(): write()"
    exec(compile(ours, "ours.py", "exec"), namespace)
    with pytest.warns(SessionWarning, match="the disk is full") as caught:
        namespace["finish"]()
    assert caught[0].filename == __file__


def test_where_warnings_are_errors_it_still_does_not_raise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("the disk is full")
    assert capsys.readouterr().err == "SessionWarning: the disk is full\n"


@pytest.mark.parametrize("option", ["-Wdefault", "-Werror"])
@pytest.mark.parametrize("stderr", ["sys.stderr.close()", "sys.stderr = None"])
def test_with_nobody_to_tell_it_still_does_not_raise(option: str, stderr: str) -> None:
    done = run_script(
        f"""
        import sys
        from scitex_session_core import warn
        {stderr}
        warn("nobody hears this")
        print("alive")
        """,
        python_options=[option],
    )
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_its_stream_is_looked_up_when_it_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    sys.stderr.write("before ")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SessionWarning)
        warn("now")
    assert capsys.readouterr().err == "before SessionWarning: now\n"


@pytest.mark.parametrize("raised", ["RuntimeError('mine')", "SystemExit(3)", "UnicodeError()"])
@pytest.mark.parametrize("option", ["-Wdefault", "-Werror"])
def test_errors_of_the_users_own_stream_and_hook_never_come_out_of_it(
    option: str, raised: str
) -> None:
    done = run_script(
        f"""
        import sys, warnings
        from scitex_session_core import warn

        def broken(*args, **kwargs):
            raise {raised}

        class Broken:
            write = flush = broken

        python_own, sys.stderr = sys.stderr, Broken()
        warn("through a broken stream")
        sys.stderr = python_own
        warnings.showwarning = broken
        warn("through a broken hook")
        print("alive")
        """,
        python_options=[option],
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done
    assert "SessionWarning: through a broken hook" in done.stderr
