"""What a session gives its function: globals for the time of the call, and parameters that ask."""

from __future__ import annotations

import sys

from scitex_session._errors import UnsuitableFunctionError
from scitex_session_core import warn

from .stand_ins import is_stand_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

GLOBALS = ("CONFIG", "plt", "COLORS", "rngg", "logger")
PARAMETERS = (*GLOBALS, "rng")


class _Injected:
    """The type of `INJECTED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "INJECTED"

    def __reduce__(self) -> str:
        return "INJECTED"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"no {name!r}: this parameter is filled when its function runs as a session; "
            "called as a plain function, it must be given"
        )


INJECTED: Any = _Injected()
"""Default of a parameter that the session fills: ``CONFIG``, ``plt``, ``COLORS``, ``rngg`` (also
as ``rng``) or ``logger``."""


def check_injected(function: str, names: Iterable[str]) -> None:
    """Refuse a parameter whose default is `INJECTED` and whose name is not one that is injected.

    Raises
    ------
    UnsuitableFunctionError
    """
    for name in names:
        if name not in PARAMETERS:
            raise UnsuitableFunctionError(
                function, f"nothing is injected as {name!r}; what is: {', '.join(PARAMETERS)}"
            )


def inject_globals(namespace: dict[str, Any], values: Mapping[str, Any]) -> Callable[[], None]:
    """Put `values` into the globals of a script.

    Parameters
    ----------
    namespace : dict
        The globals of the function.
    values : mapping
        By the names of `GLOBALS`. A `logger` of the user's is left to them, and so is ``plt`` where
        it is pyplot itself; other names of theirs are replaced for the time of the run, which is
        said once but for the stand-ins of this package and the colours of scitex-session-plot.

    Returns
    -------
    callable
        Puts back what was found, and removes what was not there.
    """
    from scitex_session_plot import COLORS

    pyplot = sys.modules.get("matplotlib.pyplot")
    found = {name: namespace[name] for name in values if name in namespace}
    ours = {
        name
        for name, value in found.items()
        if is_stand_in(value) or value is values[name] or value is COLORS
    }
    theirs = {n for n, v in found.items() if n == "logger" or (n == "plt" and v is pyplot)}
    given = {name: value for name, value in values.items() if name not in theirs - ours}
    hidden = [name for name in given if name in found and name not in ours]
    if hidden:
        warn(
            f"while the session runs, {', '.join(hidden)} in {namespace.get('__name__')} "
            "is the session's; the value it had is put back at the end"
        )
    namespace.update(given)

    def restore() -> None:
        for name, value in given.items():
            if namespace.get(name) is not value:
                continue  # the script has put something of its own there
            if name in found:
                namespace[name] = found[name]
            else:
                del namespace[name]

    return restore
