"""The death of a run: what is known of it afterwards."""
