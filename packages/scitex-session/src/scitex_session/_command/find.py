"""Find runs: as dictionaries, and as a table."""

from __future__ import annotations

from datetime import UTC, datetime

from scitex_session._errors import UsageError
from scitex_session_core import InvalidTypeError, SessionManager

from .query import Names, conditions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import pandas as pd

FIELDS = (
    *("id", "status", "script", "function", "started", "ended", "duration_s", "exit_status"),
    *("arguments", "results", "tags", "note", "directory", "host", "user", "parent", "attempt"),
    *("sweep", "trial"),
)
"""What is told of each run, in this order."""

_DEEPEST = 20  # levels of a mapping: a record may have been written by anything
# What stands on record for a number that JSON does not have.
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}


def find(
    query: str | None = None,
    *,
    where: Mapping[str, Any] | tuple[Any, ...] | None = None,
    sort: str = "-started",
    limit: int | None = None,
    strict: bool = False,
) -> list[dict[str, Any]]:
    """Return the runs that meet a query, the newest first.

    Parameters
    ----------
    query : str, optional
        What they must meet, such as ``lr<1e-3 and status:failed``; all runs by default.
    where : mapping or tuple, optional
        More conditions, in the form of `SessionManager.select`.
    sort : str
        A name as in a query, with ``-`` before it for descending order: ``-results.acc``. Runs
        without a value come last. With a name that no run has, the newest come first.
    limit : int, optional
        The largest number of runs to return.
    strict : bool
        Whether a name that no run has, or that is both an argument and a result, is an error.
        Otherwise a warning tells it: no run meets the query, or the argument is taken.

    Returns
    -------
    list of dict
        Each with ``id``, ``status``, ``script``, ``function``, ``started`` and ``ended``
        (`datetime` with zone, or None), ``duration_s`` (seconds; up to now while it runs),
        ``exit_status``, ``arguments``, ``results``, ``tags``, ``note``, ``directory``, ``host``,
        ``user``, ``parent``, ``attempt``, ``sweep`` (its ID) and ``trial`` (its number there).

    Raises
    ------
    QueryError
        The query can't be understood.
    InvalidTypeError, InvalidValueError, UsageError
        Another argument is not as it has to be.

    Examples
    --------
    >>> import scitex_session as stx
    >>> best = stx.find("status:success lr<0.01", sort="-results.acc", limit=3)
    """
    for what, given in (("the query", query or ""), ("sort", sort)):
        if not isinstance(given, str):
            raise InvalidTypeError(what, given, "a text")
    name = sort.removeprefix("-")
    if not name:
        raise UsageError(f"sort {sort!r}: give a name as in a query, such as -results.acc")
    manager = SessionManager()
    names = Names(manager, strict=strict)
    asked = conditions(query or "", names)
    if asked is None:
        return []
    both = asked if where is None else ("and", asked, where)
    sessions = manager.select(both, sort=names.sorting(sort), limit=limit)
    return [described(session) for session in sessions]


def runs(
    query: str | None = None,
    *,
    where: Mapping[str, Any] | tuple[Any, ...] | None = None,
    sort: str = "-started",
    limit: int | None = None,
) -> pd.DataFrame:
    """Return the runs that meet a query as a table: a row for each run.

    Parameters
    ----------
    query, where, sort, limit
        As for `find`.

    Returns
    -------
    pandas.DataFrame
        The columns are those of `find`, and one for each argument and each result in place of the
        two: ``arguments.lr``, ``results.acc``, ``results.test.f1``. Times are in UTC. Whole numbers
        and truth values that some runs lack are of pandas' types ``Int64`` and ``boolean``.

    Raises
    ------
    QueryError
        The query can't be understood.
    ImportError
        pandas is not installed.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def fit(lr: float = 0.1):
    ...     return {"acc": 1 - lr}
    >>> results = [fit.run(lr=lr) for lr in (0.1, 0.2)]
    >>> stx.runs("status:success lr<1").groupby("arguments.lr")["results.acc"].max()
    arguments.lr
    0.1    0.9
    0.2    0.8
    Name: results.acc, dtype: float64
    """
    try:
        import pandas as pd
    except ImportError as error:
        why = "runs() returns a table of pandas: pip install pandas (find() does without)"
        raise ImportError(why, name="pandas") from error
    found = find(query, where=where, sort=sort, limit=limit)
    columns: dict[str, list[Any]] = {}
    for field in FIELDS:
        if field not in ("arguments", "results"):
            columns[field] = [run[field] for run in found]
            continue
        for number, run in enumerate(found):
            for name, value in leaves(run[field], f"{field}."):
                if name not in columns:
                    columns[name] = [None] * len(found)
                columns[name][number] = value
    return pd.DataFrame(
        {name: _column(name, values) for name, values in columns.items()},
        index=range(len(found)),
    )


def leaves(
    values: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield each value that is no mapping, or an empty one, by its dotted name."""
    for name, value in values.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            yield from leaves(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _column(name: str, values: list[Any]) -> pd.Series[Any]:
    """Return a column of the type that its values have."""
    import pandas as pd

    if name in ("started", "ended"):
        return pd.Series(pd.to_datetime(values, utc=True))
    if name == "tags":
        return pd.Series(values, dtype=object)
    kinds = {type(value) for value in values if value is not None}
    missing = None in values
    if kinds and kinds <= {int, float, str} and kinds & {int, float}:
        numbers = [NOT_FINITE.get(v, v) if isinstance(v, str) else v for v in values]
        if not any(isinstance(value, str) for value in numbers):
            values, kinds = numbers, {type(v) for v in numbers if v is not None}
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if missing else bool)
    if kinds == {int} and all(v is None or -(1 << 63) <= v < 1 << 63 for v in values):
        return pd.Series(values, dtype="Int64" if missing else "int64")
    if kinds and kinds <= {int, float}:
        return pd.Series([None if v is None else float(v) for v in values], dtype="float64")
    return pd.Series(values, dtype=str if kinds == {str} and not missing else object)


def described(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a session of the registry: the values of `FIELDS`."""
    start, end = session["start_time"], session["end_time"]
    runs_on = end is None and session["status"] == "running"
    until = datetime.now(UTC) if runs_on else end
    took = (until - start).total_seconds() if start and until else None
    process, sweep = session["process"] or {}, session["sweep"] or {}
    return {
        "id": session["id"],
        "status": session["status"],
        "script": session["script_path"],
        "function": session["function"],
        "started": start,
        "ended": end,
        "duration_s": took if took is None or took >= 0 else None,  # the clock was set back
        "exit_status": session["exit_code"],
        "arguments": session["arguments"],
        "results": session["results"],
        "tags": session["tags"],
        "note": session["note"],
        "directory": session["run_dir"],
        "host": process.get("host"),
        "user": process.get("user"),
        "parent": session["parent"],
        "attempt": session["attempt"],
        "sweep": sweep.get("id"),
        "trial": sweep.get("trial"),
    }


def described_as_record(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a session of the registry, with times as a record has them."""
    told = described(session)
    return told | {name: told[name] and told[name].isoformat() for name in ("started", "ended")}
