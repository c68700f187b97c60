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
    from collections.abc import Iterable, Mapping, Sequence
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
    >>> diff("latest~1", "latest")  # doctest: +SKIP
    {'arguments': {'lr': [0.1, 0.2]}, 'results': {'acc': [0.91, 0.93]}}
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
        from .diff_view import show  # knows how to print

        show(compared)
    return DIFFERENT if compared.parts else OK


class Side:
    """One of the runs.

    Attributes
    ----------
    name : str
        As it was named.
    run : Run
    record : dict
        Its record, with the status that it has now.
    file : str or None
        The file by which it was named.
    """

    def __init__(self, name: str | os.PathLike[str]) -> None:
        self.run: Run = named_run(name)
        self.name = os.fspath(name)
        self.record = self.run.record()
        self.record["status"] = current_status(self.record, self.run.place)
        is_file = self.name != self.run.id and os.path.isfile(self.name)
        self.file = self.name if is_file else None
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

    def copied(self) -> list[str]:
        """Return where the script and the modules lay whose copies the run has."""
        modules = self.value("code", "modules")
        paths = [self.value("script"), *(modules.values() if isinstance(modules, dict) else ())]
        copies = {os.path.basename(name) for name in self.files if name.startswith("code/")}
        return [path for path in map(str, paths) if os.path.basename(path) in copies]

    def text(self, name: str) -> str:
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
    """The parts in which runs differ, and how much was compared."""

    def __init__(self, sides: list[Side]) -> None:
        self.sides = sides
        self.parts: Parts = {}
        self.counts: dict[str, int] = {}
        self._budget = Budget()
        for part in PARTS:
            found = getattr(self, f"_{part}")()
            if found:
                self.parts[part] = found

    @property
    def whose(self) -> tuple[str, str]:
        return "the first run", "the second run"

    def _files(self) -> Parts:
        paths = [side.file for side in self.sides]
        if len(paths) > 2 or None in paths:
            return {}
        self.counts["files"] = 2
        contents = []
        for path in paths:
            assert path is not None
            with open(path, "rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            contents.append(Content(os.path.basename(path), path, partial(_open, path), digest))
        found = compare(contents[0], contents[1], self._budget)
        if found is None:
            return {}
        sizes = [os.path.getsize(path) for path in paths if path is not None]
        return {"names": paths, "bytes": sizes, **found}

    def _arguments(self) -> Parts:
        return self._leaves("arguments")

    def _config(self) -> Parts:
        return self._leaves("config")

    def _results(self) -> Parts:
        # On record by dotted names.
        found = [side.value("results") for side in self.sides]
        return self._named("results", [each if isinstance(each, dict) else {} for each in found])

    def _leaves(self, part: str) -> Parts:
        return self._named(part, [_flat(side.value(part)) for side in self.sides])

    def _named(self, part: str, leaves: list[dict[str, Any]]) -> Parts:
        self.counts[part] = len({name for each in leaves for name in each})
        return _unequal(leaves)

    def _seed(self) -> list[Any]:
        row: list[Any] = [side.value("seed") for side in self.sides]
        return row if len({*_versions(row)}) > 1 else []

    def _ending(self) -> Parts:
        return _unequal(
            [
                {
                    "status": side.value("status"),
                    "exit_status": side.value("exit_status"),
                    **_flat({"reason": side.value("reason")}),
                }
                for side in self.sides
            ]
        )

    def _code(self) -> Parts:
        facts = _unequal(
            [
                {
                    "script": os.path.basename(str(side.value("script"))),
                    "function": side.value("function"),
                    "commit": side.value("git", "commit"),
                    "unknown": side.value("git", "unknown", "diff"),
                }
                for side in self.sides
            ]
        )
        copies = [self._copies(side) for side in self.sides]
        changes = [
            _sections(side.text(_CHANGES)) if _CHANGES in side.files else {} for side in self.sides
        ]
        told = {path for side in self.sides for path in side.copied()}
        for each in changes:
            for name in [n for n in each if any(path.endswith(f"/{n}") for path in told)]:
                del each[name]  # the copies tell it, and more readably
        self.counts["code"] = len({name for each in copies for name in each})
        for part, texts in (("files", copies), ("changes", changes)):
            if rows := _unequal(texts):
                is_diff = part == "changes"
                facts[part] = {n: self._texts(n, row, is_diff=is_diff) for n, row in rows.items()}
        return facts

    @staticmethod
    def _copies(side: Side) -> dict[str, str]:
        names = [n for n in side.files if n.startswith("code/") and n != _CHANGES]
        return {name.removeprefix("code/"): side.text(name) for name in sorted(names)}

    def _texts(self, name: str, texts: list[Any], *, is_diff: bool) -> Parts:
        found: Parts = {"versions": _versions(texts)}
        if len(texts) == 2:
            first, second = ("" if text is ABSENT else text for text in texts)
            if is_diff and ABSENT in texts:
                found["diff"] = shortened((first or second).splitlines())
                return found
            ids = [side.run.id for side in self.sides]
            found["diff"] = compare_texts(first, second, (f"{ids[0]}/{name}", f"{ids[1]}/{name}"))
        return found

    def _environment(self) -> Parts:
        facts = []
        for side in self.sides:
            machine = {name: side.value("machine", name) for name in ("cpu", "cpus", "gpus")}
            facts.append(
                {"python": side.value("python"), "platform": side.value("platform"), **machine}
            )
        digests = [side.value("environment") for side in self.sides]
        lists = [side.run.packages(side.record) for side in self.sides]
        known = [each for each in lists if each is not None]
        self.counts["environment"] = len(known[0]) if known else 0
        if len(known) == len(lists):
            facts = [{**each, **fact} for each, fact in zip(known, facts, strict=True)]
        else:
            facts = [
                {**fact, "packages": digest} for fact, digest in zip(facts, digests, strict=True)
            ]
        return dict(sorted(_unequal(facts).items(), key=lambda item: item[0].lower()))

    def _inputs(self) -> Parts:
        listed = [side.artifacts("input") for side in self.sides]
        self.counts["inputs"] = len({name for each in listed for name in each})
        found = {}
        everywhere = set.intersection(*({a["sha256"] for a in each.values()} for each in listed))
        for name in dict.fromkeys(name for each in listed for name in each):
            entries = [each.get(name) for each in listed]
            marks = self._marks(entries)
            if len(marks) == 1 or (None in marks and marks - {None} <= everywhere - {None}):
                continue  # the same, or the same content from another place in each run
            found[name] = _hashes(entries)
        return found

    def _artifacts(self) -> Parts:
        listed = [side.artifacts("output") for side in self.sides]
        names = dict.fromkeys(name for each in listed for name in each)
        self.counts["artifacts"] = len(names)
        found = {}
        for name in names:
            if entry := self._artifact([each.get(name) for each in listed]):
                found[name] = entry
        return found

    def _artifact(self, entries: list[Parts | None]) -> Parts | None:
        if len(self._marks(entries)) == 1:
            return None
        contents = [
            None if entry is None else self._content(side, entry, number)
            for number, (side, entry) in enumerate(zip(self.sides, entries, strict=True))
        ]
        entry = _hashes(entries)
        if len(contents) > 2:
            entry["versions"] = common(contents, self._budget)
            return entry if len({*entry["versions"]}) > 1 else None
        first, second = contents
        if first is None or second is None:
            whose = self.whose[1 if first is None else 0]
            return {
                **entry,
                "versions": [1 if c else None for c in contents],
                "how": "names",
                "says": f"only {whose} has it",
            }
        compared = compare(first, second, self._budget)
        return compared and {**entry, "versions": [1, 2], **compared}

    def _marks(self, entries: list[Parts | None]) -> set[str | None]:
        """Return the different contents as far as hashes tell; None where a run has none."""
        return {
            None if entry is None else entry["sha256"] or f"unknown in {side.run.id}"
            for side, entry in zip(self.sides, entries, strict=True)
        }

    def _content(self, side: Side, entry: Parts, number: int) -> Content:
        path = entry["path"]
        whose = self.whose[number] if len(self.sides) == 2 else side.run.id
        # Outside of the run directory it has its whole path.
        opened = partial(_open, path) if os.path.isabs(path) else partial(side.run.open, path)
        return Content(path, whose, opened, entry["sha256"])


def _hashes(entries: list[Parts | None]) -> Parts:
    return {name: [entry and entry[name] for entry in entries] for name in ("sha256", "bytes")}


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


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
    found = {}
    for name in dict.fromkeys(name for each in values for name in each):
        row = [each.get(name, ABSENT) for each in values]
        if len({_exact(value) for value in row}) > 1:
            found[name] = row
    return found


def _exact(value: Any) -> str:
    """Return a text that is the same for the same value: of one type, to the bit, NaN as NaN."""
    return "" if value is ABSENT else dumps(value, sort_keys=True)


def _versions(values: Iterable[Any]) -> list[int | None]:
    """Give a number to each value: the same for the same, from 1; None for none."""
    numbers: dict[str, int] = {}
    return [
        None if value is ABSENT else numbers.setdefault(_exact(value), len(numbers) + 1)
        for value in values
    ]


def _sections(changes: str) -> dict[str, str]:
    """Return the part of each file in a diff of git."""
    found = {}
    for section in _SECTION.split(changes):
        if name := _SECTION_NAME.match(section):
            found[name[1]] = _INDEX_LINE.sub("", section)
    return found


def _public(value: Any) -> Any:
    """Return what differs, with None for what a run does not have."""
    if isinstance(value, dict):
        return {name: _public(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_public(inner) for inner in value]
    return None if value is ABSENT else value
