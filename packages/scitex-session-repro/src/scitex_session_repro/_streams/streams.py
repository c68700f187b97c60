"""Random streams of a manager, its children and its forked or worker processes.

A scope is the path from the seed to a manager: a tuple of steps, each a kind and a text, such as
``(("child", "fold 3"), ("fork", "1"))``. It is empty for a manager that was made from a seed. A
stream depends on seed, scope and name, and on nothing else.

Every run imports this module, so it does without numpy; `derive` is imported for the first named
generator.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock, get_ident
from _weakref import ref
from operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any, Literal

    import torch
    from numpy.random import Generator

    from .pcg64 import PCG64

    Step = tuple[str, str]
    Scope = tuple[Step, ...]

SEED_BITS = 128
STATE_VERSION = 1
# In bytes, every step begins with a byte that UTF-8 never uses. So different scopes have different
# bytes, whatever the names.
MARKS = {
    "child": b"\xfe",
    "spawn": b"\xfd",
    "fork": b"\xfc",
    "worker": b"\xfb",
    "rank": b"\xfa",
    "shared": b"\xf9",
}
_NAME_MARK = b"\xff"
_EPOCH_MARK = b"\xf8"
_OF_PROCESSES = ("rank", "fork", "worker")
_FLAGS = ("bool", "bool_")  # numpy 1 has a bool_, which would pass for an integer


class Streams:
    """The streams of one manager, and of its children.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    scope : tuple
        The steps from the seed to here.
    parent : Streams, optional
        The streams of the manager above. Only roots (no parent) get fork events; they pass them to
        their children.

    Attributes
    ----------
    numpy, torch : dict
        The generators in use, by name, and by name and device.
    torch_states : dict
        Loaded states of torch generators that are not in use yet.
    children, spawned : mapping
        Streams below, by name and by number. Spawned ones live as long as they are referenced.
    common : Streams or None
        Those that all ranks have in common, if they are in use.
    epochs : dict
        By the name of a torch generator, how many epochs of a DataLoader have begun with it.
    """

    def __init__(self, seed: int, scope: Scope = (), parent: Streams | None = None) -> None:
        self.seed = seed
        self.scope = scope
        self._scope_in_parent_process = scope
        self.parent = parent
        self.forks = 0
        self.numpy: dict[str, Generator] = {}
        self.torch: dict[tuple[str, str], torch.Generator] = {}
        self.torch_states: dict[tuple[str, str], Any] = {}
        self.children: dict[str, Streams] = {}
        self.spawned: MutableMapping[int, Streams] = {}
        self.spawned_count = 0
        self.common: Streams | None = None
        self.epochs: dict[str, int] = {}
        if parent is None:
            _watch(self)  # last: from here on, a fork in another thread finds it

    def __str__(self) -> str:
        return describe(self.seed, self.scope)

    def global_seed(self) -> int:
        """Return the integer that seeds global generators.

        In an empty scope it is the seed; otherwise the bytes of the scope, shifted above the 128
        bits of the seed, so that no two scopes share one. It is not a hash, since that would be an
        import, and after a fork nothing may be imported.
        """
        return int.from_bytes(encode_scope(self.scope), "big") << SEED_BITS | self.seed

    def path(self, name: str) -> bytes:
        """Return the bytes from which, with the seed, the stream of a name is derived."""
        return encode_path(self.scope, name)

    # Generators by name

    def numpy_generator(self, name: str) -> Generator:
        """Return the numpy generator of a name: the same object at every call."""
        try:
            return self.numpy[name]
        except (KeyError, TypeError):  # a name that can't be hashed is refused below
            pass
        from .pcg64 import numpy_generator

        stream = normalise(name)
        # setdefault: two threads that call at once get the same generator.
        generator = self.numpy.setdefault(stream, numpy_generator(self.seed, self.scope, stream))
        self.numpy[name] = generator
        return generator

    def fresh_generator(self, name: str) -> Generator:
        """Return the numpy generator of a name, put back to its start."""
        generator = self.numpy_generator(name)
        from .pcg64 import bits_of

        bits_of(generator).start_afresh()
        return generator

    def torch_generator(self, name: str, device: str | torch.device) -> torch.Generator:
        """Return the torch generator of a name on a device: the same object at every call."""
        stream, device_name = normalise(name), str(device)
        if (stream, device_name) in self.torch:
            return self.torch[stream, device_name]
        from .derive import torch_generator, torch_seed

        new = torch_generator(device, torch_seed(self.seed, self.path(name)))
        # "cuda" is the current device, such as "cuda:0": both have the same generator.
        key = (stream, str(new.device))
        generator = self.torch.setdefault(key, new)
        if generator is new and (state := self.torch_states.pop(key, None)) is not None:
            from scitex_session_repro._globals.plain import native

            generator.set_state(native(state))
        return generator

    def names(self) -> list[str]:
        """Return the names of the generators in use, sorted."""
        return sorted({*self.numpy} | {name for name, _ in self.torch})

    def _restart(self, *, forked: bool) -> None:
        """Put every generator back to its start; existing references continue from there."""
        if forked:  # an accelerator that has started can't be used in a forked child
            self.torch = {key: gen for key, gen in self.torch.items() if key[1] == "cpu"}
        self.torch_states = {}
        self.epochs = {}
        if self.numpy:
            from .pcg64 import bits_of

            for name, generator in self.numpy.items():
                bits_of(generator).restart(self.seed, self.scope, normalise(name))
        if self.torch:
            from .derive import torch_seed

            for (name, _), torch_generator in self.torch.items():
                torch_generator.manual_seed(torch_seed(self.seed, self.path(name)))

    # The tree

    def child(self, name: str) -> Streams:
        """Return the streams below a name: the same object at every call."""
        name = normalise(name)
        if name not in self.children:
            below = Streams(self.seed, (*self.scope, ("child", name)), self)
            self.children.setdefault(name, below)
        return self.children[name]

    def spawn(self, n: object) -> list[Streams]:
        """Return n new streams below; numbering continues across calls."""
        count = as_count(n)
        first, self.spawned_count = self.spawned_count, self.spawned_count + count
        return [self._spawn(number) for number in range(first, first + count)]

    def _spawn(self, number: int) -> Streams:
        below = Streams(self.seed, (*self.scope, ("spawn", str(number))), self)
        self._keep_spawned(number, below)
        return below

    def _keep_spawned(self, number: int, below: Streams) -> None:
        from weakref import WeakValueDictionary

        if not isinstance(self.spawned, WeakValueDictionary):
            self.spawned = WeakValueDictionary()  # a spawned one can't be looked up again
        self.spawned[number] = below

    def shared(self) -> Streams:
        """Return the streams that all ranks have in common: the same object at every call."""
        if self.common is None:
            self.common = Streams(self.seed, _scope_below(self.scope, _SHARED), self)
        return self.common

    def below(self) -> list[tuple[Step, Streams]]:
        """Return the streams below that are in use, each with its step."""
        named = [(("child", name), child) for name, child in list(self.children.items())]
        spawned = [(("spawn", str(n)), child) for n, child in list(self.spawned.items())]
        common = [] if self.common is None else [(_SHARED, self.common)]
        return [*named, *spawned, *common]

    def restart_at(self, seed: int, scope: Scope, *, forked: bool = False) -> None:
        """Restart every stream, here and below, under another seed and scope."""
        self.seed, self.scope, self._scope_in_parent_process = seed, scope, scope
        self.forks = 0
        self._restart(forked=forked)
        for step, below in self.below():
            below.restart_at(seed, _scope_below(scope, step), forked=forked)

    # Processes

    def next_fork(self) -> int:
        """Return the number of the next fork."""
        self.forks += 1
        return self.forks

    def enter_fork(self, number: int) -> None:
        """In a forked child, switch to the streams of that fork."""
        self._scope_in_parent_process = self.scope
        self._enter_process(("fork", str(number)), forked=True)

    def enter_worker(self, number: str) -> None:
        """In a worker process, switch to the streams of that worker."""
        self._enter_process(("worker", number))

    def _enter_process(self, step: Step, *, forked: bool = False) -> None:
        """Add the step of this process to the scope, replacing an earlier fork or worker step."""
        parent_scope = self._scope_in_parent_process
        self.restart_at(self.seed, in_process(parent_scope, step), forked=forked)
        self._scope_in_parent_process = parent_scope

    # State

    def state(self) -> dict[str, Any]:
        """Return the state of these streams and of those below, as JSON values."""
        from scitex_session_repro._globals.plain import plain

        states: dict[str, dict[str, Any]] = {"child": {}, "spawn": {}, "shared": {}}
        for (kind, name), below in self.below():
            states[kind][name] = below.state()
        torch: dict[str, dict[str, Any]] = {}
        for (name, device), waiting in self.torch_states.items():
            torch.setdefault(name, {})[device] = waiting
        for (name, device), generator in self.torch.items():
            torch.setdefault(name, {})[device] = plain(generator.get_state())
        numpy: dict[str, Any] = {}
        if self.numpy:
            from .pcg64 import bits_of

            for name, numpy_generator in list(self.numpy.items()):
                if normalise(name) == name:  # other spellings have the same generator
                    numpy[name] = bits_of(numpy_generator).plain_state()
        return {
            "version": STATE_VERSION,
            "seed": self.seed,
            "scope": [[*step] for step in self.scope],
            "forks": self.forks,
            "spawned": self.spawned_count,
            "globals": None,
            "numpy": numpy,
            "torch": torch,
            "epochs": dict(self.epochs),
            "children": states["child"],
            "spawn": states["spawn"],
            "shared": states["shared"],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned, with its seed and its scope.

        A generator that is not in the state restarts.
        """
        from scitex_session_repro._globals.plain import native

        self.restart_at(state["seed"], tuple((kind, text) for kind, text in state["scope"]))
        self.forks = state["forks"]
        self.epochs = dict(state.get("epochs", {}))
        if state["numpy"]:
            from .pcg64 import bits_of

            for name, saved in state["numpy"].items():
                bits_of(self.numpy_generator(name)).load(saved)
        # Don't import torch for generators that are not in use yet: keep their states for later.
        for name, by_device in state["torch"].items():
            for device, saved in by_device.items():
                if (name, device) in self.torch:
                    self.torch[name, device].set_state(native(saved))
                else:
                    self.torch_states[name, device] = saved
        for name, below in state["children"].items():
            self.child(name).load(below)
        for below in state.get("shared", {}).values():
            self.shared().load(below)
        # Spawned ones live as long as they are referenced: those of another process are gone.
        self.spawned_count = state["spawned"]
        for number, spawned in list(self.spawned.items()):
            if str(number) in state["spawn"]:
                spawned.load(state["spawn"][str(number)])

    # Generators and the streams below are pickled as objects: objects pickled together keep sharing
    # one generator.

    def __getstate__(self) -> dict[str, Any]:
        return {
            "state": self.state(),
            "numpy": dict(self.numpy),
            "below": self.below(),
            "epoch": beginning_epochs.get(get_ident()),
        }

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        Streams.__init__(self, pickled["state"]["seed"])
        if pickled.get("epoch") is not None:  # this is a worker that a DataLoader is starting
            beginning_epochs[get_ident()] = pickled["epoch"]
        if "torch.utils.data" in sys.modules:
            from .loaders import watch_workers

            watch_workers()
        for (kind, name), below in pickled["below"]:
            if below.parent is not None:  # copy.copy: they belong to the original
                continue
            below.parent = self
            _unwatch(below)
            if kind == "child":
                self.children[name] = below
            elif kind == "spawn":
                self._keep_spawned(int(name), below)
            else:
                self.common = below
        self.numpy.update(pickled["numpy"])
        for generator in self.numpy.values():  # these streams move them now
            _loose.pop(id(generator.bit_generator), None)
        self.load(pickled["state"])


