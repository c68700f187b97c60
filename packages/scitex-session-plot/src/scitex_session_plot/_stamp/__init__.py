"""Stamps: written into each figure that is saved, and read back from any file."""
