"""``python -m scitex_session_repro [MODULE ...]``: print the report of a fresh process."""

from __future__ import annotations

import argparse
import importlib
import sys

from ._report.report import report


def main() -> int:
    """Import the modules named on the command line, and print the report."""
    parser = argparse.ArgumentParser(
        prog="python -m scitex_session_repro",
        description="Report what repeats on this machine, and what does not.",
    )
    parser.add_argument(
        "modules",
        nargs="*",
        metavar="MODULE",
        help="to import first: only imported ones are checked",
    )
    for name in parser.parse_args().modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"cannot import {name}: {error}", file=sys.stderr)
            return 2
    print(report())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
