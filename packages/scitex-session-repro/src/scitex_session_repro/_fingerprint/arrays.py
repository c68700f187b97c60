"""Encode arrays and scalars of numpy and tensors of torch, without a copy of the whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from .leaves import Refused, described

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from .encoder import Writer

# A block is hashed at once. It fits into the processor's cache: there the search for NaN costs a
# tenth of the hash.
BLOCK_BYTES = 1 << 18
# An array that is not in C order is copied a panel at a time, and a panel a tile at a time.
_PANEL_BYTES = 1 << 20
_TILE_BYTES = 1 << 16

# For each type of float: the unsigned integer of its size, a mask of all bits but the sign, the
# largest bits of a number (larger ones are NaN), and the bits that we write for every NaN. To
# compare bits is as quick for half floats as for others, and numpy need not know the type.
_NANS = {
    "float8_e4m3fn": ("<u1", 0x7F, 0x7E, 0x7F),
    "float8_e5m2": ("<u1", 0x7F, 0x7C, 0x7E),
    "bfloat16": ("<u2", 0x7FFF, 0x7F80, 0x7FC0),
    "float16": ("<u2", 0x7FFF, 0x7C00, 0x7E00),
    "float32": ("<u4", 0x7FFF_FFFF, 0x7F80_0000, 0x7FC0_0000),
    "float64": ("<u8", (1 << 63) - 1, 0x7FF << 52, 0xFFF << 51),
}
_NANS["complex32"] = _NANS["float16"]
_NANS["complex64"] = _NANS["float32"]
_NANS["complex128"] = _NANS["float64"]

# How much is copied from a GPU at once.
_DEVICE_BYTES = 1 << 24

# By size in bytes: a type that numpy has too. It does not have all of torch's (bfloat16, float8).
_WORDS = {1: "uint8", 2: "int16", 4: "int32", 8: "int64", 16: "complex128"}

_ARRAYS = (
    np.ndarray,
    np.memmap,
    np.matrix,
    np.recarray,
    np.ma.MaskedArray,
    type(np.ma.masked),
)


def write_numpy(writer: Writer, value: Any) -> None:
    """Encode an array, a scalar or a dtype of numpy.

    Raises
    ------
    Refused
        If it is something else, or a subclass of an array that may carry more than its values
        (a unit).
    """
    if isinstance(value, np.generic):
        writer.count(b"numpy.scalar", 1)
        write_array(writer, np.asarray(value))
    elif isinstance(value, np.dtype):
        writer.text(b"numpy.dtype", _dtype_text(value))
    elif type(value) in _ARRAYS:
        masked = isinstance(value, np.ma.MaskedArray)
        writer.count(b"numpy.masked" if masked else b"numpy.array", 1)
        write_array(writer, value if masked else np.asarray(value))
    elif isinstance(value, np.ndarray):
        what = f"is of type {type(value).__qualname__}, which may carry more than its values"
        raise Refused(what, "pass numpy.asarray of it, and the rest beside it")
    else:
        raise Refused(*described(value))


def write_array(writer: Writer, array: NDArray[Any]) -> None:
    """Encode shape, dtype and values; for a structured array, those of each field."""
    writer.text(b"shape", ",".join(map(str, array.shape)))
    names = array.dtype.names
    if names is not None:  # a field at a time: between them lies padding, which is no value
        writer.count(b"fields", len(names))
        for name in names:
            writer.text(b"field", name)
            try:
                write_array(writer, array[name])
            except Refused as refused:
                refused.steps.append(f"[{name!r}]")
                raise
        return
    writer.text(b"dtype", _dtype_text(array.dtype))
    if isinstance(array, np.ma.MaskedArray):
        _write_mask(writer, array)
    if array.dtype.kind in "OT":
        _write_objects(writer, array)
    else:
        write_numbers(writer, array, array.dtype.name)


def write_numbers(writer: Writer, array: NDArray[Any], dtype_name: str) -> None:
    """Hash the little-endian bytes of numbers in C order. All NaN have the same bytes.

    Parameters
    ----------
    writer : Writer
    array : array
        The numbers, or words with their bits.
    dtype_name : str
        The type of the numbers, as numpy and torch name it.
    """
    for panel in _panels(array):
        for block in blocks(panel, BLOCK_BYTES):
            _write_words(writer, _raw(block), dtype_name)


def _write_words(writer: Writer, raw: NDArray[np.uint8], dtype_name: str) -> None:
    if dtype_name in _NANS:
        word, unsigned, largest, nan = _NANS[dtype_name]
        words = raw.view(word)
        kind = words.dtype.type
        is_nan = (words & kind(unsigned)) > kind(largest)
        if is_nan.any():
            raw = np.where(is_nan, kind(nan), words).astype(word, copy=False).view(np.uint8)
    writer.feed(raw)


def blocks(values: Any, most: int) -> Iterator[Any]:
    """Cut an array or a tensor into views of at most `most` bytes, in C order.

    A caller then copies no more than one block at a time, whatever the layout.
    """
    if values.nbytes <= most or not values.ndim:
        yield values
        return
    rows = most * len(values) // values.nbytes
    if rows:
        for start in range(0, len(values), rows):
            yield values[start : start + rows]
    else:
        for row in range(len(values)):
            yield from blocks(values[row, ...], most)


def _panels(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array in C order as it is, and any other one as copies of some rows in C order.

    To read an array of Fortran order number by number in C order is slow: each number fetches a
    cache line, which is gone from the cache before the next number on it is read.
    """
    steps = [abs(step) for step, size in zip(array.strides, array.shape, strict=True) if size > 1]
    if len(steps) < 2 or steps[-1] == min(steps) or isinstance(array, np.ma.MaskedArray):
        yield array
        return
    for panel in blocks(array, _PANEL_BYTES):
        copy = np.empty(panel.shape, panel.dtype)
        _copy_in_tiles(panel, copy)
        yield copy


