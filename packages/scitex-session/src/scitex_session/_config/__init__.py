"""The user's configuration: files in YAML, and the script they belong to."""
