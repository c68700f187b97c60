"""Random streams below a seed, and the manager that gives them out."""
