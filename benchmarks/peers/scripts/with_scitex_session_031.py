"""As the README of scitex-session 0.3.1 has it."""

from work import work

import scitex_session as stx


@stx.session
def main(number: int = 0) -> int:
    """Work."""
    work()
    return 0


if __name__ == "__main__":
    main()
