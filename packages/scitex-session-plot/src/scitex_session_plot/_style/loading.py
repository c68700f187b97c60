"""Import pyplot without the search for garbage."""

from __future__ import annotations

import gc
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# CPython 3.12 counts 400 immortal objects as frozen. A bare Python that a script freezes has 4,000.
_IMMORTAL = 1000


def load(name: str) -> ModuleType:
    """Import a module while Python searches for no garbage.

    pyplot makes 70,000 objects and no garbage. Every 700 of them Python searches all the same
    (CPython 3.11): 40 ms of 300. They count as old afterwards: or all would be searched at once.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return import_module(name)
    finally:
        if was_enabled:
            if gc.get_freeze_count() < _IMMORTAL:  # what the script has frozen would thaw
                gc.freeze()
                gc.unfreeze()  # to the oldest generation
            gc.enable()
