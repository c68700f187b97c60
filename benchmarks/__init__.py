"""The project's benchmark: ``hatch run bench``."""
