"""Named streams whose whole state can be kept and taken up again."""

from __future__ import annotations

from .named import NamedStreams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from .borrowing import Borrowing
    from .scope import Scope
    from .tree import Node


class ResumableStreams(NamedStreams):
    """Named streams, and the global generators while they are borrowed, with all their state."""

    _verbose = False
    _deterministic = False

    def _begin(self, seed: int, scope: Scope = (), parent: Node | None = None) -> None:
        self._borrowings: list[Borrowing] = []  # one for each ``with`` block, innermost last
        super()._begin(seed, scope, parent)

    def state_dict(self) -> dict[str, Any]:
        """Give the whole state, of what JSON can say, so that it goes into any checkpoint.

        Returns
        -------
        dict
            The seed; every named generator, numpy's and torch's, here and in children; and, while
            this manager seeds them, the global generators: `random`, `numpy.random`, torch with
            every device that has started, TensorFlow.
        """
        from .state import get_state

        return get_state(self, self._active_borrowing())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state: every stream continues bit for bit, all of them or none.

        The seed is taken over too. References to generators stay good. A generator that the state
        does not know is put at its start, as it was then; one whose library is not imported yet
        waits for that. A GPU with a state is started for it. A part that can't be restored here,
        such as that of a missing GPU, is warned about.

        Parameters
        ----------
        state : dict
            As `state_dict` gives it.

        Raises
        ------
        StateError
            If it is none, or that of another child.
        """
        from .state import set_state

        set_state(self, self._active_borrowing(), state)

    def checkpoint(self, path: str | PathLike[str] = "checkpoint.json") -> Path:
        """Write the whole state to a file: JSON, no pickle, whole or not at all.

        Parameters
        ----------
        path : path
            Of the file; one that is there is replaced.

        Returns
        -------
        pathlib.Path
            The path, for `restore`.

        Raises
        ------
        OSError
            If the directory is missing, full or read-only.
        """
        from pathlib import Path

        from .checkpoint import write

        write(Path(path), self.state_dict())
        return Path(path)

    def restore(self, path: str | PathLike[str]) -> None:
        """Go on from a checkpoint, also in another process, with libraries imported otherwise.

        Parameters
        ----------
        path : path
            A file that `checkpoint` wrote.

        Raises
        ------
        OSError
            If the file can't be read.
        CheckpointError
            If it is no checkpoint, or a damaged one; nothing is changed then.
        """
        from pathlib import Path

        from scitex_session_repro._errors import CheckpointError, StateError

        from .checkpoint import read

        state = read(Path(path))
        try:
            self.load_state_dict(state)
        except StateError as error:
            raise CheckpointError(str(path), error.problem) from error

    def _active_borrowing(self) -> Borrowing | None:
        return next((b for b in reversed(self._borrowings) if b.active), None)

    def __getstate__(self) -> dict[str, Any]:
        # Generators and children themselves: pickled along with them, they stay the same objects.
        return {
            "state": {**self.state_dict(), "globals": None},
            "generators": dict(self._generators),
            "below": self._below(),
            "options": (self._verbose, self._deterministic),
        }

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        from .state import set_state

        self._begin(pickled["state"]["seed"])
        self._adopt(pickled["below"])
        self._generators.update(pickled["generators"])
        self._verbose, self._deterministic = pickled["options"]
        set_state(self, None, pickled["state"])
