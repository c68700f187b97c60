"""As our README has it."""

from work import work

import scitex_session as stx


@stx.session
def main(number: int) -> dict[str, float]:
    """Work."""
    return {"loss": work()}


if __name__ == "__main__":
    main()
