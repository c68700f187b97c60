"""The table of formats that `save` and `load` know, by suffix."""

from __future__ import annotations

from scitex_session_io._errors import UnknownFormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterable
    from typing import Any


class Format:
    """A format, with the functions of its module, which is imported at their first call.

    Attributes
    ----------
    suffix : str
        In lower case.
    encode : callable
        ``encode(obj, **options)`` yields the bytes of a file.
    decode : callable
        ``decode(path)`` returns its content; of a table in the form that its options say.
    is_table : bool
        Whether the content is a table, which `load` gives in several forms.
    options : tuple of str
        The options that `encode` takes.
    """

    __slots__ = ("decode", "encode", "is_table", "options", "suffix")

    def __init__(
        self,
        suffix: str,
        encode: Callable[..., Iterable[bytes]],
        decode: Callable[..., Any],
        *,
        is_table: bool = False,
        options: tuple[str, ...] = (),
    ) -> None:
        self.suffix = suffix
        self.encode = encode
        self.decode = decode
        self.is_table = is_table
        self.options = options


def format_of(path: pathlib.Path) -> Format:
    """Return the format of a path, by its suffix in any case.

    Raises
    ------
    UnknownFormatError
        The suffix names no format.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UnknownFormatError(str(path), FORMATS)
    return FORMATS[suffix]


def _encode_csv(obj: object, **options: Any) -> Iterable[bytes]:
    from . import csv

    return csv.encode(obj, **options)


def _decode_csv(path: pathlib.Path, **options: Any) -> Any:
    from . import csv

    with path.open("rb") as file:
        return csv.decode(file, str(path), **options)


def _encode_json(obj: object, **options: Any) -> Iterable[bytes]:
    from . import json

    return json.encode(obj, **options)


def _decode_json(path: pathlib.Path) -> Any:
    from . import json

    with path.open("rb") as file:
        return json.decode(file, str(path))


_TABLE = (
    Format(
        ".csv",
        _encode_csv,
        _decode_csv,
        is_table=True,
        options=("sep", "decimal", "encoding", "index"),
    ),
    Format(".json", _encode_json, _decode_json, options=("indent", "allow_nan")),
)
FORMATS = {form.suffix: form for form in _TABLE}
