"""The decision table: from how a function ended to exit status and reason."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from scitex_session_core import outcome, status_of


class Code(IntEnum):
    """A status as an enumeration."""

    FINE = 0
    BAD = 4


class UnprintableError(Exception):
    """An error that can't say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class ExitingError(Exception):
    """An error that ends the process rather than say what it is."""

    def __str__(self) -> str:
        raise SystemExit(4)


class Unindexable:
    """A result whose __index__ fails."""

    def __index__(self) -> int:
        raise RuntimeError("no")


RETURNED = {"kind": "returned"}


@pytest.mark.parametrize(
    ("returned", "exit_status", "reason"),
    [
        (None, 0, RETURNED),
        (0, 0, RETURNED),
        (True, 0, RETURNED),
        (False, 0, RETURNED),
        (1, 1, {"kind": "returned", "value": 1}),
        (2, 2, {"kind": "returned", "value": 2}),
        (255, 255, {"kind": "returned", "value": 255}),
        (256, 1, {"kind": "returned", "value": 256}),
        (257, 1, {"kind": "returned", "value": 257}),
        (512, 1, {"kind": "returned", "value": 512}),
        (-1, 1, {"kind": "returned", "value": -1}),
        (2**70, 1, {"kind": "returned", "value": 2**70}),
        (np.int64(3), 3, {"kind": "returned", "value": 3}),
        (np.uint8(0), 0, RETURNED),
        (np.bool_(True), 0, RETURNED),
        (np.float64(3.0), 0, RETURNED),
        (np.array([1, 2]), 0, RETURNED),
        (Code.BAD, 4, {"kind": "returned", "value": 4}),
        (Code.FINE, 0, RETURNED),
        (1.0, 0, RETURNED),
        (math.nan, 0, RETURNED),
        ("1", 0, RETURNED),
        ({"acc": 0.9}, 0, RETURNED),
        ((1, 2), 0, RETURNED),
        (Unindexable(), 0, RETURNED),
    ],
)
def test_what_is_returned(returned: object, exit_status: int, reason: dict[str, Any]) -> None:
    assert outcome(returned) == (exit_status, reason)


@pytest.mark.parametrize(
    ("code", "exit_status", "recorded"),
    [
        (None, 0, None),
        (0, 0, 0),
        (3, 3, 3),
        (True, 1, 1),
        (False, 0, 0),
        (255, 255, 255),
        (256, 0, 256),
        (257, 1, 257),
        (-1, 255, -1),
        (-256, 0, -256),
        (2**40, 0, 2**40),
        (2**70, 255, 2**70),
        (Code.BAD, 4, 4),
        (np.int64(3), 1, "3"),
        ("text", 1, "text"),
        ("", 1, ""),
        (1.5, 1, "1.5"),
        ((1, 2), 1, "(1, 2)"),
        (UnprintableError(), 1, "<its __str__ raised RuntimeError>"),
    ],
)
def test_sys_exit(code: Any, exit_status: int, recorded: object) -> None:
    assert outcome(raised=SystemExit(code)) == (exit_status, {"kind": "exit", "code": recorded})


@pytest.mark.parametrize("code", [*range(-3, 4), 255, 256, 257, 2**31, 2**63 - 1, 2**63, -(2**63)])
def test_it_is_what_a_process_exits_with(code: int) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.exit({code})"])
    assert outcome(raised=SystemExit(code))[0] == done.returncode


@pytest.mark.parametrize(
    ("raised", "name", "message"),
    [
        (ValueError("bad"), "ValueError", "bad"),
        (KeyError("x"), "KeyError", "'x'"),
        (GeneratorExit(), "GeneratorExit", ""),
        (ExceptionGroup("two", [ValueError()]), "ExceptionGroup", "two (1 sub-exception)"),
        (np.linalg.LinAlgError("singular"), "numpy.linalg.LinAlgError", "singular"),
        (ExitingError(), f"{__name__}.ExitingError", "<its __str__ raised SystemExit>"),
        (UnprintableError(), f"{__name__}.UnprintableError", "<its __str__ raised RuntimeError>"),
    ],
)
def test_an_exception(raised: BaseException, name: str, message: str) -> None:
    assert outcome(raised=raised) == (1, {"kind": "exception", "type": name, "message": message})


def test_a_message_of_megabytes_is_shortened() -> None:
    _, reason = outcome(raised=ValueError("x" * 10**7))
    assert len(reason["message"]) == 10_001
    assert reason["message"].endswith("x…")


@pytest.mark.parametrize(
    ("number", "exit_status", "name"),
    [
        (signal.SIGINT, 130, "SIGINT"),
        (signal.SIGTERM, 143, "SIGTERM"),
        (signal.SIGHUP, 129, "SIGHUP"),
        (63, 191, "signal 63"),
    ],
)
def test_a_signal(number: int, exit_status: int, name: str) -> None:
    reason = {"kind": "signal", "signal": int(number), "name": name}
    assert outcome(signum=number) == (exit_status, reason)
    assert type(outcome(signum=number)[1]["signal"]) is int


def test_each_signal_has_the_name_that_python_gives_it() -> None:
    for number in signal.Signals:
        assert outcome(signum=int(number))[1]["name"] == number.name


def test_ctrl_c_is_a_signal() -> None:
    assert outcome(raised=KeyboardInterrupt()) == outcome(signum=signal.SIGINT)


def test_a_signal_outweighs_what_its_handling_raised() -> None:
    assert outcome(raised=SystemExit(0), signum=signal.SIGTERM)[0] == 143


@pytest.mark.parametrize(
    ("exit_status", "status"), [(None, "finished"), (0, "success"), (1, "failed"), (-1, "failed")]
)
def test_the_status_of_an_exit_status(exit_status: int | None, status: str) -> None:
    assert status_of(exit_status) == status


def test_a_function_that_was_asked_to_stop_is_no_success() -> None:
    stopped = {"kind": "stopped", "signal": 10, "name": "SIGUSR1"}
    for ending in ({}, {"returned": 0}, {"returned": {"a": 1}}, {"raised": SystemExit(0)}):
        assert outcome(**ending, stopped=10) == (75, stopped)
    assert outcome(3, stopped=10) == outcome(3)
    assert outcome(raised=ValueError(), stopped=10) == outcome(raised=ValueError())
    assert outcome(signum=15, stopped=10) == outcome(signum=15)
