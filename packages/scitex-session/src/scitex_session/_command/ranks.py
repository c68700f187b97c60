"""How the ranks of a run that several processes share ended, or how they are."""

from __future__ import annotations

import os

from scitex_session_core import RecordError, rank_dir, rank_states, ranks_of, read_record, some_of

from .facts import how_it_ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

_ENDED_WELL = ("success", "finished")
_NOT_ENDED = ("running", "expected")
_MOST_READ = 64  # records of ranks that a list reads for a run that goes on
_MOST_NAMED = 8


def ranks_now(record: dict[str, Any], place: Path | None) -> dict[int, dict[str, Any]]:
    """Return the end of each rank of a run by its number; nothing for a run that is not shared.

    An end has ``status``, and where the rank has ended ``exit_status``, ``reason``, ``duration_s``
    and ``host``. Beside those of a run, a status is ``expected`` or ``missing``.
    """
    ranks = ranks_of(record)
    if ranks is None:
        return {}
    if record.get("status") == "running":
        if place is None:
            return {}
        states = rank_states(place, record)
        return {rank: {**(own or {}), "status": status} for rank, status, own in states}
    ended = ranks.get("ended")
    found = {}
    for rank, end in (ended if isinstance(ended, dict) else {}).items():
        is_missing = (end.get("reason") or {}).get("kind") == "missing"
        found[int(rank)] = {**end, "status": "missing"} if is_missing else end
    return found


def failed(ranks: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Return the numbers of the ranks that ended badly, or have not come in time."""
    return [n for n, end in ranks.items() if end["status"] not in (*_ENDED_WELL, *_NOT_ENDED)]


def summary(ranks: Mapping[int, Mapping[str, Any]]) -> str:
    """Return ``2 of 4 ranks failed: 1, 3``; an empty text if none did."""
    bad = failed(ranks)
    if not bad:
        return ""
    return f"{len(bad)} of {len(ranks)} ranks failed: {some_of(bad, _MOST_NAMED)}"


def in_words(end: Mapping[str, Any]) -> str:
    """Return how a rank ended, or that it goes on."""
    status = end["status"]
    if status == "expected":
        return "has not come yet"
    host = end.get("host")
    return how_it_ended(end, status) + (f", on {host}" if host else "")


def listed(place: Path, status: str) -> dict[int, dict[str, Any]]:
    """Return the ranks of a run for a list of runs, where they are quickly known."""
    # For the others, which are nearly all runs, one look has to do. Where a rank has not come, the
    # run crashed.
    if status != "crashed" and not any(os.path.isdir(rank_dir(place, rank)) for rank in (1, 2)):
        return {}
    try:
        record = read_record(place)
    except RecordError:
        return {}
    ranks = ranks_of(record)
    if ranks is None or (record.get("status") == "running" and ranks["size"] > _MOST_READ):
        return {}
    return ranks_now(record, place)
