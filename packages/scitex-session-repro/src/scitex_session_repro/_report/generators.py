"""Which generators a manager has given out and seeded, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scitex_session_repro._streams.borrowing import _stack, innermost
from scitex_session_repro._streams.scope import describe
from scitex_session_repro._streams.temporary import TemporarySource

if TYPE_CHECKING:
    from typing import Any

    from scitex_session_repro._streams.manager import RandomStateManager
    from scitex_session_repro._streams.tree import Node


def in_use(manager: RandomStateManager | None) -> dict[str, Any] | None:
    """Give the generators of a manager, or of the current one; None without one.

    Returns
    -------
    dict or None
        ``seed``; ``named``, the names in use; ``seeded``, by module: what has seeded its global
        generator last, or None where this manager has.
    """
    found: Any = innermost() if manager is None else manager
    if found is None:
        return None
    torch_names = {name for name, _ in found._torch_generators}
    return {
        "seed": found.seed,
        "named": sorted({*found._generators} | torch_names),
        "seeded": {
            generator.module: None if borrowing.source is found else _shown(borrowing.source)
            for borrowing in _stack  # innermost last: what it has seeded counts
            for generator, _, _ in borrowing._found
        },
    }


def _shown(source: Node) -> str:
    if isinstance(source, TemporarySource):
        return f"temporary_seed({source.seed})"
    return describe(source.seed, source._scope)
