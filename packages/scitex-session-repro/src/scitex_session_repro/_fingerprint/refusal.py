"""Why a value has no fingerprint, and where in the nesting it stands."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Refused(Exception):  # noqa: N818 - it never leaves the package
    """A part can't be encoded; on the way out, each container adds the step that leads to it.

    Parameters
    ----------
    what : str
        What is the matter with it, to stand after its place.
    advice : str
        What to pass in its stead.
    nesting : bool
        Whether the nesting is the trouble, and not the type.
    """

    def __init__(self, what: str, advice: str = "", *, nesting: bool = False) -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice
        self.nesting = nesting
        self.steps: list[str] = []

    def where(self, root: str) -> str:
        """Give the place as an expression, from the outermost value inwards."""
        return root + "".join(reversed(self.steps))


# By the attribute that tells what kind of object it is. The first that fits is taken.
_ADVICE = (
    ("state_dict", "pass its state_dict()"),
    ("bit_generator", "pass its bit_generator.state"),
    ("get_state", "pass its get_state()"),
    ("collect", "pass its collect()"),
    ("model_dump", "pass its model_dump()"),
    ("to_dense", "pass its to_dense()"),
    ("toarray", "pass its toarray()"),
    ("__array__", "pass numpy.asarray of it"),
    ("readline", "pass what it contains"),
    ("__next__", "pass the list of what it gives"),
)
_GENERIC_ADVICE = "pass its values as plain types, arrays, tensors or frames"


def described(value: Any) -> tuple[str, str]:
    """Say what a value is that has no fingerprint, and what to pass in its stead."""
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _full_name(kind)
    if isinstance(value, type):
        return f"is the class {_full_name(value)}", "pass its name"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"is the function {value.__qualname__}", "pass what it computes, or its name"
    for attribute, advice in _ADVICE:
        if hasattr(kind, attribute):
            return f"is of type {name}", advice
    return f"is of type {name}", _GENERIC_ADVICE


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
