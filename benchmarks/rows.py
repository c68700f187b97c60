"""The rows: each makes the two variants that are measured against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import capture, commands, fingerprints, layouts, seeding, tables
from benchmarks.metrics import logged_and_plain
from benchmarks.stamps import stamped_and_plain, whence

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

    Row = Callable[[Workplace], tuple[Variant, Variant]]

# After a session git goes on for a while, on a processor that the next process would have.
REST = 0.5
# The rows of whole sessions, in which each process begins after such a rest.
RESTED = frozenset({"arguments", "empty", "git", "plot"})

ROWS: dict[str, Row] = {
    "empty": lambda at: (
        at.python("session_empty.py"),
        at.python("plain_empty.py"),
    ),
    "git": lambda at: (
        at.python("session_empty.py", cwd=at.folder("session_empty.py", files=20_000)),
        at.python("session_empty.py", cwd=at.folder("session_empty.py", files=None)),
    ),
    "arguments": lambda at: (
        at.python("session_arguments.py", "--data-path", "data.csv", "--threshold", "0.7"),
        at.python("plain_empty.py"),
    ),
    "large": lambda at: (
        at.python("session_large.py", variables={"BYTES": str(10 << 30)}),
        at.python("session_large.py", variables={"BYTES": "0"}),
    ),
    "plot": lambda at: (
        at.python("session_plot.py"),
        at.python("plain_plot.py"),
    ),
    "style": lambda at: (
        at.python(
            "-c",
            "from scitex_session_plot import Style\n"
            "with Style(agg=True) as style: style.plt.rcParams",
        ),
        at.python("-c", "import matplotlib.pyplot"),
    ),
    **layouts.ROWS,
    "stamp": stamped_and_plain,
    "whence": whence,
    **commands.ROWS,
    "import": lambda at: (at.python("-c", "import scitex_session"), at.python("-c", "pass")),
    "log": logged_and_plain,
    "manager": lambda _: (seeding.managers, seeding.plain_seeds),
    "names": lambda _: (seeding.names, seeding.plain_names),
    "fork": lambda _: (seeding.forks, seeding.plain_forks),
    "help": lambda at: (at.python("session_arguments.py", "--help"), at.python("plain_empty.py")),
    "render": lambda at: (at.python("render_plain.py"), at.python("plain_empty.py")),
    "fingerprint": lambda _: fingerprints.variants(),
    **tables.ROWS,
    **capture.ROWS,
}
