"""Save and load numpy's arrays: ``.npy``, ``.npz``, and MATLAB's ``.mat``."""

from __future__ import annotations

import re

from scitex_session_io._errors import MalformedError, UnsafeFileError, UnsavableError

from .library import need
from .sizes import check_members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_ARRAYS = "numbers, booleans, texts, dates and records, as arrays, lists, tensors or scalars"
_PICKLED = "Python objects of any kind with allow_pickle=True"
_NPZ = "a dict of such arrays, whose keys are texts without NUL"
_MAT = (
    "a dict whose keys are names in MATLAB (letters, digits and _, at most 63, a letter first), of "
    "arrays of numbers and booleans, texts, lists of them, and such dicts"
)
_MAT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}", re.ASCII)
_MAT_KINDS = "biufc"
# scipy writes the time there. The same content is to give the same bytes.
_MAT_HEAD = b"MATLAB 5.0 MAT-file".ljust(116)


def array_of(value: Any, where: str, file_format: str, allowed: str = _ARRAYS) -> Any:
    """Return a value as an array of numbers, texts or the like.

    Raises
    ------
    UnsavableError
        numpy could hold it only as Python objects.
    """
    np = need("numpy", "numpy", file_format)
    # A tensor of torch that has a gradient, or lies on a GPU, is no array by itself.
    plain = value.detach().cpu() if hasattr(value, "detach") else value
    try:
        array = np.asarray(plain)
    except ValueError:  # lists of different lengths
        array = None
    if array is None or array.dtype.hasobject:
        raise UnsavableError(file_format, where, type(value).__qualname__, allowed)
    return array


def write_npy(obj: Any, file: BinaryIO, *, allow_pickle: bool = False) -> None:
    """Write an array."""
    form = need("numpy.lib.format", "numpy", "NPY")
    if allow_pickle:
        array = need("numpy", "numpy", "NPY").asanyarray(obj)
    else:
        array = array_of(obj, "obj", "NPY", f"{_ARRAYS}, and {_PICKLED}")
    form.write_array(file, array, allow_pickle=allow_pickle)


def read_npy(file: BinaryIO, path: str, *, allow_pickle: bool = False) -> Any:
    """Read an array."""
    form = need("numpy.lib.format", "numpy", path)
    version = form.read_magic(file)
    head = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    if head(file)[2].hasobject and not allow_pickle:
        raise UnsafeFileError(path, "the pickle of Python objects in this array")
    file.seek(0)
    return form.read_array(file, allow_pickle=allow_pickle)


def write_npz(obj: Any, file: BinaryIO, *, compressed: bool = False) -> None:
    """Write named arrays.

    Not by `numpy.savez`, which takes the names as keywords, and so no array named ``file``.
    """
    import zipfile

    if not isinstance(obj, dict):
        raise UnsavableError("NPZ", "obj", type(obj).__qualname__, _NPZ)
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, value in obj.items():
            if not isinstance(name, str) or "\0" in name:
                kind = type(name).__qualname__
                raise UnsavableError("NPZ", f"the key {name!r} of obj", kind, _NPZ)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                array = array_of(value, f"obj[{name!r}]", "NPZ")
                need("numpy.lib.format", "numpy", "NPZ").write_array(member, array)


def read_npz(file: BinaryIO, path: str, *, allow_pickle: bool = False) -> dict[str, Any]:
    """Read named arrays, all of them."""
    import zipfile

    arrays = {}
    with zipfile.ZipFile(file) as archive:
        check_members(path, archive.infolist())
        for name in archive.namelist():
            with archive.open(name) as member:
                array = read_npy(member, path, allow_pickle=allow_pickle)  # type: ignore[arg-type]
            arrays[name.removesuffix(".npy")] = array
    return arrays


def write_mat(obj: Any, file: BinaryIO, *, compressed: bool = True) -> None:
    """Write named variables for MATLAB (version 5 of its format)."""
    scipy_io = need("scipy.io", "scipy", "MAT")
    if not isinstance(obj, dict):
        raise UnsavableError("MAT", "obj", type(obj).__qualname__, _MAT)
    begin = file.tell()
    variables = _for_matlab(obj, "obj")
    scipy_io.savemat(
        file, variables, do_compression=compressed, long_field_names=True, oned_as="row"
    )
    file.seek(begin)
    file.write(_MAT_HEAD)


def _for_matlab(value: Any, where: str) -> Any:
    """Return a value such that `savemat` keeps it: it pads texts in arrays, and skips names."""
    np = need("numpy", "numpy", "MAT")
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str) or not _MAT_NAME.fullmatch(name):
                kind = type(name).__qualname__
                raise UnsavableError("MAT", f"the key {name!r} of {where}", kind, _MAT)
        return {name: _for_matlab(each, f"{where}[{name!r}]") for name, each in value.items()}
    if isinstance(value, str):
        return value
    try:
        array = array_of(value, where, "MAT", _MAT)
    except UnsavableError:
        if not isinstance(value, list | tuple):
            raise
        array = None
    # A long double ("g", "G") would lose digits.
    if array is not None and array.dtype.kind in _MAT_KINDS and array.dtype.char not in "gG":
        return array
    if array is not None and array.dtype.kind == "U":
        return array.astype(object)
    if not isinstance(value, list | tuple):
        raise UnsavableError("MAT", where, f"an array of {array.dtype}", _MAT)
    cells = np.empty(len(value), object)
    for number, each in enumerate(value):
        cells[number] = _for_matlab(each, f"{where}[{number}]")
    return cells


def read_mat(file: BinaryIO, path: str, *, squeeze: bool = True) -> dict[str, Any]:
    """Read MATLAB's variables.

    MATLAB has no arrays of fewer than two dimensions. With `squeeze`, dimensions of length 1 are
    left out, structs are dicts and texts are texts; without, all are arrays as scipy gives them.
    """
    scipy_io = need("scipy.io", "scipy", path)
    try:
        read = scipy_io.loadmat(file, simplify_cells=squeeze)
    except NotImplementedError as error:
        why = "written by MATLAB as version 7.3, which is HDF5: give it a name that ends in .h5"
        raise MalformedError(path, why) from error
    return {
        name: _with_texts(each) if squeeze else each
        for name, each in read.items()
        if not name.startswith("__")
    }


def _with_texts(value: Any) -> Any:
    """Make texts of what scipy gives as arrays: an empty text, and cells that are all texts."""
    if isinstance(value, dict):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each) for each in value]
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "U" and not value.size:
        return ""
    if kind == "O" and value.size and all(isinstance(each, str) for each in value.flat):
        return value.astype(str)
    return value
