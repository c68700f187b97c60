"""Values for the parameters of a session function, from the command line."""

from __future__ import annotations

import os
import sys

from ._script import script_arguments
from ._signature import parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._signature import Parameter

_USAGE_ERROR = 2  # as argparse, and as the shell itself


class Arguments:
    """The values a function is called with.

    Attributes
    ----------
    values : dict
        By parameter, without the injected ones.
    origins : dict
        By parameter: ``"default"`` or ``"command line"``.
    """

    __slots__ = ("_parameters", "origins", "values")

    def __init__(self, parameters: list[Parameter], given: dict[str, Any]) -> None:
        self._parameters = parameters
        wanted = [p for p in parameters if not p.injected]
        self.values = {p.name: given.get(p.name, p.default) for p in wanted}
        self.origins = {p.name: "command line" if p.name in given else "default" for p in wanted}

    def call(self, func: Callable[..., Any], injected: dict[str, Any] | None) -> Any:
        """Call `func` with the values and what it asks to be injected, if there is any of that."""
        values = dict(self.values)
        for p in self._parameters:
            if p.injected and injected is not None:
                values[p.name] = injected["rngg" if p.name == "rng" else p.name]
        positional = [
            values.pop(p.name) for p in self._parameters if p.positional_only and p.name in values
        ]
        return func(*positional, **values)


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
    tokens = script_arguments()
    if not tokens and not any(p.required for p in parameters):
        return Arguments(parameters, {})
    from ._parser import parse

    options = [p for p in parameters if not p.injected]
    return Arguments(parameters, parse(func, options, tokens, program_name()))


def refuse(error: Exception) -> NoReturn:
    """Say in one line what is wrong with what the user gave, and end the process with status 2."""
    print(f"{program_name()}: error: {error}", file=sys.stderr)
    raise SystemExit(_USAGE_ERROR)


def program_name() -> str:
    """Return how the program is called in help and errors."""
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"
