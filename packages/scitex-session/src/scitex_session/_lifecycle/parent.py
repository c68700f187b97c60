"""The session that a run goes on from."""

from __future__ import annotations

from scitex_session_core import SessionManager, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def tell_if_unknown(parent: str, registry: Path) -> None:
    """Warn where no session of that ID is known here: it may be of another machine, or mistyped."""
    if not SessionManager(registry).get_session(parent):
        warn(f"the parent session {parent} is not in the registry {registry}; it is kept as given")
