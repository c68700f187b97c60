"""Values for the parameters of a session function, from the command line."""

from __future__ import annotations

import os
import sys

from scitex_session._config.script import command_line_of
from scitex_session._errors import ConfigFileError, UnsuitableFunctionError, UsageError

from .session_options import PREFIX, asked_by_environment
from .signature import EITHER, OPTIONS, POSITIONAL_ONLY, VALUES, namespace_of, parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from .session_options import Asked
    from .signature import Parameter


class Arguments:
    """The values a function is called with, by parameter, and where each came from.

    An origin is ``"default"``, ``"command line"``, or file and line. `session` is what the command
    line and the environment ask of the session.
    """

    __slots__ = ("_parameters", "origins", "session", "values")

    def __init__(self, parameters: list[Parameter], given: Any, origins: Any, asked: Asked) -> None:
        self._parameters = parameters
        wanted = [p for p in parameters if not p.injected]
        self.values = {p.name: given.get(p.name, p.default) for p in wanted}
        self.origins = {p.name: origins.get(p.name, "default") for p in wanted}
        self.session = asked

    def call(self, func: Callable[..., Any], injected: Mapping[str, Any] | None) -> Any:
        """Call `func` with the values and what it asks to be injected, if there is any of that."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for p in self._parameters:
            value = self.values.get(p.name, p.default)
            if p.injected and injected is not None:
                value = injected["rngg" if p.name == "rng" else p.name]
            if p.kind in (EITHER, POSITIONAL_ONLY):
                positional.append(value)
            elif p.kind == VALUES:
                positional += value
            else:
                named.update(value if p.kind == OPTIONS else {p.name: value})
        return func(*positional, **named)


def arguments_for(func: Callable[..., Any]) -> Arguments:
    """Read the command line as the signature of `func` wants it.

    A mistake ends the process with status 2, after one line on stderr; ``--help`` ends it with 0.
    Where nothing is given and nothing required, no parser is imported: that costs 50 ms.
    """
    parameters = parameters_of(func)
    try:
        asked = asked_by_environment()
        tokens = command_line_of(namespace_of(func))
        if not tokens and not any(p.required for p in parameters):
            return Arguments(parameters, {}, {}, asked)
        from .parser import CommandLine

        wanted = [p for p in parameters if not p.injected]
        session = any(t.startswith(("--session", "--config", "-h", "--help")) for t in tokens)
        line = CommandLine(func, wanted, program_name(), session)
        if answer := line.answer(tokens):
            _print_and_exit(answer)
        try:
            values, origins, given, _ = line.parse(tokens)
        except UsageError:  # said again, in view of all names
            line = CommandLine(func, wanted, program_name(), session=True)
            values, origins, given, _ = line.parse(tokens)
        asked.take(given)
        return Arguments(parameters, values, origins, asked)
    except (UsageError, UnsuitableFunctionError, ConfigFileError) as error:
        refuse(error)


def session_part() -> Asked:
    """Read the session's part of a command line whose other part the script's own parser reads."""
    try:
        asked = asked_by_environment()
        asked.rest = sys.argv[1:]
        if any(token.startswith(PREFIX) for token in asked.rest):
            from .parser import CommandLine

            line = CommandLine(session_part, [], program_name(), session=True)
            end = (*asked.rest, "--").index("--")
            _, _, given, rest = line.parse(asked.rest[:end], partly=True)
            asked.rest = [*rest, *asked.rest[end:]]
            asked.take(given)
        return asked
    except UsageError as error:
        refuse(error)


def refuse(error: Exception) -> NoReturn:
    """Say in one line what is wrong with what the user gave, and end the process with status 2."""
    program = program_name()
    hint = f" (try {program} --help)" if isinstance(error, UsageError) else ""
    print(f"{program}: error: {error}{hint}", file=sys.stderr)
    raise SystemExit(2)  # as argparse, and as the shell itself


def program_name() -> str:
    """Return how the program is called in help and errors."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and sys.argv and sys.argv[0] == spec.origin:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"


def _print_and_exit(say: Callable[[], object]) -> NoReturn:
    """Print what was asked for instead of a run: a full disk is one line, a closed pipe no word."""
    try:
        say()
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"can't be written to the standard output: {error.strerror}", file=sys.stderr)
        # Python flushes again at exit, and would say it a second time, as a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    raise SystemExit(0)
