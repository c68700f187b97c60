"""Handlers are borrowed and given back."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from scitex_session._signals import SignalGuard, Terminated

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")


def test_the_first_signal_is_raised_and_remembered() -> None:
    guard = SignalGuard()
    guard.install()
    with pytest.raises(Terminated) as raised:
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 143
    assert guard.ended_by == signal.SIGTERM
    guard.restore()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_first_signal_during_the_clean_up_waits_for_its_end() -> None:
    guard = SignalGuard()
    guard.install()
    guard.begin_cleanup()
    signal.raise_signal(signal.SIGINT)
    assert guard.ended_by == signal.SIGINT
    guard.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_set_during_the_run_is_left_there() -> None:
    guard = SignalGuard()
    guard.install()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    guard.restore()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_in_another_thread_nothing_is_installed() -> None:
    guard = SignalGuard()

    def in_thread() -> None:
        guard.install()
        guard.begin_cleanup()

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    guard.restore()


def test_a_forked_child_dies_of_a_signal_as_any_process() -> None:
    guard = SignalGuard()
    guard.install()
    pid = os.fork()
    if pid == 0:
        signal.raise_signal(signal.SIGTERM)
        os._exit(99)
    _, status = os.waitpid(pid, 0)
    guard.restore()
    assert os.WTERMSIG(status) == signal.SIGTERM
