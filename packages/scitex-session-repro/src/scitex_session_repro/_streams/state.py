"""Save and load the whole state of a manager, as a dict of plain values or as a file."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from scitex_session_repro._atomic import replace
from scitex_session_repro._errors import CheckpointError, StateError

from .borrowing import LIBRARIES, warn
from .streams import MARKS, SEED_BITS, STATE_VERSION, describe, rank_in

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from .borrowing import Borrowing
    from .streams import Streams

# The type of each part.
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
# Parts that a state may lack, since earlier ones did.
LATER_PARTS = {"epochs": dict, "shared": dict}
FORMAT = "scitex-session-repro checkpoint"


def get_state(streams: Streams, borrowing: Borrowing | None) -> dict[str, Any]:
    """Return the state of streams, of those below, and of the global generators.

    Parameters
    ----------
    streams : Streams
        The streams of a manager.
    borrowing : Borrowing or None
        What the manager has borrowed.

    Returns
    -------
    dict
        JSON values.
    """
    state = streams.state()
    if borrowing is not None:
        state["globals"] = borrowing.states()
    return state


def take_state(streams: Streams, borrowing: Borrowing | None) -> dict[str, Any]:
    """Return the state for the user, who may load it in another process.

    Raises
    ------
    StateError
        If a DataLoader is in the middle of an epoch.
    """
    if "torch.utils.data" in sys.modules:
        from .loaders import refuse_within_epoch

        refuse_within_epoch(streams)
    return get_state(streams, borrowing)


def set_state(streams: Streams, borrowing: Borrowing | None, state: Any) -> None:
    """Load a state that `get_state` returned; all of it, or nothing.

    Raises
    ------
    StateError
        If it is not a state, or is the state of another scope.
    """
    check(state, "the state")
    saved = (state["seed"], tuple((kind, text) for kind, text in state["scope"]))
    own = (streams.seed, streams.scope)
    if streams.parent is not None and saved != own:
        raise _refused(f"it is that of {describe(*saved)}, and not of {describe(*own)}")
    if (rank := rank_in(saved[1])) != (here := rank_in(streams.scope)):
        # A file of rank 0 that every rank loads would make them all draw the same numbers.
        of, is_ = ("no rank" if one is None else f"rank {one}" for one in (rank, here))
        raise _refused(f"it is that of {of}, and this is {is_}: save one for each rank")
    before = get_state(streams, borrowing)
    try:
        _load(streams, borrowing, state)
    except Exception as error:
        _load(streams, borrowing, before)
        raise _refused(f"it is damaged: {error}") from error
    _warn_of_what_is_missing(borrowing, state)


def check(state: Any, where: str) -> None:
    """Check that a value has the parts of a state.

    Raises
    ------
    StateError
        If it does not; the message names the part.
    """
    if not isinstance(state, dict):
        raise _refused(f"{where} is {state!r:.40}, and not a dict")
    if isinstance(version := state.get("version"), int) and version > STATE_VERSION:
        raise _refused(f"{where} is of version {version}; this release knows up to {STATE_VERSION}")
    for part, kind in (PARTS | LATER_PARTS).items():
        if part in LATER_PARTS and part not in state:
            continue
        if part not in state:
            raise _refused(f"{where} has no {part!r}")
        if not isinstance(state[part], kind) or isinstance(state[part], bool):
            raise _refused(f"{part!r} of {where} is {state[part]!r:.40}")
    if not 0 <= state["seed"] < 2**SEED_BITS:
        raise _refused(f"'seed' of {where} is {state['seed']}, outside 0 to 2**{SEED_BITS} - 1")
    for step in state["scope"]:
        if not (isinstance(step, list) and len(step) == 2 and step[0] in MARKS):
            raise _refused(f"'scope' of {where} holds {step!r:.40}")
    for number in state["spawn"]:
        if not (str(number).isdecimal() and int(number) < state["spawned"]):
            raise _refused(f"'spawn' of {where} holds {number!r:.40}")
    for name, epochs in state.get("epochs", {}).items():
        if type(epochs) is not int or epochs < 0:
            raise _refused(f"'epochs' of {where} holds {epochs!r:.40} for {name!r:.40}")
    for part in ("children", "spawn", "shared"):
        for name, below in state.get(part, {}).items():
            check(below, f"{name!r} in {part!r} of {where}")


def _refused(problem: str) -> StateError:
    return StateError(f"cannot load the state: {problem}", problem=problem)


def _load(streams: Streams, borrowing: Borrowing | None, state: dict[str, Any]) -> None:
    streams.load(state)
    if borrowing is not None and state["globals"] is not None:
        borrowing.set_states(state["globals"])


def _warn_of_what_is_missing(borrowing: Borrowing | None, state: dict[str, Any]) -> None:
    if state["globals"] is None:
        if borrowing is not None:
            warn("the state holds no global generators: they go on as they are")
        return
    if borrowing is None:
        warn("the manager seeds no global generators: those of the state are left out")
        return
    for name in sorted({*LIBRARIES} - {*state["globals"]}):
        warn(f"the state holds nothing of {name}: it goes on as it is")
    for name in sorted({*state["globals"]} - {*LIBRARIES}):
        warn(f"the state holds {name}, which is not known here: it is left out")


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state to a file; replace an older one.

    The file is JSON, with the SHA-256 of the state's text. If the process is killed meanwhile, the
    older checkpoint stays.

    Raises
    ------
    OSError
        If the directory is missing, full or read-only.
    """
    whole = {"format": FORMAT, "sha256": _sha256(state), "state": state}
    replace(path, json.dumps(whole).encode("ascii"))


def restore_checkpoint(streams: Streams, borrowing: Borrowing | None, path: Path) -> None:
    """Load the state in a file; all of it, or nothing.

    Raises
    ------
    OSError
        If the file can't be read.
    CheckpointError
        If it is not a checkpoint, is damaged, or is the checkpoint of another scope.
    """
    state = _read(path)
    try:
        set_state(streams, borrowing, state)
    except StateError as error:
        raise _damaged(path, error.problem) from error


def _read(path: Path) -> Any:
    data = path.read_bytes()
    if data.startswith(b"\x80"):
        raise _damaged(path, "it is a pickle, which may run code, and is not read")
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):  # undecodable bytes too
        raise _damaged(path, "it is not JSON, or not all of it is there") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise _damaged(path, "it is no checkpoint of scitex-session-repro")
    if "state" not in whole or whole.get("sha256") != _sha256(whole["state"]):
        raise _damaged(path, "its content is not what was written (SHA-256 differs)")
    return whole["state"]


def _damaged(path: Path, problem: str) -> CheckpointError:
    shown = os.fspath(path)
    return CheckpointError(f"cannot restore {shown}: {problem}", path=shown, problem=problem)


def _sha256(state: Any) -> str:
    from hashlib import sha256

    text = json.dumps(state, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()
