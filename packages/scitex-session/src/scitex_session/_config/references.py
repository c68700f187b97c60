"""``${MODEL.lr}`` and ``${env:HOME}`` in the files of ``config/``."""

from __future__ import annotations

import re
from datetime import date

from .reference_variables import VARIABLE, read_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .source import Source
    from .tree import Located

    KeyPath = tuple[str, ...]

_PIECES = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
# Aliases and references can double a file at each line: a run should not die of a typing error.
_MOST_VALUES = 100_000
_DEEPEST = 100


class Resolved:
    """Configuration files with their references resolved.

    Attributes
    ----------
    values : dict
        By name of the file.
    recorded : dict
        The same as it may stand in a record: what came from a variable whose name is that of a
        secret is masked.
    origins : dict
        By the path of keys, where each value came from: ``config/model.yaml:3``, and the
        reference.
    """

    __slots__ = ("origins", "recorded", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.recorded: dict[str, Any] = {}
        self.origins: dict[KeyPath, str] = {}


def resolve(sources: Mapping[str, Source]) -> Resolved:
    """Resolve the references in files that were read.

    Parameters
    ----------
    sources : mapping
        By name.

    Returns
    -------
    Resolved

    Raises
    ------
    ConfigFileError
        A reference names nothing, leads back to itself, or can't be part of a text.

    Notes
    -----
    ``${a.b}`` is looked up in its own file, from the top, and then among the files
    (``${MODEL.a.b}``); parts of lists are counted from 0 (``${MODEL.layers.0}``). Alone, it is the
    very value, of its type; within a text, it is written there as YAML would write it.
    ``${env:NAME}`` is a variable of the environment, ``${env:NAME:-value}`` with a default for one
    that is unset or empty: alone and without quotes it is read as if its text stood there, so that
    ``4`` is a number; with quotes, or within a text, it is text. ``$${`` stands for ``${``.
    """
    resolver = _Resolver(sources)
    found = Resolved()
    for name, source in sources.items():
        value, recorded = resolver.build(source, source.root, (name,))
        found.values[name], found.recorded[name] = value, recorded
    found.origins = resolver.origins
    return found


class _Resolver:
    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._within: dict[int, str] = {}  # what is being resolved, and its place
        self._built = 0
        self.origins: dict[KeyPath, str] = {}

    def build(self, source: Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        """Return a value and what may be recorded of it; `path` is None within lists."""
        self._built += 1
        if self._built > _MOST_VALUES:
            raise source.error(at, f"there are more than {_MOST_VALUES:,} values in all")
        place = f"{source.label}:{at.line}"
        if id(at) in self._within:
            places = list(self._within.items())
            first = [known for known, _ in places].index(id(at))
            chain = " → ".join([*(there for _, there in places[first:]), place])
            raise source.error(at, f"a reference leads back to itself: {chain}")
        if len(self._within) >= _DEEPEST:
            raise source.error(at, f"more than {_DEEPEST} values and references within each other")
        self._within[id(at)] = place
        try:
            return self._parts(source, at, path)
        finally:
            del self._within[id(at)]

    def _parts(self, source: Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        if isinstance(at.value, dict):
            both = {
                key: self.build(source, item, (*path, str(key)) if path else None)
                for key, item in at.value.items()
            }
            return {k: v for k, (v, _) in both.items()}, {k: r for k, (_, r) in both.items()}
        if path:
            self.origins[path] = f"{source.label}:{at.line}"
        if isinstance(at.value, list):
            pairs = [self.build(source, item, None) for item in at.value]
            return [value for value, _ in pairs], [recorded for _, recorded in pairs]
        if isinstance(at.value, str) and "${" in at.value:
            return self._text(source, at, path)
        return at.value, at.value

    def _text(self, source: Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        whole = _whole(at.value)
        if whole is not None:
            value, recorded = self._referred(source, at, whole, path)
        else:
            value, recorded = self._embedded(source, at)
        if path:
            said = f", ${{{whole}}}" if whole is not None else ""
            self.origins[path] = f"{source.label}:{at.line}{said}"
        return value, recorded

    def _embedded(self, source: Source, at: Located) -> tuple[str, str]:
        texts: list[str] = []
        recorded: list[str] = []
        end = 0
        for piece in _PIECES.finditer(at.value):
            if piece[1] is None and piece[0] != "$${":
                raise source.error(at, "'${' without its '}' ('$${' means the characters '${')")
            value, told = "${", "${"
            if piece[1] is not None:
                value, told = self._referred(source, at, piece[1], None)
            before = at.value[end : piece.start()]
            texts += [before, _as_text(source, at, value)]
            recorded += [before, _as_text(source, at, told)]
            end = piece.end()
        return "".join(texts) + at.value[end:], "".join(recorded) + at.value[end:]

    def _referred(
        self, source: Source, at: Located, reference: str, path: KeyPath | None
    ) -> tuple[Any, Any]:
        if variable := VARIABLE.match(reference):
            alone = _whole(at.value) is not None
            return read_variable(source, at, *variable.groups(), alone=alone)
        return self.build(*self._target(source, at, reference), path)

    def _target(self, source: Source, at: Located, reference: str) -> tuple[Source, Located]:
        parts = reference.strip().split(".")
        if not all(parts):
            raise source.error(
                at,
                f"${{{reference}}} is no reference: ${{key}}, ${{NAME.key}}, ${{env:VARIABLE}} and "
                "${env:VARIABLE:-default} are",
            )
        top = source.root.value
        if isinstance(top, dict) and parts[0] in top:
            home, target = source, source.root
        elif parts[0] in self._sources:
            home = self._sources[parts.pop(0)]
            target = home.root
        else:
            keys = [*(top if isinstance(top, dict) else ()), *self._sources]
            raise source.unknown(at, reference, parts[0], keys)
        for part in parts:
            home, target = self._followed(home, target)
            target = _step(source, at, reference, part, target)
        return home, target

    def _followed(self, source: Source, at: Located) -> tuple[Source, Located]:
        """Go on from a value that is itself a reference to where that leads."""
        whole = _whole(at.value)
        if whole is None or VARIABLE.match(whole):
            return source, at
        if id(at) in self._within:
            raise source.error(at, f"${{{whole}}} leads back to itself")
        self._within[id(at)] = f"{source.label}:{at.line}"
        try:
            return self._followed(*self._target(source, at, whole))
        finally:
            del self._within[id(at)]


def _whole(value: object) -> str | None:
    """Return the reference that is all of a value."""
    found = _PIECES.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def _step(source: Source, at: Located, reference: str, part: str, target: Located) -> Located:
    value = target.value
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]  # type: ignore[no-any-return]
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key) == part:
                return item  # type: ignore[no-any-return]
    keys: Iterable[Any] = value if isinstance(value, dict) else ()
    if isinstance(value, list):
        keys = range(len(value))
    raise source.unknown(at, reference, part, keys)


def _as_text(source: Source, at: Located, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, date):
        return value.isoformat()
    raise source.error(at, f"a {type(value).__name__} can't be part of the text {at.value!r}")
