"""Values for the parameters of a session function, from the command line."""

from __future__ import annotations

import os
import sys

from scitex_session._config.script import script_arguments
from scitex_session._errors import ConfigFileError, UnsuitableFunctionError, UsageError

from .session_options import asked_of_session
from .signature import EITHER, OPTIONS, POSITIONAL_ONLY, VALUES, parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from .session_options import Asked
    from .signature import Parameter

_USAGE_ERROR = 2  # as argparse, and as the shell itself


class Arguments:
    """The values a function is called with.

    Attributes
    ----------
    values : dict
        By parameter, without the injected ones.
    origins : dict
        By parameter: ``"default"``, ``"command line"``, or file and line.
    session : Asked
        What the command line and the environment ask of the session.
    """

    __slots__ = ("_parameters", "origins", "session", "values")

    def __init__(
        self,
        parameters: list[Parameter],
        given: Mapping[str, Any],
        origins: Mapping[str, str],
        session: Asked,
    ) -> None:
        self._parameters = parameters
        wanted = [p for p in parameters if not p.injected]
        self.values = {p.name: given.get(p.name, p.default) for p in wanted}
        self.origins = {p.name: origins.get(p.name, "default") for p in wanted}
        self.session = session

    def call(self, func: Callable[..., Any], injected: Mapping[str, Any] | None) -> Any:
        """Call `func` with the values and what it asks to be injected, if there is any of that."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for p in self._parameters:
            value = self.values.get(p.name, p.default)
            if p.injected and injected is not None:
                value = injected["rngg" if p.name == "rng" else p.name]
            if p.kind == VALUES:
                positional += value
            elif p.kind == OPTIONS:
                named.update(value)
            elif p.kind in (EITHER, POSITIONAL_ONLY):
                positional.append(value)
            else:
                named[p.name] = value
        return func(*positional, **named)


def arguments_for(func: Callable[..., Any]) -> Arguments:
    """Read the command line as `func`'s signature wants it.

    Parameters
    ----------
    func : callable
        The function.

    Returns
    -------
    Arguments

    Raises
    ------
    SystemExit
        With 2, after one line on stderr, where the command line can't be read; with 0 after help.

    Notes
    -----
    Where nothing is given and nothing required, no parser is imported: that costs 45 ms.
    """
    parameters = parameters_of(func)
    try:
        asked = asked_of_session(
            script_arguments(), config=all(p.name.strip("_") != "config" for p in parameters)
        )
        if not (asked.rest or asked.files or asked.completion) and not any(
            p.required for p in parameters
        ):
            return Arguments(parameters, {}, {}, asked)
        return _parsed(func, parameters, asked)
    except (UsageError, UnsuitableFunctionError, ConfigFileError) as error:
        refuse(error)


def session_part() -> Asked:
    """Read the session's part of a command line whose other part the script's own parser reads.

    Returns
    -------
    Asked

    Raises
    ------
    SystemExit
        With 2, after one line on stderr, where it can't be read.
    """
    try:
        asked = asked_of_session(script_arguments(), config=False)
        if asked.files or asked.completion:
            option = "--session.config" if asked.files else "--session.completion"
            raise UsageError(f"{option} can't be used here: the script has a parser of its own")
    except UsageError as error:
        refuse(error)
    return asked


def refuse(error: Exception) -> NoReturn:
    """Say in one line what is wrong with what the user gave, and end the process with status 2."""
    program = program_name()
    hint = f" (try {program} --help)" if isinstance(error, UsageError) else ""
    print(f"{program}: error: {error}{hint}", file=sys.stderr)
    raise SystemExit(_USAGE_ERROR)


def program_name() -> str:
    """Return how the program is called in help and errors."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and sys.argv and sys.argv[0] == spec.origin:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"


def _parsed(func: Callable[..., Any], parameters: list[Parameter], asked: Asked) -> Arguments:
    from .parser import CommandLine

    line = CommandLine(func, [p for p in parameters if not p.injected])
    if asked.completion:
        from .completion import completion_script
        from .help import say

        program = program_name().removeprefix("python -m ")
        say(completion_script(line, program, asked.completion))
        raise SystemExit(0)
    options = asked.rest[: asked.rest.index("--")] if "--" in asked.rest else asked.rest
    if any(flag in options for flag in line.help_flags):
        from .help import print_help

        print_help(line, func, program_name())
        raise SystemExit(0)
    if line.version is not None and "--version" in options:
        from .help import say

        say(f"{line.version}\n")
        raise SystemExit(0)
    files = []
    if asked.files:
        from .files import read_config_file

        files = [read_config_file(file) for file in asked.files]
    parsed = line.parse(asked.rest, files)
    return Arguments(parameters, parsed.values, parsed.origins, asked)
