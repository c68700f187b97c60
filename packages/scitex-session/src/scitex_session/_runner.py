"""`run`: a session around a function, without decorating it."""

from __future__ import annotations

import sys

from ._command_line import arguments_for, session_part
from ._execute import check_not_nested, execute
from ._options import check_keywords
from ._signature import check_function, parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def run(
    func: Callable[..., Any],
    parse_args: Callable[[], Any] | None = None,
    **session_kwargs: Any,
) -> Any:
    """Run a function as a session.

    Parameters
    ----------
    func : callable
        The function. While it runs, its module has the globals that `session` injects.
    parse_args : callable, optional
        Reads the command line; `func` is called with what it returns. Without it, the signature of
        `func` makes the command line, as with `session`; a function whose only parameter is a bare
        ``args`` is called with an empty `argparse.Namespace`.
    **session_kwargs
        Options of the session, as `session` takes them.

    Returns
    -------
    object
        What `func` returns.

    Raises
    ------
    UnknownOptionError
        No such option.
    UnsuitableFunctionError
        `func` can't be run as a session.
    NestedSessionError
        A session is running in this process.
    BaseException
        What `func` raised, after the session was closed.
    """
    check_keywords(session_kwargs)
    check_function(func)
    check_not_nested(func)
    if parse_args is None and not _wants_bare_args(func):
        arguments = arguments_for(func)
        keywords = {**session_kwargs, **arguments.session}
        ending = execute(func, lambda given: arguments.call(func, given), keywords, arguments)
    else:
        args, asked = _read_by(parse_args or _empty_namespace)
        keywords = {"args": args, **session_kwargs, **asked}
        ending = execute(func, lambda _given: func(args), keywords)
    if ending.error is not None:
        raise ending.error
    return ending.result


def _read_by(parse_args: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """Have the user's own parser read the command line without what is the session's."""
    asked = session_part()
    found = sys.argv
    sys.argv = [*found[:1], *asked.rest]
    try:
        return parse_args(), asked.keywords
    finally:
        sys.argv = found


def _empty_namespace() -> object:
    import argparse

    # Nobody reads the command line, so an option on it is a mistake, not to be swallowed.
    return argparse.ArgumentParser(usage="%(prog)s", add_help=False).parse_args()


def _wants_bare_args(func: Callable[..., Any]) -> bool:
    parameters = parameters_of(func)
    return (
        [p.name for p in parameters] == ["args"]
        and parameters[0].required
        and "args" not in getattr(func, "__annotations__", {})
    )