# After a fork
#
# A forked child has a copy of every generator. It would repeat its parent's numbers, and so would
# each of its siblings. `random` alone has a hook against that, which seeds it from the operating
# system: the children then differ, but no run repeats. Here forks are numbered, and the number is a
# step of the scope: the n-th child of a run always has the same streams. The hooks draw a number in
# the parent, and restart the streams in the child; they import nothing there. After that, a hook of
# `borrowing` seeds the global generators again.

_roots: dict[int, ref[Streams]] = {}
_numbered: dict[int, list[tuple[Streams, int]]] = {}
_lock = RLock()  # reentrant, since a signal handler may fork while its thread holds it
_hooked = False


def roots() -> list[Streams]:
    """Return all streams of this process that have no parent."""
    return [streams for root in list(_roots.values()) if (streams := root()) is not None]


def _watch(streams: Streams) -> None:
    global _hooked
    key = id(streams)
    _roots[key] = ref(streams, lambda _: _roots.pop(key, None))
    if not _hooked and hasattr(os, "register_at_fork"):  # Windows has no fork
        _hooked = True
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def _unwatch(streams: Streams) -> None:
    _roots.pop(id(streams), None)


def _before_fork() -> None:
    with _lock:
        _numbered[get_ident()] = [(streams, streams.next_fork()) for streams in roots()]


