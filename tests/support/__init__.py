"""Helpers of the tests: real processes, waiting, reading."""

from __future__ import annotations

from support._command_line import given, mistake
from support._processes import (
    Finished,
    companion_of,
    companions_of,
    run_script,
    run_together,
    start_script,
    without_failure_line,
    write_script,
)
from support._strace import Killed, killed_at_each_call
from support._waiting import read_json, read_json_lines, wait_until

__all__ = [
    "Finished",
    "Killed",
    "companion_of",
    "companions_of",
    "given",
    "killed_at_each_call",
    "mistake",
    "read_json",
    "read_json_lines",
    "run_script",
    "run_together",
    "start_script",
    "wait_until",
    "without_failure_line",
    "without_failure_line",
    "write_script",
]
