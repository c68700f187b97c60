"""A library function that opens a session of its own, called twice."""

import statistics

import scitex_session as stx


def measure(group, rows):
    """Summarise one group in a session of its own."""
    with stx.Session(tags=["group", group], note=f"group {group}", seed=len(rows)) as s:
        values = [float(value) for *_, value in rows if value]
        s.results["mean"] = round(statistics.fmean(values), 6)
        s.results["sd"] = round(statistics.stdev(values), 6)
        s.logger.info("%s: %d values", group, len(values))
        stx.io.save(values, "values.json")
        return s.results["mean"], float(s.rngg("jitter").normal())


def main():
    with open("measurements.csv") as table:
        next(table)
        rows = [line.strip().split(",") for line in table]
    drawn = []
    for group in ("control", "high"):
        mean, jitter = measure(group, [row for row in rows if row[1] == group])
        drawn.append(jitter)
        print(f"{group:8s} {mean:.3f}")
    assert drawn[0] == drawn[1], "both groups have 16 rows, and so one seed"


if __name__ == "__main__":
    main()
