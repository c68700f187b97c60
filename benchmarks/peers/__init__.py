"""The same small script, recorded by scitex-session and by the packages beside it."""
