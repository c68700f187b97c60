"""What differs between runs: compared part by part, and told."""

from __future__ import annotations

import hashlib
import os
import re
from functools import partial
from json import dumps

from scitex_session_core import current_status

from .content import MIB, Budget, Content, common, compare, compare_texts, shortened
from .names import Run, named_run
from .output import DIFFERENT, OK, finite, refuse, say_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, BinaryIO

    Parts = dict[str, Any]

PARTS = (
    *("files", "arguments", "config", "seed", "code", "environment", "inputs", "results"),
    *("artifacts", "ending"),
)
"""The parts of the comparison, in this order."""

_CHANGES = "code/changes.diff"
_LARGEST_SOURCE = 4 * MIB
_SECTION = re.compile(r"^(?=diff --git )", re.MULTILINE)
_SECTION_NAME = re.compile(r'diff --git "?a/.* "?b/(.*?)"?$', re.MULTILINE)
_INDEX_LINE = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+.*\n", re.MULTILINE)


class _Absent:
    """What a run does not have. In the result it is None, on the screen it differs from None."""

    def __repr__(self) -> str:
        return "-"


ABSENT = _Absent()


def diff(
    a: str | os.PathLike[str], b: str | os.PathLike[str], *more: str | os.PathLike[str]
) -> Parts:
    """Return what differs between runs, and only that.

    Parameters
    ----------
    a, b, *more : str or path-like
        Runs: an ID or a part of one, a directory, ``latest``, ``latest~1``; or files that runs
        made, for the runs that made them.

    Returns
    -------
    dict
        Empty if nothing differs. Otherwise the parts that differ, in this order, each with the
        names that differ; a name has a list of its values, one for each run, None where the run
        lacks it:

        ``files``
            If `a` and `b` are files: how these two differ, as an entry of ``artifacts``.
        ``arguments``, ``config``, ``results``
            ``{"lr": [0.1, 0.2]}``; names within dicts are joined by dots.
        ``seed``
            ``[42, 43]``.
        ``code``
            ``script``, ``function`` and ``commit``: values; ``files``: the script and the user's
            modules, by their names in ``code/``; ``changes``: other files of the repository with
            changes that are not in the commit. The last two have, by file, ``versions``, a number
            for each run (runs with the same number have the same), and of two runs ``diff``, a
            unified diff. ``unknown``: why the changes are not on record.
        ``environment``
            Versions of packages, ``python``, ``platform``, ``cpu``, ``cpus``, ``gpus``.
        ``inputs``
            By name, ``sha256`` and ``bytes``: lists with a value for each run.
        ``artifacts``
            By name, ``sha256``, ``bytes`` and ``versions``: lists with a value for each run. Of two
            runs also what follows here.
        ``ending``
            ``status``, ``exit_status``, and the fields of ``reason``: values.

        How two files differ is told by:

        ``how``
            What was compared: ``pixels``, ``values``, ``text``, ``drawing``, ``bytes``; ``names``
            if only one run has the file.
        ``says``
            A sentence without its full stop: what differs, or why no more is known than that.
        ``differing``, ``of``, ``share``, ``largest``, ``index``
            Of pixels: how many differ of how many, their share, the largest difference, and its
            place (row, column). Instead of these ``shapes``, if the images have other sizes.
        ``differences``, ``omitted``
            Of values: what differs, a list of at most 50, and how many more there are. Each has
            ``where`` (a column, a name; empty for the whole), and ``only`` (1 or 2: the one that
            has it) or, as far as they differ, ``dtypes``, ``shapes``, and the two ``values`` at
            ``index`` (counted from 0), where the difference is ``largest``; ``differing``
            elements ``of`` so many.
        ``diff``
            Of texts: a unified diff, of at most 1,000 lines.

    Raises
    ------
    UnknownRunError
        No run is known by a name, or its directory is gone.
    AmbiguousRunError
        Several runs are known by a name.
    RecordError
        The record of a run can't be read.

    Notes
    -----
    Values are compared exactly, their type too, since code may act differently on 1, 1.0 and True;
    NaN is NaN. Artifacts are compared by what they hold where that can be: images by pixels, tables
    and arrays by values, PDF and SVG without the stamp of the run, dates and generated ids. By
    their bytes only are compared files of more than 64 MiB, pickles and what may hold them, what
    has changed since it was recorded, what no installed library reads, and whatever comes after
    256 MiB in all. What can't be shown to be the same is told as a difference. The ID of the run
    within a file's name does not count. Not compared are times, logs, metrics, and secrets, which
    no record holds.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def fit(lr: float = 0.1):
    ...     return {"acc": 1 - lr}
    >>> results = [fit.run(lr=lr) for lr in (0.1, 0.2)]
    >>> stx.diff("latest~1", "latest")
    {'arguments': {'lr': [0.1, 0.2]}, 'results': {'acc': [0.9, 0.8]}}
    """
    public: Parts = finite(_public(Comparison([Side(name) for name in (a, b, *more)]).parts))
    return public


