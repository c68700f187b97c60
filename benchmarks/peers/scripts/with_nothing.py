"""A script that nobody records."""

import sys

from work import work


def main(number: int) -> float:
    """Work."""
    return work()


if __name__ == "__main__":
    main(int(sys.argv[1]))
