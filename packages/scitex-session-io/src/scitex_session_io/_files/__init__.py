"""Saving and loading of results, one module for each format."""
