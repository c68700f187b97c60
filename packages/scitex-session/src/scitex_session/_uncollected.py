"""Imports, the opening of a session, and the end of Python, without the search for garbage."""

from __future__ import annotations

import atexit
import gc
import sys
from itertools import compress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PARTS = ("core", "io", "plot", "repro")
OUR_PACKAGES = {"scitex_session", *(f"scitex_session_{part}" for part in _PARTS)}
# CPython 3.12 counts 400 immortal objects as frozen. A bare Python that a script freezes has 4,000.
_IMMORTAL = 1000
# What of the standard library writes to its file as it goes.
_DATABASES = ("_dbm", "_gdbm", "_sqlite3")


class uncollected:  # noqa: N801  # read as a word of the `with` statement
    """Keep Python from searching for garbage within the block.

    Imports make thousands of objects and no garbage. Every 700 of them Python searches all the same
    (CPython 3.11), which takes a tenth of the time of an empty session, and more of a parser's.
    What they make counts as old afterwards: or all of it would be searched at once. Where nothing
    was imported, nothing does: the garbage of one session must not outlive the next ones.
    """

    __slots__ = ("_modules", "_was_enabled")

    def __enter__(self) -> None:
        self._modules = len(sys.modules)
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_exc: object) -> None:
        if not self._was_enabled:
            return
        # What the script has frozen would thaw.
        if len(sys.modules) > self._modules and gc.get_freeze_count() < _IMMORTAL:
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()


@atexit.register
def _end_soon() -> None:
    """Spare Python, as it ends, what nobody can see of its end.

    Python would search all objects three times then, and free them one by one: an eighth of an
    empty session. Where nothing that is left says what is to happen as it goes, all is left to the
    end of the process. Else only what is young is searched in place of the first search, which
    would be the first of all that goes through what imports have made: 36 ms of a script that
    imports pyplot. Old garbage is left to the next search.
    """
    if not gc.isenabled() or gc.get_debug():
        return
    gc.collect(1)
    gc.disable()
    if _has_foreign_code():
        return
    objects: list[object] = gc.get_objects()
    if not _has_finalizers(objects):
        objects.append(objects)  # it keeps itself, and so all of them
        gc.freeze()


def _has_foreign_code() -> bool:
    """Tell whether there is compiled code whose objects may do something as they go, unasked."""
    if not sys.modules.keys().isdisjoint(_DATABASES):
        return True
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in sys.stdlib_module_names:
            continue
        try:
            # As `names_in` of the core does, which may not be loaded, and be gone by now.
            spec = object.__getattribute__(module, "__dict__").get("__spec__")
        except AttributeError:  # anything may stand there
            return True
        if type(getattr(spec, "loader", None)).__name__ == "ExtensionFileLoader":
            return True
    return False


def _has_finalizers(objects: list[object]) -> bool:
    """Tell whether one of these says what is to happen as it goes (PEP 442).

    That is a file, which may hold what it has yet to write, a generator within ``finally``, and
    what has ``__del__``.
    """
    kinds = set(filter(_is_finalized, set(map(type, objects))))
    found = compress(objects, map(kinds.__contains__, map(type, objects)))
    return not {*map(id, found)} <= {*map(id, _standard_streams())}


def _is_finalized(kind: type) -> bool:
    try:
        type.__getattribute__(kind, "__del__")  # a metaclass of the script's has no say
        module = type.__getattribute__(kind, "__module__")
    except AttributeError:
        return False
    # Ours close what the end of the process closes.
    return str(module).partition(".")[0] not in OUR_PACKAGES


def _standard_streams() -> Iterator[object]:
    """Yield the streams that Python flushes itself as it ends, and what is behind them."""
    streams: tuple[Any, ...] = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    for text in streams:
        yield text
        try:
            yield text.buffer
            yield text.buffer.raw
        except (AttributeError, ValueError):  # without a buffer, or detached from it
            continue
