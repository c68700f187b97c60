"""The results as JSON, as a Markdown table, and as a plot in our own style."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- made by `hatch run bench:peers --docs` -->", "<!-- end -->"
HEADINGS = (
    "",
    "a run with an argument, over plain",
    "`import`",
    "`--help`",
    "a million prints",
    "printed lines kept",
    "true records of a crowd",
    "after kill -9: status",
    "lines",
    "listing",
    "installed",
)


def read(docs: Path) -> dict[str, Any]:
    """Return what was found of each peer by earlier runs."""
    found: dict[str, Any] = json.loads((docs / "benchmarks.json").read_text("utf-8"))["peers"]
    return found


def write(results: dict[str, Any], docs: Path) -> None:
    """Write ``benchmarks.json``, ``benchmarks.svg``, and the table within ``benchmarks.md``."""
    (docs / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    plot(results, docs / "benchmarks.svg")
    page = docs / "benchmarks.md"
    head, _, rest = page.read_text("utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    page.write_text(f"{head}{BEGIN}\n\n{table(results)}\n\n{END}{tail}", "utf-8")


def table(results: dict[str, Any]) -> str:
    """Draw the results as a table, and below it the machine."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row(*each)) + " |" for each in results["peers"].items()]
    machine = results["machine"]
    where = "{date}, Python {python}, {cores} cores of {cpu}, {platform}".format(**machine)
    loads = [peer["load"] for peer in results["peers"].values()]
    load = f"load average {min(loads)} to {max(loads)}"
    lines += ["", f"{where}; {load}. A *start* is the processor time of the plain script."]
    return "\n".join(lines)


def row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Lay out what was found of one peer."""

    def over(kind: str) -> str:
        if kind not in found:
            return "-"
        return f"{found[kind]['cpu_ms']:.0f} ms, {found[kind]['starts']:.1f} starts"

    printing, crowd, killed = found["printing"], found["crowd"], found["killed"]
    listing, finished = found["listing"], "ratio_cpu" in printing

    def lines(kept: int | None, of: str = "") -> str:
        if not found["keeps_log"]:
            return "no log"
        return "not read" if kept is None else f"{kept:,}{of}"

    return (
        name,
        over("whole"),
        over("import"),
        over("help"),
        f"{printing['ratio_cpu']:.2f} times" if finished else f"over {printing['longer_than_s']} s",
        lines(printing["lines_kept"]),
        f"{crowd['true']} of {crowd['started']}",
        (killed["status"] or "no status") if killed["on_record"] else "not on record",
        lines(killed["lines"], " of 1000"),
        "none" if listing is None else f"{listing['wall_ms']:.0f} ms of {listing['runs']:,}",
        f"{found['installed']['distributions']}, {found['installed']['megabytes']:.0f} MB",
    )


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw what a run costs over the plain script, and what is installed for it."""
    from scitex_session_plot import Style

    style = Style(agg=True)
    peers = results["peers"]
    names = sorted(peers, key=lambda name: peers[name]["whole"]["cpu_ms"])
    panels = (
        ("Processor time over plain (ms)", [peers[name]["whole"]["cpu_ms"] for name in names]),
        ("Installed (MB)", [peers[name]["installed"]["megabytes"] for name in names]),
    )
    with style:
        figure, both = style.plt.subplots(ncols=2, sharey=True)
        for axes, (label, values) in zip(both, panels, strict=True):
            colors = ["C1" if name == "scitex-session" else "C0" for name in names]
            axes.barh(names, values, color=colors)
            axes.set_xscale("log")
            axes.set_xlabel(label)
        both[0].invert_yaxis()
        figure.savefig(path)
        style.plt.close(figure)
