"""What the options of a script are called."""

from __future__ import annotations

from scitex_session._errors import UnsuitableFunctionError

from .signature import OPTIONS, VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .signature import Parameter


def kebab(name: str) -> str:
    """Return a name of Python as it is shown: ``n_layers`` as ``n-layers``, its case kept.

    Notes
    -----
    Lower-casing, which parsers of command lines like, would make one option of ``n`` and ``N``.
    """
    return name.strip("_").replace("_", "-")


def option_names(
    function: str, options: Sequence[Parameter], flags: Iterable[str] = ()
) -> dict[str, list[str]]:
    """Give each option its long name, and a short one where that is free.

    Parameters
    ----------
    function : str
        The function, for the error.
    options : sequence of Parameter
        Its parameters, the injected ones left out.
    flags : iterable of str
        Those that are switches, and so have a second name with ``no-``.

    Returns
    -------
    dict
        By parameter: the long name and, if there is one, the short one.

    Raises
    ------
    UnsuitableFunctionError
        Two parameters would have the same name, or one has no letter to make a name of.

    Notes
    -----
    The rule, the same on every Python: a parameter whose name is one character has that as its
    short name, in its own case (``N`` is ``--N`` and ``-N``). Then, in the order of the signature,
    each other takes the first letter of its name, in lower case, if no other has it. ``-h`` is
    help, unless a parameter is named ``h``. So a parameter added at the end changes no other.
    """
    named = [option for option in options if option.kind not in (VALUES, OPTIONS)]
    shorts: dict[str, str] = {}
    for option in named:
        name = kebab(option.name)
        if not name:
            raise UnsuitableFunctionError(
                function, f"the parameter {option.name} has no letter to make an option of"
            )
        if len(name) == 1 and name.isalpha():
            shorts.setdefault(f"-{name}", option.name)
    shorts.setdefault("-h", "")
    for option in named:
        first = kebab(option.name)[0].lower()
        if len(kebab(option.name)) > 1 and first.isalpha():
            shorts.setdefault(f"-{first}", option.name)
    short_of = {owner: short for short, owner in shorts.items()}
    names = {
        option.name: [f"--{kebab(option.name)}"]
        + ([short_of[option.name]] if option.name in short_of else [])
        for option in named
    }
    _check_apart(function, names, set(flags))
    return names


def help_flags(names: dict[str, list[str]]) -> list[str]:
    """Return what asks for help: ``--help`` and ``-h``, but for what a parameter has taken."""
    taken = {name for each in names.values() for name in each}
    return [flag for flag in ("--help", "-h") if flag not in taken]


def _check_apart(function: str, names: dict[str, list[str]], flags: set[str]) -> None:
    owners: dict[str, str] = {}
    for parameter, (long, *_) in names.items():
        for name in [long, f"--no-{long[2:]}"] if parameter in flags else [long]:
            if name in owners:
                raise UnsuitableFunctionError(
                    function,
                    f"the parameters {owners[name]} and {parameter} would both be {name}; "
                    "rename one of them",
                )
            owners[name] = parameter
