"""Global generators: what torch needs, and their states as plain values."""
