"""A session that leaves a file of 10 GB, with a hole for its content."""

import scitex_session as stx
from scitex_session import CONFIG


@stx.session
def main() -> int:
    """Make the file."""
    with open(CONFIG.SDIR_RUN / "large", "wb") as file:
        file.truncate(10 << 30)
    return 0


if __name__ == "__main__":
    main()
