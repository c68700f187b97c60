"""Handlers are borrowed and given back."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from scitex_session._lifecycle.signals import SignalGuard, Terminated

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")


def test_the_first_signal_is_raised_and_remembered() -> None:
    guard = SignalGuard()
    guard.begin_opening()
    guard.begin_run()
    with pytest.raises(Terminated) as raised:
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 143
    assert guard.ended_by == signal.SIGTERM
    guard.restore()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("signum", "error"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_while_the_session_opens_waits_until_it_is_open(
    signum: signal.Signals, error: type[BaseException]
) -> None:
    guard = SignalGuard()
    guard.begin_opening()
    signal.raise_signal(signum)
    with pytest.raises(error):
        guard.begin_run()
    assert guard.ended_by == signum
    guard.restore()


def test_a_first_signal_during_the_clean_up_waits_for_its_end() -> None:
    guard = SignalGuard()
    guard.begin_opening()
    guard.begin_run()
    guard.begin_cleanup()
    signal.raise_signal(signal.SIGINT)
    assert guard.ended_by == signal.SIGINT
    guard.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_set_during_the_run_is_left_there() -> None:
    guard = SignalGuard()
    guard.begin_opening()
    guard.begin_run()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    guard.restore()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_in_another_thread_nothing_is_installed() -> None:
    guard = SignalGuard()

    def in_thread() -> None:
        guard.begin_opening()
        guard.begin_run()
        guard.begin_cleanup()

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    guard.restore()


def test_a_forked_child_dies_of_a_signal_as_any_process() -> None:
    guard = SignalGuard()
    guard.begin_opening()
    guard.begin_run()
    pid = os.fork()
    if pid == 0:
        signal.raise_signal(signal.SIGTERM)
        os._exit(99)
    _, status = os.waitpid(pid, 0)
    guard.restore()
    assert os.WTERMSIG(status) == signal.SIGTERM
