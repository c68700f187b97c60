"""`python -m scitex_session` is the command `scitex-session`."""

from ._cli import main

if __name__ == "__main__":
    raise SystemExit(main())
