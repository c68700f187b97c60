"""The user's configuration in YAML, TOML and JSON, and the script that it belongs to."""
