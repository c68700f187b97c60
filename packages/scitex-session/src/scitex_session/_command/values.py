"""Compare values to the bit: numbers, texts, arrays, tables, and whatever holds them."""

from __future__ import annotations

import math

from .output import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

_LISTED = 50


def compare_values(a: Any, b: Any) -> dict[str, Any] | None:
    """Return how two values differ, as `diff` documents it; None if they are the same."""
    listed: list[dict[str, Any]] = []
    main: dict[str, Any] = {}
    count = 0
    for count, found in enumerate(_differences(a, b, ""), start=1):
        if count <= _LISTED:
            listed.append(found)
        if not main or found.get("largest", -1) > main.get("largest", -1):
            main = found
    if not main:
        return None
    if main not in listed:
        listed[-1] = main  # the largest of all is never left out
    others = [d["where"] or "the whole" for d in listed if d is not main]
    says = _sentence(main)
    if others:
        more = count - 4
        says += f"; also {', '.join(others[:3])}{f' and {more:,} more' if more > 0 else ''}"
    return {"how": "values", "says": says, "differences": listed, "omitted": count - len(listed)}


def _sentence(difference: dict[str, Any]) -> str:
    where = difference["where"] or "the whole"
    if only := difference.get("only"):
        return f"only the {('first', 'second')[only - 1]} has {where}"
    said = []
    for name, word in (("dtypes", "type"), ("shapes", "shape")):
        if name in difference:
            said.append(f"the {word} of {where} is {difference[name][0]} and {difference[name][1]}")
    if "values" in difference:
        first, second = difference["values"]
        place = f"{difference['where']}{difference.get('index', '')}"
        by = f", by {difference['largest']:.6g}" if "largest" in difference else ""
        count = ""
        if difference.get("differing", 1) > 1:
            most = "the most" if by else "the first"
            count = f"{difference['differing']:,} of {difference['of']:,} values differ, {most} at "
        said.append(f"{count}{place}{': ' if place else ''}{first} and {second}{by}")
    return "; ".join(said)


def _differences(a: Any, b: Any, where: str) -> Iterator[dict[str, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            name = key if isinstance(key, str) else f"[{key!r}]"
            place = f"{where}.{name}" if where else name
            if key in a and key in b:
                yield from _differences(a[key], b[key], place)
            else:
                yield {"where": place, "only": 1 if key in a else 2}
        return
    first, second = _as_array(a), _as_array(b)
    if first is not None and second is not None:
        if found := _elements(first, second):
            yield {"where": where, **found}
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            yield {"where": where, "shapes": [[len(a)], [len(b)]]}
        for number, (left, right) in enumerate(zip(a, b, strict=False)):
            yield from _differences(left, right, f"{where}[{number}]")
    elif not _same(a, b):
        yield {"where": where, **_pair(a, b)}


def _as_array(value: Any) -> NDArray[Any] | None:
    """Return arrays, and lists of numbers and texts, as an array; None for anything else."""
    import numpy as np

    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    if not isinstance(value, list | tuple):
        return None
    kinds = {*map(type, value)}
    if kinds & {list, tuple, dict, set, np.ndarray}:
        return None
    if kinds == {float}:
        return np.asarray(value, dtype=np.float64)
    array = np.empty(len(value), dtype=object)
    array[:] = value
    return array


def _elements(a: NDArray[Any], b: NDArray[Any]) -> dict[str, Any]:
    """Return how two arrays differ: types, shapes, and the elements that both have."""
    import numpy as np

    found: dict[str, Any] = {}
    if a.dtype != b.dtype:
        found["dtypes"] = [str(a.dtype), str(b.dtype)]
    if a.shape != b.shape:
        found["shapes"] = [list(a.shape), list(b.shape)]
        if a.ndim != 1 or b.ndim != 1:
            return found
        a, b = a[: len(b)], b[: len(a)]
    differ = unequal(a, b)
    count = int(np.count_nonzero(differ))
    if not count:
        return found
    far = distances(a[differ], b[differ])
    most = 0
    if far is not None and not np.isnan(far).all():
        most = int(np.nanargmax(far))
    flat = np.flatnonzero(differ)[most]
    index = tuple(int(i) for i in np.unravel_index(flat, differ.shape))
    found |= {**_pair(a[index], b[index]), "differing": count, "of": a.size}
    if index:
        found["index"] = list(index)
    if far is not None and not np.isnan(far[most]):
        found["largest"] = _plain(far[most])
    return found


def unequal(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return which elements differ to the bit, where NaN is NaN."""
    import numpy as np

    kinds = {a.dtype.kind, b.dtype.kind}
    if kinds == {"c"}:
        return np.asarray(unequal(a.real, b.real) | unequal(a.imag, b.imag))
    if kinds == {"f"}:
        same = (a == b) & (np.signbit(a) == np.signbit(b))
        return np.asarray(~(same | (np.isnan(a) & np.isnan(b))))
    if kinds in ({"M"}, {"m"}):
        return np.asarray((a != b) & ~(np.isnat(a) & np.isnat(b)))
    if kinds <= set("biu") or (len(kinds) == 1 and kinds <= set("US")):
        return np.asarray(a != b)
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    return np.fromiter((not _same(x, y) for x, y in pairs), bool, a.size).reshape(a.shape)


def distances(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any] | None:
    """Return how far numbers are from each other; NaN or None for what is no number."""
    import numpy as np

    if a.dtype == b.dtype and a.dtype.kind in "iu":
        unsigned = np.dtype(f"u{a.dtype.itemsize}")
        return np.asarray(np.maximum(a, b).astype(unsigned) - np.minimum(a, b).astype(unsigned))
    with np.errstate(all="ignore"):
        if {a.dtype.kind, b.dtype.kind} <= set("iufc"):
            return np.asarray(np.abs(a.astype(complex) - b.astype(complex)))
        if a.dtype.hasobject and b.dtype.hasobject:
            pairs = zip(a.tolist(), b.tolist(), strict=True)
            return np.asarray([_distance(x, y) for x, y in pairs], dtype=float)
    return None


def _distance(a: Any, b: Any) -> float:
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b)):
        try:
            return abs(float(b - a))
        except OverflowError:  # an int that no float holds
            return math.inf
    return math.nan


def _same(a: Any, b: Any) -> bool:
    """Whether two values are of one type and equal to the bit; NaN is NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float | complex):
        return repr(a) == repr(b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _pair(a: Any, b: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"values": [_plain(a), _plain(b)]}
    if type(a) is not type(b):
        found["dtypes"] = [type(a).__name__, type(b).__name__]
    if not math.isnan(distance := _distance(a, b)):
        found["largest"] = _plain(distance)
    return found


def _plain(value: Any) -> Any:
    """Return a number as one of Python, and anything else as a short text."""
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, bool | int | float) else short(str(value))
