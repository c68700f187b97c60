"""The registry of formats: which functions save and load the files with a suffix."""

from __future__ import annotations

from scitex_session_io._errors import InvalidTypeError, InvalidValueError, UnknownFormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from typing import Any

COMPRESSIONS = (".gz", ".zst")


class Format:
    """A format, with the functions that save and load it.

    Attributes
    ----------
    suffix : str
        In lower case, such as ``.csv`` or ``.csv.gz``.
    family : str or None
        The module in this folder that has its functions, imported at their first use; None for a
        format that `register_format` has added.
    writer : str, callable or None
        Saves a value; None if the format can only be loaded. A function named ``encode`` is called
        as ``encode(obj, **options)`` and returns the bytes in pieces; any other one as
        ``writer(obj, file, **options)`` with an open file, or the path of an empty directory.
    reader : str, callable or None
        Loads a value; None if the format can only be saved. ``decode(file, path, **options)`` in a
        family, where `file` is open and seekable and `path` is the text of its path;
        ``reader(file, **options)`` of a format that was added.
    compression : str or None
        ``.gz`` or ``.zst``, if the bytes are compressed.
    """

    __slots__ = ("compression", "family", "reader", "suffix", "writer")

    def __init__(
        self,
        suffix: str,
        family: str | None,
        writer: str | Callable[..., Any] | None,
        reader: str | Callable[..., Any] | None,
        compression: str | None = None,
    ) -> None:
        self.suffix = suffix
        self.family = family
        self.writer = writer
        self.reader = reader
        self.compression = compression

    @property
    def is_directory(self) -> bool:
        """Whether what is saved is a directory."""
        return self.suffix in _DIRECTORIES and self.family is not None

    @property
    def gives_pieces(self) -> bool:
        """Whether its writer returns the bytes in pieces."""
        return self.writer == "encode"

    def able(self, *, to_load: bool) -> bool:
        """Whether it can be saved or, with `to_load`, loaded."""
        return (self.reader if to_load else self.writer) is not None

    def compressed(self, compression: str) -> Format:
        """Return this format, compressed."""
        return Format(self.suffix + compression, self.family, self.writer, self.reader, compression)

    def function(self, which: str | Callable[..., Any] | None) -> Callable[..., Any]:
        """Return its `writer` or `reader`, imported."""
        if not isinstance(which, str):
            assert which is not None
            return which
        assert self.family is not None
        # __import__ with a level, since importlib is one more import.
        module = __import__(self.family, globals(), None, [which], 1)
        function: Callable[..., Any] = getattr(module, which)
        return function

    def check(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        """Refuse options that a function of this format does not have.

        Raises
        ------
        InvalidTypeError
            It has no such option; the message names those that it has.
        """
        if not options:
            return
        allowed = options_of(function)
        for name in options:
            if allowed is not None and name not in allowed:
                names = ", ".join(allowed) or "no option"
                raise InvalidTypeError("options", f"{name}=", f"{names} for a {self.suffix} file")


def options_of(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return the names of a function's options; None if it takes any."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def format_of(path: pathlib.Path, *, to_load: bool = False) -> Format:
    """Return the format of a path, by the longest of its suffixes that names one, in any case.

    Raises
    ------
    UnknownFormatError
        None names a format, or one that can't be saved or, with `to_load`, loaded.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    found = (_find("".join(suffixes[first:])) for first in range(len(suffixes)))
    form = next((each for each in found if each is not None), None)
    if form is not None and form.able(to_load=to_load):
        return form
    only = "" if form is None else "saved" if to_load else "loaded"
    able = [suffix for suffix, each in FORMATS.items() if each.able(to_load=to_load)]
    raise UnknownFormatError(str(path), able, only)


def _find(suffix: str) -> Format | None:
    if suffix in FORMATS:
        return FORMATS[suffix]
    stem, dot, last = suffix.rpartition(".")
    form = FORMATS.get(stem)
    if dot + last in COMPRESSIONS and form is not None and form.suffix in _TEXTS:
        return form.compressed(dot + last)
    return None


def register_format(
    suffix: str,
    save: Callable[..., object] | None = None,
    load: Callable[..., Any] | None = None,
) -> Callable[[], None]:
    """Teach `save` and `load` a format of your own, until the returned function is called.

    Parameters
    ----------
    suffix : str
        Such as ``".fif"`` or ``".nii.gz"``. The case does not matter. It may be that of a format
        that this package knows, which is then yours.
    save : callable, optional
        ``save(obj, file, **options)`` writes the object into a binary file, which is open and
        seekable. If it raises, the older file stays. Its keyword-only parameters are the options
        that `scitex_session_io.save` takes for this suffix.
    load : callable, optional
        ``load(file, **options)`` returns the content of a binary file, which is open and seekable;
        the path of the file is ``file.name``.

    Returns
    -------
    callable
        Ends the effect of this call: the suffix means what it meant before. A second call does
        nothing.

    Raises
    ------
    ValueError
        The suffix does not begin with a dot, or has a separator or nothing else in it.
    TypeError
        Neither function is given, or one can't be called.

    Examples
    --------
    >>> def save_words(words, file, *, sep=" "):
    ...     file.write(sep.join(words).encode())
    >>> restore = register_format(".words", save_words, lambda file: file.read().decode().split())
    >>> load(save(["a", "b"], "some.words"))
    ['a', 'b']
    >>> restore()
    """
    name = str(suffix).lower()
    first, *parts = name.split(".")
    if first or not parts or not all(parts) or "/" in name or "\\" in name:
        raise InvalidValueError("suffix", suffix, "a text such as '.fif' or '.nii.gz'")
    for argument, function in (("save", save), ("load", load)):
        if function is not None and not callable(function):
            raise InvalidTypeError(argument, type(function).__qualname__, "a function")
    if save is None and load is None:
        raise InvalidTypeError("save and load", "both None", "a function, at least one of them")
    form = Format(name, None, save, load)
    _added.append(form)
    _make_table()

    def restore() -> None:
        if form in _added:
            _added.remove(form)
            _make_table()

    return restore


# The text formats, which may be compressed.
_TEXTS = (".csv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".txt", ".md")
_DIRECTORIES = (".zarr",)

_TABLE: tuple[tuple[str, str, str | None, str | None], ...] = (
    (".csv", "csv", "encode", "decode"),
    (".json", "json", "encode", "decode"),
    (".jsonl", "documents", "write_jsonl", "read_jsonl"),
    (".yaml", "documents", "write_yaml", "read_yaml"),
    (".yml", "documents", "write_yaml", "read_yaml"),
    (".toml", "documents", "write_toml", "read_toml"),
    (".txt", "documents", "write_text", "read_text"),
    (".md", "documents", "write_text", "read_text"),
    (".png", "figures", "write_png", "read_image"),
    (".jpg", "figures", "write_jpeg", "read_image"),
    (".jpeg", "figures", "write_jpeg", "read_image"),
    (".tif", "figures", "write_tiff", "read_image"),
    (".tiff", "figures", "write_tiff", "read_image"),
    (".pdf", "figures", "write_pdf", None),
    (".svg", "figures", "write_svg", None),
    (".gif", "animations", "write_gif", "read_gif"),
    (".mp4", "animations", "write_mp4", "read_mp4"),
    (".npy", "arrays", "write_npy", "read_npy"),
    (".npz", "arrays", "write_npz", "read_npz"),
    (".mat", "arrays", "write_mat", "read_mat"),
    (".parquet", "frames", "write_parquet", "read_parquet"),
    (".feather", "frames", "write_feather", "read_feather"),
    (".xlsx", "workbooks", "write_xlsx", "read_xlsx"),
    (".h5", "containers", "write_h5", "read_h5"),
    (".hdf5", "containers", "write_h5", "read_h5"),
    (".zarr", "containers", "write_zarr", "read_zarr"),
    (".nc", "containers", "write_nc", "read_nc"),
    (".safetensors", "models", "write_safetensors", "read_safetensors"),
    (".pt", "models", "write_torch", "read_torch"),
    (".pth", "models", "write_torch", "read_torch"),
    (".joblib", "models", "write_joblib", "read_joblib"),
    (".pkl", "models", "write_pickle", "read_pickle"),
    (".pickle", "models", "write_pickle", "read_pickle"),
)
_own = tuple(Format(*row) for row in _TABLE)
_added: list[Format] = []
# By suffix. Of several formats for one, the latest that was added counts.
FORMATS: dict[str, Format] = {}


def _make_table() -> None:
    FORMATS.clear()
    FORMATS.update((form.suffix, form) for form in (*_own, *_added))


_make_table()
