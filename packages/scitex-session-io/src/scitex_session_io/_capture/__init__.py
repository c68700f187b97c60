"""Capture of stdout and stderr, in the process of the run."""
