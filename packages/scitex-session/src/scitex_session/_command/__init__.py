"""The command `scitex-session`."""
