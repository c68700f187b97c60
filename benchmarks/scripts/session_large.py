"""A session that leaves a file of so many BYTES, with a hole for its content."""

import os

import scitex_session as stx
from scitex_session import CONFIG


@stx.session
def main() -> int:
    """Make the file."""
    with open(CONFIG.SDIR_RUN / "large", "wb") as file:
        file.truncate(int(os.environ["BYTES"]))
    return 0


if __name__ == "__main__":
    main()
