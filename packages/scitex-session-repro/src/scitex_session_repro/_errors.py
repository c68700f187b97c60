"""The errors of scitex-session-repro.

Every error is a `ReproError` and also the builtin that a caller expects. The message is the first
argument, the data are attributes. Pickling keeps both, so an error can leave a worker process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHOWN = 60  # characters of a name


class ReproError(Exception):
    """The base of all errors of scitex-session-repro."""

    def __init__(self, message: str, **attributes: object) -> None:
        super().__init__(message)
        for name, value in attributes.items():
            setattr(self, name, value)


class InvalidTypeError(ReproError, TypeError):
    """An argument has the wrong type: a seed, a name, a number to spawn.

    Attributes
    ----------
    argument : str
        Which argument: ``"seed"``, ``"the name of a stream"``, ``"n"``, ``"deterministic"``.
    value : str
        The beginning of the value's ``repr``.
    """

    argument: str
    value: str


class InvalidValueError(ReproError, ValueError):
    """An argument has a value that is not allowed: a seed, a number to spawn, a module to seed.

    Attributes
    ----------
    argument : str
        Which argument: ``"seed"``, ``"n"``, ``"module"``, ``"deterministic"``.
    value : int or str
        The value; of a module, the beginning of its ``repr``.
    """

    argument: str
    value: int | str


class ManagerReleasedError(ReproError, RuntimeError):
    """A manager should seed the global generators after its release, or outside of ``with``."""


class NotAWorkerError(ReproError, RuntimeError):
    """A function that prepares a worker process was called in another process."""


class MissingLibraryError(ReproError, ImportError):
    """An optional library is needed and not installed.

    Attributes
    ----------
    name : str
        The name of the library, as of any `ImportError`.
    """


class DeviceUnavailableError(ReproError, RuntimeError):
    """A torch generator should be on a device that this machine does not have.

    Attributes
    ----------
    device : str
        The device.
    """

    device: str


class NotFingerprintableError(ReproError, TypeError):
    """A part of a value has no fingerprint that another process could compute too.

    Attributes
    ----------
    where : str
        The place of the part, as an expression: ``obj['model'][3]``.
    """

    where: str


class StateError(ReproError, ValueError):
    """A state can't be loaded or taken, and nothing has changed.

    It is damaged, or that of another manager; or a DataLoader is in the middle of an epoch.

    Attributes
    ----------
    problem : str
        What is wrong, and where.
    """

    problem: str


class CheckpointError(StateError):
    """A file can't be restored: it is no checkpoint, or a damaged one. Nothing has changed.

    Attributes
    ----------
    path : str
        The file.
    problem : str
        What is wrong with it.
    """

    path: str


class VerificationError(ReproError, ValueError):
    """A value differs from what was recorded under its name.

    Attributes
    ----------
    name : str
        The name.
    when : str
        When it was recorded, in UTC (ISO 8601).
    recorded, found : str
        The two fingerprints.
    difference : str
        What differs, in words.
    details : dict
        What differs, as data: pairs (recorded, found) of ``type``, ``dtype``, ``shape``,
        ``length`` and ``value``; ``parts``; ``differing``, ``total``, ``first`` and ``largest``;
        ``elements``, the same four by the place of an array. Only what is known.
    """

    name: str
    when: str
    recorded: str
    found: str
    difference: str
    details: dict[str, Any]


class VerificationRecordError(ReproError, ValueError):
    """The record under a name is damaged, or was made by other rules.

    Attributes
    ----------
    path : str
        The file.
    name : str
        The name.
    """

    path: str
    name: str


def wrong_type(argument: str, wanted: str, value: object) -> InvalidTypeError:
    """Return the error for an argument of the wrong type."""
    shown = f"{value!r:.80}"
    message = f"{argument} must be {wanted}, not {shown} of type {type(value).__name__}"
    return InvalidTypeError(message, argument=argument, value=shown)


def shown_name(name: str) -> str:
    """Return a name for a message; of a long name, only its beginning."""
    if len(name) <= _SHOWN:
        return repr(name)
    return f"{name[:_SHOWN]!r}… ({len(name)} characters)"
