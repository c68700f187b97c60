"""Walk at random: the experiment on the pages for those who come from other packages."""

from __future__ import annotations

import scitex_session as stx
from scitex_session import rngg


@stx.session
def walk(steps: int = 1000, scale: float = 0.1) -> dict[str, float]:
    """Walk at random, and tell how far that gets."""
    position = scale * float(rngg("walk").normal(size=steps).sum())
    print(f"after {steps} steps at {position:.2f}")
    stx.io.save({"position": position}, "position.json")
    return {"position": position}


if __name__ == "__main__":
    walk()