def _after_in_parent() -> None:
    _numbered.pop(get_ident(), None)


def _after_in_child() -> None:
    global _lock
    _lock = RLock()  # another thread of the parent may have held it
    numbered = _numbered.pop(get_ident(), [])
    _numbered.clear()
    for streams, number in numbered:
        streams.enter_fork(number)


# Workers

# By thread: the epoch that a DataLoader begins there at this moment, and so the epoch of the
# workers that are forked or pickled meanwhile.
beginning_epochs: dict[int, tuple[str, int]] = {}
_loose: dict[int, ref[PCG64]] = {}


def keep_loose(generator: PCG64) -> None:
    """Remember a generator that was unpickled, to move it if its streams did not come with it."""
    key = id(generator)
    _loose[key] = ref(generator, lambda _: _loose.pop(key, None))


def enter_worker(number: str) -> None:
    """Restart all streams and loose generators of this process as those of a worker."""
    for streams in roots():
        streams.enter_worker(number)
    for loose in list(_loose.values()):
        if (generator := loose()) is not None:
            generator.enter(("worker", number))


# Ranks

_SHARED = ("shared", "")
# The variables of each launcher for the rank and the number of ranks. A batch step of SLURM has
# SLURM_NTASKS=2, and is one process: its steps count.
_LAUNCHERS = (
    ("torchrun", "RANK", "WORLD_SIZE"),
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MPI", "PMI_RANK", "PMI_SIZE"),
    ("SLURM", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)


def found_rank() -> tuple[str, int, int] | None:
    """Return which rank of a job this process is, by the variables of its launcher.

    Returns
    -------
    tuple of (str, int, int) or None
        Launcher (``torchrun``, ``Open MPI``, ``MPI``, ``SLURM``), rank, and number of ranks. None
        in a job of one process.
    """
    for launcher, of_rank, of_size in _LAUNCHERS:
        rank, size = os.environ.get(of_rank, ""), os.environ.get(of_size, "")
        if rank.isdecimal() and size.isdecimal() and int(size) > 1:
            return launcher, int(rank), int(size)
    return None


def scope_of_rank() -> Scope:
    """Return the scope of a manager that is made from a seed: the step of the rank, if any."""
    found = found_rank()
    return () if found is None else (("rank", str(found[1])),)


def rank_in(scope: Scope) -> str | None:
    """Return the rank in a scope, if there is one."""
    return next((text for kind, text in scope if kind == "rank"), None)


# Seeds, names, scopes


def resolve(seed: object) -> int:
    """Return the seed as an int; if it is None, draw one.

    Raises
    ------
    InvalidTypeError
        If it is neither an integer nor None. A bool is refused: it is a flag in the wrong place.
    InvalidValueError
        If it is outside 0 to 2**128 - 1.
    """
    if seed is None:
        return int.from_bytes(os.urandom(SEED_BITS // 8), "little")
    allowed = f"an integer from 0 to 2**{SEED_BITS} - 1 or None"
    number = _as_integer("seed", allowed, seed)
    if not 0 <= number < 2**SEED_BITS:
        raise _out_of_range("seed", allowed, number)
    return number


def as_count(n: object) -> int:
    """Return n as an int from 0 upwards.

    Raises
    ------
    InvalidTypeError
        If it is not an integer.
    InvalidValueError
        If it is negative.
    """
    allowed = "an integer from 0 upwards"
    count = _as_integer("n", allowed, n)
    if count < 0:
        raise _out_of_range("n", allowed, count)
    return count


def as_deterministic(value: Any) -> bool | Literal["warn"]:
    """Return the option `deterministic` as a bool, or "warn".

    Raises
    ------
    InvalidTypeError
        If it is neither a bool nor a text.
    InvalidValueError
        If it is another text.
    """
    if type(value).__name__ in _FLAGS:
        return bool(value)
    allowed = 'True, False or "warn"'
    if value == "warn":
        return "warn"
    if isinstance(value, str):
        raise _out_of_range("deterministic", allowed, value)
    from scitex_session_repro._errors import wrong_type

    raise wrong_type("deterministic", allowed, value)


def _as_integer(argument: str, allowed: str, value: Any) -> int:
    try:
        if type(value).__name__ not in _FLAGS:
            return index(value)
    except TypeError:
        pass
    from scitex_session_repro._errors import wrong_type

    raise wrong_type(argument, allowed, value)


def _out_of_range(argument: str, allowed: str, value: int | str) -> Exception:
    from scitex_session_repro._errors import InvalidValueError

    # Python refuses to print an integer of more than 4300 digits.
    bits = value.bit_length() if isinstance(value, int) else 0
    shown = f"{value!r:.80}" if bits <= 256 else f"an integer of {bits} bits"
    message = f"{argument} must be {allowed}, not {shown}"
    return InvalidValueError(message, argument=argument, value=value)


def normalise(name: str) -> str:
    """Return the name in Unicode's NFC form, so that other spellings give the same stream.

    Raises
    ------
    InvalidTypeError
        If it is not a string. Otherwise 1 and "1" would be two streams that look like one in a log.
    """
    if not isinstance(name, str):
        from scitex_session_repro._errors import wrong_type

        raise wrong_type("the name of a stream", "a str", name)
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def encode_name(name: str) -> bytes:
    """Return the bytes of a name, in normal form.

    A lone surrogate, as in names of files that are not valid UTF-8, is kept.
    """
    return normalise(name).encode("utf-8", "surrogatepass")


def encode_scope(scope: Scope) -> bytes:
    """Return the bytes of a scope; none for an empty one."""
    return b"".join(MARKS[kind] + encode_name(text) for kind, text in scope)


def encode_path(scope: Scope, name: str) -> bytes:
    """Return the bytes of a scope, if there is one, and of a name in it."""
    if not scope:
        return encode_name(name)
    return encode_scope(scope) + _NAME_MARK + encode_name(name)


def encode_epoch(scope: Scope, name: str, epoch: int) -> bytes:
    """Return the bytes of an epoch of the DataLoader that draws from a name."""
    return b"%b%b%d" % (encode_path(scope, name), _EPOCH_MARK, epoch)


def _scope_below(scope: Scope, step: Step) -> Scope:
    if step == _SHARED:  # the same in all ranks
        scope = tuple(above for above in scope if above[0] != "rank")
    return (*scope, step)


def in_process(scope: Scope, step: Step) -> Scope:
    """Return the scope of a manager in a forked or worker process.

    The step of a process stands before those of children. So a child that was pickled alone has the
    same scope in the other process as one that was pickled with its parent.
    """
    at = len(scope)
    while at and scope[at - 1][0] not in _OF_PROCESSES:
        at -= 1
    return (*scope[:at], step, *scope[at:])


def describe(seed: int, scope: Scope) -> str:
    """Return the expression that makes a manager, and its process, for messages."""
    parts = [f"RandomStateManager(seed={seed})"]
    for kind, text in scope:
        if kind == "child":
            from scitex_session_repro._errors import shown_name

            parts.append(f".child({shown_name(text)})")
        elif kind == "spawn":
            parts.append(f".spawn()[{text}]")
        elif kind == "shared":
            parts.append(".shared")
        else:
            parts.append(f" in {kind} {text}")
    return "".join(parts)
