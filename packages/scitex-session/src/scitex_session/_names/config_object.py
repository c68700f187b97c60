"""`CONFIG`: the facts of a run, and the user's configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from scitex_session._errors import ReadOnlyKeyError
from scitex_session_core import DotDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import timedelta
    from pathlib import Path
    from typing import Any

    from scitex_session_core import RunDir

# The keys that only the run itself sets.
PROTECTED = (
    "ID",
    "PID",
    "START_DATETIME",
    "END_DATETIME",
    "RUN_DURATION",
    "FILE",
    "SDIR_RUN",
    "SDIR",
    "SDIR_OUT",
    "EXIT_STATUS",
    "DEBUG",
)
RESERVED = (*PROTECTED, "ARGS")


class Values(DotDict):
    """A `DotDict` whose attributes need not be in the case of their keys.

    Configuration is written ``lr: 0.1`` by some and ``LR: 0.1`` by others, in files that scripts
    share. A key as it is asked for comes first, and one of several that differ only in case is not
    guessed.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            keys = [key for key in self if isinstance(key, str) and key.lower() == name.lower()]
            if len(keys) == 1:
                return self[keys[0]]
        return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"DotDict({dict.__repr__(self)})"  # the name that users know


class Config(Values):
    """A `DotDict` whose keys that describe the run can only be read.

    All other keys are the user's: the values of ``config/*.yaml`` and ``ARGS`` can be changed, and
    keys added. The record keeps what they were at the start. A copy is a plain `DotDict`, in which
    everything can be changed; so is what another process gets.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        ID: str
        PID: int
        START_DATETIME: LocalTime
        END_DATETIME: LocalTime | None
        RUN_DURATION: timedelta | None
        FILE: Path | None
        SDIR_RUN: Path
        SDIR: Path
        SDIR_OUT: Path
        ARGS: Any
        EXIT_STATUS: int | None
        DEBUG: bool

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._check(key)
        super().__delitem__(key)

    def __ror__(self, other: Any) -> DotDict:  # type: ignore[override]
        return self.copy().__ror__(other)

    def __reduce__(self) -> tuple[Any, ...]:
        return DotDict, (dict(self),)

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove a key of the user's and return its value."""
        self._check(key)
        return super().pop(key, *default)

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last key and return it with its value."""
        self._check(next(reversed(self), None))
        return super().popitem()

    def clear(self) -> None:
        """Refuse: the run's own keys can't be removed."""
        for key in self:
            self._check(key)
        super().clear()

    def copy(self) -> DotDict:  # type: ignore[override]
        """Return a shallow copy, in which everything can be changed."""
        return DotDict(self)

    def __copy__(self) -> DotDict:  # type: ignore[override]
        return self.copy()

    def _check(self, key: object) -> None:
        if key in PROTECTED and key in self:
            raise ReadOnlyKeyError(str(key))


class LocalTime(datetime):
    """A time with its zone, which a time without one can be compared with and subtracted from.

    ``datetime.now() - CONFIG.START_DATETIME`` is what scripts write; of two times of which one has
    no zone, Python refuses it. One without a zone is local time, as for `datetime.astimezone`.
    """

    def __sub__(self, other: Any) -> Any:
        return super().__sub__(_with_zone(other))

    def __rsub__(self, other: Any) -> Any:
        between = super().__sub__(_with_zone(other)) if isinstance(other, datetime) else None
        return NotImplemented if between is None else -between

    def __lt__(self, other: Any) -> bool:
        return super().__lt__(_with_zone(other))

    def __le__(self, other: Any) -> bool:
        return super().__le__(_with_zone(other))

    def __gt__(self, other: Any) -> bool:
        return super().__gt__(_with_zone(other))

    def __ge__(self, other: Any) -> bool:
        return super().__ge__(_with_zone(other))


def _with_zone(other: Any) -> Any:
    naive = isinstance(other, datetime) and other.tzinfo is None
    return other.astimezone() if naive else other


def set_own_keys(config: MutableMapping[str, Any], **values: Any) -> None:
    """Set keys of `CONFIG` that only the run may set."""
    if isinstance(config, Config):
        dict.update(config, values)
    else:  # a copy that the user made
        config.update(values)


def copy_own_keys(config: Config, to: MutableMapping[str, Any]) -> None:
    """Copy the keys that only the run may set, where `to` is another mapping."""
    if to is not config:
        set_own_keys(to, **{key: config[key] for key in PROTECTED})


def make_config(
    run_dir: RunDir, script: Path | None, args: object, files: Mapping[str, Any], *, debug: bool
) -> Config:
    """Return the `CONFIG` of a run that is about to begin."""
    return Config(
        {
            "ID": run_dir.id,
            "PID": os.getpid(),
            "START_DATETIME": None,
            "END_DATETIME": None,
            "RUN_DURATION": None,
            "FILE": script,
            "SDIR_RUN": run_dir.path,
            "SDIR": run_dir.path,
            "SDIR_OUT": run_dir.out_dir,
            "ARGS": args,
            "EXIT_STATUS": None,
            "DEBUG": debug,
            **{name: _reachable(value) for name, value in files.items()},
        }
    )


def _reachable(value: Any) -> Any:
    """Give mappings within lists attributes too: ``CONFIG.MODEL.layers[0].width``."""
    if isinstance(value, Mapping):
        return Values({key: _reachable(item) for key, item in value.items()})
    return [_reachable(item) for item in value] if isinstance(value, list) else value


def as_args(args: object) -> Any:
    """Return arguments that have names (a dict, a Namespace, any object) as a mapping."""
    if isinstance(args, Mapping):
        return DotDict(args)
    if hasattr(args, "__dict__") and not isinstance(args, type):
        return DotDict(vars(args))
    return args
