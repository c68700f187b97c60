"""The names that a session gives its script: CONFIG, plt, COLORS, rngg, logger."""
