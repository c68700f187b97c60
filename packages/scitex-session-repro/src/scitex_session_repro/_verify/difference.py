"""Describe the difference between a value and its record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from scitex_session_repro._fingerprint.encoder import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from numpy.typing import NDArray

KEPT_BYTES = 1 << 20
KEPT_PARTS = 1000
_SHOWN_PARTS = 5
_ATTRIBUTES = {
    ".index": "the index differs",
    ".values": "the values differ",
    ".name": "the name differs",
}
_LIBRARIES = {"numpy", "pandas", "polars", "torch"}


def summary_of(obj: Any) -> dict[str, Any]:
    """Return what is recorded to describe a later difference: type, dtype, shape, a number."""
    kind = dict if isinstance(obj, dict) else type(obj)  # the type of a mapping does not count
    builtin = kind.__module__ == "builtins"
    summary: dict[str, Any] = {
        "type": kind.__qualname__ if builtin else f"{kind.__module__}.{kind.__qualname__}"
    }
    if kind in (bool, int, float, complex):
        summary["value"] = f"{obj!r:.80}" if kind is not int or obj.bit_length() < 256 else "…"
    for key in ("dtype", "shape"):
        # Only of these libraries: in other objects, a field of that name may be anything.
        if kind.__module__.partition(".")[0] in _LIBRARIES and hasattr(obj, key):
            value = getattr(obj, key)
            summary[key] = list(value) if key == "shape" else str(value)
    if kind in (str, bytes, bytearray, list, tuple, dict, set, frozenset):
        summary["length"] = len(obj)
    return summary


def parts_of(obj: Any) -> dict[str, str]:
    """Return the fingerprint of each part: items of a mapping or sequence, columns of a frame.

    The index of pandas is a part of its own: otherwise it would make every column differ.
    """
    parts: Mapping[Any, Any] = {}
    attributes: dict[str, Any] = {}
    if type(obj) in (list, tuple):
        parts = dict(enumerate(obj)) if len(obj) <= KEPT_PARTS else {}
    elif isinstance(obj, dict):
        parts = obj
    else:
        pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
        if pandas and isinstance(obj, pandas.DataFrame) and obj.columns.is_unique:
            parts = {name: obj[name].reset_index(drop=True) for name in obj.columns}
            attributes = {".index": obj.index}
        elif pandas and isinstance(obj, pandas.Series):
            values = obj.rename(None).reset_index(drop=True)
            attributes = {".index": obj.index, ".values": values, ".name": obj.name}
        elif polars and isinstance(obj, polars.DataFrame):
            parts = {series.name: series for series in obj.iter_columns()}
    if len(parts) > KEPT_PARTS or not all(type(name) in (str, int) for name in parts):
        return {}
    places = {**attributes, **{f"[{name!r}]": part for name, part in parts.items()}}
    return {place: fingerprint(part) for place, part in places.items()}


def keepable(obj: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays to be kept for a later comparison, by their places.

    These are arrays, tensors, columns of frames, numbers and strings: the value itself (the place
    is empty), or what mappings and sequences contain. Of many, the small ones are kept, as long as
    they have at most `KEPT_BYTES` together. Every array is one that a file can hold without pickle.
    """
    kept: dict[str, NDArray[Any]] = {}
    left = KEPT_BYTES
    arrays = {place: array for place, array in _arrays_in(obj, "") if not array.dtype.hasobject}
    for place in sorted(arrays, key=lambda place: arrays[place].nbytes):
        left -= arrays[place].nbytes
        if left < 0 or len(kept) == KEPT_PARTS:
            break
        kept[place] = arrays[place]
    return {place: kept[place] for place in arrays if place in kept}


