"""The same plot in a session."""

from typing import Any

import scitex_session as stx


@stx.session
def main(plt: Any = stx.INJECTED) -> int:
    """Draw a line and save it."""
    figure, axes = plt.subplots()
    axes.plot([1, 2, 4, 8])
    figure.savefig("session.png")
    return 0


if __name__ == "__main__":
    main()