def _copy_in_tiles(source: NDArray[Any], target: NDArray[Any]) -> None:
    """Halve the longest axis until source and target of a part fit into the cache; copy it."""
    if source.nbytes <= _TILE_BYTES:
        target[...] = source
        return
    axis = source.shape.index(max(source.shape))
    middle = source.shape[axis] // 2
    for half in (slice(middle), slice(middle, None)):
        part = (slice(None),) * axis + (half,)
        _copy_in_tiles(source[part], target[part])


def _raw(block: NDArray[Any]) -> NDArray[np.uint8]:
    if isinstance(block, np.ma.MaskedArray):
        zero: Any = np.zeros((), block.dtype)[()]
        block = block.filled(zero)
    if not block.nbytes:
        return np.empty(0, np.uint8)
    dtype = block.dtype if _is_foreign(block.dtype) else block.dtype.newbyteorder("<")
    return np.ascontiguousarray(block, dtype).reshape(-1).view(np.uint8)


def _write_mask(writer: Writer, array: np.ma.MaskedArray[Any, Any]) -> None:
    if np.ma.is_masked(array):
        writer.count(b"mask", 1)
        write_array(writer, np.ma.getmaskarray(array))
    else:
        writer.count(b"mask", 0)


def _write_objects(writer: Writer, array: NDArray[Any]) -> None:
    if isinstance(array, np.ma.MaskedArray):
        array = array.filled(None)
    shape = array.shape

    def place_of(number: int) -> str:
        return f"[{', '.join(map(str, np.unravel_index(number, shape)))}]" if shape else "[()]"

    flat: NDArray[Any] = array.reshape(-1)
    writer.write_parts(flat.tolist(), place_of)


def _dtype_text(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "T":
        return "StringDType"
    if dtype.names is not None:
        return str(dtype.newbyteorder("<").descr)
    if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
        what = f"is of dtype {dtype.name}, which has other bits on other processors"
        raise Refused(what, "pass it as float64 or complex128")
    if _is_foreign(dtype):
        return f"{dtype.name},{dtype.itemsize}"
    return dtype.newbyteorder("<").str


def _is_foreign(dtype: np.dtype[Any]) -> bool:
    # Another library (ml_dtypes) has registered the dtype. For numpy it is bytes in native order.
    return dtype.type.__module__.partition(".")[0] != "numpy"


# torch's tensors: the same on every device, with and without gradients


def write_torch(writer: Writer, value: Any) -> None:
    """Encode a tensor, parameter, size, dtype or device of torch.

    Raises
    ------
    Refused
        If it is something else (a module has none, but its ``state_dict()`` has), or a tensor that
        is sparse, quantised or on the meta device.
    """
    torch = sys.modules["torch"]
    if isinstance(value, torch.Tensor):
        _write_tensor(writer, value, torch)
    elif isinstance(value, torch.Size):
        writer.count(b"torch.Size", len(value))
        writer.write_parts(value)
    elif isinstance(value, torch.dtype | torch.device):
        writer.text(b"torch", str(value))
    else:
        raise Refused(*described(value))


def _advice_for_layout(tensor: Any, torch: Any) -> str:
    # Not to_dense(): it may need more memory than there is.
    if tensor.layout == torch.sparse_coo:
        return "pass its shape, and coalesce().indices() and coalesce().values() of it"
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return "pass its shape, crow_indices(), col_indices() and values()"
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return "pass its shape, ccol_indices(), row_indices() and values()"
    return "pass its unbind()" if tensor.is_nested else "pass its to_dense()"


def _write_tensor(writer: Writer, tensor: Any, torch: Any) -> None:
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        what = f"is of type {type(tensor).__qualname__}, which may carry more than its values"
        raise Refused(what, "pass a plain torch.Tensor")
    if tensor.layout != torch.strided or tensor.is_nested:
        raise Refused(f"is a tensor of layout {tensor.layout}", _advice_for_layout(tensor, torch))
    if tensor.is_quantized:
        raise Refused("is a quantised tensor", "pass its int_repr(), scale and zero point")
    if tensor.is_meta:
        raise Refused("is a tensor on the meta device, which has no values", "pass its shape")
    name = str(tensor.dtype).removeprefix("torch.")
    writer.count(b"torch.Tensor", 1)
    writer.text(b"shape", ",".join(map(str, tensor.shape)))
    writer.text(b"dtype", name)
    values = tensor.detach().resolve_conj().resolve_neg()
    word = getattr(torch, _WORDS[values.element_size()])
    parts = [values] if tensor.device.type == "cpu" else blocks(values, _DEVICE_BYTES)
    for part in parts:
        write_numbers(writer, part.cpu().view(word).numpy(), name)
