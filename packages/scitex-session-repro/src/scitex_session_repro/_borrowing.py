"""The global generators, seeded now or when their library is imported, until given back."""

from __future__ import annotations

import sys

from ._errors import UnknownGeneratorError
from ._globals import GLOBAL_GENERATORS
from ._import_hook import on_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ._globals import GlobalGenerator
    from ._import_hook import Pending


class Borrowing:
    """Borrows the global generators: saves the state that is found, then seeds.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    verbose : bool
        Whether to print what is seeded.
    """

    def __init__(self, seed: int, *, verbose: bool) -> None:
        self._seed = seed
        self._verbose = verbose
        self._found: list[tuple[GlobalGenerator, ModuleType, Any]] = []
        self._pending = [self._when_imported(generator) for generator in GLOBAL_GENERATORS]

    def _when_imported(self, generator: GlobalGenerator) -> Pending:
        return on_import(generator.module, lambda module: self._borrow(generator, module))

    def _borrow(self, generator: GlobalGenerator, module: ModuleType) -> None:
        # Called from inside the user's import statements, which trouble of ours must not break:
        # a `random.py` beside the script is no reason to fail, and is said.
        try:
            self._found.append((generator, module, generator.save(module)))
            generator.seed(module, self._seed)
        except Exception as error:  # noqa: BLE001
            _warn(f"could not seed {generator.module}: {error}")
        else:
            if self._verbose:
                print(f"scitex-session-repro: seeded {generator.module} with {self._seed}")

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

    def release(self) -> None:
        """Wait for no more imports, and put every state back as it was found."""
        for pending in self._pending:
            pending.cancel()
        while self._found:  # last first: one that was seeded twice was saved twice
            generator, module, state = self._found.pop()
            try:
                generator.restore(module, state)
            except Exception as error:  # noqa: BLE001 - the others are still to be put back
                _warn(f"could not put back the state of {generator.module}: {error}")


def _warn(message: str) -> None:
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=2)
