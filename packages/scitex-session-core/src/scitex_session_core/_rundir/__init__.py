"""Run directories: made, claimed, moved at the end, and filed after a crash."""
