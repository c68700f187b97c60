"""Trouble of our own: said, and never more than that."""

from __future__ import annotations

from scitex_session_core import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def attempt(what: str, action: Callable[[], object]) -> None:
    """Do something of ours whose failure must neither end the user's run nor be silent."""
    try:
        action()
    except Exception as error:  # noqa: BLE001
        warn(f"{what} failed: {type(error).__name__}: {error}")
