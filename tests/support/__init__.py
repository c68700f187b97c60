"""Helpers of the tests: real processes, waiting, reading."""

from __future__ import annotations

from support._processes import Finished, run_script, run_together, start_script, write_script
from support._strace import Killed, killed_at_each_call
from support._waiting import read_json, read_json_lines, wait_until

__all__ = [
    "Finished",
    "Killed",
    "killed_at_each_call",
    "read_json",
    "read_json_lines",
    "run_script",
    "run_together",
    "start_script",
    "wait_until",
    "write_script",
]
