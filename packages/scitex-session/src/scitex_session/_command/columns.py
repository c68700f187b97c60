"""What a list of runs shows of each: the columns of `ls`."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from scitex_session_core import host, locate_run

from .facts import SIGNS
from .find import leaves
from .output import ago, brief_duration, encodable, local_time, short
from .table import Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

_OWN_ID = re.compile(r"\d{4}Y-\d\dM-\d\dD-\d\dh\d\dm\d\ds_(\w+)")
_LEAST_ID = 4
_WORDY = 60  # columns of a terminal on which the status is a word, too
_WIDE = 100
_SHORT_BAR, _BAR = 4, 8
_LONGEST = 300  # characters of a value: more would only be cut
_DIGITS = (4, 6)
_ABSENT = object()
_SORTED = 2  # the rank of the values by which the runs are sorted


def columns_of(
    found: Sequence[Mapping[str, Any]], sort: str = "", *, width: int | None = None
) -> list[Column]:
    """Return the columns, from left to right.

    What runs are sorted by is shown even where they do not differ in it. Without the width of a
    terminal, for a pipe, IDs and times are whole, and the status is a word without a sign.
    """
    full = width is None
    now = datetime.now(UTC)
    gone = [_is_gone(run) for run in found]
    dim = ["dim" if lost else "" for lost in gone]
    colours = [SIGNS.get(run["status"], SIGNS["unknown"])[2] for run in found]
    ids = [run["id"] for run in found]
    statuses = [_status(*each, width) for each in zip(found, gone, strict=True)]
    started = [
        "" if (at := run["started"]) is None else local_time(at) if full else ago(at, now)
        for run in found
    ]
    tags = [", ".join(run["tags"] or ()) for run in found]
    return [
        Column("id", ids if full else short_ids(ids), styles=dim, rank=0, whole=True),
        Column(
            "status",
            statuses,
            styles=[lost or colour for lost, colour in zip(dim, colours, strict=True)],
            rank=1,
            whole=True,
        ),
        Column("script", short_paths([run["script"] for run in found]), styles=dim, rank=3),
        Column("started", started, styles=dim, rank=2, right=not full, whole=True),
        Column("duration", [_took(run, now) for run in found], styles=dim, rank=15, right=True),
        *_value_columns(found, dim, sort.removeprefix("-")),
        *([Column("tags", tags, styles=dim, rank=25)] if any(tags) else []),
    ]


def short_ids(ids: Sequence[str]) -> list[str]:
    """Return the shortest end of each ID by which it differs from all others.

    An ID that a user has made up stays as it is: its end says nothing.
    """
    # Beside each other in this order are those that have the longest end in common.
    backwards = sorted({run_id.upper()[::-1] for run_id in ids})
    needed = dict.fromkeys(backwards, _LEAST_ID)
    for one, other in pairwise(backwards):
        length = len(os.path.commonprefix((one, other))) + 1
        for each in (one, other):
            needed[each] = max(needed[each], length)
    return [
        run_id[-needed[run_id.upper()[::-1]] :] if _OWN_ID.match(run_id) else run_id
        for run_id in ids
    ]


def short_paths(paths: Sequence[str | None]) -> list[str]:
    """Return the name of each script, with as many folders as tell it from the others."""
    parts = {path: path.replace("\\", "/").split("/") for path in paths if path}
    ends = {
        p: ["/".join(names[-n:]) for n in range(1, len(names) + 1)] for p, names in parts.items()
    }
    count = Counter(end for each in ends.values() for end in each)
    names = {p: next((end for end in each if count[end] == 1), p) for p, each in ends.items()}
    return [names[path] if path else "" for path in paths]


def _is_gone(run: Mapping[str, Any]) -> bool:
    directory = run["directory"]
    if directory is None:
        return False
    try:
        os.stat(locate_run(directory))
    except FileNotFoundError:
        # A disk of another machine may be out of sight; a folder of runs that is seen is not.
        here = run["host"] in (None, host())
        return here or os.path.isdir(os.path.dirname(os.path.dirname(directory)))
    # What can't be looked at may be there, or has a name that this locale can't say; an archived
    # run lies below a file.
    except (OSError, ValueError):
        pass
    return False


def _status(run: Mapping[str, Any], gone: bool, width: int | None) -> str:
    status = run["status"]
    sign, plain, _ = SIGNS.get(status, SIGNS["unknown"])
    bar = 0 if width is None or width < _WORDY else _BAR if width >= _WIDE else _SHORT_BAR
    told = []
    if status == "running" and run["directory"] is not None:
        told = _progress(run["directory"], bar)
    ranks = []
    if status != "success" and run["directory"] is not None and not gone:
        is_short = width is not None and width < _WIDE
        ranks = _ranks(locate_run(run["directory"]), status, is_short=is_short)
    if width is None:
        return " ".join([status, *told, *ranks, *["(gone)"] * gone])
    said = [sign if encodable(sign) else plain, *told]
    if gone:
        said.append("gone")
    elif not told and width >= _WORDY:
        said.append(status)
    return " ".join([*said, *ranks])


def _ranks(directory: Path, status: str, *, is_short: bool) -> list[str]:
    """Return which ranks of a run have failed, if it has any."""
    from .ranks import failed, listed, summary

    found = listed(directory, status)
    bad = failed(found)
    if not bad:
        return []
    return [f"{len(bad)}/{len(found)} ranks" if is_short else f"({summary(found)})"]


def _progress(directory: str, bar: int) -> list[str]:
    """Return a bar of this length, and how far a run is; not a word where it has not said."""
    from scitex_session._lifecycle.progress import read_progress

    progress = read_progress(locate_run(directory))
    if progress is None:
        return []
    done, total, _ = progress
    if not total:
        return [f"{done} done"]
    share = min(done / total, 1.0)
    percent = f"{int(100 * share):d} %"
    if not bar:
        return [percent]
    filled, empty = ("━", "┄") if encodable("━┄") else ("#", "-")
    length = round(bar * share)
    return [filled * length + empty * (bar - length), percent]


def _took(run: Mapping[str, Any], now: datetime) -> str:
    seconds = run["duration_s"]
    if seconds is None and run["status"] == "running" and run["started"] is not None:
        seconds = (now - run["started"]).total_seconds()
    return "" if seconds is None or seconds < 0 else brief_duration(seconds)


def _value_columns(
    found: Sequence[Mapping[str, Any]], styles: Sequence[str], sort: str
) -> list[Column]:
    """Return the arguments and results in which runs differ; of one run alone, all of them."""
    flat = {
        kind: [dict(leaves(run[kind] or {})) for run in found] for kind in ("arguments", "results")
    }
    telling = {
        kind: [
            name
            for name in dict.fromkeys(name for run in values for name in run)
            if len(found) == 1 or sort in (name, f"{kind}.{name}") or _differs(name, values, found)
        ]
        for kind, values in flat.items()
    }
    both = {*telling["arguments"]} & {*telling["results"]}
    columns = []
    for second, (kind, heading) in enumerate((("arguments", "blue"), ("results", "bold"))):
        values = flat[kind]
        having = {name: sum(name in run for run in values) for name in telling[kind]}
        # What most of the runs have tells most; an argument and a result in turn.
        by_number = sorted(telling[kind], key=lambda name: -having[name])
        ranks = {name: 10 + 10 * (2 * place + second) for place, name in enumerate(by_number)}
        for name in telling[kind]:
            cells = [run.get(name, _ABSENT) for run in values]
            columns.append(
                Column(
                    f"{kind}.{name}" if name in both else name,
                    _texts(cells, exactly=kind == "arguments"),
                    styles=styles,
                    rank=_SORTED if sort in (name, f"{kind}.{name}") else ranks[name],
                    right=all(_is_number(cell) for cell in cells if cell is not _ABSENT),
                    heading=heading,
                )
            )
    return columns


def _differs(
    name: str, values: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> bool:
    """Tell whether runs differ in a value, or an ended run lacks what one of its script has."""
    texts = {_text(run[name]) for run in values if name in run}
    if len(texts) > 1:
        return True
    having = {run["script"] for run, own in zip(found, values, strict=True) if name in own}
    return any(
        run["script"] in having and name not in own and run["status"] != "running"
        for run, own in zip(found, values, strict=True)
    )


def _texts(values: Sequence[object], *, exactly: bool) -> list[str]:
    """Return values as texts: numbers with few digits, more if two of them would look the same.

    Arguments are chosen, and told apart `exactly`; results differ in their last digits often.
    """
    exact = ["" if value is _ABSENT else _text(value) for value in values]
    for digits in _DIGITS:
        rounded = [
            _rounded(value, digits) if isinstance(value, float) else text
            for value, text in zip(values, exact, strict=True)
        ]
        if len({*rounded}) == len({*exact}):
            return rounded
    return exact if exactly else rounded


def _rounded(value: float, digits: int) -> str:
    # No 1.235e+04 for 12345.678.
    return format(value, f".{digits if abs(value) < 10**digits else _DIGITS[-1]}g")


def _text(value: object) -> str:
    """Return a value as queries have it."""
    if isinstance(value, str) and value:
        return short(value, _LONGEST)
    if value is None:
        return "none"
    return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