def diff_command(*runs: str, json: bool = False) -> int:
    """Show what differs between runs.

    Compared are arguments, configuration, seed, code, environment, inputs, results, the files that
    the runs made, and how they ended. Files are compared by what they hold: images by pixels,
    tables and arrays by values. Of more than two runs, a table shows what differs.

    The exit status is 0 if nothing differs, 1 if something does, and 2 for a mistake.

    Parameters
    ----------
    runs : str
        Two runs or more: a part of an ID, a directory, latest, latest~1, or a file that a run made.
    json : bool
        Print a JSON object with the parts that differ instead.
    """
    if len(runs) < 2:
        return refuse("diff needs two runs or more", usage="diff")
    compared = Comparison([Side(name) for name in runs])
    if json:
        say_json(_public(compared.parts))
    else:
        from .diff_view import show

        show(compared)
    return DIFFERENT if compared.parts else OK


class Side:
    """One of the runs.

    Attributes
    ----------
    run : Run
    record : dict
        Its record, with the status that it has now.
    file : str or None
        The file by which it was named.
    files : frozenset of str
        All files of the run.
    """

    def __init__(self, name: str | os.PathLike[str]) -> None:
        self.run: Run = named_run(name)
        self.record = self.run.record()
        self.record["status"] = current_status(self.record, self.run.place)
        text = os.fspath(name)
        self.file = text if text != self.run.id and os.path.isfile(text) else None
        self.files = frozenset(self.run.names())

    def value(self, *path: str) -> Any:
        """Return a value of the record; `ABSENT` if there is none."""
        value: Any = self.record
        for name in path:
            if not isinstance(value, dict) or name not in value:
                return ABSENT
            value = value[name]
        return value

    def artifacts(self, role: str) -> dict[str, Parts]:
        """Return the artifacts by name, without the run's own ID in it."""
        listed = self.record.get("artifacts")
        found = {}
        for artifact in listed if isinstance(listed, list) else ():
            if not isinstance(artifact, dict) or artifact.get("role") != role:
                continue
            path, digest, size = (artifact.get(name) for name in ("path", "sha256", "bytes"))
            name = str(path).replace(self.run.id, "<ID>")
            found[f"<run>/{name}" if artifact.get("run") else name] = {
                "path": str(path),
                "sha256": digest if isinstance(digest, str) else None,
                "bytes": size if isinstance(size, int) else None,
            }
        return found

    def copies(self) -> dict[str, str]:
        """Return the texts of the script and the modules that the run has copies of."""
        names = sorted(n for n in self.files if n.startswith("code/") and n != _CHANGES)
        return {name.removeprefix("code/"): self._text(name) for name in names}

    def copied(self) -> list[str]:
        """Return where the script and the modules lay whose copies the run has."""
        modules = self.value("code", "modules")
        paths = [self.value("script"), *(modules.values() if isinstance(modules, dict) else ())]
        copies = {os.path.basename(name) for name in self.files if name.startswith("code/")}
        return [path for path in map(str, paths) if os.path.basename(path) in copies]

    def changes(self) -> dict[str, str]:
        """Return the part of each file in the diff of git."""
        sections = _SECTION.split(self._text(_CHANGES)) if _CHANGES in self.files else []
        named = [(_SECTION_NAME.match(section), section) for section in sections]
        return {name[1]: _INDEX_LINE.sub("", section) for name, section in named if name}

    def _text(self, name: str) -> str:
        """Return the text of a file of the run; of a large one its hash, or why it is not known."""
        try:
            with self.run.open(name) as opened:
                data = opened.read(_LARGEST_SOURCE + 1)
                if len(data) > _LARGEST_SOURCE:
                    digest = hashlib.sha256(data)
                    while data := opened.read(MIB):
                        digest.update(data)
                    return f"more than {_LARGEST_SOURCE // MIB} MiB, sha256 {digest.hexdigest()}"
        except OSError as error:
            # With the ID, so that two that can't be read don't pass for the same.
            return f"can't be read in {self.run.id}: {error.strerror or error}"
        return data.decode("utf-8", "backslashreplace")


