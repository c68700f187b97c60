"""Resolve references in the files of ``config/``: ``${MODEL.lr}`` and ``${env:HOME}``."""

from __future__ import annotations

import math
import os
import re
from datetime import date

from scitex_session._errors import ConfigFileError
from scitex_session_core import MASK, is_secret_name

from .tree import DEEPEST, MOST_VALUES, shortened, weight
from .yaml import read_scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from .tree import Located

    KeyPath = tuple[Any, ...]

_PIECES = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\Z", re.DOTALL)
_MOST_SHOWN = 20  # keys in a message
# A key such as `pad_token` may be harmless; an environment variable with such a name is a secret.
_SECRET_ENDS = ("KEY", "PASS", "PASSWD", "PW", "PWD", "TOKEN")


def resolve(
    documents: Mapping[str, tuple[Path, Located]],
) -> tuple[dict[str, Any], dict[str, Any], dict[KeyPath, str]]:
    """Resolve the references in parsed files.

    Parameters
    ----------
    documents : mapping
        The path and the tree of each file, by its name.

    Returns
    -------
    values : dict
        The values of each file, by its name.
    recorded : dict
        The same for a record: values of variables that are named like secrets are masked.
    origins : dict
        The origin of each value, by its path of keys: ``config/model.yaml:3``, and the reference.

    Raises
    ------
    ConfigFileError
        A reference names nothing, leads back to itself, or can't be part of a text.

    Notes
    -----
    ``${a.b}`` is looked up in its own file, from the top, and then among the files
    (``${MODEL.a.b}``). Items of lists are counted from 0 (``${MODEL.layers.0}``). A reference that
    stands alone is the value itself, with its type. Within a text, it is written as in YAML.

    ``${env:NAME}`` is an environment variable; ``${env:NAME:-value}`` has a default for one that is
    unset or empty. Alone and without quotes it is read as YAML, so that ``4`` is a number; with
    quotes, or within a text, it is text. ``$${`` stands for ``${``.
    """
    sources = {name: _Source(path, root) for name, (path, root) in documents.items()}
    resolver = _ReferenceResolver(sources)
    values, recorded = {}, {}
    for name, source in sources.items():
        values[name], recorded[name] = resolver.build(source, source.root, (name,))
    return values, recorded, resolver.origins


class _Source:
    """A file and its tree."""

    __slots__ = ("path", "root")

    def __init__(self, path: Path, root: Located) -> None:
        self.path = path
        self.root = root

    def place(self, at: Located) -> str:
        """Return the place of a value, such as ``config/model.yaml:3``."""
        return f"{self.path.parent.name}/{self.path.name}:{at.line}"

    def error(self, at: Located, why: str) -> ConfigFileError:
        return ConfigFileError(str(self.path), shortened(why, 500), at.line)


