"""Tracebacks begin where the user's code does."""

from __future__ import annotations

import traceback

import pytest

import scitex_session as stx
from scitex_session._lifecycle.traceback import without_our_frames


def test_our_frames_on_top_are_taken_off() -> None:
    def fails() -> None:
        raise KeyError("x")

    from scitex_session._lifecycle.trouble import (
        attempt,  # any function of ours that calls what it is given
    )

    class Stop(BaseException): ...

    def stops() -> None:
        raise Stop

    try:
        attempt("testing", stops)
    except Stop as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        names = [f.name for f in traceback.extract_tb(without_our_frames(error).__traceback__)]
    assert names == ["stops"]


def test_an_error_of_our_own_keeps_its_frames() -> None:
    with pytest.raises(TypeError) as raised:
        stx.session("no function")  # type: ignore[call-overload]
    error = raised.value
    error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
    assert without_our_frames(error).__traceback__ is not None
