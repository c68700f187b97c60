"""``from scitex_session import CONFIG, COLORS, rngg, logger``: names that linters know.

Each stands for what the session that runs has, looked up at each use. The names themselves are also
in the globals of a session function while it runs; these serve type checkers, and other modules.
"""

from __future__ import annotations

import sys

from scitex_session._errors import NoSessionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator
    from typing import Any

    from scitex_session._lifecycle.run import Run
    from scitex_session_core import DotDict
    from scitex_session_plot import CustomColors
    from scitex_session_repro import RandomStateManager


class StandIn:
    """Stands for something of the session that runs.

    Parameters
    ----------
    name : str
        Its name.
    """

    __slots__ = ("_name",)
    _name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_found(self._name), attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(_found(self._name), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_found(self._name), attribute)

    def __dir__(self) -> list[str]:
        return dir(_kind(self._name) if _run() is None else _found(self._name))

    def __repr__(self) -> str:
        if _run() is None:
            return f"<{self._name} of the session that runs; none does>"
        return repr(_found(self._name))

    def __reduce__(self) -> str:
        return self._name  # a name of this module

    # So that isinstance(CONFIG, DotDict) holds, also for who asks outside a session.
    __class__ = property(lambda self: _kind(self._name))


class MappingStandIn(StandIn):
    """Stands for a mapping."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return _found(self._name)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        _found(self._name)[key] = value

    def __delitem__(self, key: Any) -> None:
        del _found(self._name)[key]

    def __contains__(self, key: object) -> bool:
        return key in _found(self._name)

    def __iter__(self) -> Iterator[Any]:
        return iter(_found(self._name))

    def __len__(self) -> int:
        return len(_found(self._name))

    def __eq__(self, other: object) -> bool:
        return self is other or bool(_found(self._name) == other)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return _found(self._name) | other

    def __ror__(self, other: Any) -> Any:
        return other | _found(self._name)


class CallableStandIn(StandIn):
    """Stands for something that is called."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _found(self._name)(*args, **kwargs)


CONFIG: DotDict = MappingStandIn("CONFIG")  # type: ignore[assignment]
"""`CONFIG` of the session that runs; without one, using it raises `NoSessionError`."""

COLORS: CustomColors = MappingStandIn("COLORS")  # type: ignore[assignment]
"""`COLORS` of the session that runs; without one, those of scitex-session-plot."""

rngg: RandomStateManager = CallableStandIn("rngg")  # type: ignore[assignment]
"""`rngg` of the session that runs; without one, using it raises `NoSessionError`."""

logger: logging.Logger = StandIn("logger")  # type: ignore[assignment]
"""`logger` of the session that runs; without one, the logger ``scitex_session``."""


def is_stand_in(value: object) -> bool:
    """Tell whether `value` only stands for what a session has."""
    return issubclass(type(value), StandIn)


def stood_for(value: Any) -> Any:
    """Return what a stand-in stands for, and anything else itself."""
    return _found(value._name) if is_stand_in(value) else value


def _run() -> Run | None:
    # The machinery of sessions is imported where one is begun, not where a name is looked up.
    module = sys.modules.get("scitex_session._lifecycle.run")
    return None if module is None else module.current_run()


def _found(name: str) -> Any:
    run = _run()
    if run is not None:
        if name == "logger":
            return run.logger.ready()
        return {"CONFIG": run.config, "COLORS": run.colors, "rngg": run.rng}[name]
    if name == "COLORS":
        import scitex_session_plot

        return scitex_session_plot.COLORS
    if name == "logger":
        import logging

        return logging.getLogger("scitex_session")
    raise NoSessionError(name)


def _kind(name: str) -> Any:
    if name == "logger":
        import logging

        return logging.Logger
    import scitex_session

    return {
        "CONFIG": scitex_session.DotDict,
        "COLORS": scitex_session.CustomColors,
        "rngg": scitex_session.RandomStateManager,
    }[name]
