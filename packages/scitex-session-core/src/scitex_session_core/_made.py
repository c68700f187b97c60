"""Which files a session made: what the registry keeps of their SHA-256, to find it by them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard

# The name under which the index keeps them.
MADE = "made"
_DIGITS = 64
# Of a digest, 60 bits are kept: they fit an integer of SQLite. That among ten million files two
# should share them has a chance of 1 in 20,000; the record has them whole.
_KEPT = 15
_HEX = "0123456789abcdef"
# What a run makes beyond that is found by its directory.
_MOST = 50_000


def made_by(artifacts: object) -> list[str]:
    """Return what is kept of the digests of the files among `artifacts` that a run made."""
    if not isinstance(artifacts, list):
        return []
    made: dict[str, None] = {}
    for artifact in artifacts:
        if isinstance(artifact, dict) and artifact.get("role") == "output":
            digest = artifact.get("sha256")
            if is_digest(digest):
                made[kept_of(digest)] = None
    return list(made)[:_MOST]


def is_digest(value: object) -> TypeGuard[str]:
    """Tell whether `value` is a SHA-256 in lower-case hexadecimal digits."""
    return isinstance(value, str) and len(value) == _DIGITS and not value.strip(_HEX)


def kept_of(digest: str) -> str:
    """Return what is kept of a digest."""
    return digest[:_KEPT]


def as_fact(kept: str) -> int | None:
    """Return what is kept of a digest as the index has it; None where it is none."""
    return int(kept, 16) if len(kept) == _KEPT and not kept.strip(_HEX) else None
