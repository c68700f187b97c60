"""Independent generators by name."""

from __future__ import annotations

from . import fork as _fork
from .scope import normalise
from .tree import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import jax
    import torch
    from numpy.random import Generator

    from .scope import Scope


class NamedStreams(Node):
    """Everything that is drawn from a seed, a scope and names; touches nothing global.

    Parameters
    ----------
    seed, scope, parent
        As for `Node`.
    """

    def _begin(self, seed: int, scope: Scope = (), parent: Node | None = None) -> None:
        self._generators: dict[str, Generator] = {}
        self._torch_generators: dict[tuple[str, str], torch.Generator] = {}
        self._torch_states: dict[tuple[str, str], Any] = {}  # for generators yet to be made
        super()._begin(seed, scope, parent)

    def __call__(self, name: str) -> Generator:
        """Give the generator of a name: the same object at every call.

        Parameters
        ----------
        name : str
            Any string. Names that are the same text to Unicode (NFC) are the same name.

        Returns
        -------
        numpy.random.Generator

        Raises
        ------
        NameTypeError
            If the name is not a string.
        """
        try:
            return self._generators[name]
        except (KeyError, TypeError):  # a name that can't be hashed is refused below
            pass
        from .derive import numpy_generator

        _fork.register()  # numpy has imported `random`
        stream = normalise(name)
        # setdefault: two threads that ask at once get the same one.
        generator = self._generators.setdefault(
            stream, numpy_generator(self._seed, stream, self._scope)
        )
        self._generators[name] = generator
        return generator

    get_np_generator = __call__
    get_generator = __call__

    def get_sklearn_random_state(self, name: str) -> int:
        """Give the integer of a name, for the ``random_state`` of scikit-learn.

        Parameters
        ----------
        name : str
            As for a generator, with which it shares no random bits.

        Returns
        -------
        int
            From 0 to 2**32 - 1, the same at every call. Among n names, two have the same integer
            with a probability of about n**2 / 2**33.

        Raises
        ------
        NameTypeError
            If the name is not a string.
        """
        from .derive import sklearn_seed

        return sklearn_seed(self._seed, name, self._scope)

    def get_jax_key(self, name: str) -> jax.Array:
        """Give the JAX key of a name.

        Parameters
        ----------
        name : str
            As for a numpy generator, with which it shares no random bits.

        Returns
        -------
        jax.Array
            A typed key of 64 bits (threefry), the same at every call: JAX has no state, so that
            whoever uses it twice splits it. Among n names, two have the same key with a
            probability of about n**2 / 2**65.

        Raises
        ------
        NameTypeError
            If the name is not a string.
        MissingLibraryError
            If JAX is not installed.
        """
        from .derive import jax_key

        return jax_key(self._seed, name, self._scope)

    def get_torch_generator(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """Give the torch generator of a name on a device: the same object at every call.

        Parameters
        ----------
        name : str
            As for a numpy generator, with which it shares no random bits.
        device : str or torch.device, default "cpu"
            Where it generates. Devices of another kind give other numbers from the same seed;
            two devices of one kind give the same, so that each wants a name of its own.

        Returns
        -------
        torch.Generator
            Seeded with 64 bits, of which torch's CPU generator uses 32: among n names, two give
            the same CPU stream with a probability of about n**2 / 2**33.

        Raises
        ------
        NameTypeError
            If the name is not a string.
        MissingLibraryError
            If torch is not installed.
        DeviceUnavailableError
            If torch has no generator on that device.
        """
        asked = (normalise(name), str(device))
        if asked in self._torch_generators:
            return self._torch_generators[asked]
        from .derive import torch_generator, torch_seed

        _fork.register()
        made = torch_generator(device, torch_seed(self._seed, asked[0], self._scope))
        # "cuda" is the current one of the devices: one generator, whichever way it is asked for.
        key = (asked[0], str(made.device))
        generator = self._torch_generators.setdefault(key, made)
        if generator is made and (state := self._torch_states.pop(key, None)) is not None:
            from scitex_session_repro._globals.plain import native

            generator.set_state(native(state))
        return generator

    def dataloader_generator(self, name: str = "dataloader") -> torch.Generator:
        """Give the torch generator of a name on the CPU, for ``DataLoader(generator=...)``.

        From it come the order of the samples and, at the start of every epoch, the seed of the
        workers, so that `worker_init_fn` gives each epoch numbers of its own.

        Parameters
        ----------
        name : str, default "dataloader"
            One for each loader: two that share one shift each other's order.

        Returns
        -------
        torch.Generator

        Raises
        ------
        NameTypeError
            If the name is not a string.
        MissingLibraryError
            If torch is not installed.
        """
        return self.get_torch_generator(name, "cpu")

    def _restart(self, *, forked: bool) -> None:
        if forked:  # an accelerator that has started can't be used in a forked child
            on_cpu = [key for key in self._torch_generators if key[1] == "cpu"]
            self._torch_generators = {key: self._torch_generators[key] for key in on_cpu}
        self._torch_states = {}
        if self._generators:
            from .derive import restart

            for name, generator in self._generators.items():
                restart(generator, self._seed, name, self._scope)
        if self._torch_generators:
            from .derive import torch_seed

            for (name, _), torch_generator in self._torch_generators.items():
                torch_generator.manual_seed(torch_seed(self._seed, name, self._scope))
