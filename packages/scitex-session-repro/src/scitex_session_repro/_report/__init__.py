"""The report: what repeats here, and what does not."""
