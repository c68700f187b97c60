"""Whether a value is what it was: recorded the first time, compared from then on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from scitex_session_repro._errors import NameTypeError, VerificationError, shown_name
from scitex_session_repro._fingerprint.encoder import fingerprint

from .difference import compared, keepable, parts_of, summary_of
from .records import Store

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any


def verify(
    directory: str | os.PathLike[str],
    obj: object,
    name: str,
    *,
    seed: int,
    verbose: bool,
    raises: bool,
) -> bool:
    """Record a value under a name, or compare it with what was recorded.

    `RandomStateManager.verify` says what it promises; this is how. Of processes that record the
    same name at once, one does, and the others compare with what it has recorded.
    """
    name = _normalised(name)
    print_of_it = fingerprint(obj)  # first: what has no fingerprint leaves no trace
    store = Store(Path(directory))
    recorded = store.read(name)
    if recorded is None:
        entry: dict[str, Any] = {
            "name": name,
            "fingerprint": print_of_it,
            "seed": seed,
            "summary": summary_of(obj),
            "parts": parts_of(obj),
        }
        try:
            recorded = store.record(entry, keepable(obj))
        except OSError as error:
            _warn(f"could not record {shown_name(name)}, so nothing is verified: {error}")
            return True
        if recorded is entry:
            if verbose:
                _say(f"recorded {shown_name(name)} in {store.directory}")
            return True
    if recorded["fingerprint"] == print_of_it:
        if verbose:
            _say(f"{shown_name(name)} is as recorded on {recorded['recorded']}")
        return True
    mismatch = _mismatch(store, recorded, obj, print_of_it, seed)
    if raises:
        raise mismatch
    if verbose:
        _say(str(mismatch))
    return False


def clear(directory: str | os.PathLike[str], patterns: str | Iterable[str] | None) -> int:
    """Forget what was recorded under names that match, and give how many there were."""
    store = Store(Path(directory))
    if patterns is None:
        return store.forget(None)
    one = isinstance(patterns, str) or not hasattr(patterns, "__iter__")
    wanted: Iterable[Any] = [patterns] if one else patterns
    return store.forget([_normalised(pattern) for pattern in wanted])


def _normalised(name: object) -> str:
    # Unicode's NFC, as the names of streams: one text is one name however it was typed.
    if not isinstance(name, str):
        raise NameTypeError(f"{name!r:.80}", type(name).__name__, "a value to verify")
    return normalize("NFC", name)


def _mismatch(
    store: Store, recorded: dict[str, Any], obj: object, found: str, seed: int
) -> VerificationError:
    array, trouble = store.array_of(recorded)
    text, details = compared(recorded, array, obj)
    if trouble:
        text = f"{text} ({trouble})"
    if recorded.get("seed") != seed:
        text = f"{text}; the seed was {recorded.get('seed')} and is {seed}"
    return VerificationError(
        recorded["name"], recorded["recorded"], recorded["fingerprint"], found, text, details
    )


def _say(message: str) -> None:
    print(f"scitex-session-repro: {message}")


def _warn(message: str) -> None:
    from warnings import warn

    warn(message, RuntimeWarning, stacklevel=4)  # where the user called the manager
