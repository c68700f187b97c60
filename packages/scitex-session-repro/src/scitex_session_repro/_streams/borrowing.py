"""Global generators, seeded now or when their library is imported, until they are given back.

Borrowings stand on a stack, innermost last. Releasing one first releases those above it, so that
each gives back what it has found.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

from scitex_session_repro import _import_hook
from scitex_session_repro._import_hook import on_import

from .streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from scitex_session_repro._globals.libraries import Library
    from scitex_session_repro._globals.torch import Determinism
    from scitex_session_repro._import_hook import Pending

    from .manager import RandomStateManager

# The modules that hold a global generator; `_globals.libraries` says how each is seeded. It is not
# numpy, which has no generator when it is imported: numpy 2 loads numpy.random at its first use.
MODULES = ("random", "numpy.random", "torch", "tensorflow")

# Innermost last. Holding them keeps a manager working that nobody assigned to a name.
_stack: list[Borrowing] = []
# One thread at a time saves, seeds and gives back. Not held while waiting for an import, which may
# want it.
_lock = RLock()


class Borrowing:
    """Saves the state of the global generators, then seeds them, until `release`.

    Parameters
    ----------
    streams : Streams
        Where the seed comes from, at every seeding anew: after a fork it is another one.
    owner : RandomStateManager or None
        Who is the current manager meanwhile; None for a temporary seed.
    verbose : bool
        Whether to print what is seeded.
    determinism : Determinism, optional
        Released with it.

    Attributes
    ----------
    found : list of (Library, module, state)
        What is borrowed, each with the state to be given back.
    """

    def __init__(
        self,
        streams: Streams,
        owner: RandomStateManager | None,
        *,
        verbose: bool,
        determinism: Determinism | None = None,
    ) -> None:
        self.streams = streams
        self.owner = owner
        self.found: list[tuple[Library, ModuleType, Any]] = []
        self._verbose = verbose
        self._determinism = determinism
        self._states: dict[str, Any] = {}  # to go on from, of libraries yet to be imported
        self._pending: list[Pending] = []
        later = []
        with _lock:  # in one, or of two threads each might give back what the other has seeded
            _stack.append(self)
            _watch_forks()
            for name in MODULES:
                module = sys.modules.get(name)
                spec = getattr(module, "__spec__", None)
                if module is None or getattr(spec, "_initializing", False):
                    later.append(name)  # where another thread is at it, on_import waits
                else:
                    self._borrow(name, module)
        for name in later:
            self._pending.append(self._when_imported(name))
        if not self.active:  # another thread has released one that was made before this one
            self._wait_no_more()

    def _when_imported(self, name: str) -> Pending:
        return on_import(name, lambda module: self._borrow(name, module))

    def _borrow(self, name: str, module: ModuleType) -> None:
        # Called from inside the user's import statements, which trouble of ours must not break:
        # a `random.py` beside the script is no reason to fail, and is said.
        _watch_forks()
        with _lock:
            if not self.active:
                return
            try:
                from scitex_session_repro._globals.libraries import LIBRARIES

                library = LIBRARIES[name]
                self.found.append((library, module, library.save(module)))
                self._start(library, module)
            except Exception as error:  # noqa: BLE001
                warn(f"could not seed {name}: {error}")

    def _start(self, library: Library, module: ModuleType) -> None:
        """Seed it, or let it go on from the state that has waited for its library."""
        state = self._states.pop(library.module, None)
        if state is not None:
            from scitex_session_repro._globals.plain import native

            if missing := library.restore(module, native(state)):
                places = ", ".join(missing)
                warn(f"{library.module}: no device for the saved state of {places}")
            return
        library.seed(module, self.streams.global_seed())
        if self._verbose:
            place = self.streams if self.streams.scope else self.streams.seed
            print(f"scitex-session-repro: seeded {library.module} with {place}")

    def seed_module(self, module: object) -> None:
        """Seed the global generator of a given module, from the start.

        numpy before its first use of `numpy.random` is left to the import of that.

        Raises
        ------
        InvalidValueError
            If no global generator of that module is known.
        """
        name = getattr(module, "__name__", None)
        for holder in MODULES:
            if name in (holder, library_of(holder)):
                found = module if name == holder else sys.modules.get(holder)
                if found is not None:
                    self._borrow(holder, found)  # type: ignore[arg-type]
                return
        from scitex_session_repro._errors import InvalidValueError

        known, shown = ", ".join(map(library_of, MODULES)), f"{module!r:.80}"
        message = f"cannot seed {shown}: the known modules are {known}"
        raise InvalidValueError(message, argument="module", value=shown)

    @property
    def active(self) -> bool:
        """Whether it has not been released."""
        return self in _stack

    def release(self) -> None:
        """Wait for no more imports, and put every state back as it was found.

        What was borrowed after it is released first. Released twice is released once.
        """
        with _lock:
            released = None
            while self in _stack and released is not self:
                released = _stack.pop()
                released._give_back()

    def _wait_no_more(self) -> None:
        while self._pending:  # emptied: each holds this borrowing, and so its owner
            self._pending.pop().cancel()

    def _give_back(self) -> None:
        self._wait_no_more()
        while self.found:  # last first: one that was seeded twice was saved twice
            library, module, state = self.found.pop()
            try:
                library.restore(module, state)
            except Exception as error:  # noqa: BLE001 - the others are still to be put back
                warn(f"could not put back the state of {library.module}: {error}")
        if self._determinism is not None:
            self._determinism.release()

    def states(self) -> dict[str, Any]:
        """Return the state of each global generator, as plain values.

        None stands for a library that is not imported yet, and will start from the seed.
        """
        from scitex_session_repro._globals.plain import plain

        states: dict[str, Any] = {name: self._states.get(name) for name in MODULES}
        for name, (library, module) in self._borrowed().items():
            states[name] = plain(library.save(module))
        return states

    def set_states(self, states: dict[str, Any]) -> None:
        """Let each global generator go on from its state: now, or once it is imported."""
        self._states = dict(states)
        for name, (library, module) in self._borrowed().items():
            if name in states:
                self._start(library, module)

    def _borrowed(self) -> dict[str, tuple[Library, ModuleType]]:
        return {library.module: (library, module) for library, module, _ in self.found}

    def reseed(self, *, save: bool) -> None:
        """Seed again what is borrowed; with `save`, keep the state it has now, to be given back."""
        for number, (library, module, state) in enumerate(self.found):
            try:
                found = library.save(module) if save else state
                self.found[number] = (library, module, found)
                library.seed(module, self.streams.global_seed())
            except Exception as error:  # noqa: BLE001 - a hook after a fork must not raise
                warn(f"could not seed {library.module} after a fork: {error}")


class Globals:
    """What one manager has borrowed: when it was made, and for each ``with`` block.

    It does not hold its manager, which would then live until Python's collector comes by.

    Parameters
    ----------
    streams : Streams
        Those of the manager.
    verbose, deterministic : bool
        The options of the manager.
    """

    def __init__(self, streams: Streams, *, verbose: bool, deterministic: bool) -> None:
        self.verbose = verbose
        self.deterministic = deterministic
        self._streams = streams
        self._borrowings: list[Borrowing] = []  # innermost last
        # Of a manager that was made from a seed: its release is final, and its first ``with`` block
        # takes over what it has borrowed. A child or a copy borrows in each block.
        self._final = False
        self._first = False

    def begin(self, owner: RandomStateManager) -> None:
        """Borrow until `release`, for a manager that is made from a seed."""
        self._final = self._first = True
        self._borrow(owner)

    def enter(self, owner: RandomStateManager) -> None:
        """Borrow for a ``with`` block.

        Raises
        ------
        ManagerReleasedError
            If the manager was made from a seed, and has been released.
        """
        if self._final and self.active() is None:
            raise self._released()
        if self._first:
            self._first = False
        else:
            self._borrow(owner)

    def leave(self) -> None:
        """Give back what the innermost ``with`` block has borrowed."""
        if self._borrowings:  # none, if it was released in the block
            self._borrowings.pop().release()

    def release(self) -> None:
        """Give back everything."""
        while self._borrowings:
            self._borrowings.pop(0).release()

    def take_over(self, owner: RandomStateManager) -> None:
        """Borrow, unless this manager was the last to do so."""
        if not _stack or _stack[-1].owner is not owner:
            self._borrow(owner)

    def active(self) -> Borrowing | None:
        """Return the innermost borrowing that has not been released."""
        return next((b for b in reversed(self._borrowings) if b.active), None)

    def required(self) -> Borrowing:
        """Return the innermost borrowing.

        Raises
        ------
        ManagerReleasedError
            If there is none.
        """
        borrowing = self.active()
        if borrowing is None:
            raise self._released()
        return borrowing

    def _borrow(self, owner: RandomStateManager) -> None:
        determinism = None
        if self.deterministic:
            from scitex_session_repro._globals.torch import Determinism

            determinism = Determinism(verbose=self.verbose)
        borrowing = Borrowing(self._streams, owner, verbose=self.verbose, determinism=determinism)
        self._borrowings.append(borrowing)

    def _released(self) -> Exception:
        from scitex_session_repro._errors import ManagerReleasedError

        if self._final:
            return ManagerReleasedError(
                f"{self._streams} has been released and seeds no global generator any more: make a "
                "new one (its named generators go on working)"
            )
        return ManagerReleasedError(
            f"{self._streams} seeds global generators in a `with` block only: enter it first"
        )


class TemporarySeed:
    """Seeds the global generators in a ``with`` block, which may be entered more than once."""

    def __init__(self, seed: int, *, verbose: bool) -> None:
        self._seed = seed
        self._verbose = verbose
        self._borrowings: list[Borrowing] = []

    def __enter__(self) -> None:
        borrowing = Borrowing(Streams(self._seed), None, verbose=self._verbose)
        self._borrowings.append(borrowing)

    def __exit__(self, *_: object) -> None:
        self._borrowings.pop().release()


def borrowings() -> list[Borrowing]:
    """Return the borrowings that are not released, innermost last."""
    return list(_stack)


def innermost() -> RandomStateManager | None:
    """Return the current manager, if there is one."""
    owners = (borrowing.owner for borrowing in reversed(_stack))
    return next((owner for owner in owners if owner is not None), None)


def reseed_all() -> None:
    """Seed the global generators again, from outermost to innermost, as if borrowed only now.

    So, in a forked child, what an inner borrowing gives back is not the parent's either.
    """
    for number, borrowing in enumerate(_stack):
        borrowing.reseed(save=number > 0)


def warn(message: str) -> None:
    """Warn of trouble that must not stop the caller."""
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=2)


def library_of(module: str) -> str:
    """Return the name under which people import the library of a module."""
    return module.partition(".")[0]


# Hooks of a forked child run in the order in which they were registered. Ours must come after that
# of `random`, which seeds it from the operating system. So where `random` is imported after our
# first borrowing, ours is registered a second time, and the first one does nothing.

_turns: list[int] = []


def _watch_forks() -> None:
    if not hasattr(os, "register_at_fork"):  # Windows has no fork
        return
    turn = 2 if "random" in sys.modules else 1
    if turn in _turns or 2 in _turns:
        return
    _turns.append(turn)
    os.register_at_fork(after_in_child=lambda: _reseed_child(turn))


def _reseed_child(turn: int) -> None:
    global _lock
    if turn != _turns[-1]:
        return
    _lock = RLock()  # another thread of the parent may have held it, or the other one
    _import_hook.forget_threads()
    reseed_all()
