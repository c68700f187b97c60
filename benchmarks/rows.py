"""The rows: each makes the two variants that are measured against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import capture

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

    Row = Callable[[Workplace], tuple[Variant, Variant]]

ROWS: dict[str, Row] = {
    "empty": lambda at: (at.python("session_empty.py"), at.python("plain_empty.py")),
    "arguments": lambda at: (
        at.python("session_arguments.py", "--data-path", "data.csv", "--threshold", "0.7"),
        at.python("plain_empty.py"),
    ),
    "plot": lambda at: (at.python("session_plot.py"), at.python("plain_plot.py")),
    "import": lambda at: (at.python("-c", "import scitex_session"), at.python("-c", "pass")),
    "help": lambda at: (at.python("session_arguments.py", "--help"), at.python("plain_empty.py")),
    **capture.ROWS,
}