class Comparison:
    """The parts in which runs differ."""

    def __init__(self, sides: list[Side]) -> None:
        self.sides = sides
        self._budget = Budget()
        self._whose = ["the first run", "the second run"]
        if len(sides) > 2:
            self._whose = [side.run.id for side in sides]
        found = {
            "files": self._files(),
            "arguments": self._unequal(lambda side: _flat(side.value("arguments"))),
            "config": self._unequal(lambda side: _flat(side.value("config"))),
            "seed": self._unequal(lambda side: {"seed": side.value("seed")}).get("seed"),
            "code": self._code(),
            "environment": self._environment(),
            "inputs": self._inputs(),
            # On record by dotted names.
            "results": self._unequal(lambda side: _dict(side.value("results"))),
            "artifacts": self._artifacts(),
            "ending": self._unequal(_ending),
        }
        self.parts: Parts = {part: differs for part, differs in found.items() if differs}

    def _unequal(self, values_of: Callable[[Side], Mapping[str, Any]]) -> Parts:
        return _unequal([values_of(side) for side in self.sides])

    def _files(self) -> Parts:
        paths = [side.file for side in self.sides if side.file is not None]
        if len(paths) != len(self.sides) or len(paths) != 2:
            return {}
        a, b = (Content(os.path.basename(path), path, partial(_open, path)) for path in paths)
        found = compare(a, b, self._budget)
        sizes = [os.path.getsize(path) for path in paths]
        return {} if found is None else {"names": paths, "bytes": sizes, **found}

    def _code(self) -> Parts:
        facts = self._unequal(_code_facts)
        told = {path for side in self.sides for path in side.copied()}
        for name, row in self._unequal(Side.copies).items():
            facts.setdefault("files", {})[name] = self._texts(name, row)
        for name, row in self._unequal(Side.changes).items():
            if not any(path.endswith(f"/{name}") for path in told):  # its copy is more readable
                facts.setdefault("changes", {})[name] = self._texts(name, row, is_diff=True)
        return facts

    def _texts(self, name: str, texts: list[Any], *, is_diff: bool = False) -> Parts:
        found: Parts = {"versions": _versions(texts)}
        if len(texts) == 2:
            first, second = ("" if text is ABSENT else text for text in texts)
            if is_diff and ABSENT in texts:
                found["diff"] = shortened((first or second).splitlines())
            else:
                a, b = (f"{side.run.id}/{name}" for side in self.sides)
                found["diff"] = compare_texts(first, second, (a, b))
        return found

    def _environment(self) -> Parts:
        packages = {side: side.run.packages(side.record) for side in self.sides}
        all_known = None not in packages.values()

        def facts(side: Side) -> dict[str, Any]:
            known = packages[side] if all_known else {"packages": side.value("environment")}
            machine = {name: side.value("machine", name) for name in ("cpu", "cpus", "gpus")}
            python = {name: side.value(name) for name in ("python", "platform")}
            return {**(known or {}), **python, **machine}

        return dict(sorted(self._unequal(facts).items(), key=lambda item: item[0].lower()))

    def _by_name(self, role: str) -> Iterator[tuple[str, list[Parts | None], set[str | None]]]:
        """Give each artifact that may differ: its name, what the runs have, and the hashes."""
        listed = [side.artifacts(role) for side in self.sides]
        for name in dict.fromkeys(name for each in listed for name in each):
            entries = [each.get(name) for each in listed]
            marks = {
                None if entry is None else entry["sha256"] or f"unknown in {side.run.id}"
                for side, entry in zip(self.sides, entries, strict=True)
            }
            if len(marks) > 1:
                yield name, entries, marks

    def _inputs(self) -> Parts:
        listed = [side.artifacts("input").values() for side in self.sides]
        everywhere = set.intersection(*({entry["sha256"] for entry in each} for each in listed))
        return {
            name: _hashes(entries)
            for name, entries, marks in self._by_name("input")
            # Not the same content from another place in each run.
            if None not in marks or not marks - {None} <= everywhere - {None}
        }

    def _artifacts(self) -> Parts:
        found = {}
        for name, entries, _ in self._by_name("output"):
            contents = list(map(self._content, self.sides, entries, self._whose))
            versions, how = common(contents, self._budget)
            if len({*versions}) > 1:
                found[name] = {**_hashes(entries), "versions": versions}
            if len(versions) == 2 and None in versions:
                only = self._whose[versions.index(1)]
                found[name] |= {"how": "names", "says": f"only {only} has it"}
            elif len(versions) == 2 and how is not None:
                found[name] |= how
        return found

    @staticmethod
    def _content(side: Side, entry: Parts | None, whose: str) -> Content | None:
        if entry is None:
            return None
        path = entry["path"]
        # Outside of the run directory it has its whole path.
        opened = partial(_open, path) if os.path.isabs(path) else partial(side.run.open, path)
        return Content(path, whose, opened, entry["sha256"])


