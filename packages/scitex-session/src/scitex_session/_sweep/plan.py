"""The trials of a sweep: every combination of the values that its parameters take."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from scitex_session._config.documents import SUFFIXES, read_document
from scitex_session._errors import ConfigFileError, UsageError
from scitex_session._lifecycle.options import frozen_code
from scitex_session._suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from scitex_session._config.tree import Located

    # The values that the options of one group have together, in one trial.
    Row = list[tuple[str, str]]

OPTION = re.compile(r"(--?[^\W\d][^=]*)(?:=(.*))?", re.DOTALL)
"""An option on a command line, and its value if that is joined to it; -1 is a value."""

_MOST_TRIALS = 100_000
_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_KEYS = ("script", "parameters", "zip", "jobs", "memory")


class Trial(NamedTuple):
    """One combination of values.

    Attributes
    ----------
    number : int
        Its number in the sweep, starting at 1.
    argv : tuple of str
        The command line of the script.
    values : dict
        The values in which the trials of the sweep differ, by the names of their options.
    """

    number: int
    argv: tuple[str, ...]
    values: dict[str, str]


class Plan:
    """What a sweep runs.

    Parameters
    ----------
    script : Path
        The script.
    words : sequence of str
        Words of its command line that stand before the options, the same for all trials.
    parameters : mapping
        The values of each option, as the option is typed: ``{"--lr": ["1e-3", "1e-2"]}``. An
        option with one value is the same for all trials; one without a value is a flag.
    zipped : sequence of sequence of str
        Groups of names whose values go together: the first of one with the first of the others.

    Raises
    ------
    UsageError
        A group names what has no values, or what has another number of them; or there are too many
        trials.
    """

    def __init__(
        self,
        script: Path,
        words: Sequence[str],
        parameters: Mapping[str, Sequence[str]],
        zipped: Iterable[Sequence[str]] = (),
    ) -> None:
        # In a trial, which runs a copy of the script; the runs belong to the original.
        self.frozen = frozen_code(script)
        self.script = script if self.frozen is None else self.frozen.original(script)
        self.words = list(words)
        self.parameters = {option: list(values) for option, values in parameters.items()}
        self.zipped = [list(group) for group in zipped]
        self._axes = self._grouped()
        if (count := math.prod(map(len, self._axes))) > _MOST_TRIALS:
            raise UsageError(f"{self.shape()} is {count:,} trials; at most {_MOST_TRIALS:,} can be")

    def trials(self) -> list[Trial]:
        """Return the trials. The values of the last parameter change first."""
        found = []
        for number, rows in enumerate(itertools.product(*self._axes), start=1):
            values = dict(itertools.chain(*rows))
            argv = list(self.words)
            for option, given in self.parameters.items():
                argv += _words_of(option, values.get(option, *given[:1]) if given else None)
            named = {option.lstrip("-"): value for option, value in values.items()}
            found.append(Trial(number, tuple(argv), named))
        return found

    def shape(self) -> str:
        """Return what the trials are made of: ``lr (2) x seed (5)``."""
        return " x ".join(
            f"{'+'.join(option.lstrip('-') for option, _ in axis[0])} ({len(axis)})"
            for axis in self._axes
        )

    def _grouped(self) -> list[list[Row]]:
        """Return what the trials combine: of each group, the values that go together."""
        groups = [self._options_of(group) for group in self.zipped]
        group_of = {option: group for group in groups for option in group}
        if len(group_of) < sum(map(len, groups)):
            raise UsageError("zip: a parameter stands there twice")
        axes: dict[str, list[Row]] = {}
        for option, values in self.parameters.items():
            group = group_of.get(option, [option])
            if len(values) > 1 and group[0] not in axes:
                columns = [[(each, v) for v in self.parameters[each]] for each in group]
                axes[group[0]] = [list(row) for row in zip(*columns, strict=True)]
        return list(axes.values())

    def _options_of(self, group: Sequence[str]) -> list[str]:
        by_name = {parameter_name(option): option for option in self.parameters}
        said = f"zip {','.join(group)}"
        if len(group) < 2:
            raise UsageError(f"{said}: give the names of two parameters or more")
        for name in group:
            if parameter_name(name) not in by_name:
                hint = did_you_mean(name, [option.lstrip("-") for option in self.parameters])
                raise UsageError(f"{said}: {name} is given no values{hint}")
        options = [by_name[parameter_name(name)] for name in group]
        counts = [len(self.parameters[option]) for option in options]
        if len({*counts}) > 1:
            told = ", ".join(f"{n} has {c}" for n, c in zip(group, counts, strict=True))
            raise UsageError(f"{said}: the numbers of values differ ({told})")
        return options


def parameter_name(option: str) -> str:
    """Return the name of the parameter that an option gives: ``--learning-rate``, too."""
    return option.lstrip("-").replace("-", "_")


def zip_groups(told: Any) -> list[list[str]]:
    """Return groups of names: of ``"lr,seed"``, of a list of names, or of a list of such lists.

    Raises
    ------
    UsageError
        It is anything else.
    """
    if isinstance(told, str):
        told = [name.strip() for name in told.split(",")]
    if isinstance(told, Sequence) and all(isinstance(name, str) for name in told):
        return [list(told)] if told else []
    if isinstance(told, Sequence) and not any(isinstance(group, str) for group in told):
        return [group for each in told for group in zip_groups(each)]
    raise UsageError(f"zip {told!r}: give the names of parameters: [lr, seed]")


def _words_of(option: str, value: str | None) -> list[str]:
    """Return an option and its value on the command line of a script.

    A value may begin with a dash, so that it is joined to a long option. To click, ``-l=0.1`` is
    the text ``=0.1``.
    """
    if value is None:
        return [option]
    return [f"{option}={value}"] if option.startswith("--") else [option, value]


def read_plan(tokens: Sequence[str], zipped: Sequence[str]) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a command line, and the settings that a file of it makes.

    Parameters
    ----------
    tokens : sequence of str
        The script and its options, or a file of a sweep and options that replace those of it.
    zipped : sequence of str
        Names of parameters whose values go together, with commas between them.

    Returns
    -------
    Plan
    dict
        ``jobs`` and ``memory``, where the file has them.

    Raises
    ------
    UsageError, ConfigFileError
        It can't be understood.
    """
    first, *rest = tokens or [""]
    if not first or OPTION.fullmatch(first):
        raise UsageError("name the script first, and then its options: train.py --lr 1e-3 1e-2")
    words, parameters = _read_options(rest)
    groups = [zip_groups(group)[0] for group in zipped]
    if os.path.splitext(first)[1].lower() not in SUFFIXES:
        return Plan(_script(first), words, parameters, groups), {}
    if words:
        raise UsageError(f"{words[0]}: behind {first} stand options only")
    file = _PlanFile(Path(first))
    typed = {parameter_name(option) for option in parameters}
    kept = {o: v for o, v in file.parameters.items() if parameter_name(o) not in typed}
    return Plan(file.script, [], {**kept, **parameters}, groups or file.zipped), file.settings


