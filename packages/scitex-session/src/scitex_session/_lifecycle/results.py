"""The results of a run: what a function returns in a dict. Imported where one does."""

from __future__ import annotations

import math
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MOST = 1000  # results, and names of what is omitted
_LONGEST = 1000  # characters of a text


def results_of(returned: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a function returned as results, and the names of what can't be one.

    Parameters
    ----------
    returned : mapping
        What the function returned. Mappings in it are nested results, with dotted names.

    Returns
    -------
    results : dict
        Booleans, integers, floats, texts and None by their names; scalars of numpy and torch as
        the Python value they hold; NaN and infinities as the texts ``"NaN"``, ``"Infinity"`` and
        ``"-Infinity"``, which JSON has no numbers for.
    omitted : list of str
        The names of arrays, frames, lists and all else, of texts of more than 1,000 characters,
        and of whatever comes after 1,000 results; of more than 1,000 such names, the first, and
        how many more there are.

    Examples
    --------
    >>> results_of({"acc": 0.9, "test": {"f1": float("nan")}, "curve": [1, 2]})
    ({'acc': 0.9, 'test.f1': 'NaN'}, ['curve'])
    """
    results: dict[str, Any] = {}
    omitted: list[str] = []
    more = 0
    for name, value in _leaves(returned, "", ()):
        found, is_scalar = scalar_of(value)
        short = not isinstance(found, str) or len(found) <= _LONGEST
        if is_scalar and short and (name in results or len(results) < _MOST):
            results[name] = found
        elif len(omitted) < _MOST:
            omitted.append(name)
        else:
            more += 1
    return results, [*omitted, f"... and {more} more"] if more else omitted


def _leaves(
    values: Mapping[Any, Any], before: str, above: tuple[int, ...]
) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and id(value) not in above:
            yield from _leaves(value, f"{name}.", (*above, id(value)))
        else:
            yield name, value


def scalar_of(value: Any) -> tuple[Any, bool]:
    """Return a value as one that JSON has, and whether it is a number, a text, a bool or None."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # of numpy, torch and others
        value = value.item()
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value), True
        return ("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"), True
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value), True
    if isinstance(value, str):
        return str(value), True
    return value, value is None or isinstance(value, bool)
