"""torch's tensors: the same on every device, with and without gradients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .arrays import blocks, write_numbers
from .refusal import Refused, described

if TYPE_CHECKING:
    from typing import Any

    from .encoder import Writer

# So much is copied from a device at once.
_DEVICE_BYTES = 1 << 24

# By size, types that numpy has as well: it has not all of torch's (bfloat16, float8).
_WORDS = {1: "uint8", 2: "int16", 4: "int32", 8: "int64", 16: "complex128"}


def write(writer: Writer, value: Any) -> None:
    """Encode what torch has made: tensors, parameters, sizes, dtypes and devices.

    Raises
    ------
    Refused
        If it is something else (a module: its ``state_dict()`` has a fingerprint), or a tensor of
        a kind whose values lie elsewhere (sparse, quantised, on the meta device).
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


def _write_tensor(writer: Writer, tensor: Any, torch: Any) -> None:
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        what = f"is of type {type(tensor).__qualname__}, which may carry more than its values"
        raise Refused(what, "pass a plain torch.Tensor")
    if tensor.layout != torch.strided or tensor.is_nested:
        raise Refused(f"is a tensor of layout {tensor.layout}", "pass its to_dense()")
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
