"""Global generators of other libraries: how each is saved, seeded and restored."""
