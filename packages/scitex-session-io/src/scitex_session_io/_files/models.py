"""Save and load Python objects and models: pickles, joblib's, PyTorch's, and safetensors."""

from __future__ import annotations

import pickle
import sys

from scitex_session_io._errors import InvalidValueError, UnsafeFileError, UnsavableError

from .arrays import array_of
from .library import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_TENSORS = "a dict of arrays or tensors, whose keys are texts, such as model.state_dict()"


def write_pickle(obj: Any, file: BinaryIO, *, protocol: int | None = None) -> None:
    """Write any object that pickle takes."""
    pickle.dump(obj, file, protocol)


def read_pickle(file: BinaryIO, path: str, *, allow_pickle: bool = False) -> Any:
    """Read a pickle."""
    _must_be_allowed(allow_pickle, path, "a pickle")
    return pickle.load(file)  # noqa: S301  # it was asked for


def write_joblib(obj: Any, file: BinaryIO, *, compress: int | bool | tuple[str, int] = 0) -> None:
    """Write any object, its arrays efficiently."""
    need("joblib", "joblib", "JOBLIB").dump(obj, file, compress=compress)


def read_joblib(file: BinaryIO, path: str, *, allow_pickle: bool = False) -> Any:
    """Read what joblib has written."""
    _must_be_allowed(allow_pickle, path, "a file of joblib's, a kind of pickle,")
    return need("joblib", "joblib", path).load(file)


def _must_be_allowed(allow_pickle: bool, path: str, what: str) -> None:
    if not allow_pickle:
        raise UnsafeFileError(path, what)


def write_torch(obj: Any, file: BinaryIO) -> None:
    """Write any object, its tensors efficiently."""
    need("torch", "torch", "PT").save(obj, file)


def read_torch(
    file: BinaryIO, path: str, *, allow_pickle: bool = False, map_location: Any = None
) -> Any:
    """Read tensors, numbers, texts, and lists and dicts of them; with a pickle, anything."""
    torch = need("torch", "torch", path)
    try:
        return torch.load(file, map_location=map_location, weights_only=not allow_pickle)
    except pickle.UnpicklingError as error:
        # What begins otherwise is no pickle, and no archive of them.
        file.seek(0)
        if allow_pickle or file.read(1) not in (b"\x80", b"P"):
            raise
        what = "a pickle of more than tensors and plain values"
        raise UnsafeFileError(path, what) from error


def write_safetensors(obj: Any, file: BinaryIO, *, metadata: dict[str, str] | None = None) -> None:
    """Write named tensors, of torch's if one of them is, else of numpy's."""
    if not isinstance(obj, dict) or not all(isinstance(name, str) for name in obj):
        raise UnsavableError("SAFETENSORS", "obj", type(obj).__qualname__, _TENSORS)
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(value, torch.Tensor) for value in obj.values()):
        library = need("safetensors.torch", "safetensors", "SAFETENSORS")
        # It refuses views, since they would be stored whole.
        tensors = {name: torch.as_tensor(value).contiguous() for name, value in obj.items()}
    else:
        library = need("safetensors.numpy", "safetensors", "SAFETENSORS")
        np = need("numpy", "numpy", "SAFETENSORS")
        tensors = {
            name: np.asarray(array_of(value, f"obj[{name!r}]", "SAFETENSORS", _TENSORS), order="C")
            for name, value in obj.items()
        }
    file.write(library.save(tensors, metadata))


def read_safetensors(file: BinaryIO, path: str, *, into: str = "numpy") -> dict[str, Any]:
    """Read named tensors, as arrays of numpy's or, with ``into="torch"``, tensors of torch's."""
    if into not in ("numpy", "torch"):
        raise InvalidValueError("into", into, "'numpy' or 'torch'")
    need(into, into, f"into={into!r}")
    library = need(f"safetensors.{into}", "safetensors", path)
    tensors: dict[str, Any] = library.load(file.read())
    return tensors
