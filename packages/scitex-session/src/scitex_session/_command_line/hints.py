"""What a parameter may be, as far as a command line can say it."""

from __future__ import annotations

import sys
import types
import typing
from pathlib import Path
from typing import Any

from .callables import code_of
from .signature import OPTIONS, VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable

    from .signature import Parameter


class Unknown:
    """An annotation whose names can't be found, not even by the imports for type checkers."""

    def __init__(self, text: str) -> None:
        self.text = text


def hints_of(func: Callable[..., Any], options: Iterable[Parameter]) -> dict[str, Any]:
    """Return what each parameter is annotated with, by its name.

    Parameters
    ----------
    func : callable
        The function.
    options : iterable of Parameter
        Its parameters.

    Returns
    -------
    dict
        An annotation, or `Unknown`. Where there is none, or one that says nothing (``list``,
        ``Any``), the default tells what is meant; without one it is text.
    """
    written = getattr(code_of(func), "__annotations__", {})
    hints = {}
    for option in options:
        hint = _resolved(func, written[option.name]) if option.name in written else Any
        if option.kind in (VALUES, OPTIONS):
            hints[option.name] = str if hint is Any and option.kind == VALUES else hint
        elif hint in (Any, object, list, tuple, set, frozenset, dict):
            hints[option.name] = _kind_of(option.default, hint)
        else:
            hints[option.name] = hint
    return hints


def hints_within(kind: Any) -> dict[str, Any]:
    """Return the annotations of a class or a constructor, those for type checkers only as well.

    Raises
    ------
    NameError
        One names what is not there.
    """
    homes = dict.fromkeys(base.__module__ for base in getattr(kind, "__mro__", (kind,)))
    modules = [vars(sys.modules[name]) for name in homes if name in sys.modules]
    found: dict[str, Any] = {}
    while True:
        try:
            names = {**getattr(kind, "__dict__", {}), **found} if found else None
            return typing.get_type_hints(kind, localns=names, include_extras=True)
        except NameError as error:
            name = error.name or ""
            if name in found or not any(_import_for_checkers(m, name, found) for m in modules):
                raise


def shown_hint(hint: Any) -> str:
    """Return an annotation as a person would write it."""
    if isinstance(hint, Unknown):
        return hint.text
    if hint is types.NoneType:
        return "None"
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " | ".join(map(shown_hint, typing.get_args(hint)))
    written = str(hint)
    for home in ("typing.", "collections.abc.", "__main__."):
        written = written.replace(home, "")
    ours = {
        "scitex_session._command_line.kinds.Free": "Any",
        "scitex_session._command_line.kinds.YesNo": "bool",
    }
    for name, theirs in ours.items():
        written = written.replace(name, theirs)
    return written


def _kind_of(default: Any, otherwise: Any) -> Any:
    kind = type(default)
    if default is None or kind.__name__ == "_Required":
        return otherwise
    if kind in (list, tuple, set, frozenset, dict):
        items = list(default.values()) if kind is dict else list(default)
        inner = {type(item) for item in items}
        if inner == {int, float}:  # ``(0.5, 40)``: numbers, of which some happen to be whole
            inner, items = {float}, [0.0]
        if len(inner) == 1 and (kind is not dict or all(isinstance(key, str) for key in default)):
            one = _kind_of(items[0], Any)
            if kind is dict:
                return dict[str, one]  # type: ignore[valid-type]
            return tuple[one, ...] if kind is tuple else kind[one]  # type: ignore[valid-type]
    return kind


def _resolved(func: Callable[..., Any], hint: Any) -> Any:
    # One by one: a name that only type checkers can import must not turn all others into text.
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    module = getattr(code_of(func), "__globals__", {})
    namespace = {**module, **_closure_of(func)}
    while True:
        try:
            return typing.get_type_hints(holder, globalns=namespace, include_extras=True)["hint"]
        except NameError as error:
            name = error.name or ""
            if name in namespace or not _import_for_checkers(module, name, namespace):
                return Unknown(hint if isinstance(hint, str) else shown_hint(hint))


def _closure_of(func: Callable[..., Any]) -> dict[str, Any]:
    code, cells = code_of(func), getattr(code_of(func), "__closure__", None) or ()
    names = getattr(getattr(code, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue
    return found


def _import_for_checkers(module: dict[str, Any], name: str, namespace: dict[str, Any]) -> bool:
    """Import a name as the module does under ``if TYPE_CHECKING``, where linters move imports.

    Only the one name that an annotation of a parameter has, into `namespace`; the module itself
    stays as it is. True if that worked.
    """
    import ast

    try:
        tree = ast.parse(Path(module["__file__"]).read_bytes())
    except (KeyError, TypeError, OSError, SyntaxError):
        return False
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test):
            for statement in block.body:
                if isinstance(statement, ast.Import | ast.ImportFrom) and (
                    chosen := [a for a in statement.names if _bound_by(a) == name]
                ):
                    statement.names = chosen
                    one = ast.Module([statement], [])
                    scope = {"__package__": module.get("__package__")}
                    scope["__name__"] = module.get("__name__")
                    try:
                        exec(compile(one, "<annotation>", "exec"), scope)  # noqa: S102
                    except ImportError:
                        return False
                    namespace[name] = scope[name]
                    return True
    return False


def _bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]
