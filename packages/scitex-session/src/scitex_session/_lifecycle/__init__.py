"""The life of one session, from its directory to its end."""
