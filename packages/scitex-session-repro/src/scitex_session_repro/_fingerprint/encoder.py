"""The fingerprint of a value: the same in every process, on every machine."""

from __future__ import annotations

from enum import Enum, Flag
from hashlib import sha256
from itertools import islice
from types import MemberDescriptorType

from scitex_session_repro._errors import NotFingerprintableError

from .leaves import LEAVES, PATHS, STANDARD, Refused, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .leaves import Leaf

    Encoder = Callable[["Writer", Any], None]

# The name of these rules. Fingerprints by other rules can't be compared. So whoever changes how
# anything is encoded changes this number.
SCHEME = "sf1"
_BATCH = 4096  # as many parts are looked at together
_FEW = 8  # as many different values among strings are encoded once


def fingerprint(obj: object) -> str:
    """Return the fingerprint of a value: equal for equal values, different for different ones.

    Parameters
    ----------
    obj : object
        None, bool, int, float, complex, str, bytes, bytearray, range, slice; list, tuple, deque,
        set, frozenset, mappings; dataclasses, attrs classes, named tuples, enumeration members;
        Decimal, Fraction, UUID, paths, dates, times; numpy arrays (masked and structured too) and
        scalars; torch tensors; pandas and polars frames, series and pandas indexes. Nested at will.

    Returns
    -------
    str
        ``"sf1:"``, which names these rules, and the 64 hexadecimal digits of a SHA-256.

    Raises
    ------
    NotFingerprintableError
        If a part has no value that is the same in another process: a function, a file, a
        generator, an object of a class that is not known here. Also if a container contains
        itself, or the nesting is too deep for Python. It says where that part is.

    Notes
    -----
    `hash` differs between processes, `pickle` between versions of Python and of libraries and
    with what is shared inside, `repr` leaves out the middle of arrays and shows addresses. Here
    the value itself is encoded: each part with its type and its length, so that ``["a", "b"]``
    and ``["ab"]`` differ, and hashed with SHA-256 (FIPS 180-4).

    What counts, and what does not:

    * The type counts: ``1``, ``1.0``, ``True`` and ``numpy.float64(1)`` differ, as do a list and a
      tuple. Two exceptions: all mappings are of one type (a dict and an OrderedDict with the same
      items are alike), and so are all paths (a `PurePosixPath` and a `WindowsPath` of the same
      parts are). Neither the order of items nor that of a set counts.
    * ``-0.0`` and ``0.0`` differ. All NaN are alike, in arrays too: which bits a processor puts
      into a NaN is no result.
    * Of arrays and tensors: dtype, shape and values count. Byte order, memory layout, device,
      padding between fields, what stands under a mask, and ``requires_grad`` do not.
    * Of frames: values, dtypes, the order of columns, index and names count; ``attrs`` does not.
    * Classes of the caller's own count by their qualified name, not by their module, which is
      ``__main__`` in a script. Fields that do not take part in ``==`` do not count.
    * Of an aware time: what the clock shows and the offset from UTC, not the name of the zone. Of
      a path: its parts, not the system.

    Arrays are hashed in place, 256 KiB at a time, without a copy of the whole; other threads run
    meanwhile. Those in Fortran order, or transposed, are copied into C order 1 MiB at a time.

    Examples
    --------
    >>> fingerprint({"lr": 0.001, "layers": [64, 64]})
    'sf1:f5175459e5d7121cdf0f2f0bf946a907f8c3e5860b3e504eeff34da27bc61cd4'
    """
    writer = Writer()
    try:
        writer.write(obj)
    except Refused as refused:
        raise _not_fingerprintable(refused.where("obj"), refused.what, refused.advice) from None
    except RecursionError:
        raise _not_fingerprintable("obj", "is nested too deeply for Python") from None
    return f"{SCHEME}:{writer.digest().hex()}"


def _not_fingerprintable(where: str, what: str, advice: str = "") -> NotFingerprintableError:
    message = f"cannot fingerprint {where}, which {what}"
    return NotFingerprintableError(f"{message}: {advice}" if advice else message, where=where)


