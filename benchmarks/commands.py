"""The command `scitex-session`: whole processes, with 100,000 sessions in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.registry import QUICK_SESSIONS, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

QUERY = "lr<0.001 and status:success"
TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": "120"}  # what is drawn by rich, though into a pipe


def _row(*arguments: str, **variables: str) -> Callable[[Workplace], tuple[Variant, Variant]]:
    def row(at: Workplace) -> tuple[Variant, Variant]:
        """Make the two variants: a command, and a bare Python."""
        many = at.repository.parent / "many"
        places = {
            "SCITEX_SESSION_REGISTRY": str(many / "registry"),
            "SCITEX_SESSION_CACHE": str(many / "cache"),
        }
        if not many.exists():
            write(many / "registry", QUICK_SESSIONS)
            at.python("-m", "scitex_session", "ls", variables=places)()  # folds them
        places |= variables
        command = at.python("-m", "scitex_session", *arguments, variables=places)
        return command, at.python("-c", "pass")

    return row


ROWS = {
    "ls": _row("ls"),
    "ls-json": _row("ls", "--json"),
    "ls-query": _row("ls", QUERY),
    "ls-terminal": _row("ls", **TERMINAL),
    "ls-terminal-query": _row("ls", QUERY, **TERMINAL),
}
