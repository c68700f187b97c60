"""Seed global generators, now or when their library is imported, and restore them on release.

Borrowings form a stack, innermost last. Releasing one first releases those above it, so that each
restores the states that it saved.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

from scitex_session_repro._import_hook import forget_threads, on_import

from .streams import SEED_BITS, Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Literal

    from scitex_session_repro._globals.torch import Determinism
    from scitex_session_repro._import_hook import Pending

    from .manager import RandomStateManager

# Innermost last. These references keep a manager alive that has no name.
_stack: list[Borrowing] = []
# One thread at a time saves, seeds and restores. Not held while waiting for an import, which may
# need it.
_lock = RLock()


class Borrowing:
    """Save the states of the global generators and seed them; restore the states on `release`.

    Parameters
    ----------
    streams : Streams
        The source of the seed, read at every seeding, since a fork changes it.
    owner : RandomStateManager or None
        The current manager until then; None for a temporary seed.
    verbose : bool
        Whether to print what is seeded.
    determinism : Determinism, optional
        Released with it.

    Attributes
    ----------
    saved : list of (Library, module, state)
        What is borrowed, each with the state to restore.
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
        self.saved: list[tuple[Library, ModuleType, Any]] = []
        self._verbose = verbose
        self._determinism = determinism
        self._states: dict[str, Any] = {}  # loaded states of libraries yet to be imported
        self._pending: list[Pending] = []
        later = []
        _watch_forks()  # first: a thread may fork while this one holds the lock
        with _lock:  # for all: otherwise one thread might save what another has just seeded
            _stack.append(self)
            for name in LIBRARIES:
                module = sys.modules.get(name)
                spec = getattr(module, "__spec__", None)
                if module is None or getattr(spec, "_initializing", False):
                    later.append(name)  # if another thread is importing it, on_import waits
                else:
                    self._borrow(name, module)
        for name in later:
            self._pending.append(self._when_imported(name))
        if not self.active:  # another thread has released one that was made before this one
            self._cancel_imports()

    def _when_imported(self, name: str) -> Pending:
        return on_import(name, lambda module: self._borrow(name, module))

    def _borrow(self, name: str, module: ModuleType) -> None:
        # Called inside the user's import statement, which an error of ours must not break: a user's
        # own `random.py` beside the script only causes a warning.
        _watch_forks()
        with _lock:
            if not self.active:
                return
            try:
                library = LIBRARIES[name]
                self.saved.append((library, module, library.save(module)))
                self._start(library, module)
                self._watch(name)
            except Exception as error:  # noqa: BLE001
                warn(f"could not seed {name}: {error}")

    def _watch(self, name: str) -> None:
        """Watch what else a library does with random numbers."""
        if name == "torch" and "torch.utils.data" in sys.modules:
            from .loaders import watch_workers

            watch_workers()
        elif name == "numpy.random" and self.owner is not None:
            from scitex_session_repro._globals.unseeded import watch

            watch()

    def _start(self, library: Library, module: ModuleType) -> None:
        """Seed a library, or restore a state that was loaded before its import."""
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
        """Seed the global generator of a module again, from the start.

        If numpy has not imported `numpy.random` yet, it is seeded at that import.

        Raises
        ------
        InvalidValueError
            If no global generator of that module is known.
        """
        name = getattr(module, "__name__", None)
        for holder in LIBRARIES:
            if name in (holder, library_of(holder)):
                imported = module if name == holder else sys.modules.get(holder)
                if imported is not None:
                    self._borrow(holder, imported)  # type: ignore[arg-type]
                return
        from scitex_session_repro._errors import InvalidValueError

        known, shown = ", ".join(map(library_of, LIBRARIES)), f"{module!r:.80}"
        message = f"cannot seed {shown}: the known modules are {known}"
        raise InvalidValueError(message, argument="module", value=shown)

    @property
    def active(self) -> bool:
        """Whether it has not been released."""
        return self in _stack

    def release(self) -> None:
        """Stop waiting for imports, and restore every state.

        Later borrowings are released first. A second release does nothing.
        """
        with _lock:
            released = None
            while self in _stack and released is not self:
                released = _stack.pop()
                released._restore()
            if not _stack and "numpy.random" in sys.modules:
                from scitex_session_repro._globals.unseeded import stop

                stop()

    def _cancel_imports(self) -> None:
        while self._pending:  # emptied, since each holds this borrowing, and so its owner
            self._pending.pop().cancel()

    def _restore(self) -> None:
        self._cancel_imports()
        while self.saved:  # last first: one that was seeded twice was saved twice
            library, module, state = self.saved.pop()
            try:
                library.restore(module, state)
            except Exception as error:  # noqa: BLE001 - the others still need it
                warn(f"could not put back the state of {library.module}: {error}")
        if self._determinism is not None:
            self._determinism.release()

    def states(self) -> dict[str, Any]:
        """Return the state of each global generator, as plain values.

        None stands for a library that is not imported yet, and will start from the seed.
        """
        from scitex_session_repro._globals.plain import plain

        states: dict[str, Any] = {name: self._states.get(name) for name in LIBRARIES}
        for name, (library, module) in self._borrowed().items():
            states[name] = plain(library.save(module))
        return states

    def set_states(self, states: dict[str, Any]) -> None:
        """Restore the state of each global generator, now or at its import."""
        self._states = dict(states)
        for name, (library, module) in self._borrowed().items():
            if name in states:
                self._start(library, module)

    def _borrowed(self) -> dict[str, tuple[Library, ModuleType]]:
        return {library.module: (library, module) for library, module, _ in self.saved}

    def reseed(self, *, save: bool) -> None:
        """Seed again what is borrowed; with `save`, save its current state first."""
        for number, (library, module, state) in enumerate(self.saved):
            try:
                saved = library.save(module) if save else state
                self.saved[number] = (library, module, saved)
                library.seed(module, self.streams.global_seed())
            except Exception as error:  # noqa: BLE001 - a hook after a fork must not raise
                warn(f"could not seed {library.module} after a fork: {error}")


