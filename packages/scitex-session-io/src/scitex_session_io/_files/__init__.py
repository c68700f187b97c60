"""Save and load results, with one module for each format."""
