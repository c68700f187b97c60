"""Which generators a manager has given out and seeded, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._manager import _active

if TYPE_CHECKING:
    from typing import Any

    from ._manager import RandomStateManager


def in_use(manager: RandomStateManager | None) -> dict[str, Any] | None:
    """Give seed, names and seeded modules of a manager, or of the current one; None without one."""
    if manager is None:
        if not _active:
            return None
        manager = _active[-1]
    torch_names = {name for name, _ in manager._torch_generators}
    return {
        "seed": manager.seed,
        "named": sorted({*manager._generators} | torch_names),
        "seeded": {generator.module for generator, _, _ in manager._globals._found},
    }
