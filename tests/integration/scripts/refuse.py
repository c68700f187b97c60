"""A script that checks its input, and leaves in the ways that scripts do."""

import os
import sys

import scitex_session as stx


@stx.session
def main(how: str = "fine", volume: float = 1.0):
    if volume <= 0:
        sys.exit(f"the volume must be positive, not {volume}")
    print(f"concentration {2.5 / volume:.2f}")
    match how:
        case "fine":
            return True
        case "code":
            sys.exit(3)
        case "quietly":
            sys.exit()
        case "return":
            return 4
        case "assert":
            assert volume > 10, "too little to measure"
        case "hard":
            os._exit(7)
        case "abort":
            os.abort()


if __name__ == "__main__":
    main()
