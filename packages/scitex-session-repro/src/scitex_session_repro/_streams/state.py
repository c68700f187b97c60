"""The whole state of a manager as a dict of plain values, and from one."""

from __future__ import annotations

from scitex_session_repro._errors import StateError
from scitex_session_repro._globals.libraries import GLOBAL_GENERATORS
from scitex_session_repro._globals.plain import native, plain

from .borrowing import warn
from .scope import MARKS, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from numpy.random import Generator

    from .borrowing import Borrowing
    from .named import NamedStreams

VERSION = 1
# Each part, and what it must be.
PARTS: dict[str, type | tuple[type, ...]] = {
    "version": int,
    "seed": int,
    "scope": list,
    "forks": int,
    "spawned": int,
    "globals": (dict, type(None)),
    "numpy": dict,
    "torch": dict,
    "children": dict,
    "spawn": dict,
}


def get_state(streams: NamedStreams, borrowing: Borrowing | None) -> dict[str, Any]:
    """Give the state of a manager, of those below it, and of the global generators it borrows.

    Parameters
    ----------
    streams : NamedStreams
        The manager.
    borrowing : Borrowing or None
        Its own, while it has one.

    Returns
    -------
    dict
        Of what JSON can say.
    """
    children: dict[str, Any] = {}
    spawned: dict[str, Any] = {}
    for (kind, name), below in streams._below():
        (children if kind == "child" else spawned)[name] = get_state(below, None)
    torch: dict[str, dict[str, Any]] = {}
    for (name, device), state in streams._torch_states.items():
        torch.setdefault(name, {})[device] = state
    for (name, device), generator in streams._torch_generators.items():
        torch.setdefault(name, {})[device] = plain(generator.get_state())
    return {
        "version": VERSION,
        "seed": streams._seed,
        "scope": [[*step] for step in streams._scope],
        "forks": streams._forks,
        "spawned": streams._spawned,
        "globals": None if borrowing is None else borrowing.states(),
        "numpy": {name: _numpy_state(generator) for name, generator in _distinct(streams)},
        "torch": torch,
        "children": children,
        "spawn": spawned,
    }


def set_state(streams: NamedStreams, borrowing: Borrowing | None, state: Any) -> None:
    """Let a manager go on from a state, as `get_state` gives it; all of it, or nothing.

    Raises
    ------
    StateError
        If it is none, or that of another place below the seed.
    """
    check(state, "the state")
    if streams._parent is not None and (state["seed"], _scope(state)) != (
        streams._seed,
        streams._scope,
    ):
        theirs, own = (
            describe(state["seed"], _scope(state)),
            describe(streams._seed, streams._scope),
        )
        raise StateError(f"it is that of {theirs}, and not of {own}")
    before = get_state(streams, borrowing)
    try:
        _apply(streams, borrowing, state)
    except Exception as error:
        _apply(streams, borrowing, before)
        raise StateError(f"it is damaged: {error}") from error
    _say_what_is_missing(borrowing, state)


def check(state: Any, where: str) -> None:
    """Refuse what has not the parts of a state.

    Raises
    ------
    StateError
        Naming the part.
    """
    if not isinstance(state, dict):
        raise StateError(f"{where} is {state!r:.40}, and not a dict")
    if isinstance(version := state.get("version"), int) and version > VERSION:
        raise StateError(f"{where} is of version {version}; this release knows up to {VERSION}")
    for part, kind in PARTS.items():
        if part not in state:
            raise StateError(f"{where} has no {part!r}")
        if not isinstance(state[part], kind) or isinstance(state[part], bool):
            raise StateError(f"{part!r} of {where} is {state[part]!r:.40}")
    if not 0 <= state["seed"] < 2**128:
        raise StateError(f"'seed' of {where} is {state['seed']}, outside 0 to 2**128 - 1")
    for step in state["scope"]:
        if not (isinstance(step, list) and len(step) == 2 and step[0] in MARKS):
            raise StateError(f"'scope' of {where} holds {step!r:.40}")
    for number in state["spawn"]:
        if not (str(number).isdecimal() and int(number) < state["spawned"]):
            raise StateError(f"'spawn' of {where} holds {number!r:.40}")
    for part in ("children", "spawn"):
        for name, below in state[part].items():
            check(below, f"{name!r} in {part!r} of {where}")


def _apply(streams: NamedStreams, borrowing: Borrowing | None, state: dict[str, Any]) -> None:
    streams._move(state["seed"], _scope(state))
    streams._forks = state["forks"]
    for name, numpy_state in state["numpy"].items():
        _set_numpy_state(streams, name, numpy_state)
    _set_torch_states(streams, state["torch"])
    for name, below in state["children"].items():
        _apply(streams.child(name), None, below)
    # Spawned ones live as long as somebody holds them: those of another process are gone.
    streams._spawned = state["spawned"]
    for (kind, name), below in streams._below():
        if kind == "spawn" and name in state["spawn"]:
            _apply(below, None, state["spawn"][name])
    if borrowing is not None and state["globals"] is not None:
        borrowing.set_states(state["globals"])


def _set_torch_states(streams: NamedStreams, states: dict[str, dict[str, Any]]) -> None:
    # Those that are yet to be made wait: torch is not imported for them.
    for name, by_device in states.items():
        for device, state in by_device.items():
            generator = streams._torch_generators.get((name, device))
            if generator is None:
                streams._torch_states[name, device] = state
            else:
                generator.set_state(native(state))


def _set_numpy_state(streams: NamedStreams, name: str, state: dict[str, Any]) -> None:
    from .derive import restart

    generator = streams(name)
    spawned = state["spawned"]
    restart(generator, streams._seed, name, streams._scope, spawned=spawned)
    generator.bit_generator.state = native(state["state"])


def _numpy_state(generator: Generator) -> dict[str, Any]:
    from .derive import seed_sequence_of

    bits = generator.bit_generator
    return {"state": plain(bits.state), "spawned": seed_sequence_of(generator).n_children_spawned}


def _distinct(streams: NamedStreams) -> list[tuple[str, Generator]]:
    from .scope import normalise

    return [(n, g) for n, g in list(streams._generators.items()) if normalise(n) == n]


def _scope(state: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((kind, text) for kind, text in state["scope"])


def _say_what_is_missing(borrowing: Borrowing | None, state: dict[str, Any]) -> None:
    if state["globals"] is None:
        if borrowing is not None:
            warn("the state holds no global generators: they go on as they are")
        return
    if borrowing is None:
        warn("the manager seeds no global generators: those of the state are left out")
        return
    known = {generator.module for generator in GLOBAL_GENERATORS}
    for name in sorted(known - {*state["globals"]}):
        warn(f"the state holds nothing of {name}: it goes on as it is")
    for name in sorted({*state["globals"]} - known):
        warn(f"the state holds {name}, which is not known here: it is left out")
