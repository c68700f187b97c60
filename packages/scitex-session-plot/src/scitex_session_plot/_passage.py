"""A function around one of matplotlib's that warnings do not stop at.

matplotlib locates a warning at the first caller outside of itself, and Python shows a warning once
per location. With an ordinary wrapper on the way, every warning of a run would be located in the
wrapper: all but the first would be lost, and filters by the user's module would not match.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Protocol

    class Call(Protocol):
        """One call on its way through."""

        args: tuple[Any, ...]
        kwargs: dict[str, Any]

        def again(self, error: Exception) -> bool:
            """Tell whether to call once more, with what `args` and `kwargs` are by then."""

        def end(self) -> None:
            """Take back what was done for the call, however it went."""

        def done(self) -> None:
            """Go on after it went well."""


# Compiled as a file of matplotlib's, and run as one of its modules: until Python 3.11 it looks for
# the name of the module of each caller, since then for the file. No such file exists, so that a
# traceback shows no line of it, and names us.
_FILE = "<scitex_session_plot>"
_SOURCE = """\
def passage(*args, **kwargs):
    call = begin(*args, **kwargs)
    if call is None:
        return own(*args, **kwargs)
    try:
        while True:
            try:
                result = own(*call.args, **call.kwargs)
                break
            except Exception as error:
                if not call.again(error):
                    raise
    finally:
        call.end()
    call.done()
    return result
"""


def passage(
    module: ModuleType, own: Callable[..., Any], begin: Callable[..., Call | None]
) -> Callable[..., Any]:
    """Wrap a function of matplotlib's.

    Parameters
    ----------
    module : module
        Where it is from.
    own : callable
        The function.
    begin : callable
        Called with the arguments of each call; gives the call to make instead, or None to pass on
        what was given.

    Returns
    -------
    callable
        To stand in its place.
    """
    from functools import wraps
    from sys import modules

    folder = os.path.dirname(getattr(modules["matplotlib"], "__file__", None) or "matplotlib")
    code = compile(_SOURCE, os.path.join(folder, _FILE), "exec")
    namespace: dict[str, Any] = {"__name__": module.__name__, "own": own, "begin": begin}
    exec(code, namespace)  # noqa: S102  # no other way to give a function its file and module
    wrapped: Callable[..., Any] = wraps(own)(namespace["passage"])
    return wrapped
