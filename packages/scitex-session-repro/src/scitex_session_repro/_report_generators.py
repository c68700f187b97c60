"""Which generators a manager has given out and seeded, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._borrowing import _stack, innermost

if TYPE_CHECKING:
    from typing import Any

    from ._manager import RandomStateManager


def in_use(manager: RandomStateManager | None) -> dict[str, Any] | None:
    """Give seed, names and seeded modules of a manager, or of the current one; None without one."""
    found: Any = innermost() if manager is None else manager
    if found is None:
        return None
    torch_names = {name for name, _ in found._torch_generators}
    return {
        "seed": found.seed,
        "named": sorted({*found._generators} | torch_names),
        "seeded": {
            generator.module
            for borrowing in _stack
            if borrowing.source is found
            for generator, _, _ in borrowing._found
        },
    }
