"""What scitex-session-repro raises.

Every error is a `ReproError` and the builtin that a caller would expect. Its data are its
arguments and its attributes, so that it survives pickling on its way out of a worker.
"""

from __future__ import annotations

ALLOWED_SEEDS = "an integer from 0 to 2**128 - 1 or None"
_SHOWN = 60  # characters of a name


def shown_name(name: str) -> str:
    """Give a name as it is printed: of a very long one, the beginning."""
    if len(name) <= _SHOWN:
        return repr(name)
    return f"{name[:_SHOWN]!r}… ({len(name)} characters)"


class ReproError(Exception):
    """The base of all errors of scitex-session-repro."""


class SeedTypeError(ReproError, TypeError):
    """A seed is neither an integer nor None.

    Attributes
    ----------
    shown : str
        The value as it prints, shortened.
    type_name : str
        The name of its type.
    """

    def __init__(self, shown: str, type_name: str) -> None:
        super().__init__(shown, type_name)
        self.shown = shown
        self.type_name = type_name

    def __str__(self) -> str:
        return f"seed must be {ALLOWED_SEEDS}, not {self.shown} of type {self.type_name}"


class SeedRangeError(ReproError, ValueError):
    """A seed is an integer that is negative or too large.

    Attributes
    ----------
    seed : int
        The refused integer.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seed = seed

    def __str__(self) -> str:
        # Python refuses to print an integer of more than 4300 digits.
        bits = self.seed.bit_length()
        shown = str(self.seed) if bits <= 256 else f"an integer of {bits} bits"
        return f"seed must be {ALLOWED_SEEDS}, not {shown}"


class NameTypeError(ReproError, TypeError):
    """A name is not a string.

    Attributes
    ----------
    shown : str
        The value as it prints, shortened.
    type_name : str
        The name of its type.
    of : str
        What it is to be the name of.
    """

    def __init__(self, shown: str, type_name: str, of: str = "a stream") -> None:
        super().__init__(shown, type_name, of)
        self.shown = shown
        self.type_name = type_name
        self.of = of

    def __str__(self) -> str:
        return f"the name of {self.of} must be a str, not {self.shown} of type {self.type_name}"


class CountTypeError(ReproError, TypeError):
    """A number of managers to spawn is not an integer.

    Attributes
    ----------
    shown : str
        The value as it prints, shortened.
    type_name : str
        The name of its type.
    """

    def __init__(self, shown: str, type_name: str) -> None:
        super().__init__(shown, type_name)
        self.shown = shown
        self.type_name = type_name

    def __str__(self) -> str:
        return f"n must be an integer from 0 upwards, not {self.shown} of type {self.type_name}"


class CountRangeError(ReproError, ValueError):
    """A number of managers to spawn is negative.

    Attributes
    ----------
    count : int
        The refused integer.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return f"n must be an integer from 0 upwards, not {self.count}"


class UnknownGeneratorError(ReproError, ValueError):
    """Something given to be seeded is no module with a global generator that is known here.

    Attributes
    ----------
    shown : str
        What was given.
    known : tuple of str
        The modules that can be seeded.
    """

    def __init__(self, shown: str, known: tuple[str, ...]) -> None:
        super().__init__(shown, known)
        self.shown = shown
        self.known = known

    def __str__(self) -> str:
        return f"cannot seed {self.shown}: the known modules are {', '.join(self.known)}"


class ManagerReleasedError(ReproError, RuntimeError):
    """A manager that borrows no global generators was asked to seed them.

    Attributes
    ----------
    manager : str
        The manager, as it prints.
    entered : bool
        Whether it did borrow them, and has been released.
    """

    def __init__(self, manager: str, entered: bool) -> None:
        super().__init__(manager, entered)
        self.manager = manager
        self.entered = entered

    def __str__(self) -> str:
        if self.entered:
            return (
                f"{self.manager} has been released and seeds no global generator any more: make a "
                "new one (its named generators go on working)"
            )
        return f"{self.manager} seeds global generators in a `with` block only: enter it first"


