"""Convert states of generators to values that JSON can hold, and back, without loss.

What JSON knows stays as it is. Everything else becomes an object with one key, the name of its
kind. Arrays and tensors are base64 of their little-endian bytes. Reading makes these kinds and no
others, so a file from anywhere can hold nothing that runs.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORDS = 8  # integers from which on a tuple of them is packed


def plain(value: Any) -> Any:
    """Convert a state, as a library returns it, to plain values.

    Raises
    ------
    TypeError
        If something in it has no plain form.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {"dict": {key: plain(item) for key, item in value.items()}}
    if isinstance(value, list):
        return {"list": [plain(item) for item in value]}
    if isinstance(value, tuple):
        if len(value) >= WORDS and all(type(n) is int and 0 <= n < 2**32 for n in value):
            from struct import pack

            return {"words": _text(pack(f"<{len(value)}I", *value))}
        return {"tuple": [plain(item) for item in value]}
    if (numpy := sys.modules.get("numpy")) is not None and isinstance(value, numpy.ndarray):
        flat = value.astype(value.dtype.newbyteorder("<"))
        return {"array": flat.dtype.str, "shape": [*value.shape], "base64": _text(flat.tobytes())}
    if (torch := sys.modules.get("torch")) is not None and isinstance(value, torch.Tensor):
        # torch returns every state so: one row of bytes, on the CPU.
        return {"bytes": _text(bytes(value.tolist()))}
    raise TypeError(f"a state holds {value!r:.80} of type {type(value).__name__}")


def native(value: Any) -> Any:
    """Convert plain values to what the library takes; it must be imported.

    Raises
    ------
    ValueError
        If `plain` does not return such values.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        match value:
            case {"dict": dict(items)} if len(value) == 1:
                return {key: native(item) for key, item in items.items()}
            case {"list": list(items)} if len(value) == 1:
                return [native(item) for item in items]
            case {"tuple": list(items)} if len(value) == 1:
                return tuple(native(item) for item in items)
            case {"words": str(text)} if len(value) == 1:
                data = _bytes(text)
                return tuple(
                    int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)
                )
            case {"array": str(dtype), "shape": list(shape), "base64": str(text)}:
                return _array(dtype, shape, _bytes(text))
            case {"bytes": str(text)} if len(value) == 1:
                import torch

                return torch.frombuffer(bytearray(_bytes(text)), dtype=torch.uint8)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None
    raise ValueError(f"{value!r:.80} is no part of a state")


def _array(dtype: str, shape: list[int], data: bytes) -> Any:
    import numpy as np

    kind = np.dtype(dtype)
    if kind.kind not in "biuf":
        raise ValueError(f"{dtype!r} is no dtype of numbers")
    return np.frombuffer(data, dtype=kind).reshape(shape).astype(kind.newbyteorder("="))


def _text(data: bytes) -> str:
    from binascii import b2a_base64

    return b2a_base64(data, newline=False).decode("ascii")


def _bytes(text: str) -> bytes:
    from binascii import a2b_base64

    return a2b_base64(text, strict_mode=True)
