"""Find the name that was probably meant."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 100  # what is longer is no name, and comparing it takes long


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return the name in `known` that is nearest to `word`, None where none is near.

    Parameters
    ----------
    word : str
        What was given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str or None

    Notes
    -----
    Upper and lower case, and ``_`` and ``-``, count as the same.
    """
    if len(word) > _LONGEST:
        return None
    import difflib  # 4 ms, and only needed for a mistake

    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(_fold(name), name)
    near = difflib.get_close_matches(_fold(word), folded, n=1)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a message that names what `suggest` finds; empty where that is nothing."""
    near = suggest(word, known)
    return "" if near is None else f"; did you mean {near}?"


def _fold(name: str) -> str:
    return name.casefold().replace("_", "-")