class Globals:
    """The borrowings of one manager: from its creation, and from each ``with`` block.

    It has no reference to its manager: such a cycle would live until Python's collector runs.

    Parameters
    ----------
    streams : Streams
        Those of the manager.
    verbose : bool
        The option of the manager.
    deterministic : bool or "warn"
        The option of the manager.
    """

    def __init__(
        self, streams: Streams, *, verbose: bool, deterministic: bool | Literal["warn"]
    ) -> None:
        self.verbose = verbose
        self.deterministic = deterministic
        self._streams = streams
        self._borrowings: list[Borrowing] = []  # innermost last
        # For a manager that was made from a seed: its release is final, and its first ``with``
        # block uses the borrowing that it has. A child or a copy borrows in each block.
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
        """Release the borrowing of the innermost ``with`` block."""
        if self._borrowings:  # none, if it was released in the block
            self._borrowings.pop().release()

    def release(self) -> None:
        """Release everything."""
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

            warn_only = self.deterministic == "warn"
            determinism = Determinism(verbose=self.verbose, warn_only=warn_only)
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
    """Seed the global generators in a ``with`` block, which may be entered more than once."""

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
    """Seed the global generators again, from outermost to innermost, as if borrowed just now.

    So, in a forked child, an inner borrowing does not restore a state of the parent.
    """
    for number, borrowing in enumerate(_stack):
        borrowing.reseed(save=number > 0)


def warn(message: str) -> None:
    """Warn of a problem that must not stop the caller."""
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=2)


def library_of(module: str) -> str:
    """Return the name under which people import the library of a module."""
    return module.partition(".")[0]


# Hooks of a forked child run in the order in which they were registered. Ours must come after that
# of `random`, which seeds it from the operating system. So if `random` is imported after our first
# borrowing, ours is registered a second time, and the first one does nothing.

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
    forget_threads()
    reseed_all()


# Libraries
#
# Every function gets the imported module, so nothing here imports a library. To seed another
# library, add a row to the table.
#
# A seed that a library can take is passed unchanged, so that ``seed=42`` gives the numbers of the
# ``random.seed(42)`` or ``torch.manual_seed(42)`` that it replaces. A larger one is hashed with all
# its bits. To cut it off (``seed % 2**64``) would make seeds equal that differ only above the cut.

MERSENNE_WORDS = 624


