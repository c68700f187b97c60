"""Async functions: whether an event loop runs here, and what a session does where none does.

Imported only where a function is async.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, NoReturn


class Finished(Coroutine):  # type: ignore[type-arg]  # a type parameter would import typing
    """What an async session function returns where no event loop runs: its result, to be awaited.

    ``main()`` alone must run, as any other function does, and so must ``asyncio.run(main())``, as
    any other async function does. The call has run the session; this hands over its result.

    Parameters
    ----------
    result : object
        What the function returned.
    """

    __slots__ = ("_result",)

    def __init__(self, result: Any) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._result
        yield

    def send(self, _value: object) -> NoReturn:
        """End at once, with the result."""
        raise StopIteration(self._result)

    def throw(self, *raised: Any) -> NoReturn:
        """Raise what is thrown in: nothing is left that could catch it."""
        error = raised[1] if len(raised) > 1 and raised[1] is not None else raised[0]
        raise error

    def close(self) -> None:
        """Do nothing: it has run."""

    def __repr__(self) -> str:
        return f"<finished: {self._result!r}; await it, or asyncio.run() it, for the value>"


def in_event_loop() -> bool:
    """Tell whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run_to_end(result: Any) -> Any:
    """Run a coroutine and return its result; return anything else as it is.

    Raises
    ------
    RuntimeError
        An event loop runs in this thread, so the coroutine can't be waited for.
    """
    if not isinstance(result, Coroutine):
        return result
    if in_event_loop():
        result.close()
        raise RuntimeError(
            "the session function returned a coroutine that can't be run within the running event "
            "loop: decorate the async function itself, and await it"
        )
    import asyncio

    return asyncio.run(result)
