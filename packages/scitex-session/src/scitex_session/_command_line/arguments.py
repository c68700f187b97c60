"""Values for the parameters of a session function, from the command line."""

from __future__ import annotations

import os
import sys

from scitex_session._config.script import command_line_of, script_of
from scitex_session._errors import ConfigFileError, UnsuitableFunctionError, UsageError
from scitex_session._uncollected import uncollected
from scitex_session_core import NotResumableError

from .session_options import PREFIX, asked_by_environment
from .signature import (
    KEYWORD_ONLY,
    VAR_KEYWORD,
    VAR_POSITIONAL,
    name_of,
    namespace_of,
    parameters_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from .earlier import Earlier
    from .session_options import Asked
    from .signature import Parameter


# Libraries with which scripts read their command line themselves.
_PARSERS = ("argparse", "optparse", "docopt", "tap")


class Arguments:
    """The values of a function's parameters, the origin of each, and the options of the session.

    An origin is ``"default"``, ``"command line"``, ``"call"``, or file and line.
    """

    __slots__ = ("_parameters", "origins", "session", "values")

    def __init__(
        self, parameters: list[Parameter], values: Any, origins: Any, session: Asked
    ) -> None:
        self._parameters = parameters
        wanted = [p for p in parameters if not p.injected]
        self.values = {p.name: values.get(p.name, p.default) for p in wanted}
        self.origins = {p.name: origins.get(p.name, "default") for p in wanted}
        self.session = session

    def call(self, func: Callable[..., Any], injected: Mapping[str, Any] | None) -> Any:
        """Call `func`. `injected` are the values to inject, None for a plain call."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for p in self._parameters:
            value = self.values.get(p.name, p.default)
            if p.injected and injected is not None:
                value = injected["rngg" if p.name == "rng" else p.name]
            if p.kind == VAR_POSITIONAL:
                positional += value
            elif p.kind in (VAR_KEYWORD, KEYWORD_ONLY):
                named.update(value if p.kind == VAR_KEYWORD else {p.name: value})
            else:
                positional.append(value)
        return func(*positional, **named)


def arguments_for(func: Callable[..., Any], keywords: Mapping[str, Any] | None = None) -> Arguments:
    """Parse the command line against the signature of `func`.

    `keywords` are what the script asks of the session: it may go on with an earlier run, whose
    arguments count where none are typed.

    A mistake ends the process with status 2, after one line on stderr; ``--help`` ends it with 0.
    If nothing is typed and nothing required, no parser is imported, since that costs 50 ms.
    """
    parameters = parameters_of(func)
    try:
        options = asked_by_environment()
        tokens = command_line_of(namespace_of(func))
        asked = {**(keywords or {}), **options.keywords}
        resume = asked.get("resume")
        if not tokens and resume is None and not any(p.required for p in parameters):
            return Arguments(parameters, {}, {}, options)
        wanted = [p for p in parameters if not p.injected]
        # Without the session's options, a parser is built three times as fast.
        session = any(t.startswith(("--session", "--config", "-h", "--help")) for t in tokens)
        find = _finder(func, asked) if resume or session else None
        with uncollected():
            from .parser import CommandLine

            line = CommandLine(func, wanted, program_name(), session, find)
            if answer := line.answer(tokens):
                _print_and_exit(answer)
            try:
                parsed = line.parse(tokens)
            except UsageError:  # parse again with all options, so that the message can suggest any
                parsed = CommandLine(func, wanted, program_name(), True, find).parse(tokens)
        options.override(parsed.session)
        return Arguments(parameters, parsed.values, parsed.origins, options)
    except NotResumableError as error:
        refuse(error)
    except (UsageError, UnsuitableFunctionError, ConfigFileError) as error:
        if (own := _own_parser(namespace_of(func))) and not parameters:
            way_out = f"stx.run({name_of(func)}, parser.parse_args) has {own} read it"
            error = UsageError(
                f"{str(error).rstrip('.')}: {name_of(func)} has no parameters; {way_out}"
            )
        refuse(error)


def _finder(
    func: Callable[..., Any], keywords: Mapping[str, Any]
) -> Callable[[dict[str, str]], Earlier | None]:
    """Return what finds the run that is to be resumed, given the session's words that are typed."""

    def find(words: dict[str, str]) -> Earlier | None:
        asked = {**keywords, **words}
        if (run := asked.get("resume")) is None:
            return None
        from .earlier import named_attempt

        script = script_of(namespace_of(func), asked.get("file"))
        return named_attempt(run, script, name_of(func), asked.get("out"))

    return find


def _own_parser(namespace: Mapping[str, Any]) -> str | None:
    """Return the name of the parser that a script imports for its command line, if it does."""
    for name in _PARSERS:
        module = sys.modules.get(name)
        if module is not None and any(
            value is module or getattr(value, "__module__", None) == name
            for value in namespace.values()
        ):
            return name
    return None


def given_arguments(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Arguments:
    """Return values that were given in Python as the arguments of `func`.

    Raises
    ------
    TypeError
        They don't fit its signature.
    UsageError
        The environment asks for something that can't be.
    """
    import inspect

    try:
        values = inspect.signature(func).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{name_of(func)}.run: {error}") from None
    origins = dict.fromkeys(values, "call")
    return Arguments(parameters_of(func), values, origins, asked_by_environment())


def session_part() -> Asked:
    """Read the ``--session.*`` options; the script's own parser reads the rest."""
    try:
        options = asked_by_environment()
        options.rest = sys.argv[1:]
        if any(token.startswith(PREFIX) for token in options.rest):
            from .parser import CommandLine

            line = CommandLine(session_part, [], program_name(), session=True)
            end = (*options.rest, "--").index("--")
            parsed = line.parse(options.rest[:end], partly=True)
            options.rest = [*parsed.rest, *options.rest[end:]]
            options.override(parsed.session)
        return options
    except UsageError as error:
        refuse(error)


def refuse(error: Exception) -> NoReturn:
    """Print the user's mistake in one line, and end the process with status 2."""
    program = program_name()
    hint = f" (try {program} --help)" if isinstance(error, UsageError) else ""
    why = " ".join(str(error).splitlines())
    why = why if len(why) < 1000 else f"{why[:500]} ... {why[-300:]}"  # it may repeat a value
    print(f"{program}: error: {why}{hint}", file=sys.stderr)
    raise SystemExit(2)  # as argparse and the shell do


def program_name() -> str:
    """Return the name of the program for help and errors."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and sys.argv and sys.argv[0] == spec.origin:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"


def _print_and_exit(write: Callable[[], object]) -> NoReturn:
    """Print the help or the like. On a full disk, print one line; on a closed pipe, nothing."""
    status = 0
    try:
        if sys.stdout is not None:  # None after ``>&-``
            write()
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            status = 1
            print(f"{program_name()}: can't write to stdout: {error.strerror}", file=sys.stderr)
        # Python flushes again at exit, and would report the error again, as a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(status)