class _ReferenceResolver:
    def __init__(self, sources: Mapping[str, _Source]) -> None:
        self._sources = sources
        self._within: dict[int, str] = {}  # places of the values that are being resolved, by id
        self._built = 0
        self.origins: dict[KeyPath, str] = {}

    def build(self, source: _Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        """Return a value and its recorded form; `path` is None within lists."""
        self._count(source, at, at.value)
        if id(at) in self._within:
            known, places = list(self._within), list(self._within.values())
            chain = " → ".join([*places[known.index(id(at)) :], source.place(at)])
            raise source.error(at, f"a reference leads back to itself: {chain}")
        self._enter(source, at)
        try:
            return self._parts(source, at, path)
        finally:
            del self._within[id(at)]

    def _count(self, source: _Source, at: Located, value: Any) -> None:
        """Count the values built so far: references can double them at each line."""
        self._built += weight(value)
        if self._built > MOST_VALUES:
            raise source.error(at, f"there are more than {MOST_VALUES:,} values in all")

    def _enter(self, source: _Source, at: Located) -> None:
        if len(self._within) >= DEEPEST:
            raise source.error(at, f"more than {DEEPEST} values and references within each other")
        self._within[id(at)] = source.place(at)

    def _parts(self, source: _Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        if isinstance(at.value, dict):
            both = {
                key: self.build(source, item, (*path, key) if path else None)
                for key, item in at.value.items()
            }
            return {k: v for k, (v, _) in both.items()}, {k: r for k, (_, r) in both.items()}
        if path:
            self.origins[path] = source.place(at)
        if isinstance(at.value, list):
            pairs = [self.build(source, item, None) for item in at.value]
            return [value for value, _ in pairs], [recorded for _, recorded in pairs]
        if isinstance(at.value, str) and "${" in at.value:
            return self._text(source, at, path)
        return at.value, at.value

    def _text(self, source: _Source, at: Located, path: KeyPath | None) -> tuple[Any, Any]:
        whole = _whole(at.value)
        if whole is not None:
            value, recorded = self._referred(source, at, whole, path)
        else:
            value, recorded = self._embedded(source, at)
            self._count(source, at, value)
        if path:
            reference = f", ${{{_recorded(whole)}}}" if whole is not None else ""
            self.origins[path] = source.place(at) + reference
        return value, recorded

    def _embedded(self, source: _Source, at: Located) -> tuple[str, str]:
        texts: list[str] = []
        recorded: list[str] = []
        end = 0
        for piece in _PIECES.finditer(at.value):
            if piece[1] is None and piece[0] != "$${":
                raise source.error(at, "'${' without its '}' ('$${' means the characters '${')")
            value, masked = "${", "${"
            if piece[1] is not None:
                value, masked = self._referred(source, at, piece[1], None)
            before = at.value[end : piece.start()]
            texts += [before, _as_text(source, at, value)]
            recorded += [before, _as_text(source, at, masked)]
            end = piece.end()
        return "".join(texts) + at.value[end:], "".join(recorded) + at.value[end:]

    def _referred(
        self, source: _Source, at: Located, reference: str, path: KeyPath | None
    ) -> tuple[Any, Any]:
        if variable := _VARIABLE.match(reference):
            alone = _whole(at.value) is not None
            return _read_variable(source, at, *variable.groups(), alone=alone)
        return self.build(*self._target(source, at, reference), path)

    def _target(self, source: _Source, at: Located, reference: str) -> tuple[_Source, Located]:
        parts = reference.strip().split(".")
        if not all(parts):
            raise source.error(
                at,
                f"${{{shortened(reference)}}} is no reference: ${{key}}, ${{NAME.key}}, "
                "${env:VARIABLE} and ${env:VARIABLE:-default} are",
            )
        top = source.root.value
        if isinstance(top, dict) and parts[0] in top:
            home, target = source, source.root
        elif parts[0] in self._sources:
            home = self._sources[parts.pop(0)]
            target = home.root
        else:
            keys = [*(top if isinstance(top, dict) else ()), *self._sources]
            raise _unknown(source, at, reference, parts[0], keys)
        for part in parts:
            home, target = self._followed(home, target)
            target = _step(source, at, reference, part, target)
        return home, target

    def _followed(self, source: _Source, at: Located) -> tuple[_Source, Located]:
        """If a value is a reference itself, follow it to its target."""
        whole = _whole(at.value)
        if whole is None or _VARIABLE.match(whole):
            return source, at
        if id(at) in self._within:
            raise source.error(at, f"${{{whole}}} leads back to itself")
        self._count(source, at, None)
        self._enter(source, at)
        try:
            return self._followed(*self._target(source, at, whole))
        finally:
            del self._within[id(at)]


def _whole(value: object) -> str | None:
    """Return the reference, if a value is nothing but one."""
    match = _PIECES.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _recorded(reference: str) -> str:
    """Return a reference as it may stand in a record: without the default of a secret."""
    variable = _VARIABLE.match(reference)
    if variable is None or variable[2] is None or not _is_secret(variable[1]):
        return reference
    return f"env:{variable[1]}:-{MASK}"


def _step(source: _Source, at: Located, reference: str, part: str, target: Located) -> Located:
    value = target.value
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]  # type: ignore[no-any-return]
    if isinstance(value, dict):
        if part in value:
            return value[part]  # type: ignore[no-any-return]
        for key, item in value.items():
            if _written(key) == part:
                return item  # type: ignore[no-any-return]
    keys: Iterable[Any] = value if isinstance(value, dict) else ()
    if isinstance(value, list):
        keys = range(len(value))
    raise _unknown(source, at, reference, part, keys)


def _unknown(
    source: _Source, at: Located, reference: str, part: str, keys: Iterable[Any]
) -> ConfigFileError:
    from scitex_session._suggest import suggest

    names = [_written(key) for key in keys]
    near = suggest(part, names)
    known = ", ".join(names[:_MOST_SHOWN]) or "none, it is a single value"
    more = ", …" if len(names) > _MOST_SHOWN else ""
    hint = f"there are: {known}{more}" if near is None else f"did you mean {near!r}?"
    problem = f"${{{shortened(reference, 100)}}}: there is no {shortened(repr(part))}"
    return source.error(at, f"{problem}; {hint}")


def _as_text(source: _Source, at: Located, value: Any) -> str:
    if isinstance(value, (list, dict, set, bytes)):
        text = shortened(repr(at.value))
        raise source.error(at, f"a {type(value).__name__} can't be part of the text {text}")
    return _written(value)


def _written(value: Any) -> str:
    """Return a scalar as YAML writes it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("inf", ".inf").replace("nan", ".nan")
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_variable(
    source: _Source, at: Located, name: str, default: str | None, *, alone: bool
) -> tuple[Any, Any]:
    """Return the value of a variable and its recorded form.

    If the reference stands `alone`, and without quotes, the variable is read as YAML.
    """
    text = _from_environment(source, at, name, default)
    try:
        value = read_scalar(text) if alone and at.plain and text else text
    except ValueError:  # more digits than Python reads
        raise source.error(at, f"the variable {name} is too long a number") from None
    return value, MASK if _is_secret(name) else value


def _from_environment(source: _Source, at: Located, name: str, default: str | None) -> str:
    value = os.environ.get(name)
    if default is not None:
        return value or default
    if value is None:
        raise source.error(
            at,
            f"the environment variable {name} is not set (${{env:{name}:-value}} has a default)",
        )
    return value


def _is_secret(variable: str) -> bool:
    return is_secret_name(variable) or variable.upper().endswith(_SECRET_ENDS)
