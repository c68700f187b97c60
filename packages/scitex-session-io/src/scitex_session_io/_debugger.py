"""What stands in C's place in Python is not what a user wants to step through."""

from __future__ import annotations

import sys

_OURS = f"{__package__}.*"


def hide() -> None:
    """Have pdb's ``step`` pass over our functions, as it passes over the C code they stand for.

    To be called from what pdb itself calls before anything is stepped into.
    """
    debugger = getattr(sys.gettrace(), "__self__", None)
    bdb = sys.modules.get("bdb")
    if bdb is not None and isinstance(debugger, bdb.Bdb):
        debugger.skip = {*(debugger.skip or ()), _OURS}
