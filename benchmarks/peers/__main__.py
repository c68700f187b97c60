"""Measure scitex-session beside its peers, each in an environment of its own.

The environments are kept in a cache folder (``--cache``), 2 GB for all. ``--docs`` writes the
results as JSON, as a table and as a plot into ``docs/``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import report, rows
from .peer import CACHE, PEERS, PLAIN, REPOSITORY, Environment, Peer

DOCS = REPOSITORY / "docs"


def main() -> int:
    """Read the options, measure, print."""
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of: {', '.join(names)}; all")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of runs (%(default)s)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environments (%(default)s)")
    seconds = "for a crowd, and for the runs to be listed; fewer runs where it is too short"
    parser.add_argument("--seconds", type=float, default=60, help=f"{seconds} (%(default)s)")
    docs = "write docs/benchmarks.md and its plot; of PEERs that are named, only what is theirs"
    parser.add_argument("--docs", action="store_true", help=docs)
    options = parser.parse_args()
    if unknown := {*options.peers} - {*names}:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; peers: {', '.join(names)}")
    known = report.read(DOCS) if options.docs and options.peers else {}
    results: dict[str, Any] = {"machine": machine(), "peers": known}
    for peer in PEERS:
        if not options.peers or peer.name in options.peers:
            results["peers"][peer.name] = measured(peer, options)
            if options.docs:  # at once: what was measured outlives what comes
                report.write(results, DOCS)
    print(report.table(results))
    return 0


def machine() -> dict[str, Any]:
    """Describe the machine."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu,
        "cores": os.cpu_count(),
    }


def measured(peer: Peer, options: argparse.Namespace) -> dict[str, Any]:
    """Measure all rows of a peer; each in a place of its own."""
    environment = Environment(peer, options.cache)
    plain = Environment(PLAIN, options.cache)
    found: dict[str, Any] = {"keeps_log": peer.keeps_log, "load": round(os.getloadavg()[0], 2)}

    def at(name: str) -> tuple[rows.Place, rows.Place]:
        print(f"{peer.name}: {name}", file=sys.stderr)
        folder = Path(temporary) / name
        return (
            rows.Place(peer, environment, folder / "peer"),
            rows.Place(PLAIN, plain, folder / "plain"),
        )

    def over(name: str, line: str, other: str) -> None:
        found[name] = rows.over(*at(name), (line, other), options.rounds)

    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        over("whole", peer.run.format(1), PLAIN.run.format(1))
        if peer.module:
            over("import", f"python -c __import__('{peer.module}')", "python -c pass")
        if peer.help:
            over("help", peer.help, PLAIN.run.format(1))
        found["printing"] = rows.printing(*at("printing"), min(options.rounds, 3))
        each = (found["whole"]["cpu_ms"] + found["whole"]["plain_cpu_ms"]) / 1e3
        found["crowd"] = rows.crowd(at("crowd")[0], options.seconds, each / (os.cpu_count() or 1))
        found["killed"] = rows.killed(at("killed")[0])
        found["listing"] = rows.listing(at("listing")[0], options.seconds)
    distributions, megabytes = environment.installed()
    found["installed"] = {"distributions": distributions, "megabytes": round(megabytes, 1)}
    return found


if __name__ == "__main__":
    raise SystemExit(main())
