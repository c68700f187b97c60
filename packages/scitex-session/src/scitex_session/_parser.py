"""A cyclopts command line from a prepared signature; imported when there is something to parse."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from typing import Annotated, Any

import cyclopts

from ._callables import code_of
from ._numbers import converter_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._signature import Parameter

_HELP_FLAGS = ("--help", "-h")
_USAGE_ERROR = 2  # as argparse, and as the shell itself


def parse(
    func: Callable[..., Any], options: Sequence[Parameter], tokens: Sequence[str], program: str
) -> dict[str, Any]:
    """Parse `tokens`.

    Parameters
    ----------
    func : callable
        The function whose parameters, annotations and docstring make the command line.
    options : sequence of Parameter
        Its parameters, the injected ones left out.
    tokens : sequence of str
        The command line without the program.
    program : str
        The name of the program, for help and errors.

    Returns
    -------
    dict
        The values that were given, by parameter.

    Raises
    ------
    SystemExit
        With 2 where `tokens` can't be parsed, with 0 after ``--help``.
    """
    names = _option_names(options)
    annotations = _annotations(func, options)

    # The names and help come from a signature of our own, in which everything is an option: a bare
    # value on a command line says nothing to who reads it a year later.
    def target(**values: Any) -> dict[str, Any]:
        return values

    target.__doc__ = func.__doc__
    target.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_prepared(option, annotations[option.name], names[option.name]) for option in options]
    )
    app = cyclopts.App(
        name=program,
        help_flags=_HELP_FLAGS,
        version_flags=(),
        help_format="plaintext",
        result_action="return_value",
    )
    app["--help"].group = cyclopts.Group("Other")
    app.default(target)
    try:
        command, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        print(f"{program}: error: {_said(error)} (try {program} --help)", file=sys.stderr)
        raise SystemExit(_USAGE_ERROR) from None
    if command is not target:
        command(*bound.args, **bound.kwargs)
        raise SystemExit(0)
    return dict(bound.arguments)


def _said(error: cyclopts.CycloptsError) -> str:
    """Return an error as one sentence without a full stop."""
    said = " ".join(str(error).split()).removesuffix(".")
    argument = error.argument
    stray = [t for t in error.unused_tokens or () if t.startswith("-") and len(t) > 1]
    if isinstance(error, cyclopts.MissingArgumentError) and stray and not error.keyword:
        near = f"; did you mean {argument.name}?" if argument and "Did you mean" in said else ""
        return f"there is no option {stray[0]}{near}"
    if isinstance(error, cyclopts.UnusedCliTokensError) and error.unused_tokens:
        return f"{error.unused_tokens[0]!r} belongs to no option: every value is given by name"
    if not isinstance(error, cyclopts.MissingArgumentError) or not argument or argument.tokens:
        return said
    return f"{error.keyword} needs a value" if error.keyword else f"{argument.name} is required"


def _prepared(option: Parameter, annotation: Any, names: Sequence[str]) -> inspect.Parameter:
    many = True if _takes_many(annotation) else None
    parameter = cyclopts.Parameter(
        name=tuple(names), consume_multiple=many, converter=converter_for(annotation)
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if option.required else option.default,
        annotation=Annotated[annotation, parameter],
    )


def _takes_many(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, Annotated):
        return any(_takes_many(part) for part in typing.get_args(annotation))
    return (origin or annotation) in (list, set, frozenset, tuple)


def _option_names(options: Sequence[Parameter]) -> dict[str, list[str]]:
    """Give each option its long name and, where no other has it, its first letter.

    Letters go to options in order, so that adding one at the end changes none before it.
    """
    taken = set(_HELP_FLAGS)
    names: dict[str, list[str]] = {}
    for option in options:
        short = f"-{option.name.strip('_')[:1].lower()}"
        names[option.name] = [f"--{option.name.strip('_').replace('_', '-')}"]
        if short not in taken and short != "-":
            taken.add(short)
            names[option.name].append(short)
    return names


def _annotations(func: Callable[..., Any], options: Sequence[Parameter]) -> dict[str, Any]:
    """Resolve annotations; without one, the type of the default says what is meant, else text."""
    written = getattr(code_of(func), "__annotations__", {})
    resolved = {}
    for option in options:
        hint = _resolved(func, written.get(option.name))
        if hint is None or hint is Any:
            hint = str if option.required or option.default is None else type(option.default)
        resolved[option.name] = hint
    return resolved


def _resolved(func: Callable[..., Any], hint: Any) -> Any:
    # One by one: a name that only type checkers can import must not turn all others into text.
    if hint is None:
        return None
    holder = types.SimpleNamespace(__annotations__={"hint": hint})
    namespace = getattr(code_of(func), "__globals__", {})
    try:
        return typing.get_type_hints(holder, globalns=namespace, include_extras=True)["hint"]
    except NameError:
        return None
