"""A cyclopts command line from a prepared signature; imported when there is something to parse."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, NamedTuple

import cyclopts

from scitex_session._errors import UnsuitableFunctionError, UsageError

from .callables import code_of
from .constraints import check_constraints
from .feeding import feed_files, feed_wholes, hide_from_pydantic, origins_of
from .fields import EMPTY
from .fitting import fitted
from .hints import hints_of, shown_hint
from .kinds import takes_one_or_many, without_none
from .names import help_flags, kebab, option_names
from .signature import OPTIONS, VALUES
from .structures import StructureError, UngivableError, kind_of, prepared, with_fields
from .tokens import checked_tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cyclopts import Argument, ArgumentCollection

    from .files import Entry
    from .signature import Parameter


_LONG_DASHES = "\N{EN DASH}\N{EM DASH}"  # what word processors and web pages make of two


class Parsed(NamedTuple):
    """What a command line and its files gave.

    Attributes
    ----------
    values : dict
        By parameter; those that nothing gave are missing.
    origins : dict
        By parameter, where its value came from.
    """

    values: dict[str, Any]
    origins: dict[str, str]


class CommandLine:
    """The command line that a signature makes.

    Parameters
    ----------
    func : callable
        The function.
    options : sequence of Parameter
        Its parameters, the injected ones left out.

    Attributes
    ----------
    docstring : str or None
        The function's.
    options : list of Parameter
        Those that can be given.
    hints : dict
        By parameter that can be given: what it is annotated with.
    left_out : dict
        By parameter that can't be given on any command line, and need not: its annotation.
    names : dict
        By parameter: its options.
    help_flags : list of str
        What asks for help.
    version : str or None
        What ``--version`` prints: the script's ``__version__``, where no parameter has that name.
    arguments : ArgumentCollection
        The options, with those of fields below parameters.

    Raises
    ------
    UnsuitableFunctionError
        A required parameter is of a type that no command line can give, or two parameters would
        have one name.
    """

    def __init__(self, func: Callable[..., Any], options: Sequence[Parameter]) -> None:
        self.docstring: str | None = func.__doc__
        self._function = getattr(func, "__name__", type(func).__name__)
        self.hints: dict[str, Any] = {}
        self.left_out: dict[str, str] = {}
        hints = hints_of(func, options)
        for option in options:
            self._sort(option, hints[option.name])
        taken = [option for option in options if option.name in self.hints]
        switches = [name for name, hint in self.hints.items() if without_none(hint) is bool]
        self.names = option_names(self._function, taken, switches)
        self.help_flags = help_flags(self.names)
        version = getattr(code_of(func), "__globals__", {}).get("__version__")
        named = ["--version"] in [each[:1] for each in self.names.values()]
        self.version = None if version is None or named else str(version)
        self.options = taken
        self._app = self._prepared_app(func)
        self.arguments: ArgumentCollection = self._assembled()

    def documented(self) -> ArgumentCollection:
        """Return `arguments` with what docstrings say of them."""
        return self._app.assemble_argument_collection(parse_docstring=True)

    def parameter_of(self, argument: Argument) -> str:
        """Return the parameter that an option gives, or gives a part of."""
        name = argument.name.removeprefix("--").partition(".")[0]
        longs = {options[0]: parameter for parameter, options in self.names.items()}
        named: str = argument.field_info.name
        return longs.get(f"--{name}", named)

    def parse(self, tokens: Sequence[str], files: Iterable[Sequence[Entry]] = ()) -> Parsed:
        """Read a command line.

        Parameters
        ----------
        tokens : sequence of str
            The command line without the program, and without what is the session's own.
        files : iterable of sequence of Entry
            Values below it, a later file above an earlier one.

        Returns
        -------
        Parsed

        Raises
        ------
        UsageError
            It can't be read.
        """
        known = [name for argument in self.arguments for name in argument.names]
        known += [name for argument in self.arguments for name in argument.negatives]
        known += [*self.help_flags, *(["--version"] if self.version is not None else [])]
        tokens = checked_tokens(tokens, self.arguments, known=known, left_out=self.left_out)
        self._check_bare(tokens)
        fed: list[ArgumentCollection] = []
        either = {name for name, hint in self.hints.items() if takes_one_or_many(hint)}

        def feed(_app: Any, _commands: Any, arguments: ArgumentCollection) -> None:
            fed.append(arguments)
            feed_files(arguments, files, self.names, either)
            feed_wholes(arguments)
            hide_from_pydantic(arguments, either)

        self._app.config = (feed,)
        try:
            _, bound, _ = self._app.parse_args(tokens, exit_on_error=False, print_error=False)
        except cyclopts.CycloptsError as error:
            from .mistakes import sentence

            said = sentence(error, tokens, self.arguments, self.hints)
            raise UsageError(said) from None
        except StructureError as error:
            from .mistakes import said_by_class

            raise UsageError(said_by_class(error, fed[-1], self.parameter_of)) from None
        check_constraints(fed[-1])
        values = dict(bound.arguments)
        for option in self.options:
            if option.kind == OPTIONS and option.name in values:  # to be names of Python
                given = values[option.name].items()
                values[option.name] = {key.replace("-", "_"): value for key, value in given}
        return Parsed(values, origins_of(fed[-1]))

    def _check_bare(self, tokens: Sequence[str]) -> None:
        takes_values = any(a.is_var_positional() for a in self.arguments)
        if "--" in tokens[:-1] and not takes_values:
            after = tokens[tokens.index("--") + 1]
            raise UsageError(f"{after!r} stands behind --, where no option does")
        if tokens and not takes_values and (tokens[0] == "-" or not tokens[0].startswith("-")):
            bare = tokens[0].lstrip(_LONG_DASHES)
            if bare != tokens[0]:
                raise UsageError(f"{tokens[0]!r} begins with a long dash; did you mean --{bare}?")
            names = [a.name for a in self.arguments if a.required and not a.children]
            example = f", such as {names[0]} {tokens[0]}" if names else ""
            raise UsageError(
                f"{tokens[0]!r} belongs to no option: every value is given by name{example}"
            )

    def _sort(self, option: Parameter, hint: Any) -> None:
        default = EMPTY if option.required else option.default
        fit = fitted(kind_of(hint, default))
        why = f"its type is {shown_hint(hint)}"
        if fit is not None:
            try:
                self.hints[option.name] = with_fields(fit, default, (option.name,))
            except UngivableError as error:
                fit, why = None, "the type of {} is {}".format(*error.args)
            except NameError as error:
                fit, why = None, f"a field of {shown_hint(hint)} names what is not there: {error}"
        if fit is not None:
            return
        if option.required:
            raise UnsuitableFunctionError(
                self._function,
                f"the parameter {option.name} can't come from a command line, since {why}; "
                "give it a default, or a type such as str",
            )
        self.left_out[option.name] = shown_hint(hint)

    def _prepared_app(self, func: Callable[..., Any]) -> cyclopts.App:
        # The names come from a signature of our own, in which everything is an option: a bare value
        # on a command line says nothing to who reads it a year later.
        def target(*values: Any, **named: Any) -> None: ...

        kinds = {VALUES: inspect.Parameter.VAR_POSITIONAL, OPTIONS: inspect.Parameter.VAR_KEYWORD}
        order = {VALUES: 0, OPTIONS: 2}
        target.__doc__ = func.__doc__
        target.__annotations__ = {}  # of parameters of ours, where the user's may have their names
        target.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    option.name,
                    kinds.get(option.kind, inspect.Parameter.KEYWORD_ONLY),
                    default=inspect.Parameter.empty
                    if option.required or option.kind in kinds
                    else option.default,
                    annotation=self._annotation(option),
                )
                for option in sorted(self.options, key=lambda option: order.get(option.kind, 1))
            ]
        )
        app = cyclopts.App(
            name=self._function,
            help_flags=(),
            version_flags=(),
            name_transform=kebab,
            result_action="return_value",
        )
        app.default(target)
        return app

    def _annotation(self, option: Parameter) -> Any:
        hint = self.hints[option.name]
        ready = prepared(hint, option.default, self.names.get(option.name, ()))
        if takes_one_or_many(hint):  # ``str | list[str]``: the converter sees which one it is
            ready = Annotated[(list[str], *ready.__metadata__)]
        return ready

    def _assembled(self) -> ArgumentCollection:
        try:
            arguments = self._app.assemble_argument_collection()
        except (TypeError, ValueError, NameError, NotImplementedError) as error:
            raise UnsuitableFunctionError(
                self._function, f"no command line can be made of its parameters: {error}"
            ) from None
        for argument in arguments:
            if argument.name.startswith("--session."):
                raise UnsuitableFunctionError(
                    self._function,
                    "the fields of the parameter session would be options such as "
                    f"{argument.name}, which are the session's own; rename the parameter",
                )
        return arguments