def _arrays_in(obj: Any, place: str) -> Iterator[tuple[str, NDArray[Any]]]:
    array = _as_array(obj)
    if array is not None:
        yield place, array
    elif isinstance(obj, dict):
        for key, part in obj.items():
            if type(key) in (str, int):
                yield from _arrays_in(part, f"{place}[{key!r}]")
                if type(part) in (bool, int, float, complex):
                    number = np.asarray(part)
                    if not number.dtype.hasobject:
                        yield f"{place}[{key!r}]", number
    elif type(obj) in (list, tuple):
        for position, part in enumerate(obj):
            yield from _arrays_in(part, f"{place}[{position}]")
    else:
        for name, column in _columns_of(obj):
            values = _column_as_array(column)
            if values is not None:
                yield f"{place}{name}", values


def _columns_of(obj: Any) -> Iterator[tuple[str, Any]]:
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas and isinstance(obj, pandas.DataFrame) and obj.columns.is_unique:
        yield ".index", obj.index
        for name in obj.columns:
            yield f"[{name!r}]", obj[name]
    elif pandas and isinstance(obj, pandas.Series):
        yield from ((".index", obj.index), (".values", obj))
    elif polars and isinstance(obj, polars.DataFrame):
        yield from ((f"[{column.name!r}]", column) for column in obj.iter_columns())


def _column_as_array(column: Any) -> NDArray[Any] | None:
    values: NDArray[Any] = column.to_numpy()
    if values.dtype.kind == "O":
        texts = values.tolist()
        return np.asarray(texts) if {*map(type, texts)} == {str} else None
    return values if values.ndim == 1 else None


def compare(
    recorded: dict[str, Any], kept: dict[str, NDArray[Any]], obj: Any
) -> tuple[str, dict[str, Any]]:
    """Describe what differs.

    Parameters
    ----------
    recorded : dict
        The record.
    kept : dict
        What was kept of it, as `keepable` returns it.
    obj : object
        The value that is found.

    Returns
    -------
    str
        For people.
    dict
        ``type``, ``dtype``, ``shape``, ``length`` and ``value`` as pairs (recorded, found), where
        they differ; ``parts``, the names of those that differ; ``differing`` and ``total``, numbers
        of elements; ``first``, the index of the first that differs; ``largest``, the largest
        difference; ``elements``, the same four for each array in a mapping, sequence or frame.
    """
    then, now = recorded["summary"], summary_of(obj)
    details: dict[str, Any] = {
        key: (then.get(key), now.get(key))
        for key in ("type", "dtype", "shape", "length", "value")
        if key in then and key in now and then[key] != now[key]
    }
    sentences = [
        f"it was {_a(a)} and is {_a(b)}" if key == "type" else f"the {key} was {a} and is {b}"
        for key, (a, b) in details.items()
    ]
    array, current = kept.get(""), _as_array(obj)
    if array is not None and current is not None and array.shape == current.shape:
        sentences += _compared_elements(array, current, details)
    parts = parts_of(obj) if recorded["parts"] else {}
    if {*parts} & {*recorded["parts"]}:  # else it is another kind of thing, or has too many now
        sentences += _compared_parts(recorded["parts"], parts, details)
    if not sentences:
        size = getattr(obj, "nbytes", 0)
        why = f": more than {KEPT_BYTES >> 20} MiB are not kept" if size > KEPT_BYTES else ""
        sentences = [f"the values differ{why}"]
    numbers = _compared_arrays(kept, obj, details)
    return "; ".join([", ".join(sentences), *numbers]), details


def _compared_arrays(kept: dict[str, NDArray[Any]], obj: Any, details: dict[str, Any]) -> list[str]:
    """Describe the arrays in a mapping, sequence or frame that differ, in numbers."""
    sentences = []
    elements: dict[str, Any] = {}
    found = {} if "" in kept else dict(_arrays_in(obj, ""))
    for place, then in kept.items():
        now = found.get(place)
        if now is None or now.shape != then.shape:
            continue
        numbers: dict[str, Any] = {}
        texts = _compared_elements(then, now, numbers)
        if numbers.get("differing"):
            elements[place] = numbers
            sentences += [f"{place}: {text}" for text in texts]
    if elements:
        details["elements"] = elements
    if len(sentences) > _SHOWN_PARTS:
        sentences[_SHOWN_PARTS:] = [f"and {len(sentences) - _SHOWN_PARTS} more"]
    return sentences


