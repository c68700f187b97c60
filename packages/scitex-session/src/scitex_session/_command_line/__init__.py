"""The command line of a script, made from the signature of its function."""
