"""The global generators, seeded now or when their library is imported, until given back."""

from __future__ import annotations

import sys
from _thread import RLock

from scitex_session_repro._errors import UnknownGeneratorError
from scitex_session_repro._globals.libraries import GLOBAL_GENERATORS
from scitex_session_repro._import_hook import on_import

from . import fork as _fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from scitex_session_repro._globals.determinism import Determinism
    from scitex_session_repro._globals.libraries import GlobalGenerator
    from scitex_session_repro._import_hook import Pending

    from .tree import Node

# Innermost last. Holding them keeps a manager working that nobody assigned to a name.
_stack: list[Borrowing] = []
# One thread at a time saves, seeds and gives back. Not held while waiting for an import, which may
# want it.
_lock = RLock()


class Borrowing:
    """Borrows the global generators: saves the state that is found, then seeds.

    Parameters
    ----------
    source : Node
        What the seed is taken from, at every seeding anew: it is another one after a fork.
    current : bool
        Whether `source` is the current manager meanwhile.
    verbose : bool
        Whether to print what is seeded.
    determinism : Determinism, optional
        What is released with it.
    """

    def __init__(
        self,
        source: Node,
        *,
        current: bool,
        verbose: bool,
        determinism: Determinism | None = None,
    ) -> None:
        self.source = source
        self.current = current
        self._determinism = determinism
        self._verbose = verbose
        self._found: list[tuple[GlobalGenerator, ModuleType, Any]] = []
        self._states: dict[str, Any] = {}  # to go on from, of libraries yet to be imported
        self._pending: list[Pending] = []
        later = []
        with _lock:  # in one, or of two threads each might give back what the other has seeded
            _stack.append(self)
            for generator in GLOBAL_GENERATORS:
                module = sys.modules.get(generator.module)
                spec = getattr(module, "__spec__", None)
                if module is None or getattr(spec, "_initializing", False):
                    later.append(generator)  # where another thread is at it, on_import waits
                else:
                    self._borrow(generator, module)
        for generator in later:
            self._pending.append(self._when_imported(generator))
        if not self.active:  # another thread has released one that was made before this one
            self._wait_no_more()

    def _when_imported(self, generator: GlobalGenerator) -> Pending:
        return on_import(generator.module, lambda module: self._borrow(generator, module))

    def _borrow(self, generator: GlobalGenerator, module: ModuleType) -> None:
        # Called from inside the user's import statements, which trouble of ours must not break:
        # a `random.py` beside the script is no reason to fail, and is said.
        _fork.register()
        with _lock:
            if not self.active:
                return
            try:
                self._found.append((generator, module, generator.save(module)))
                self._start(generator, module)
            except Exception as error:  # noqa: BLE001
                warn(f"could not seed {generator.module}: {error}")

    def _start(self, generator: GlobalGenerator, module: ModuleType) -> None:
        """Seed it, or let it go on from the state that has waited for its library."""
        state = self._states.pop(generator.module, None)
        if state is not None:
            put_back(generator, module, state)
            return
        generator.seed(module, self.source._global_seed())
        if self._verbose:
            place = self.source if self.source._scope else self.source.seed
            print(f"scitex-session-repro: seeded {generator.module} with {place}")

    def seed_module(self, module: object) -> None:
        """Seed the global generator of a given module, from the start.

        numpy before its first use of `numpy.random` is left to the import of that.

        Raises
        ------
        UnknownGeneratorError
            If it is no module that is known to hold one.
        """
        name = getattr(module, "__name__", None)
        for generator in GLOBAL_GENERATORS:
            if name in (generator.module, generator.library):
                holder = module if name == generator.module else sys.modules.get(generator.module)
                if holder is not None:
                    self._borrow(generator, holder)  # type: ignore[arg-type]
                return
        known = tuple(generator.library for generator in GLOBAL_GENERATORS)
        raise UnknownGeneratorError(f"{module!r:.80}", known)

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
        for pending in self._pending:
            pending.cancel()

    def _give_back(self) -> None:
        self._wait_no_more()
        while self._found:  # last first: one that was seeded twice was saved twice
            generator, module, state = self._found.pop()
            try:
                generator.restore(module, state)
            except Exception as error:  # noqa: BLE001 - the others are still to be put back
                warn(f"could not put back the state of {generator.module}: {error}")
        if self._determinism is not None:
            self._determinism.release()

    def states(self) -> dict[str, Any]:
        """Give the state of each global generator, as plain values.

        None stands for a library that is not imported yet, and will start from the seed.
        """
        from scitex_session_repro._globals.plain import plain

        borrowed = {generator.module: module for generator, module, _ in self._found}
        return {
            generator.module: plain(generator.save(borrowed[generator.module]))
            if generator.module in borrowed
            else self._states.get(generator.module)
            for generator in GLOBAL_GENERATORS
        }

    def set_states(self, states: dict[str, Any]) -> None:
        """Let each global generator go on from its state: now, or once it is imported."""
        borrowed = {generator.module: module for generator, module, _ in self._found}
        self._states = dict(states)
        for generator in GLOBAL_GENERATORS:
            if generator.module in borrowed and generator.module in states:
                self._start(generator, borrowed[generator.module])

    def reseed(self, *, save: bool) -> None:
        """Seed again what is borrowed; `save` what it is seeded over, to be given back."""
        for number, (generator, module, state) in enumerate(self._found):
            try:
                found = generator.save(module) if save else state
                self._found[number] = (generator, module, found)
                generator.seed(module, self.source._global_seed())
            except Exception as error:  # noqa: BLE001 - a hook after a fork must not raise
                warn(f"could not seed {generator.module} after a fork: {error}")


def put_back(generator: GlobalGenerator, module: ModuleType, state: Any) -> None:
    """Put a state of plain values back, and say what could not be for want of its device."""
    from scitex_session_repro._globals.plain import native

    missing = generator.restore(module, native(state))
    if missing:
        warn(f"{generator.module}: no device for the saved state of {', '.join(missing)}")  # type: ignore[arg-type]


def reseed_all() -> None:
    """Seed the global generators again, from outermost to innermost, as if borrowed only now.

    So that, in a forked child, what an inner one gives back is not its parent's either.
    """
    for number, borrowing in enumerate(_stack):
        borrowing.reseed(save=number > 0)


def seeding() -> Node | None:
    """Give what has seeded the global generators last, and not been released."""
    return _stack[-1].source if _stack else None


def innermost() -> Node | None:
    """Give the current manager, if there is one."""
    return next((borrowing.source for borrowing in reversed(_stack) if borrowing.current), None)


def warn(message: str) -> None:
    """Warn of trouble that must not stop the caller."""
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=2)