def _compared_elements(then: NDArray[Any], now: NDArray[Any], details: dict[str, Any]) -> list[str]:
    differing = _differing(then, now)
    if differing is None:
        return []
    count = int(np.count_nonzero(differing))
    details.update(differing=count, total=differing.size)
    if not count:
        return ["all values are the same"]
    first = tuple(int(i) for i in np.argwhere(differing)[0])
    details["first"] = first
    values = f"{then[first]!s:.40} recorded, {now[first]!s:.40} found"
    if then.ndim:
        text = f"{count} of {differing.size} elements differ, the first at {list(first)} ({values})"
    else:
        text = values
    largest = _largest(then[differing], now[differing])
    if largest is not None:
        details["largest"] = largest
        if then.ndim:
            text += f", the largest difference is {largest:.6g}"
    return [text]


def _differing(then: NDArray[Any], now: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which elements differ to the bit, all NaN alike; None if they can't be compared."""
    kinds = then.dtype.kind + now.dtype.kind
    if then.dtype.names is not None or now.dtype.names is not None:
        if then.dtype.names != now.dtype.names:
            return None
        either: NDArray[np.bool_] = np.zeros(then.shape, bool)
        for name in then.dtype.names or ():
            field = _differing(then[name], now[name])
            if field is None or field.shape != either.shape:
                return None
            either |= field
        return either
    if set(kinds) <= set("fc"):
        then, now = then.astype(complex), now.astype(complex)
        same = np.ones(then.shape, bool)
        for a, b in ((then.real, now.real), (then.imag, now.imag)):
            same &= (a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))
        return ~same
    if set(kinds) <= set("biufc") or kinds in ("UU", "SS"):
        return np.asarray(then != now)
    if kinds in ("MM", "mm") and then.dtype == now.dtype:
        return np.asarray(then.astype(np.int64) != now.astype(np.int64))  # NaT is NaT
    return None


def _largest(then: NDArray[Any], now: NDArray[Any]) -> float | int | None:
    kinds = set(then.dtype.kind + now.dtype.kind)
    if kinds <= set("iu"):  # as Python's: the difference of two int64 may be none
        return max(abs(int(a) - int(b)) for a, b in zip(then, now, strict=True))
    if not kinds <= set("iufc"):
        return None
    with np.errstate(all="ignore"):
        sizes = np.abs(then.astype(complex) - now.astype(complex))
    sizes = sizes[~np.isnan(sizes)]
    return float(sizes.max()) if sizes.size else None


def _compared_parts(
    then: dict[str, str], now: dict[str, str], details: dict[str, Any]
) -> list[str]:
    groups = {
        "differing": [name for name in then if name in now and then[name] != now[name]],
        "missing": [name for name in then if name not in now],
        "new": [name for name in now if name not in then],
    }
    details["parts"] = {group: names for group, names in groups.items() if names}
    sentences = []
    if not details["parts"] and list(then) != list(now):
        sentences.append("the columns stand in another order")
    for group, places in details["parts"].items():
        names = [place for place in places if place not in _ATTRIBUTES]
        if group == "differing":
            sentences += [_ATTRIBUTES[place] for place in places if place in _ATTRIBUTES]
        if not names:
            continue
        shown = ", ".join(names[:_SHOWN_PARTS])
        more = f" and {len(names) - _SHOWN_PARTS} more" if len(names) > _SHOWN_PARTS else ""
        sentences.append(f"{group}: {shown}{more}")
    return sentences


def _a(type_name: str) -> str:
    return f"{'an' if type_name[0] in 'aeiou' else 'a'} {type_name}"


def _as_array(obj: Any) -> NDArray[Any] | None:
    if type(obj) in (np.ndarray, np.memmap):
        return np.asarray(obj)
    torch = sys.modules.get("torch")
    if torch and isinstance(obj, torch.Tensor):
        try:
            array: NDArray[Any] = obj.detach().resolve_conj().resolve_neg().cpu().numpy()
        except (RuntimeError, TypeError):
            return None  # numpy has no such type (bfloat16)
        return array
    return None
