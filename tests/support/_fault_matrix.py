"""The table of the faults that tests caused, and of what became of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY = "fault"


@pytest.fixture
def caused(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Note a fault that was caused, and its outcome, once it has been checked."""

    def note(fault: str, outcome: str) -> None:
        # The properties of a test come back from the workers of xdist with its report.
        request.node.user_properties.append((_KEY, [fault, outcome]))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix of faults and outcomes."""
    found = Counter(
        tuple(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call" and report.passed
        for name, value in report.user_properties
        if name == _KEY and isinstance(value, list)
    )
    if not found:
        return
    width = max(len(fault) for fault, _ in found)
    terminalreporter.section(f"{found.total()} faults caused, and what became of them")
    for (fault, outcome), times in sorted(found.items()):
        terminalreporter.line(f"{fault:<{width}}  {times:>4} x  {outcome}")
