"""A session that does nothing."""

import scitex_session as stx


@stx.session
def main() -> int:
    """Do nothing."""
    return 0


if __name__ == "__main__":
    main()
