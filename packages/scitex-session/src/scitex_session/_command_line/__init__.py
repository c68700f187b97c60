"""The command line of a script, from the signature of its function."""
