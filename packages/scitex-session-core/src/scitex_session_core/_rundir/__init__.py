"""Run directories: made, claimed, copied, moved, and filed after a crash."""