def _script(name: str) -> Path:
    path = Path(os.path.abspath(name))
    if not path.is_file():
        raise UsageError(f"{name}: there is no such script")
    return path


def _read_options(tokens: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    words: list[str] = []
    parameters: dict[str, list[str]] = {}
    values, by_name = words, dict[str, str]()
    for token in tokens:
        if (match := OPTION.fullmatch(token)) is None:
            values += [token] if values is words else values_of(token)
            continue
        option = by_name.setdefault(parameter_name(match[1]), match[1])
        values = parameters.setdefault(option, [])
        if match[2] is not None:
            values += values_of(match[2])
    return words, parameters


def values_of(word: str) -> list[str]:
    """Return the values that a word stands for.

    ``0..4`` is 0, 1, 2, 3, 4; ``0..10..5`` is 0, 5, 10; ``a,b`` is two values. A word with a
    blank is one value, and so is what stands in quotes or brackets: ``[64,64]``.

    Raises
    ------
    UsageError
        A range never ends, or a value is missing.
    """
    if any(map(str.isspace, word)) or not word:
        return [word]
    pieces, depth, quoted = [""], 0, False
    for letter in word:
        quoted ^= letter == '"'
        depth += 0 if quoted else _DEPTH.get(letter, 0)
        if letter == "," and not quoted and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    if len(pieces) > 1 and "" in pieces:
        raise UsageError(f"{word}: a value is missing beside a comma")
    return [value for piece in pieces for value in _range(piece)]


def _range(piece: str) -> list[str]:
    """Return the numbers of a range, as exact as it was written; else the piece alone."""
    if (match := _RANGE.fullmatch(piece)) is None:
        quoted = len(piece) > 1 and piece[0] == piece[-1] == '"' and '"' not in piece[1:-1]
        return [piece[1:-1] if quoted else piece]
    begin, end = Decimal(match[1]), Decimal(match[2])
    if match[3] is None and any(number % 1 for number in (begin, end)):
        raise UsageError(f"{piece}: a range between fractions needs a step: {piece}..0.1")
    step = Decimal(match[3] or (1 if begin <= end else -1))
    if not step or (end - begin) / step < 0:
        raise UsageError(f"{piece}: with steps of {step}, {end} is never reached")
    if (count := int((end - begin) / step) + 1) > _MOST_TRIALS:
        raise UsageError(f"{piece} is {count:,} values; at most {_MOST_TRIALS:,} can be")
    return [format(begin + number * step, "f") for number in range(count)]


class _PlanFile:
    """A sweep that a file describes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.settings: dict[str, str] = {}
        self.parameters: dict[str, list[str]] = {}
        self.zipped: list[list[str]] = []
        root = read_document(path)
        for key, node in root.value.items():
            if key not in _KEYS:
                hint = did_you_mean(str(key), _KEYS)
                why = f"unknown key {key}{hint} (allowed: {', '.join(_KEYS)})"
                raise ConfigFileError(str(path), why, node.line)
        found: Mapping[str, Located] = root.value
        if "script" not in found or not isinstance(found["script"].value, str):
            raise ConfigFileError(str(path), "script must be the path of the script", root.line)
        # Beside the file, wherever the command is typed.
        self.script = _script(os.path.join(path.parent, found["script"].value))
        if "parameters" in found:
            self._add_parameters(found["parameters"], "")
        if "zip" in found:
            self.zipped = zip_groups(found["zip"].bare())
        for name in ("jobs", "memory"):
            if name in found:
                self.settings[name] = str(found[name].bare())

    def _add_parameters(self, node: Located, prefix: str) -> None:
        if not isinstance(node.value, dict):
            why = f"{prefix[:-1] or 'parameters'} must have names and their values"
            raise ConfigFileError(str(self._path), why, node.line)
        for key, item in node.value.items():
            if isinstance(item.value, dict):
                self._add_parameters(item, f"{prefix}{key}.")
                continue
            if isinstance(item.value, list):
                values = [_text_of_node(each) for each in item.value]
                if not values:
                    why = f"{prefix}{key} has no values"
                    raise ConfigFileError(str(self._path), why, item.line)
            else:
                text = _text_of_node(item)
                values = values_of(text) if item.plain else [text]
            # As it stands there: argparse knows --learning_rate by that name alone.
            self.parameters[f"--{prefix}{key}"] = values


def _text_of_node(node: Located) -> str:
    """Return a value as it stands in the file: 1e-3 stays 1e-3."""
    plain = node.text is not None and not isinstance(node.value, bool) and node.value is not None
    return str(node.text) if plain else text_of(node.bare())


def text_of(value: Any) -> str:
    """Return the text by which a command line gives a value.

    Raises
    ------
    UsageError
        A command line can't give it.
    """
    if hasattr(type(value), "dtype") and getattr(value, "ndim", 1) == 0:
        value = value.item()  # numpy's scalars
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (str, int, float, os.PathLike)):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        kind = type(value).__name__
        raise UsageError(f"a command line can't give {kind}: {value!r:.100}") from None
