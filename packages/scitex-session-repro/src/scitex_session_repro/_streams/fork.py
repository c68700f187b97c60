"""After a fork: the child's streams are its own, and the same in every run.

A forked child has a copy of every generator, and would draw its parent's numbers over again, like
each of its siblings. `random` alone has a hook against that, which seeds it from the operating
system: the children differ then, and never repeat. Here the forks are numbered as they happen, and
the number is a step of the scope: the n-th child of a run has the streams of the n-th child.

The hooks draw a number in the parent, and in the child set states; they import nothing.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock, get_ident
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .tree import Node

_watched: dict[int, ref[Node]] = {}
_numbered: dict[int, list[tuple[Node, int]]] = {}
_lock = RLock()  # reentrant, since a signal handler may fork while its thread holds it
_registered: list[int] = []


def watch(streams: Node) -> None:
    """Count the forks from now on, and call ``streams._forked(number)`` in each child."""
    key = id(streams)
    _watched[key] = ref(streams, lambda _: _watched.pop(key, None))
    register()


def watched() -> list[Node]:
    """Give what is told of forks: every manager of this process that has no parent."""
    return [streams for found in list(_watched.values()) if (streams := found()) is not None]


def unwatch(streams: Node) -> None:
    """Leave it to a parent, which it has got."""
    _watched.pop(id(streams), None)


def register() -> None:
    """Have the hooks called, in the child behind that of `random`.

    Hooks of the child run in the order in which they were registered. Where `random` comes after
    our first manager, ours is registered a second time, and the first one does nothing.
    """
    if not hasattr(os, "register_at_fork"):  # Windows has no fork
        return
    turn = 2 if "random" in sys.modules else 1
    if turn in _registered or 2 in _registered:
        return
    if not _registered:
        os.register_at_fork(before=_number, after_in_parent=_forget)
    _registered.append(turn)
    os.register_at_fork(after_in_child=lambda: _restart_all(turn))


def _number() -> None:
    with _lock:
        _numbered[get_ident()] = [(streams, streams._next_fork()) for streams in watched()]


def _forget() -> None:
    _numbered.pop(get_ident(), None)


def _restart_all(turn: int) -> None:
    global _lock
    if turn != _registered[-1]:
        return
    from scitex_session_repro import _import_hook

    from . import borrowing as _borrowing

    # Other threads of the parent may have held them.
    _lock, _borrowing._lock, _import_hook._lock = RLock(), RLock(), RLock()
    numbered = _numbered.pop(get_ident(), [])
    _numbered.clear()
    for streams, number in numbered:
        streams._forked(number)
    _borrowing.reseed_all()
