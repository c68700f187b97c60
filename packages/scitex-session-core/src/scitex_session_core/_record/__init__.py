"""The record of a run: what it says, and how it is written and read."""
