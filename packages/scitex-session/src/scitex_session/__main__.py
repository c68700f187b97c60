"""`python -m scitex_session` is the command `scitex-session`."""

from ._command.main import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main())
