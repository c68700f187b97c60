"""A dict whose keys are also attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self


class DotDict(dict):  # type: ignore[type-arg]  # a type parameter would make every access a cast
    """A `dict` whose items are also attributes.

    Methods of `dict` win over keys (``d.items`` is always the method); item access always works
    (``d["items"]``). Dicts that are put into it as values become `DotDict` too, so that
    ``CONFIG.MODEL.layers.width`` works. Lists stay the objects they are.

    Parameters
    ----------
    *args, **kwargs
        As for `dict`.

    Raises
    ------
    AttributeError
        On reading a key that does not exist, and on setting an attribute with the name of a
        method of `dict`: its value could be read back only as an item.

    Examples
    --------
    >>> config = DotDict(MODEL={"lr": 0.001})
    >>> config.MODEL.lr
    0.001
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, _nested(value))

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            keys = ", ".join(str(key) for key in self) or "none"
            raise AttributeError(f"no key {name!r}; the keys are: {keys}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"{name!r} is a method of dict; set the item: d[{name!r}] = …")
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"no key {name!r} to delete") from None

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(k for k in self if isinstance(k, str) and k.isidentifier())]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def __or__(self, other: Any) -> Self:
        if not isinstance(other, Mapping):
            return NotImplemented
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: Any) -> Self:
        if not isinstance(other, Mapping):
            return NotImplemented
        merged = type(self)(other)
        merged.update(self)
        return merged

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Update as `dict.update` does; dicts among the values become `DotDict`."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return ``self[key]``; set it to `default` first if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self) -> Self:
        """Return a shallow copy of the same type."""
        return type(self)(self)

    __copy__ = copy

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None) -> Self:
        """Make one with `keys`, each with the value `value`."""
        return cls(dict.fromkeys(keys, value))

    def to_dict(self) -> dict[Any, Any]:
        """Return a copy of plain dicts at all levels; other values stay the same objects."""
        return {k: v.to_dict() if isinstance(v, DotDict) else v for k, v in self.items()}


def _nested(value: Any) -> Any:
    return DotDict(value) if type(value) is dict else value
