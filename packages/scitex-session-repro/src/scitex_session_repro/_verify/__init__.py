"""Values recorded in one run and compared in later runs."""
