"""`run`: a session around a function, without decorating it."""

from __future__ import annotations

import functools
import sys

from scitex_session_core import InvalidTypeError

from ._command_line.arguments import Arguments, arguments_for, program_name, session_part
from ._command_line.signature import check_function, is_coroutine_function, parameters_of, unveil
from ._lifecycle.coroutines import in_event_loop, run_to_end
from ._lifecycle.execute import check_not_nested, execute, execute_async, is_disabled
from ._lifecycle.options import check_keywords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._command_line.session_options import Asked
    from ._lifecycle.execute import Ending


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
        Reads the command line; `func` is called with what it returns. A command of click is taken,
        too, and does not end the process. Without it, the signature of `func` makes the command
        line, as with `session`; a function whose only parameter is a bare ``args`` is called with
        an empty `argparse.Namespace`.
    **session_kwargs
        Options of the session, as `session` takes them.

    Returns
    -------
    object
        What `func` returns. Within an event loop, an async `func` runs when this is awaited.

    Raises
    ------
    UnknownOptionError
        No such option.
    InvalidTypeError
        `parse_args` can't be called.
    UnsuitableFunctionError
        `func` can't be run as a session.
    NestedSessionError
        A session is running in this process.
    BaseException
        What `func` raised, after the session was closed.
    """
    check_keywords(session_kwargs)
    unveil(func)
    check_function(func)
    if parse_args is not None and not callable(parse_args):
        raise InvalidTypeError("parse_args", parse_args, "a function, such as parser.parse_args")
    check_not_nested(func)
    keywords = dict(session_kwargs)
    call: Callable[[Any], Any]
    if parse_args is None and not _wants_bare_args(func):
        arguments = arguments_for(func)
        call = functools.partial(arguments.call, func)
    else:
        args, asked = _read_by(parse_args or _empty_namespace)
        arguments = Arguments([], {}, {}, asked)
        keywords.setdefault("args", args)
        call = functools.partial(_call_with, func, args)

    if is_coroutine_function(func) and in_event_loop():
        return _run_in_loop(func, call, keywords, arguments)
    if is_disabled():
        return run_to_end(call(None))
    return _given_back(execute(func, call, keywords, arguments))


def _call_with(func: Callable[..., Any], args: Any, _injected: object) -> Any:
    return func(args)


async def _run_in_loop(
    func: Callable[..., Any],
    call: Callable[[Any], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
) -> Any:
    if is_disabled():
        return await call(None)
    return _given_back(await execute_async(func, call, keywords, arguments))


def _given_back(ending: Ending) -> Any:
    if ending.error is not None:
        raise ending.error
    return ending.result


def _parsed_by(parse_args: Callable[[], Any]) -> Any:
    """Call the user's parser; one of click is kept from ending the process once it has parsed."""
    click = sys.modules.get("click")
    if click is None:
        return parse_args()
    try:
        if isinstance(parse_args, click.Command):
            with parse_args.make_context(program_name(), sys.argv[1:]) as context:
                return parse_args.invoke(context)
        return parse_args()
    except click.exceptions.Exit as wanted:
        raise SystemExit(wanted.exit_code) from None
    except click.Abort:
        raise SystemExit("Aborted!") from None
    except click.ClickException as wrong:
        wrong.show()
        raise SystemExit(wrong.exit_code) from None


def _read_by(parse_args: Callable[[], Any]) -> tuple[Any, Asked]:
    """Have the user's own parser read the command line without what is the session's."""
    asked = session_part()
    found = sys.argv
    sys.argv = [*found[:1], *asked.rest]
    try:
        return _parsed_by(parse_args), asked
    finally:
        sys.argv = found


def _empty_namespace() -> object:
    import argparse

    # Nobody reads the command line, so an option on it is a mistake, not to be swallowed.
    return argparse.ArgumentParser(program_name(), usage="%(prog)s [-h]").parse_args()


def _wants_bare_args(func: Callable[..., Any]) -> bool:
    parameters = parameters_of(func)
    return (
        [p.name for p in parameters] == ["args"]
        and parameters[0].required
        and "args" not in getattr(func, "__annotations__", {})
    )
