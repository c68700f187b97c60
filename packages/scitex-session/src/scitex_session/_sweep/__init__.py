"""Sweeps: many runs of one script, which differ in their parameters."""