def _ending(side: Side) -> dict[str, Any]:
    reason = _flat({"reason": side.value("reason")})
    return {name: side.value(name) for name in ("status", "exit_status")} | reason


def _code_facts(side: Side) -> dict[str, Any]:
    return {
        "script": os.path.basename(str(side.value("script"))),
        "function": side.value("function"),
        "commit": side.value("git", "commit"),
        "unknown": side.value("git", "unknown", "diff"),
    }


def _hashes(entries: list[Parts | None]) -> Parts:
    return {name: [entry and entry[name] for entry in entries] for name in ("sha256", "bytes")}


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flat(value: Any, prefix: str | None = None) -> dict[str, Any]:
    """Return the leaves of nested dicts by dotted names; a dot within a name is quoted."""
    if not isinstance(value, dict) or (not value and prefix is not None):
        return {} if value is ABSENT or prefix is None else {prefix: value}
    found = {}
    for key, inner in value.items():
        name = dumps(key) if "." in key else key
        found.update(_flat(inner, name if prefix is None else f"{prefix}.{name}"))
    return found


def _unequal(values: Sequence[Mapping[str, Any]]) -> Parts:
    """Return, of several mappings, the names whose values are not all the same."""
    names = dict.fromkeys(name for each in values for name in each)
    rows = {name: [each.get(name, ABSENT) for each in values] for name in names}
    return {name: row for name, row in rows.items() if len({*_versions(row)}) > 1}


def _versions(values: Iterable[Any]) -> list[int | None]:
    """Give a number to each value: the same for the same, from 1; None for none.

    The same are values of one type that are equal to the bit; NaN is NaN.
    """
    numbers: dict[str, int] = {}
    return [
        None
        if value is ABSENT
        else numbers.setdefault(dumps(value, sort_keys=True), len(numbers) + 1)
        for value in values
    ]


def _public(value: Any) -> Any:
    """Return what differs, with None for what a run does not have."""
    if isinstance(value, dict):
        return {name: _public(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_public(inner) for inner in value]
    return None if value is ABSENT else value
