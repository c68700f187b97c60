"""What is found out about a run that died."""