class NotFingerprintableError(ReproError, TypeError):
    """A part of a value has no fingerprint: it is nothing that is the same in another process.

    Attributes
    ----------
    where : str
        The place of the part, as an expression: ``obj['model'][3]``.
    what : str
        What it is.
    advice : str
        What to pass in its stead.
    """

    def __init__(self, where: str, what: str, advice: str) -> None:
        super().__init__(where, what, advice)
        self.where = where
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"cannot fingerprint {self.where}, which {self.what}: {self.advice}"


class NestingError(ReproError, ValueError):
    """A value to be fingerprinted contains itself, or is nested too deeply.

    Attributes
    ----------
    where : str
        The place of the part, as an expression.
    what : str
        What is the matter with it.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"cannot fingerprint {self.where}, which {self.what}"


class VerificationError(ReproError, ValueError):
    """A value is not what was recorded under its name.

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
        ``length`` and ``value``; ``parts``; ``differing``, ``total``, ``first`` and ``largest``.
        Only what is known.
    """

    def __init__(
        self,
        name: str,
        when: str,
        recorded: str,
        found: str,
        difference: str,
        details: dict[str, object],
    ) -> None:
        super().__init__(name, when, recorded, found, difference, details)
        self.name = name
        self.when = when
        self.recorded = recorded
        self.found = found
        self.difference = difference
        self.details = details

    def __str__(self) -> str:
        return f"{shown_name(self.name)} is not as recorded on {self.when}: {self.difference}"


class VerificationRecordError(ReproError, ValueError):
    """What was recorded under a name is damaged, or made by other rules.

    Attributes
    ----------
    path : str
        The file.
    name : str
        The name.
    why : str
        What is wrong with it.
    """

    def __init__(self, path: str, name: str, why: str) -> None:
        super().__init__(path, name, why)
        self.path = path
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return (
            f"cannot verify {shown_name(self.name)} by {self.path}: {self.why} "
            f"(clear_cache({self.name!r}) forgets it)"
        )


class MissingLibraryError(ReproError, ImportError):
    """An optional library is needed and not installed.

    Attributes
    ----------
    feature : str
        What was asked for.
    library : str
        The name under which the library is installed.
    """

    def __init__(self, feature: str, library: str) -> None:
        super().__init__(feature, library, name=library)
        self.feature = feature
        self.library = library

    def __str__(self) -> str:
        return (
            f"{self.feature} needs {self.library}, which is not installed: "
            f"pip install {self.library}"
        )


class DeviceUnavailableError(ReproError, RuntimeError):
    """A torch generator was asked for on a device that is not here.

    Attributes
    ----------
    device : str
        The device.
    problem : str
        What is the matter with it.
    """

    def __init__(self, device: str, problem: str) -> None:
        super().__init__(device, problem)
        self.device = device
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot make a torch generator on device {self.device!r}: {self.problem}"


class NotAWorkerError(ReproError, RuntimeError):
    """Something that sets a worker process up was called where there is no such worker.

    Attributes
    ----------
    function : str
        What was called.
    place : str
        Where it is to be given.
    """

    def __init__(self, function: str, place: str) -> None:
        super().__init__(function, place)
        self.function = function
        self.place = place

    def __str__(self) -> str:
        return (
            f"{self.function} sets up a worker process, and this is none: give it as {self.place}"
        )


class StateError(ReproError, ValueError):
    """What was given is no state of a manager, or one that can't be taken over.

    Attributes
    ----------
    problem : str
        What is wrong, and where.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot load the state: {self.problem}"


class CheckpointError(ReproError, ValueError):
    """A file is no checkpoint, or a damaged one; nothing has been restored from it.

    Attributes
    ----------
    path : str
        The file.
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot restore {self.path}: {self.problem}"