class Writer:
    """Encode values, one after the other, into one SHA-256.

    A plain value becomes a frame: tag, length, bytes. A container becomes a head with the number of
    its parts, followed by the parts. So no encoding is the beginning of another one.

    Parameters
    ----------
    around : Writer or None
        The writer of the containers around. Both share the identities of these containers, to
        find one that contains itself, and the encoders that were looked up.
    """

    __slots__ = ("_encoders", "_entered", "_sha", "feed")

    def __init__(self, around: Writer | None = None) -> None:
        self._sha = sha256()
        self._entered: set[int] = set() if around is None else around._entered
        self._encoders: dict[type, Encoder | None] = {} if around is None else around._encoders
        self.feed: Callable[[Any], None] = self._sha.update

    def digest(self) -> bytes:
        """Return the digest of what has been written."""
        return self._sha.digest()

    def frame(self, tag: bytes, content: bytes | bytearray) -> None:
        """Write a frame of bytes."""
        self.feed(b"%b:%d:" % (tag, len(content)))
        self.feed(content)

    def count(self, tag: bytes, number: int) -> None:
        """Write the head of a container with this number of parts."""
        self.feed(b"%b*%d:" % (tag, number))

    def text(self, tag: bytes, text: str) -> None:
        """Write a frame of text."""
        self.frame(tag, text.encode("utf-8", "surrogatepass"))

    def write(self, value: Any) -> None:
        """Encode a value.

        Raises
        ------
        Refused
            If it, or a part of it, has no value that is the same in another process.
        """
        leaf = LEAVES.get(type(value))
        if leaf is not None:
            self.frame(leaf[0], leaf[1](value))
            return
        kind = type(value)
        if kind not in self._encoders:
            self._encoders[kind] = encoder_of(kind)
        identity = id(value)
        if identity in self._entered:
            raise Refused("contains itself")
        self._entered.add(identity)
        try:
            encode = self._encoders[kind]
            if encode is None:
                raise Refused(*described(value))
            encode(self, value)
        finally:
            self._entered.discard(identity)

    def write_parts(self, parts: Any, place_of: Callable[[int], str] = "[{}]".format) -> None:
        """Encode values in their order; a refusal names the place, as `place_of` a number."""
        done, source = 0, iter(parts)
        try:
            while batch := list(islice(source, _BATCH)):
                if str in {*map(type, batch)} and (whole := self._texts(batch)) is not None:
                    self.feed(whole)
                    done += len(batch)
                    continue
                for part in batch:
                    self.write(part)
                    done += 1
        except Refused as refused:
            refused.steps.append(place_of(done))
            raise

    def _texts(self, batch: list[Any]) -> bytes | None:
        """Return the frames of strings, with a few other values (None, NaN) among them.

        It takes a fifth of the time of one call for each. None if they are another mixture.
        """
        others = {id(part): part for part in batch if type(part) is not str}
        if len(others) > _FEW:
            return None
        try:
            frames = {key: self._frames(part) for key, part in others.items()}
        except Refused:
            return None  # one after the other, the place is found
        texts = [part for part in batch if type(part) is str] if others else batch
        if "".join(texts).isascii():
            # As text of one byte for each character, which is quicker to format than bytes.
            shown = {key: frame.decode("latin-1") for key, frame in frames.items()}
            return "".join(
                [
                    f"str:{len(part)}:{part}" if type(part) is str else shown[id(part)]
                    for part in batch
                ]
            ).encode("latin-1")
        encoded = ((part, str.encode(part, "utf-8", "surrogatepass")) for part in texts)
        of_text = {part: b"str:%d:%b" % (len(data), data) for part, data in encoded}
        return b"".join(
            [of_text[part] if type(part) is str else frames[id(part)] for part in batch]
        )

    def _frames(self, value: Any) -> bytes:
        """Return what `write` would feed."""
        pieces: list[bytes] = []
        feed, self.feed = self.feed, lambda piece: pieces.append(bytes(piece))
        try:
            self.write(value)
        finally:
            self.feed = feed
        return b"".join(pieces)

    def write_at(self, step: str, part: Any) -> None:
        """Encode a value; a refusal names `step` as its place."""
        try:
            self.write(part)
        except Refused as refused:
            refused.steps.append(step)
            raise

    def digest_of(self, step: str, part: Any) -> bytes:
        """Return the digest of a value alone, for parts without an order: digests can be sorted."""
        writer = Writer(self)
        writer.write_at(step, part)
        return writer.digest()


