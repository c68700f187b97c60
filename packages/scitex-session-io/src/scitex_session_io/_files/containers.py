"""Save and load trees of arrays: ``.h5``, ``.zarr`` and ``.nc``."""

from __future__ import annotations

import pathlib
import shutil
import tempfile

from scitex_session_io._errors import MalformedError, UnsavableError

from .arrays import array_of
from .library import need
from .sizes import check_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_TREE = (
    "a dict of arrays of numbers, booleans or texts, of numbers, texts, and such dicts, whose keys "
    "are texts that could be the name of a file"
)
_NOT_NAMES = ("", ".", "..", "zarr.json")
_KINDS = "biufcU"
_NETCDF = "xarray datasets and data arrays"


def write_h5(obj: Any, file: BinaryIO, *, compression: str | None = None) -> None:
    """Write a dict as a group of datasets, and dicts in it as groups."""
    h5py = need("h5py", "h5py", "H5")
    with h5py.File(file, "w", track_order=True) as root:
        _fill_h5(h5py, root, obj, "obj", compression)


def _fill_h5(h5py: Any, group: Any, tree: Any, where: str, compression: str | None) -> None:
    for name, value, place in _items(tree, where, "H5"):
        if isinstance(value, dict):
            _fill_h5(h5py, group.create_group(name, track_order=True), value, place, compression)
            continue
        array = _leaf(value, place, "H5")
        if array.dtype.kind == "U":
            array = array.astype(h5py.string_dtype())
        # A single value takes no compression.
        group.create_dataset(name, data=array, compression=compression if array.ndim else None)


def read_h5(file: BinaryIO, path: str) -> dict[str, Any]:
    """Read all groups as dicts and all datasets as arrays, single values as such."""
    h5py = need("h5py", "h5py", path)
    with h5py.File(file, "r") as root:
        return _Hdf(h5py, path).group(root)


class _Hdf:
    """Read one file, each group and dataset once, however many links lead to it."""

    def __init__(self, h5py: Any, path: str) -> None:
        self._h5py = h5py
        self._path = path
        self._size = 0
        self._read: dict[Any, Any] = {}

    def group(self, group: Any) -> dict[str, Any]:
        content: dict[str, Any] = {}
        self._read[group.id] = content
        for name in group:
            if isinstance(group.get(name, getlink=True), self._h5py.ExternalLink):
                where = f"{self._path}, {group.name} {name!r}"
                raise MalformedError(where, "a link to another file, which load does not follow")
            entry = group[name]
            if entry.id not in self._read:
                if isinstance(entry, self._h5py.Group):
                    self.group(entry)
                elif isinstance(entry, self._h5py.Dataset):
                    self._read[entry.id] = self._dataset(entry)
                else:  # a named type
                    continue
            content[name] = self._read[entry.id]
        return content

    def _dataset(self, dataset: Any) -> Any:
        # A file of a kilobyte can declare a terabyte of zeros.
        self._size += dataset.nbytes
        check_size(self._path, self._size)
        if self._h5py.check_string_dtype(dataset.dtype) is None:
            return dataset[()]
        texts = dataset.asstr()[()]
        return texts if isinstance(texts, str) else texts.astype(str)


def write_zarr(obj: Any, folder: pathlib.Path) -> None:
    """Write an array, or a dict as a group of arrays, and dicts in it as groups."""
    zarr = need("zarr", "zarr", "ZARR")
    if isinstance(obj, dict):
        _fill_zarr(zarr.open_group(folder, mode="w-"), obj, "obj")
    else:
        zarr.create_array(folder, data=_leaf(obj, "obj", "ZARR"))


def _fill_zarr(group: Any, tree: Any, where: str) -> None:
    for name, value, place in _items(tree, where, "ZARR"):
        if isinstance(value, dict):
            _fill_zarr(group.create_group(name), value, place)
            continue
        array = _leaf(value, place, "ZARR")
        if array.dtype.kind == "U":
            # Texts of any length: version 3 of the format has no others.
            texts = group.create_array(name, shape=array.shape, dtype=str)
            texts[...] = array.astype(object)
        else:
            group.create_array(name, data=array)


def read_zarr(folder: pathlib.Path) -> Any:
    """Read an array, or all groups as dicts and all arrays in them."""
    zarr = need("zarr", "zarr", str(folder))
    root = zarr.open(folder, mode="r")
    return _content(root, str(folder))


def _content(entry: Any, path: str) -> Any:
    if hasattr(entry, "members"):
        return {name: _content(each, path) for name, each in sorted(entry.members())}
    check_size(path, entry.nbytes)
    array = entry[...]
    if isinstance(array, str):
        return array
    # numpy 2 has texts of any length, which `astype(str)` does not take.
    return array.astype(object).astype(str) if array.dtype.kind in "OT" else array[()]


def write_nc(obj: Any, file: BinaryIO) -> None:
    """Write a dataset as NetCDF 4."""
    xarray = need("xarray", "xarray", "NC")
    if not isinstance(obj, xarray.Dataset | xarray.DataArray):
        raise UnsavableError("NC", "obj", type(obj).__qualname__, _NETCDF)
    # The libraries below xarray want a path.
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "dataset.nc"
        obj.to_netcdf(path)
        with path.open("rb") as source:
            shutil.copyfileobj(source, file)


def read_nc(file: BinaryIO, path: str) -> Any:
    """Read a dataset into memory."""
    return need("xarray", "xarray", path).load_dataset(file.name)


def _items(tree: Any, where: str, file_format: str) -> list[tuple[str, Any, str]]:
    """Return name, value and place of each entry of a dict.

    Raises
    ------
    UnsavableError
        It is no dict, or a key can't be a name.
    """
    if not isinstance(tree, dict):
        raise UnsavableError(file_format, where, type(tree).__qualname__, _TREE)
    for name in tree:
        if not isinstance(name, str) or name in _NOT_NAMES or any(c in name for c in "/\\\0"):
            kind = type(name).__qualname__
            raise UnsavableError(file_format, f"the key {name!r} of {where}", kind, _TREE)
    return [(name, value, f"{where}[{name!r}]") for name, value in tree.items()]


def _leaf(value: Any, where: str, file_format: str) -> Any:
    array = array_of(value, where, file_format, _TREE)
    if array.dtype.kind not in _KINDS:
        raise UnsavableError(file_format, where, f"an array of {array.dtype}", _TREE)
    return array
