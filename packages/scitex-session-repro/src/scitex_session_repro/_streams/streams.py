"""Streams below a seed: of a manager, of the managers below it, of every process.

A scope is where a manager stands below the seed: a tuple of steps, each a kind and a text, such as
``(("child", "fold 3"), ("fork", "1"))``. It is empty for a manager that was made from a seed. Seed,
scope and name are all that a stream depends on.

This module needs no numpy: it is imported by every run, `derive` at the first named generator.
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
    from typing import Any

    import torch
    from numpy.random import Generator

    Step = tuple[str, str]
    Scope = tuple[Step, ...]

SEED_BITS = 128
STATE_VERSION = 1
# As bytes, every step begins with a byte that UTF-8 never uses. So two different scopes are two
# different byte strings, whatever the names.
MARKS = {"child": b"\xfe", "spawn": b"\xfd", "fork": b"\xfc", "worker": b"\xfb"}
_NAME_MARK = b"\xff"
_OF_PROCESSES = ("fork", "worker")
_FLAGS = ("bool", "bool_")  # numpy 1 calls its own bool_, and lets it pass for an integer


class Streams:
    """The streams of one manager, and of the managers below it.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    scope : tuple
        The steps from the seed to here.
    parent : Streams, optional
        The streams of the manager above. A root (parent None) is told of forks, and passes them on.

    Attributes
    ----------
    numpy, torch : dict
        The generators that were asked for, by name, and by name and device.
    torch_states : dict
        Loaded states of torch generators that nobody has asked for yet.
    children, spawned : mapping
        The streams below, by name and by number. Spawned ones live as long as somebody holds them.
    """

    def __init__(self, seed: int, scope: Scope = (), parent: Streams | None = None) -> None:
        self.seed = seed
        self.scope = scope
        self._scope_outside = scope  # in the process that started this one
        self.parent = parent
        self.forks = 0
        self.numpy: dict[str, Generator] = {}
        self.torch: dict[tuple[str, str], torch.Generator] = {}
        self.torch_states: dict[tuple[str, str], Any] = {}
        self.children: dict[str, Streams] = {}
        self.spawned: MutableMapping[int, Streams] = {}
        self.spawned_count = 0
        if parent is None:
            _watch(self)  # last: a fork in another thread finds it from now on

    def __str__(self) -> str:
        return describe(self.seed, self.scope)

    def global_seed(self) -> int:
        """Return the integer that seeds global generators.

        It is the seed itself in an empty scope, otherwise the scope's bytes above the seed's 128
        bits, so that no two scopes share one. It is no hash: after a fork nothing may be imported.
        """
        return int.from_bytes(encode_scope(self.scope), "big") << SEED_BITS | self.seed

    def path(self, name: str) -> bytes:
        """Return what the stream of a name is derived from, beside the seed."""
        return encode_path(self.scope, name)

    # Generators by name

    def numpy_generator(self, name: str) -> Generator:
        """Return the numpy generator of a name: the same object at every call."""
        try:
            return self.numpy[name]
        except (KeyError, TypeError):  # a name that can't be hashed is refused below
            pass
        from .derive import numpy_generator

        stream = normalise(name)
        # setdefault: two threads that ask at once get the same generator.
        generator = self.numpy.setdefault(stream, numpy_generator(self.seed, self.path(stream)))
        self.numpy[name] = generator
        return generator

    def torch_generator(self, name: str, device: str | torch.device) -> torch.Generator:
        """Return the torch generator of a name on a device: the same object at every call."""
        asked = (normalise(name), str(device))
        if asked in self.torch:
            return self.torch[asked]
        from .derive import torch_generator, torch_seed

        made = torch_generator(device, torch_seed(self.seed, self.path(name)))
        # "cuda" is the current one of the devices: one generator, whichever way it is asked for.
        key = (asked[0], str(made.device))
        generator = self.torch.setdefault(key, made)
        if generator is made and (state := self.torch_states.pop(key, None)) is not None:
            from scitex_session_repro._globals.plain import native

            generator.set_state(native(state))
        return generator

    def names(self) -> list[str]:
        """Return the names of the generators in use, sorted."""
        return sorted({*self.numpy} | {name for name, _ in self.torch})

    def _restart(self, *, forked: bool) -> None:
        """Put every generator at the start of its stream, in place: who holds it goes on there."""
        if forked:  # an accelerator that has started can't be used in a forked child
            self.torch = {key: made for key, made in self.torch.items() if key[1] == "cpu"}
        self.torch_states = {}
        if self.numpy:
            from .derive import restart

            for name, generator in self.numpy.items():
                restart(generator, self.seed, self.path(name))
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
        """Return n new streams below, numbered through from the first call on."""
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
            self.spawned = WeakValueDictionary()  # nobody can ask for a spawned one again
        self.spawned[number] = below

    def below(self) -> list[tuple[Step, Streams]]:
        """Return the streams that stand below these and are in use, each with its step."""
        named = [(("child", name), child) for name, child in list(self.children.items())]
        spawned = [(("spawn", str(n)), child) for n, child in list(self.spawned.items())]
        return [*named, *spawned]

    def move(self, seed: int, scope: Scope, *, forked: bool = False) -> None:
        """Put every stream here and below at its start under another seed and scope, in place."""
        self.seed, self.scope, self._scope_outside = seed, scope, scope
        self.forks = 0
        self._restart(forked=forked)
        for step, below in self.below():
            below.move(seed, (*scope, step), forked=forked)

    # Processes

    def next_fork(self) -> int:
        """Return the number of the next fork."""
        self.forks += 1
        return self.forks

    def enter_fork(self, number: int) -> None:
        """Become, in a forked child, the streams of that fork."""
        self._scope_outside = self.scope
        self._enter_process(("fork", str(number)), forked=True)

    def enter_worker(self, number: str) -> None:
        """Become, in a worker process, the streams of that worker."""
        self._enter_process(("worker", number))

    def _enter_process(self, step: Step, *, forked: bool = False) -> None:
        """Take the step of this process, in the place of one that it had."""
        outside = self._scope_outside
        self.move(self.seed, in_process(outside, step), forked=forked)
        self._scope_outside = outside

    # State

    def state(self) -> dict[str, Any]:
        """Return the state of these streams and of those below, of what JSON can say."""
        from scitex_session_repro._globals.plain import plain

        children: dict[str, Any] = {}
        spawned: dict[str, Any] = {}
        for (kind, name), below in self.below():
            (children if kind == "child" else spawned)[name] = below.state()
        torch: dict[str, dict[str, Any]] = {}
        for (name, device), waiting in self.torch_states.items():
            torch.setdefault(name, {})[device] = waiting
        for (name, device), made in self.torch.items():
            torch.setdefault(name, {})[device] = plain(made.get_state())
        numpy: dict[str, Any] = {}
        if self.numpy:
            from .derive import seed_sequence_of

            for name, generator in list(self.numpy.items()):
                if normalise(name) == name:  # other spellings lead to the same generator
                    numpy[name] = {
                        "state": plain(generator.bit_generator.state),
                        "spawned": seed_sequence_of(generator).n_children_spawned,
                    }
        return {
            "version": STATE_VERSION,
            "seed": self.seed,
            "scope": [[*step] for step in self.scope],
            "forks": self.forks,
            "spawned": self.spawned_count,
            "globals": None,
            "numpy": numpy,
            "torch": torch,
            "children": children,
            "spawn": spawned,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state` returned, with the seed and the scope in it.

        A generator that is not in the state is put at its start.
        """
        from scitex_session_repro._globals.plain import native

        self.move(state["seed"], tuple((kind, text) for kind, text in state["scope"]))
        self.forks = state["forks"]
        if state["numpy"]:
            from .derive import restart

            for name, found in state["numpy"].items():
                generator = self.numpy_generator(name)
                restart(generator, self.seed, self.path(name), spawned=found["spawned"])
                generator.bit_generator.state = native(found["state"])
        # torch is not imported for generators that are yet to be made: their states wait.
        for name, by_device in state["torch"].items():
            for device, found in by_device.items():
                if (name, device) in self.torch:
                    self.torch[name, device].set_state(native(found))
                else:
                    self.torch_states[name, device] = found
        for name, below in state["children"].items():
            self.child(name).load(below)
        # Spawned ones live as long as somebody holds them: those of another process are gone.
        self.spawned_count = state["spawned"]
        for number, spawned in list(self.spawned.items()):
            if str(number) in state["spawn"]:
                spawned.load(state["spawn"][str(number)])

    # Pickled, generators are the objects themselves, and so are the streams below: whatever is
    # pickled along with these streams stays theirs.

    def __getstate__(self) -> dict[str, Any]:
        return {"state": self.state(), "numpy": dict(self.numpy), "below": self.below()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        Streams.__init__(self, pickled["state"]["seed"])
        for (kind, name), below in pickled["below"]:
            if below.parent is not None:  # copy.copy: they stay with the original
                continue
            below.parent = self
            _unwatch(below)
            if kind == "child":
                self.children[name] = below
            else:
                self._keep_spawned(int(name), below)
        self.numpy.update(pickled["numpy"])
        self.load(pickled["state"])


# After a fork
#
# A forked child has a copy of every generator. It would draw its parent's numbers over again, as
# would each of its siblings. `random` alone has a hook against that, which seeds it from the
# operating system: the children differ then, and never repeat. Here forks are numbered as they
# happen, and the number is a step of the scope: the n-th child of a run has the streams of the n-th
# child. The hooks draw a number in the parent, and move the streams in the child; nothing is
# imported there. Global generators are seeded again after that, by a hook of `borrowing`.

_roots: dict[int, ref[Streams]] = {}
_numbered: dict[int, list[tuple[Streams, int]]] = {}
_lock = RLock()  # reentrant, since a signal handler may fork while its thread holds it
_hooked = False


def roots() -> list[Streams]:
    """Return all streams of this process that have no parent."""
    return [streams for found in list(_roots.values()) if (streams := found()) is not None]


def _watch(streams: Streams) -> None:
    global _hooked
    key = id(streams)
    _roots[key] = ref(streams, lambda _: _roots.pop(key, None))
    if not _hooked and hasattr(os, "register_at_fork"):  # Windows has no fork
        _hooked = True
        os.register_at_fork(before=_number, after_in_parent=_forget, after_in_child=_enter_forks)


def _unwatch(streams: Streams) -> None:
    _roots.pop(id(streams), None)


def _number() -> None:
    with _lock:
        _numbered[get_ident()] = [(streams, streams.next_fork()) for streams in roots()]


def _forget() -> None:
    _numbered.pop(get_ident(), None)


def _enter_forks() -> None:
    global _lock
    _lock = RLock()  # another thread of the parent may have held it
    numbered = _numbered.pop(get_ident(), [])
    _numbered.clear()
    for streams, number in numbered:
        streams.enter_fork(number)


# Workers


def number_in_pool() -> str:
    """Return the number by which `multiprocessing` knows this worker, such as ``"3"``.

    It counts the processes that the parent has started: forked, spawned and loky's alike. For a
    worker's worker it has the numbers of both.

    Raises
    ------
    NotAWorkerError
        In a main process.
    """
    from multiprocessing import current_process

    identity = current_process()._identity
    if not identity:
        raise _not_a_worker("initialize_worker", "the initializer of a pool of processes")
    return ":".join(map(str, identity))


def number_in_loader(worker_id: int) -> str:
    """Return the seed of the epoch and the number of the worker, in a worker of a DataLoader.

    Raises
    ------
    NotAWorkerError
        In any other process.
    """
    data = sys.modules.get("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    if info is None:
        raise _not_a_worker("worker_init_fn", "DataLoader(..., worker_init_fn=)")
    return f"{info.seed - worker_id}:{worker_id}"


def _not_a_worker(function: str, place: str) -> Exception:
    from scitex_session_repro._errors import NotAWorkerError

    return NotAWorkerError(
        f"{function} sets up a worker process, and this is none: give it as {place}"
    )


# Seeds, names, scopes


def resolve(seed: object) -> int:
    """Return the seed as an int; draw one where it is None.

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
    """Return n as an int, if it counts something.

    Raises
    ------
    InvalidTypeError
        If it is no integer.
    InvalidValueError
        If it is negative.
    """
    allowed = "an integer from 0 upwards"
    count = _as_integer("n", allowed, n)
    if count < 0:
        raise _out_of_range("n", allowed, count)
    return count


def _as_integer(argument: str, allowed: str, value: Any) -> int:
    try:
        if type(value).__name__ not in _FLAGS:
            return index(value)
    except TypeError:
        pass
    from scitex_session_repro._errors import wrong_type

    raise wrong_type(argument, allowed, value)


def _out_of_range(argument: str, allowed: str, value: int) -> Exception:
    from scitex_session_repro._errors import InvalidValueError

    # Python refuses to print an integer of more than 4300 digits.
    bits = value.bit_length()
    shown = str(value) if bits <= 256 else f"an integer of {bits} bits"
    message = f"{argument} must be {allowed}, not {shown}"
    return InvalidValueError(message, argument=argument, value=value)


def normalise(name: str) -> str:
    """Return the name in Unicode's NFC form: one text is one stream, however it was typed.

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

    A lone surrogate keeps a code of its own: names of files that are not valid UTF-8 have such.
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


def in_process(scope: Scope, step: Step) -> Scope:
    """Return the scope that a manager has in a forked process, or as a worker.

    The step of a process stands before those of children. So a child that was pickled alone has the
    same scope in the other process as one that was pickled with its parent.
    """
    at = len(scope)
    while at and scope[at - 1][0] not in _OF_PROCESSES:
        at -= 1
    return (*scope[:at], step, *scope[at:])


def describe(seed: int, scope: Scope) -> str:
    """Return a manager as the code that leads to it, and the process that it is in."""
    parts = [f"RandomStateManager(seed={seed})"]
    for kind, text in scope:
        if kind == "child":
            from scitex_session_repro._errors import shown_name

            parts.append(f".child({shown_name(text)})")
        elif kind == "spawn":
            parts.append(f".spawn()[{text}]")
        else:
            parts.append(f" in {kind} {text}")
    return "".join(parts)
