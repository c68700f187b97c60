"""`python -m scitex_session` is the command `scitex-session`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit status.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    if tokens[:1] == ["__complete"]:  # at a press of TAB, for which cyclopts takes too long
        from ._command.completion import complete

        return complete(tokens[1:])
    from ._command.main import main

    return main(tokens)


if __name__ == "__main__":
    raise SystemExit(main())
