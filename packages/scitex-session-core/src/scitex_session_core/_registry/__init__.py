"""The registry of sessions: the journal, its index, and the API over both."""
