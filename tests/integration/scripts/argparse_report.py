"""A script that had its own argparse long before it met sessions."""

import argparse
import sys

import scitex_session as stx


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="a CSV file")
    parser.add_argument("-c", "--column", default="response")
    parser.add_argument("--bins", type=int, default=5)
    parser.add_argument("--strict", action="store_true")
    return parser.parse_args()


def histogram(values, bins):
    low, high = min(values), max(values)
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    return counts


def main(args):
    with open(args.table) as table:
        header, *rows = [line.rstrip("\n").split(",") for line in table]
    column = header.index(args.column)
    values = [float(row[column]) for row in rows if row[column]]
    missing = len(rows) - len(values)
    if missing:
        print(f"{missing} rows have no {args.column}", file=sys.stderr)
        if args.strict:
            return 3
    for count in histogram(values, args.bins):
        print(f"{count:4d} {'█' * count}")
    return 0


if __name__ == "__main__":
    sys.exit(stx.run(main, parse_args))
