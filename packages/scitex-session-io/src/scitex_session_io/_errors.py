"""The errors of this package."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 100  # what is longer is no suffix, and comparing it takes long


class IoError(Exception):
    """Base of every error that this package raises.

    Each keeps its arguments in ``args``, so that it can be pickled.
    """


class InvalidValueError(IoError, ValueError):
    """An argument has a value that is not allowed.

    Attributes
    ----------
    name : str
        The argument.
    value : object
        The value given.
    allowed : str
        The values that are allowed.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(name, value, allowed)
        self.name = name
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.name} must be {self.allowed}, not {self.value!r}"


class InvalidTypeError(IoError, TypeError):
    """An argument has a type that is not allowed.

    Attributes
    ----------
    name : str
        The argument.
    type_name : str
        The type given.
    allowed : str
        The types that are allowed.
    """

    def __init__(self, name: str, type_name: str, allowed: str) -> None:
        super().__init__(name, type_name, allowed)
        self.name = name
        self.type_name = type_name
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.name} must be {self.allowed}, not {self.type_name}"


class UnknownFormatError(IoError, ValueError):
    """The suffix of a path names no format, or one that can only be saved, or only be loaded.

    Attributes
    ----------
    path : str
        The path given.
    allowed : tuple of str
        The suffixes that would do.
    only : str
        ``"saved"`` or ``"loaded"``, if that is all that can be done with such a file.
    """

    def __init__(self, path: str, allowed: Iterable[str], only: str = "") -> None:
        super().__init__(path, tuple(allowed), only)
        self.path = path
        self.allowed = tuple(allowed)
        self.only = only

    def __str__(self) -> str:
        suffix = os.path.splitext(self.path)[1]
        allowed = f"allowed are {', '.join(self.allowed)}"
        if not suffix:
            return f"{self.path}: it has no suffix; {allowed}"
        if self.only:
            return f"{self.path}: a {suffix} file can only be {self.only}; {allowed}"
        unknown = f"{self.path}: the suffix {suffix!r} names no format"
        near = _near(suffix.lower(), self.allowed)
        return f"{unknown}; did you mean {near}? ({allowed})" if near else f"{unknown}; {allowed}"


def _near(suffix: str, allowed: Iterable[str]) -> str | None:
    import difflib  # 4 ms, and only needed for a mistake

    near = difflib.get_close_matches(suffix, allowed, n=1)
    return near[0] if near and len(suffix) < _LONGEST else None


class UnsavableError(IoError, TypeError):
    """A format can't hold a value.

    Attributes
    ----------
    file_format : str
        The format, such as ``"JSON"``.
    where : str
        The place within the object, such as ``"obj['model'][3]"``.
    type_name : str
        The type found there.
    allowed : str
        What the format can hold there.
    """

    def __init__(self, file_format: str, where: str, type_name: str, allowed: str) -> None:
        super().__init__(file_format, where, type_name, allowed)
        self.file_format = file_format
        self.where = where
        self.type_name = type_name
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.where} is {self.type_name}; {self.file_format} takes {self.allowed}"


class MalformedError(IoError, ValueError):
    """The content of a file, or the shape of an object, does not fit the format.

    Attributes
    ----------
    where : str
        The file, with its line where that is known, or the object.
    why : str
        What is wrong.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


class UnsafeFileError(IoError, ValueError):
    """A file to load can run code, and the caller has not said that it may.

    Attributes
    ----------
    path : str
        The file.
    what : str
        What in it can run code, such as ``"a pickle"``.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.what} runs any code that its author put into it when it is "
            f"loaded; if you trust where it comes from, use load(..., allow_pickle=True)"
        )


# MemoryError first: it makes its instances by itself, and so CPython refuses
# ``TooLargeError.__new__`` otherwise, by which tblib (of Dask) unpickles an error.
class TooLargeError(MemoryError, IoError):
    """A file to load does not fit into memory.

    Attributes
    ----------
    path : str
        The file.
    size : int
        Its length in bytes.
    """

    def __init__(self, path: str, size: int) -> None:
        super().__init__(path, size)
        self.path = path
        self.size = size

    def __str__(self) -> str:
        return f"{self.path}: its {self.size} bytes do not fit into memory"


class MissingFileError(IoError, FileNotFoundError):
    """A file to load does not exist.

    Attributes
    ----------
    path : str
        The path given.
    looked_in : tuple of str
        The full paths that were tried, in this order.
    """

    def __init__(self, path: str, looked_in: Iterable[str]) -> None:
        super().__init__(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.path = path
        self.looked_in = tuple(looked_in)

    def __reduce__(self) -> tuple[type[MissingFileError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.path, self.looked_in)

    def __str__(self) -> str:
        return f"no file {self.path!r}; looked for {' and '.join(self.looked_in)}"


class UsedCaptureError(IoError, RuntimeError):
    """A capture is begun a second time.

    Attributes
    ----------
    paths : tuple of str
        The logs of the capture.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__(tuple(paths))
        self.paths = tuple(self.args[0])

    def __str__(self) -> str:
        which = f" to {' and '.join(self.paths)}" if self.paths else ""
        return f"the capture{which} has ended and can't begin again; make a new one by capture(...)"


class MissingLibraryError(IoError, ImportError):
    """A library that is needed is not installed.

    Attributes
    ----------
    library : str
        Its name on the package index.
    asked_by : str
        What needs the library, such as ``"into='pandas'"``.
    """

    def __init__(self, library: str, asked_by: str) -> None:
        super().__init__(library, asked_by)
        self.library = library
        self.asked_by = asked_by

    def __str__(self) -> str:
        return f"{self.asked_by} needs {self.library}: pip install {self.library}"
