"""A small package with an entry point of its own: ``python -m lab.train``."""