# Encoders of types that are not plain values

_SHOWN = 60  # characters of a key in the place of a refused part


def encoder_of(kind: type) -> Encoder | None:
    """Return the encoder of a type, or None if it has none."""
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
    # Only slots of Python classes count, not members of C ones (default_factory of a defaultdict).
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
    """Encode the name of a subclass too, so that degrees differ from metres."""

    def write(writer: Writer, value: Any) -> None:
        if getattr(value, "__dict__", None) or any(hasattr(value, slot) for slot in slots):
            what = f"is of type {type(value).__qualname__}, which has attributes beside its value"
            raise Refused(what, "pass both as plain values")
        writer.text(b"class", type(value).__qualname__)
        encode(writer, value)

    return write


def _as_both(by_fields: Encoder, encode: Encoder) -> Encoder:
    """Encode both the fields and the items of a dataclass that is also a list."""

    def write(writer: Writer, value: Any) -> None:
        by_fields(writer, value)
        encode(writer, value)

    return write


def _write_path(writer: Writer, value: Any) -> None:
    tag, content = PATHS["pathlib.PurePath"]
    writer.frame(tag, content(value))


def _in_order(tag: bytes) -> Encoder:
    """Encode the number of parts, and each of them."""

    def write(writer: Writer, value: Any) -> None:
        writer.count(tag, len(value))
        writer.write_parts(value)

    return write


def _without_order(tag: bytes) -> Encoder:
    """Encode the number of parts, and their digests, sorted."""

    def write(writer: Writer, value: Any) -> None:
        writer.count(tag, len(value))
        for digest in sorted(writer.digest_of("{…}", part) for part in value):
            writer.feed(digest)

    return write


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


def _write_slice(writer: Writer, value: Any) -> None:
    writer.count(b"slice", 3)
    writer.write_parts((value.start, value.stop, value.step))


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
    """Encode only the items of a subclass of a mapping: neither its name nor private attributes.

    Many subclasses keep private data (the state_dict of a torch module does), or offer their items
    as attributes too.
    """

    def write(writer: Writer, value: Any) -> None:
        stores = () if isinstance(value, dict) else _STORES
        held = (*getattr(value, "__dict__", ()), *(slot for slot in slots if hasattr(value, slot)))
        for name in held:
            # Compare with the items first: if they are attributes too, a name may be no string.
            if not (name in value or name in stores or name.startswith("_")):
                what = (
                    f"is of type {type(value).__qualname__}, which has the attribute {name!r:.60}"
                )
                raise Refused(f"{what} beside its items", "pass both as plain values")
        _write_mapping(writer, value)

    return write


def _write_member(writer: Writer, value: Any) -> None:
    # The name of a combination of flags depends on the version of Python.
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
    from .arrays import write_numpy

    write_numpy(writer, value)


def _write_torch(writer: Writer, value: Any) -> None:
    from .arrays import write_torch

    write_torch(writer, value)


def _write_pandas(writer: Writer, value: Any) -> None:
    from .frames import write_pandas

    write_pandas(writer, value)


def _write_polars(writer: Writer, value: Any) -> None:
    from .frames import write_polars

    write_polars(writer, value)


_CONTAINERS: dict[type, Encoder] = {
    list: _in_order(b"list"),
    tuple: _write_tuple,
    dict: _write_mapping,
    set: _without_order(b"set"),
    frozenset: _without_order(b"frozenset"),
    slice: _write_slice,
}
_CONTAINERS_BY_NAME: dict[str, Encoder] = {
    "builtins.mappingproxy": _write_mapping,
    "collections.ChainMap": _write_mapping,
    "collections.UserDict": _write_mapping,
    "collections.deque": _in_order(b"deque"),
}
_STORES = ("data", "maps")  # UserDict and ChainMap keep their items in these attributes
_LIBRARIES: dict[str, Encoder] = {
    "numpy": _write_numpy,
    "pandas": _write_pandas,
    "polars": _write_polars,
    "torch": _write_torch,
}
# These encoders check subclasses themselves, or ignore the class.
_FAMILIES = {_write_path, *_LIBRARIES.values()}
