"""All that is known of a run: as a dictionary, and for people."""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime
from json import dumps
from pathlib import Path
from shlex import join
from typing import NamedTuple

from scitex_session._ending import why_it_ended
from scitex_session_core import (
    RecordError,
    current_status,
    out_dir_of,
    out_dir_of_kept,
    some_of,
    with_cause,
)
from scitex_session_io import render

from .ending import SIGNS, how_it_ended
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
    size,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .names import Run

_LAST_LINES = 10
_MOST_ROWS = 20
_LONGEST_VALUE = 200
_MOST_DIFF = 1 << 20
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
    >>> stx.record("latest")["arguments"]  # doctest: +SKIP
    {'lr': 0.1}
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
        The run: its ID or a part of one, its directory, a file it made, latest, latest~1,
        latest:SCRIPT.
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


class Section(NamedTuple):
    """A part of the page.

    Attributes
    ----------
    title : str
        Its title; empty for the first part.
    rows : list of (str, str)
        Names and values. Without a name, the value is a sentence.
    """

    title: str
    rows: list[tuple[str, str]]


class Page:
    """What is shown of a run. All texts are safe for a terminal.

    Parameters
    ----------
    run : Run
        The run.
    known : dict
        What `record` returns of it.

    Attributes
    ----------
    id, status, why : str
        Its ID, its status, and why it ended, in words.
    times : list of str
        Exit status and duration.
    sections : list of Section
        The parts that are not empty.
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
            Section(title, [(printable(n), printable(v)) for n, v in rows])
            for title, rows in self._sections()
            if rows
        ]
        self.tails = [(stream, text) for stream in STREAMS if (text := self._tail(stream))]

    @property
    def sign(self) -> tuple[str, str, str]:
        """A sign for the status, one in ASCII, and its colour."""
        return SIGNS.get(self.status, SIGNS["unknown"])

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
        yield "", [(name, value) for name, value in self._facts() if value]
        yield "Attempts", [*self._attempts()]
        yield "Ranks", self._ranks()
        yield "Arguments", _values(known.get("arguments"))
        yield "Results", [*_values(known.get("results")), *self._omitted()]
        if metrics := self._metrics():
            yield "Metrics", metrics
        yield "Code", [(name, _short(value)) for name, value in self._code() if value]
        yield "Environment", [(name, _short(text)) for name, text in self._environment() if text]
        yield "Inputs", self._files("input")
        yield "Artifacts", self._files("output")

    def _facts(self) -> Iterator[tuple[str, str]]:
        known = self._known
        function = known.get("function")
        script = str(known.get("script") or "")
        yield "script", f"{script}, function {function}" if function and script else script
        argv = known.get("argv")
        begin = parsed_time(known.get("started"))
        yield "started", f"{local_time(begin)}, {ago(begin)}" if begin else ""
        yield "command", join(map(str, argv)) if isinstance(argv, list) else ""
        yield "directory", str(known["directory"] or self._run.absence())
        yield "tags", ", ".join(map(str, _list(known.get("tags"))))
        yield "note", str(known.get("note") or "")
        yield "progress", self._progress()
        yield "parent", str(known.get("parent") or "")
        sweep = _dict(known.get("sweep"))
        yield "sweep", f"{sweep.get('id')}, trial {sweep.get('trial')}" if sweep else ""
        attempt = known.get("attempt")
        yield "attempt", str(attempt) if isinstance(attempt, int) and attempt > 1 else ""
        ranks = _dict(known.get("ranks"))
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
        rows = [
            (f"rank {rank}", in_words(end))
            for rank, end in sorted(found.items())
            if end["status"] != "success"
        ]
        failures = summary(found)
        return _cut([*rows, *([("", failures)] if failures else [])])

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
        if self._run.place is None:
            return []
        count, last = metrics_end(self._run)
        last.pop("time", None)
        for name, value in last.items():
            if isinstance(value, float):
                last[name] = f"{value:.6g}"
        calls = f"{count:,} time{'s' * (count != 1)}, in the end:"
        return [("logged", calls), *_values(last)] if count else []

    def _code(self) -> Iterator[tuple[str, str]]:
        git = _dict(self._known.get("git"))
        commit, branch = git.get("commit"), git.get("branch")
        if commit:
            on = f" on {branch}" if branch else ""
            changes = ", with changes that are not in it" if git.get("dirty") else ""
            yield "commit", f"{commit}{on}{changes}"
        yield "remote", str(git.get("remote") or "")
        if isinstance(diff := git.get("diff"), str):
            yield "changes", f"{diff}{self._extent(diff)}"
        yield "untracked", some_of(_list(git.get("untracked")))
        code = _dict(self._known.get("code"))
        if frozen := _dict(code.get("frozen")):
            yield "frozen", f"{frozen.get('root')} as it was at {frozen.get('time')}"
        yield "own modules", some_of([*_dict(code.get("modules"))])
        for note in _list(git.get("notes")) + _list(code.get("notes")):
            yield "note", str(note)
        for name, why in _dict(git.get("unknown")).items():
            yield f"no {name}", str(why)

    def _extent(self, name: str) -> str:
        try:
            with self._run.open(name) as file:
                diff = file.read(_MOST_DIFF)
        except (OSError, KeyError, ValueError):
            return " (gone)"
        files = len(re.findall(rb"^diff --git ", diff, re.MULTILINE))
        more = len(re.findall(rb"^\+(?!\+\+ )", diff, re.MULTILINE))
        less = len(re.findall(rb"^-(?!-- )", diff, re.MULTILINE))
        least = " at least" if len(diff) == _MOST_DIFF else ""
        return f" ({files} file{'s' * (files != 1)}{least}, +{more} -{less} lines)"

    def _environment(self) -> Iterator[tuple[str, str]]:
        known = self._known
        python = " ".join(str(known[n]) for n in ("python", "interpreter") if known.get(n))
        yield "python", python
        process, machine = _dict(known.get("process")), _dict(known.get("machine"))
        user, host = (
            process.get("user") or known.get("user"),
            process.get("host") or known.get("host"),
        )
        pid = f", process {process['pid']}" if process.get("pid") else ""
        yield "machine", f"{host}, user {user}{pid}" if host else ""
        memory = machine.get("memory_bytes")
        parts = [
            *([str(machine["cpu"])] if machine.get("cpu") else []),
            *([f"{machine['cpus']} CPUs"] if machine.get("cpus") else []),
            *([size(memory)] if isinstance(memory, int) else []),
            *map(str, _list(machine.get("gpus"))),
            *([str(known["platform"])] if known.get("platform") else []),
        ]
        yield "hardware", ", ".join(parts)
        usage = _dict(known.get("usage"))
        seconds, peak = usage.get("cpu_s"), usage.get("peak_memory_bytes")
        used = [f"{duration(seconds)} of CPU"] if isinstance(seconds, int | float) else []
        used += [f"{size(peak)} of memory at most"] if isinstance(peak, int | float) else []
        yield "used", ", ".join(used)
        yield "installed", self._installed()
        versions = _dict(known.get("versions"))
        ours = [n for n in versions if re.match(r"scitex[-_]session", n)]
        yield "imported", some_of([f"{n} {v}" for n, v in versions.items() if n not in ours], 10)
        env = _dict(known.get("env"))
        yield "variables", some_of([f"{name}={value}" for name, value in env.items()])

    def _installed(self) -> str:
        digest = str(self._known.get("environment") or "").removeprefix("sha256:")
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not self._known["directory"]:
            return digest
        place = Path(self._known["directory"])
        # Beside RUNNING and FINISHED_*; an sdir has its own.
        for folder in (out_dir_of_kept(place), out_dir_of(place), place):
            file = folder / ".environments" / f"{digest}.txt"
            try:
                count = len(file.read_bytes().splitlines())
            except OSError:
                continue
            return f"{count} packages, listed in .environments/{digest[:12]}….txt"
        return f"the list {digest[:12]}…, which is not here"

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


def _values(found: object) -> list[tuple[str, str]]:
    """Return names and values of a mapping, nested ones by their dotted names."""
    return _cut([(name, _value(value)) for name, value in leaves(_dict(found))])


def _value(value: object) -> str:
    if value is None:
        return "none"  # as in queries, and in `ls`
    plain = isinstance(value, str) and value.strip()
    return _short(str(value) if plain else dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _cut(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(rows) <= _MOST_ROWS:
        return rows
    left = len(rows) - _MOST_ROWS
    return [*rows[:_MOST_ROWS], ("", f"and {left:,} more, all of them with --json")]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
