"""The fingerprint of a value: the same in every process, on every machine."""

from __future__ import annotations

from hashlib import sha256

from scitex_session_repro._errors import NestingError, NotFingerprintableError

from .leaves import LEAVES
from .refusal import Refused, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Encoder = Callable[["Writer", Any], None]

# What follows is only comparable with what the same rules gave: any change of an encoding gets
# another number.
SCHEME = "sf1"


def fingerprint(obj: object) -> str:
    """Give the fingerprint of a value: equal for equal values, different for different ones.

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
        generator, an object of a class that is not known here. It says where that part is.
    NestingError
        If a container contains itself, or the nesting is too deep for Python.

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
        where = refused.where("obj")
        if refused.nesting:
            raise NestingError(where, refused.what) from None
        raise NotFingerprintableError(where, refused.what, refused.advice) from None
    except RecursionError:
        raise NestingError("obj", "is nested too deeply for Python") from None
    return f"{SCHEME}:{writer.digest().hex()}"


class Writer:
    """Encodes values, one after the other, into one SHA-256.

    A part that is not a container is a frame: tag, length, bytes. A container is a frame that
    counts its parts, and its parts. So no encoding is the beginning of another.

    Parameters
    ----------
    around : Writer or None
        Whose value these are parts of. It lends the identities of the containers around them, to
        find those that contain themselves, and what it has found out about types.
    """

    __slots__ = ("_encoders", "_entered", "_sha", "feed")

    def __init__(self, around: Writer | None = None) -> None:
        self._sha = sha256()
        self._entered: set[int] = set() if around is None else around._entered
        self._encoders: dict[type, Encoder | None] = {} if around is None else around._encoders
        self.feed: Callable[[Any], None] = self._sha.update

    def digest(self) -> bytes:
        """Give the digest of what has been written."""
        return self._sha.digest()

    def frame(self, tag: bytes, content: bytes | bytearray) -> None:
        """Write a frame of its own."""
        self.feed(b"%b:%d:" % (tag, len(content)))
        self.feed(content)

    def count(self, tag: bytes, number: int) -> None:
        """Write the head of a container of so many parts."""
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
            from .structures import encoder_of

            self._encoders[kind] = encoder_of(kind)
        identity = id(value)
        if identity in self._entered:
            raise Refused("contains itself", nesting=True)
        self._entered.add(identity)
        try:
            encode = self._encoders[kind]
            if encode is None:
                raise Refused(*described(value))
            encode(self, value)
        finally:
            self._entered.discard(identity)

    def write_parts(self, parts: Any, step: str = "[{}]") -> None:
        """Encode values in their order; a refusal says the place, as the step shows it."""
        number = 0
        try:
            for number, part in enumerate(parts):  # noqa: B007 - the refusal names it
                self.write(part)
        except Refused as refused:
            refused.steps.append(step.format(number))
            raise

    def write_at(self, step: str, part: Any) -> None:
        """Encode a value; a refusal says that it stands there."""
        try:
            self.write(part)
        except Refused as refused:
            refused.steps.append(step)
            raise

    def digest_of(self, step: str, part: Any) -> bytes:
        """Give the digest of a value alone, where parts have no order until they are sorted."""
        writer = Writer(self)
        writer.write_at(step, part)
        return writer.digest()
