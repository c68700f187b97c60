"""How each type that is more than a plain value is encoded."""

from __future__ import annotations

from enum import Enum, Flag
from types import MemberDescriptorType

from .leaves import LEAVES, PATHS, STANDARD
from .refusal import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .encoder import Writer
    from .leaves import Leaf

    Encoder = Callable[[Writer, Any], None]

_SHOWN = 60  # characters of a key in the place of a refused part


def encoder_of(kind: type) -> Encoder | None:
    """Give the encoder of a type, or None where it has none."""
    if issubclass(kind, Enum):
        return _write_member
    by_fields = _encoder_by_fields(kind)
    for place, base in enumerate(kind.__mro__):
        encoder = None if _encoder_by_fields(base) else _encoder_of_base(base)
        if encoder is None:
            continue
        if by_fields is not None:
            return _as_both(by_fields, encoder)
        if base is kind or encoder in _FAMILIES:
            return encoder
        slots = _slots_of(kind.__mro__[:place])
        if encoder is _write_mapping:
            return _as_mapping(slots)
        return _as_subclass(encoder, slots)
    return by_fields


def _slots_of(kinds: tuple[type, ...]) -> list[str]:
    # A member of a class in C is its own affair, as a defaultdict's default_factory is.
    members = [item for kind in kinds if "__slots__" in vars(kind) for item in vars(kind).items()]
    return [name for name, member in members if isinstance(member, MemberDescriptorType)]


def _encoder_by_fields(kind: type) -> Encoder | None:
    if hasattr(kind, "__dataclass_fields__"):
        return _write_dataclass
    return _write_attrs if hasattr(kind, "__attrs_attrs__") else None


def _encoder_of_base(base: type) -> Encoder | None:
    if base in LEAVES:
        return _leaf_encoder(LEAVES[base])
    if base in _CONTAINERS:
        return _CONTAINERS[base]
    name = f"{base.__module__}.{base.__qualname__}"
    if name in _CONTAINERS_BY_NAME:
        return _CONTAINERS_BY_NAME[name]
    if name in STANDARD:
        return _leaf_encoder(STANDARD[name])
    if name in PATHS:
        return _write_path
    return _LIBRARIES.get(base.__module__.partition(".")[0])


def _leaf_encoder(leaf: Leaf) -> Encoder:
    tag, content = leaf
    return lambda writer, value: writer.frame(tag, content(value))


def _as_subclass(encode: Encoder, slots: list[str]) -> Encoder:
    """Let the class of a subclass of a known type count: degrees are no metres."""

    def write(writer: Writer, value: Any) -> None:
        if getattr(value, "__dict__", None) or any(hasattr(value, slot) for slot in slots):
            what = f"is of type {type(value).__qualname__}, which has attributes beside its value"
            raise Refused(what, "pass both as plain values")
        writer.text(b"class", type(value).__qualname__)
        encode(writer, value)

    return write


def _as_both(by_fields: Encoder, encode: Encoder) -> Encoder:
    """Let the items of a dataclass that is a list as well count beside its fields."""

    def write(writer: Writer, value: Any) -> None:
        by_fields(writer, value)
        encode(writer, value)

    return write


def _write_path(writer: Writer, value: Any) -> None:
    tag, content = PATHS["pathlib.PurePath"]
    writer.frame(tag, content(value))


def _write_list(writer: Writer, value: Any) -> None:
    writer.count(b"list", len(value))
    writer.write_parts(value)


def _write_tuple(writer: Writer, value: Any) -> None:
    fields = getattr(value, "_fields", None)
    if fields is not None:  # a named tuple
        writer.count(b"fields", len(fields))
        for name, part in zip(fields, value, strict=True):
            writer.text(b"field", name)
            writer.write_at(f".{name}", part)
        return
    writer.count(b"tuple", len(value))
    writer.write_parts(value)


def _write_deque(writer: Writer, value: Any) -> None:
    writer.count(b"deque", len(value))
    writer.write_parts(value)


