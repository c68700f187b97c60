"""All that is known of a run: as a dictionary, and for people."""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime
from json import dumps
from shlex import join

from scitex_session._ending import why_it_ended
from scitex_session_core import (
    RecordError,
    current_status,
    some_of,
    with_cause,
)
from scitex_session_io import render

from .facts import SIGNS, commit_of, how_it_ended, script_of
from .find import described_as_record, leaves
from .log_files import STREAMS, pieces
from .metrics import metrics_end
from .names import named_run
from .output import (
    OK,
    ago,
    duration,
    local_time,
    on_terminal,
    parsed_time,
    printable,
    say,
    say_json,
    short,
    size,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .names import Run

_LAST_LINES = 10
_MOST_ROWS = 20
_MOST_TAIL = 1 << 14


def record(run: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the record of a run.

    Parameters
    ----------
    run : str or path-like
        The run. It is named by its ID or any beginning or end of it that no other run has; by its
        directory, at its first place or where it is now; by a file that it made, such as a figure;
        by ``latest`` (the run that started last), ``latest~1`` (the one before it), or
        ``latest:analysis.py`` (the last of a script).

    Returns
    -------
    dict
        The record, see ``docs/on-disk.md``, with what happened since (tags, notes, artifacts)
        folded in; its ``status`` is that of this moment; and ``directory``, a text. Where a run was
        killed in a job of SLURM, its scheduler is asked for the cause, once. Of a run whose
        directory is gone, ``directory`` is None, and there is only what the registry knows.

    Raises
    ------
    UnknownRunError
        No run is known by this name.
    AmbiguousRunError
        Several runs are.
    RecordError
        Its record can't be read.

    Examples
    --------
    >>> import scitex_session as stx
    >>> with stx.Session(note="first look"):
    ...     pass
    >>> stx.record("latest")["note"]
    'first look'
    """
    return _record_of(named_run(run))


def _record_of(run: Run) -> dict[str, Any]:
    if run.place is None and run.session:
        return {**described_as_record(run.session), "directory": None}
    found = run.record()
    place = run.directory()
    found = with_cause(found, place)
    return {**found, "status": current_status(found, place), "directory": os.fspath(place)}


def show_command(run: str, /, *, json: bool = False) -> int:
    """Show all that is known of a run: how it ended and why, what went in and what came out.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    json : bool
        Print the record as a JSON object, with its directory.
    """
    found = named_run(run)
    known = _record_of(found)
    if json:
        say_json(known)
        return OK
    page = Page(found, known)
    # rich raises where a letter is missing, which `say` escapes.
    if on_terminal() and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
        from .page import print_page  # brings rich

        print_page(page)
    else:
        _print_plain(page)
    return OK


class Page:
    """What is shown of a run, as texts that are safe for a terminal.

    Attributes
    ----------
    id, status, why : str
        Its ID, its status, and why it ended, in words.
    times : list of str
        Exit status and duration.
    sections : list of (str, list of (str, str))
        Titles, empty for the first, and the names and values below each. A value without a name is
        a sentence.
    tails : list of (str, str)
        The last lines of the logs, by the name of the stream.
    """

    def __init__(self, run: Run, known: dict[str, Any]) -> None:
        self._run, self._known = run, known
        self.id = printable(run.id)
        self.status = printable(str(known.get("status")))
        self.why = printable(why_it_ended(known))
        self.times = [printable(text) for text in self._times()]
        self.sections = [
            (title, [(printable(name), printable(value)) for name, value in rows])
            for title, rows in self._sections()
            if rows
        ]
        self.tails = [(stream, text) for stream in STREAMS if (text := self._tail(stream))]
        self.sign = SIGNS.get(self.status, SIGNS["unknown"])

    def _times(self) -> Iterator[str]:
        known = self._known
        if known.get("exit_status"):
            yield f"exit status {known['exit_status']}"
        begin = parsed_time(known.get("started"))
        seconds = known.get("duration_s")
        if isinstance(seconds, int | float):
            yield f"took {duration(seconds)}"
        elif begin and self.status == "running":
            yield f"for {duration((datetime.now(begin.tzinfo) - begin).total_seconds())}"

    def _sections(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        known = self._known
        yield "", _known(self._facts())
        yield "Attempts", [*self._attempts()]
        yield "Ranks", _known(self._ranks())
        yield "Arguments", _values(known.get("arguments"))
        yield "Results", [*_values(known.get("results")), *self._omitted()]
        yield "Metrics", self._metrics()
        yield "Code", _known(self._code())
        yield "Environment", _known(self._environment())
        yield "Inputs", self._files("input")
        yield "Artifacts", self._files("output")

    def _facts(self) -> Iterator[tuple[str, str]]:
        known = self._known
        argv, attempt = known.get("argv"), known.get("attempt")
        begin = parsed_time(known.get("started"))
        sweep, ranks = _dict(known.get("sweep")), _dict(known.get("ranks"))
        yield "script", script_of(known)
        yield "started", f"{local_time(begin)}, {ago(begin)}" if begin else ""
        yield "command", join(map(str, argv)) if isinstance(argv, list) else ""
        yield "directory", str(known["directory"] or self._run.absence())
        yield "tags", ", ".join(map(str, _list(known.get("tags"))))
        yield "note", str(known.get("note") or "")
        yield "progress", self._progress()
        yield "parent", str(known.get("parent") or "")
        yield "sweep", f"{sweep.get('id')}, trial {sweep.get('trial')}" if sweep else ""
        yield "attempt", str(attempt) if isinstance(attempt, int) and attempt > 1 else ""
        yield "ranks", f"{ranks.get('size')}, started by {ranks.get('launcher')}" if ranks else ""
        yield "seed", "" if known.get("seed") is None else str(known["seed"])
        yield "config", ", ".join(map(str, _dict(known.get("config"))))

    def _attempts(self) -> Iterator[tuple[str, str]]:
        earlier = [each for each in _list(self._known.get("attempts")) if isinstance(each, dict)]
        for each in [*earlier, self._known] if earlier else ():
            begin = parsed_time(each.get("started"))
            began = f"{local_time(begin)}, " if begin else ""
            status = self.status if each is self._known else None
            yield str(each.get("attempt")), f"{began}{how_it_ended(each, status)}"

    def _ranks(self) -> list[tuple[str, str]]:
        from .ranks import in_words, ranks_now, summary

        if not self._known.get("ranks") or self._run.place is None:
            return []
        found = ranks_now(self._run.record(), self._run.directory())
        # Those that ended well say nothing.
        bad = [(rank, end) for rank, end in sorted(found.items()) if end["status"] != "success"]
        return _cut([*((f"rank {rank}", in_words(end)) for rank, end in bad), ("", summary(found))])

    def _progress(self) -> str:
        if self.status != "running" or self._run.place is None:
            return ""
        from scitex_session._lifecycle.progress import read_progress  # for few runs

        done, total, what = read_progress(self._run.directory()) or ("", None, "")
        return f"{done}{'' if total is None else f' of {total}'} {what}".strip()

    def _omitted(self) -> list[tuple[str, str]]:
        omitted = self._known.get("results_omitted")
        names = ", ".join(map(str, omitted)) if isinstance(omitted, list | dict) else ""
        return [("", f"not kept: {names}")] if names else []

    def _metrics(self) -> list[tuple[str, str]]:
        count, last = (0, {}) if self._run.place is None else metrics_end(self._run)
        last.pop("time", None)
        rounded = {n: f"{v:.6g}" if isinstance(v, float) else v for n, v in last.items()}
        calls = f"{count:,} time{'s' * (count != 1)}, in the end:"
        return [("logged", calls), *_values(rounded)] if count else []

    def _code(self) -> Iterator[tuple[str, str]]:
        git, code = _dict(self._known.get("git")), _dict(self._known.get("code"))
        frozen = _dict(code.get("frozen"))
        yield "commit", commit_of(git)
        yield "remote", short(str(git.get("remote") or ""))
        yield "changes", short(str(git.get("diff") or ""))
        yield "untracked", _some(_list(git.get("untracked")))
        yield "frozen", f"{frozen.get('root')} as it was at {frozen.get('time')}" if frozen else ""
        yield "own modules", _some([*_dict(code.get("modules"))])
        for note in _list(git.get("notes")) + _list(code.get("notes")):
            yield "note", short(str(note))
        names_by_reason: dict[str, list[str]] = {}
        for name, why in _dict(git.get("unknown")).items():
            names_by_reason.setdefault(short(str(why), 500), []).append(name)
        for why, names in names_by_reason.items():
            yield "not known", f"{', '.join(names)}: {why}"

    def _environment(self) -> Iterator[tuple[str, str]]:
        known = self._known
        process, machine = _dict(known.get("process")), _dict(known.get("machine"))
        usage, versions = _dict(known.get("usage")), _dict(known.get("versions"))
        user = process.get("user") or known.get("user")
        host = process.get("host") or known.get("host")
        pid = f", process {process['pid']}" if process.get("pid") else ""
        cpus, memory = machine.get("cpus"), machine.get("memory_bytes")
        hardware = [
            machine.get("cpu"),
            cpus and f"{cpus} CPUs",
            size(memory) if isinstance(memory, int) else None,
            *_list(machine.get("gpus")),
            known.get("platform"),
        ]
        seconds, peak = usage.get("cpu_s"), usage.get("peak_memory_bytes")
        used = [f"{duration(seconds)} of CPU"] if isinstance(seconds, int | float) else []
        used += [f"{size(peak)} of memory at most"] if isinstance(peak, int | float) else []
        ours = [n for n in versions if re.match(r"scitex[-_]session", n)]
        yield "python", " ".join(str(known[n]) for n in ("python", "interpreter") if known.get(n))
        yield "machine", short(f"{host}, user {user}{pid}") if host else ""
        yield "hardware", short(", ".join(str(part) for part in hardware if part))
        yield "used", ", ".join(used)
        yield "installed", self._installed()
        yield "imported", _some([f"{n} {v}" for n, v in versions.items() if n not in ours], 10)
        yield "variables", _some([f"{n}={v}" for n, v in _dict(known.get("env")).items()])

    def _installed(self) -> str:
        digest = str(self._known.get("environment") or "").removeprefix("sha256:")[:12]
        packages = self._run.packages(self._known)
        if packages is None:
            return f"the list {digest}…, which is not here" if digest else ""
        return f"{len(packages)} packages, listed in .environments/{digest}….txt"

    def _files(self, role: str) -> list[tuple[str, str]]:
        rows = []
        for artifact in _list(self._known.get("artifacts")):
            if not isinstance(artifact, dict) or artifact.get("role") != role:
                continue
            count = artifact.get("bytes")
            value = size(count) if isinstance(count, int | float) else ""
            if artifact.get("run"):
                value += f", of the run {artifact['run']}"
            if artifact.get("attempt", self._known.get("attempt")) != self._known.get("attempt"):
                value += f", of attempt {artifact['attempt']}"
            rows.append((str(artifact.get("path")), value))
        return _cut(rows)

    def _tail(self, stream: Any) -> str:
        if self._run.place is None:
            return ""
        data = b""
        try:
            for piece in pieces(self._run, (stream,), raw=True, tail=_LAST_LINES):
                data = (data + piece.data)[-_MOST_TAIL:]
        except (OSError, RecordError):
            return ""
        text = b"".join(render(data)).decode("utf-8", "replace")
        lines = [printable(line.expandtabs()) for line in text.splitlines()][-_LAST_LINES:]
        return "\n".join(lines).strip("\n")


def _print_plain(page: Page) -> None:
    sign = f"{page.sign[1]} " if on_terminal() else ""
    say(f"{page.id}  {sign}{page.status}{f': {page.why}' if page.why else ''}")
    if page.times:
        say(f"  {', '.join(page.times)}")
    for title, rows in page.sections:
        if title:
            say(f"\n{title}")
        width = max(len(name) for name, _ in rows) + 2
        for name, value in rows:
            say(f"  {name:<{width}}{value}".rstrip() if name else f"  {value}")
    for stream, text in page.tails:
        say(f"\nThe last lines of {stream}")
        for line in text.splitlines():
            say(f"  {line}".rstrip())


def _known(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in rows if value]


def _values(found: object) -> list[tuple[str, str]]:
    """Return names and values of a mapping, nested ones by their dotted names."""
    return _cut([(name, _value(value)) for name, value in leaves(_dict(found))])


def _value(value: object) -> str:
    if value is None:
        return "none"  # as in queries, and in `ls`
    plain = isinstance(value, str) and value.strip()
    return short(str(value) if plain else dumps(value, ensure_ascii=False))


def _cut(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    left = len(rows) - _MOST_ROWS
    more = [("", f"and {left:,} more, all of them with --json")] if left > 0 else []
    return rows[:_MOST_ROWS] + more


def _some(names: list[Any], most: int = 5) -> str:
    return short(some_of(names, most))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