class Library:
    """A library with a global generator.

    Parameters
    ----------
    module : str
        The module that holds it, as in `sys.modules`.
    save : callable
        ``save(module)`` returns its state.
    seed : callable
        ``seed(module, seed)`` seeds it from an int of 128 bits or more.
    restore : callable
        ``restore(module, state)`` restores what `save` returned. It may return a list of the
        devices whose state it could not restore, since this machine lacks them.
    """

    __slots__ = ("module", "restore", "save", "seed")

    def __init__(
        self,
        module: str,
        save: Callable[[ModuleType], Any],
        seed: Callable[[ModuleType, int], object],
        restore: Callable[[ModuleType, Any], Any],
    ) -> None:
        self.module = module
        self.save = save
        self.seed = seed
        self.restore = restore


def for_numpy_legacy(seed: int) -> int | list[int]:
    """Return what `numpy.random.seed` takes: a seed below 2**32, else its 32-bit words and a 0.

    `random` too is a Mersenne twister that starts from the words of a long seed, without zeros at
    their end. Given the same words, numpy would draw the numbers of `random`.

    Parameters
    ----------
    seed : int
        A seed, or a longer integer below a scope.

    Returns
    -------
    int or list of int
        Four words or more, the lowest first, and a 0.
    """
    if seed < 2**32:
        return seed
    length = max(SEED_BITS, seed.bit_length())
    return [seed >> shift & 0xFFFF_FFFF for shift in range(0, length + 32, 32)]


def for_64_bits(seed: int) -> int:
    """Return a seed below 2**64, else 64 bits of a SHA-256 of its little-endian bytes."""
    if seed < 2**64:
        return seed
    from hashlib import sha256

    length = max(SEED_BITS, seed.bit_length())
    digest = sha256(seed.to_bytes((length + 7) // 8, "little")).digest()
    return int.from_bytes(digest[:8], "little")


def _restore_numpy(numpy_random: ModuleType, state: Any) -> None:
    # numpy accepts any position of a Mersenne twister, and would read beyond its memory.
    position = state["state"].get("pos", 0)
    if not 0 <= position <= MERSENNE_WORDS:
        raise ValueError(f"position {position} of a Mersenne twister of {MERSENNE_WORDS} words")
    numpy_random.set_state(state)


def _save_torch(torch: ModuleType) -> Any:
    from scitex_session_repro._globals.torch import save

    return save(torch)


def _restore_torch(torch: ModuleType, state: Any) -> list[str]:
    from scitex_session_repro._globals.torch import restore

    return restore(torch, state)


def _save_tensorflow(_: ModuleType) -> Any:
    context = _tensorflow_context()
    # Without a seed, TensorFlow does not use this generator, which may not exist.
    return context._seed, None if context._seed is None else context._rng.getstate()


def _restore_tensorflow(tensorflow: ModuleType, state: Any) -> None:
    seed, drawn = state
    tensorflow.random.set_seed(seed)
    if seed is not None:
        _tensorflow_context()._rng.setstate(drawn)


def _tensorflow_context() -> Any:
    # TensorFlow has set_seed, but no function that returns the seed. Its eager context has it.
    from tensorflow.python.eager import context

    return context.context()


# numpy.random, not numpy: numpy 2 imports numpy.random at its first use.
_TABLE = (
    Library(
        "random",
        save=lambda random: random.getstate(),
        seed=lambda random, seed: random.seed(seed),
        restore=lambda random, state: random.setstate(state),
    ),
    Library(
        "numpy.random",
        save=lambda numpy_random: numpy_random.get_state(legacy=False),
        seed=lambda numpy_random, seed: numpy_random.seed(for_numpy_legacy(seed)),
        restore=_restore_numpy,
    ),
    Library(
        "torch",
        save=_save_torch,
        seed=lambda torch, seed: torch.manual_seed(for_64_bits(seed)),
        restore=_restore_torch,
    ),
    Library(
        "tensorflow",
        save=_save_tensorflow,
        seed=lambda tensorflow, seed: tensorflow.random.set_seed(for_64_bits(seed)),
        restore=_restore_tensorflow,
    ),
)
LIBRARIES = {library.module: library for library in _TABLE}
