"""The registry, measured in one process: with none, and with very many sessions in it.

Run as a script, in a process of its own so that its memory is its own: prints a JSON object of
names and seconds (bytes, for memory).
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SESSIONS = 1_000_000
QUICK_SESSIONS = 100_000
FOLDED_SESSIONS = 100_000
QUERY = "lr<0.01 and (status:failed or tag:paper) and results.acc>0.9 and not script~'^debug'"


class Budget(NamedTuple):
    """What is measured, the most it may be, and its unit."""

    what: str
    most: float | None
    unit: str = "ms"


BUDGETS = {
    "create and close, empty": Budget("one create and close, no sessions", 0.1),
    "create and close, many": Budget("one create and close, {many:,} sessions", 0.1),
    "fold": Budget("folding 100,000 sessions", 4, "s"),
    "fold, all": Budget("folding {many:,} sessions", None, "s"),
    "memory": Budget("peak memory of the process that folds them", None, "MB"),
    "size": Budget("size of their index on disk", None, "MB"),
    "newest": Budget("newest 50 of {many:,}", 3),
    "status": Budget("newest 50 of a status", 3),
    "script": Budget("newest 50 of a script", 3),
    "start": Budget("newest 50 since a time", 3),
    "active": Budget("active sessions, 10 of {many:,}", None),
    "result, few": Budget("result ≥ x: 0.1 % of them", 500),
    "result, half": Budget("result ≥ x: half of them", 500),
    "argument": Budget("an argument: a third of them", 500),
    "tag": Budget("a tag: 0.1 % of them", 500),
    "either": Budget("a status or a tag", 500),
    "none": Budget("not result ≥ x: 0.1 % of them", 500),
    "expression": Budget("a regular expression on the script", 500),
    "query": Budget("find() with a query of five conditions", 500),
    "config": Budget("a value in the config: all of them", None),
    "made": Budget("which sessions made a file, of {many:,}", 3),
    "best": Budget("best 50 by a result", None),
}


def events(sessions: int) -> Iterator[dict[str, Any]]:
    """Tell the lives of many sessions, as `@session` tells them; ten of them go on."""
    draw = random.Random(1)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(sessions):
        at = begin + timedelta(seconds=7 * n)
        name = f"{at:%YY-%mM-%dD-%Hh%Mm%Ss}_{n:08d}"
        project = f"/home/user/projects/p{n % 50}"
        process: dict[str, Any] = {
            "user": f"u{n % 20}",
            "host": f"node{n % 100}",
            "boot_id": "0" * 36,
        }
        process |= {"pid_ns": 4026531836, "pid": n % 30_000, "start_ticks": n, "rank": None}
        yield {
            "event": "create",
            "id": name,
            "time": at.isoformat(timespec="microseconds"),
            "line": f"{n:016x}",
            "config": {"MODEL": {"layers": 3, "dropout": 0.1}},
            "script_path": f"{project}/train.py",
            "process": process,
            "run_dir": f"{project}/train_out/RUNNING/{name}",
            "function": "train",
            "arguments": {"lr": draw.random(), "epochs": draw.choice([1, 5, 10]), "data": "d.csv"},
        }
        if n % (sessions // 10) == 0:
            continue
        failed = draw.random() < 0.1
        yield {
            "event": "close",
            "id": name,
            "time": (at + timedelta(minutes=1)).isoformat(timespec="microseconds"),
            "status": "failed" if failed else "success",
            "exit_code": int(failed),
            "run_dir": f"{project}/train_out/FINISHED_{'ERROR' if failed else 'SUCCESS'}/{name}",
            "results": {"acc": round(draw.random(), 6), "loss": round(draw.random(), 6)},
            "tags": ["paper"] if n % 1000 == 1 else [],
            "artifacts": 2,
            "made": [sha256(f"{n} {file}".encode()).hexdigest()[:15] for file in range(2)],
        }


def write(registry: Path, sessions: int, name: str = "bench-2026-01.jsonl") -> None:
    """Write their journal, line by line."""
    (registry / "journal").mkdir(parents=True, exist_ok=True)
    with open(registry / "journal" / name, "w", encoding="utf-8") as file:
        file.writelines(f"\n{json.dumps(event)}\n" for event in events(sessions))


def timed(act: Callable[[], object], times: int = 15) -> float:
    """Give the median of the seconds that something takes, once warm."""
    act()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return median(found)


def measure(root: Path, sessions: int) -> dict[str, float]:
    """Measure everything in `root`, an empty directory."""
    os.environ["SCITEX_SESSION_CACHE"] = str(root / "cache")
    from scitex_session import find
    from scitex_session_core import SessionManager, journal_close, journal_create, new_record

    process, number = new_record("bench")["process"], 0

    def live(registry: Path) -> None:
        nonlocal number
        number += 1
        journal_create(registry, f"live-{number}", {"lr": 1}, script_path="a.py", process=process)
        journal_close(registry, f"live-{number}", "success", 0)

    found = {"create and close, empty": timed(lambda: live(root / "empty"), 2000)}
    some, many = root / "some", root / "many"
    write(some, FOLDED_SESSIONS)
    write(many, sessions)
    for name, registry in (("fold", some), ("fold, all", many)):
        began = time.perf_counter()
        SessionManager(registry).get_session("")
        found[name] = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["memory"] = peak * (1 if sys.platform == "darwin" else 1024)
    # The other registries' indexes are smaller.
    indexes = (root / "cache" / "index").glob("*.sqlite3")
    found["size"] = max(path.stat().st_size for path in indexes)
    found["create and close, many"] = timed(lambda: live(many), 2000)
    manager = SessionManager(many)
    late = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=7 * sessions * 0.9)
    asked: dict[str, dict[str, Any] | tuple[Any, ...]] = {
        "newest": {},
        "status": {"status": "failed"},
        "script": {"script_path": "/home/user/projects/p7/train.py"},
        "start": {"start_time": (">", late)},
        "result, few": {"results.acc": (">=", 0.999)},
        "result, half": {"results.acc": (">=", 0.5)},
        "argument": {"arguments.epochs": 5},
        "tag": {"tags": "paper"},
        "either": ("or", {"status": "failed"}, {"tags": "paper"}),
        "none": ("not", {"results.acc": (">=", 0.001)}),
        "expression": {"script_path": ("~", "/p7/")},
        "config": {"config.MODEL.layers": 3},
    }
    for name, filters in asked.items():
        found[name] = timed(lambda: manager.select(filters, limit=50), 7)  # noqa: B023
    os.environ["SCITEX_SESSION_REGISTRY"] = str(many)
    found["query"] = timed(lambda: find(QUERY, limit=50), 7)
    digest = sha256(f"{sessions // 2 + 1} 0".encode()).hexdigest()
    found["made"] = timed(lambda: manager.makers(digest), 7)
    found["best"] = timed(lambda: manager.select(sort="-results.acc", limit=50), 7)
    found["active"] = timed(manager.get_active_sessions, 7)
    return found


def lines(
    budgets: Mapping[str, Budget], found: Mapping[str, float], many: int
) -> list[tuple[str, ...]]:
    """Lay the numbers beside their budgets."""
    factors = {"ms": 1e3, "s": 1.0, "MB": 1e-6}
    laid: list[tuple[str, ...]] = []
    for name, budget in budgets.items():
        value = found[name] * factors[budget.unit]
        laid.append(
            (
                budget.what.format(many=many),
                f"{value:.3f}" if value < 1 else f"{value:.1f}",
                budget.unit,
                "" if budget.most is None else f"≤ {budget.most:g}",
                "" if budget.most is None else "met" if value <= budget.most else "MISSED",
            )
        )
    return laid


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