def _write_slice(writer: Writer, value: Any) -> None:
    writer.count(b"slice", 3)
    writer.write_parts((value.start, value.stop, value.step))


def _write_set(writer: Writer, value: Any) -> None:
    _write_unordered(writer, b"set", value)


def _write_frozenset(writer: Writer, value: Any) -> None:
    _write_unordered(writer, b"frozenset", value)


def _write_unordered(writer: Writer, tag: bytes, value: Any) -> None:
    writer.count(tag, len(value))
    for digest in sorted(writer.digest_of("{…}", part) for part in value):
        writer.feed(digest)


def _write_mapping(writer: Writer, value: Any) -> None:
    items = list(value.items())
    writer.count(b"mapping", len(items))
    pairs = []
    for key, part in items:
        shown = f"{key!r:.{_SHOWN}}" if type(key) in LEAVES else f"<{type(key).__qualname__}>"
        key_digest = writer.digest_of(f".keys(){{{shown}}}", key)
        pairs.append(key_digest + writer.digest_of(f"[{shown}]", part))
    for pair in sorted(pairs):
        writer.feed(pair)


def _as_mapping(slots: list[str]) -> Encoder:
    """Let the class of a kind of mapping not count, nor what it keeps in private attributes.

    Many need some there, as the state_dict of a torch module does, or give their items as
    attributes as well.
    """

    def write(writer: Writer, value: Any) -> None:
        stores = () if isinstance(value, dict) else _STORES
        held = (*getattr(value, "__dict__", ()), *(slot for slot in slots if hasattr(value, slot)))
        for name in held:
            # The items first: where they are the attributes as well, not each need be a string.
            if not (name in value or name in stores or name.startswith("_")):
                what = (
                    f"is of type {type(value).__qualname__}, which has the attribute {name!r:.60}"
                )
                raise Refused(f"{what} beside its items", "pass both as plain values")
        _write_mapping(writer, value)

    return write


def _write_member(writer: Writer, value: Any) -> None:
    # A combination of flags has another name in other versions of Python.
    writer.text(b"member", type(value).__qualname__)
    writer.text(b"name", "" if isinstance(value, Flag) else value.name)
    writer.write_at(".value", value.value)


def _write_dataclass(writer: Writer, value: Any) -> None:
    from dataclasses import fields

    _write_fields(writer, value, [field.name for field in fields(value) if field.compare])


def _write_attrs(writer: Writer, value: Any) -> None:
    _write_fields(writer, value, [field.name for field in value.__attrs_attrs__ if field.eq])


def _write_fields(writer: Writer, value: Any, names: list[str]) -> None:
    writer.text(b"object", type(value).__qualname__)
    writer.count(b"fields", len(names))
    for name in sorted(names):
        writer.text(b"field", name)
        writer.write_at(f".{name}", getattr(value, name))


def _write_numpy(writer: Writer, value: Any) -> None:
    from .arrays import write

    write(writer, value)


def _write_torch(writer: Writer, value: Any) -> None:
    from .torch import write

    write(writer, value)


def _write_pandas(writer: Writer, value: Any) -> None:
    from .frames import write

    write(writer, value)


def _write_polars(writer: Writer, value: Any) -> None:
    from .polars import write

    write(writer, value)


_CONTAINERS: dict[type, Encoder] = {
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_mapping,
    set: _write_set,
    frozenset: _write_frozenset,
    slice: _write_slice,
}
_CONTAINERS_BY_NAME: dict[str, Encoder] = {
    "builtins.mappingproxy": _write_mapping,
    "collections.ChainMap": _write_mapping,
    "collections.UserDict": _write_mapping,
    "collections.deque": _write_deque,
}
_STORES = ("data", "maps")  # where UserDict and ChainMap have their items
_LIBRARIES: dict[str, Encoder] = {
    "numpy": _write_numpy,
    "pandas": _write_pandas,
    "polars": _write_polars,
    "torch": _write_torch,
}
# Encoders that look at subclasses themselves, or for which the class does not count.
_FAMILIES = {_write_path, *_LIBRARIES.values()}
