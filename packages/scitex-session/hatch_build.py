"""Pins the facade's siblings to its own version, so that the number stands in one place."""

from __future__ import annotations

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LockStep(MetadataHookInterface):
    """Fills in the field ``dependencies``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Write what pyproject.toml lists, and the siblings at ``==version``."""
        pins = [f"{name}=={metadata['version']}" for name in self.config["siblings"]]
        metadata["dependencies"] = sorted([*self.config["dependencies"], *pins], key=str.lower)
