"""Command lines that another parser reads: a function of the user's, or a command of click."""

from __future__ import annotations

import sys

from scitex_session._errors import UnsuitableFunctionError

from .arguments import Arguments, program_name, session_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def read_by(parse_args: Callable[[], Any]) -> tuple[Any, Arguments]:
    """Have the user's own parser read the command line, without the part that is the session's.

    Parameters
    ----------
    parse_args : callable
        The parser, such as ``parser.parse_args``, or a command of click.

    Returns
    -------
    args : object
        What it returns.
    arguments : Arguments
        What is asked of the session.

    Raises
    ------
    SystemExit
        The parser refuses the command line, or has answered it (``--help``).
    """
    asked = session_part()
    found = sys.argv
    sys.argv = [*found[:1], *asked.rest]
    try:
        return _without_ending(lambda: _parsed(parse_args)), Arguments([], {}, {}, asked)
    finally:
        sys.argv = found


def _parsed(parse_args: Any) -> Any:
    click = sys.modules.get("click")
    if click is not None and isinstance(parse_args, click.Command):
        with parse_args.make_context(program_name(), sys.argv[1:]) as context:
            return parse_args.invoke(context)
    return parse_args()


def _without_ending(call: Callable[[], Any]) -> Any:
    """Call what may use click, which says what is wrong, and ends a process, in its own way."""
    click = sys.modules.get("click")
    if click is None:
        return call()
    try:
        return call()
    except click.exceptions.Exit as wanted:
        raise SystemExit(wanted.exit_code) from None
    except click.Abort:
        raise SystemExit("Aborted!") from None
    except click.ClickException as wrong:
        wrong.show()
        raise SystemExit(wrong.exit_code) from None


def no_arguments() -> object:
    """Return an empty `argparse.Namespace`; an option on the command line is a mistake."""
    import argparse

    return argparse.ArgumentParser(program_name(), usage="%(prog)s [-h]").parse_args()


def check_click_command(command: Any) -> None:
    """Refuse a command of click that can't be parsed before its function runs.

    Raises
    ------
    UnsuitableFunctionError
        It is a group, or has no function.
    """
    import click

    if isinstance(command, click.Group):
        why = (
            "a group of click parses its commands only while it runs; begin the session in a "
            "command, with stx.Session(...)"
        )
        raise UnsuitableFunctionError(str(command.name), why)
    if command.callback is None:
        raise UnsuitableFunctionError(str(command.name), "this command of click has no function")


def read_by_click(command: Any) -> tuple[Arguments, Callable[[Any], Any]]:
    """Have click read the command line for a command, whose function is then the session's.

    Returns
    -------
    arguments : Arguments
        The parameters of the command, and what is asked of the session.
    call : callable
        Calls the function.

    Raises
    ------
    SystemExit
        click refuses the command line, or has answered it (``--help``).
    """
    asked = session_part()
    context = _without_ending(lambda: command.make_context(program_name(), asked.rest))
    arguments = Arguments([], {}, {}, asked)
    arguments.values = dict(context.params)
    arguments.origins = {
        name: "default" if context.get_parameter_source(name).name == "DEFAULT" else "command line"
        for name in context.params
    }

    def call(_injected: object) -> Any:
        with context:
            return _without_ending(lambda: command.invoke(context))

    return arguments, call
