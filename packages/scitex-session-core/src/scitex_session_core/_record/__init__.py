"""What a run is on disk: its record, its events, and how values are written."""
