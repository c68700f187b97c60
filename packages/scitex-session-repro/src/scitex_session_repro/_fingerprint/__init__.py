"""Fingerprints: a hash of a value that is the same in every process."""
