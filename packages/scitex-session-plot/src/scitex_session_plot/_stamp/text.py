"""The text that tells a figure's run: one JSON object, made to be found in any metadata."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The key of the schema's number is what a stamp is recognised by, wherever it stands: beside the
# keywords of a user, behind a comment, in a chunk that an optimiser has renamed.
MARK = "scitex-session"

_START = r'\{\s*"scitex-session"\s*:'
# A text may be made to look like a stamp in a thousand places, and to be none.
_LONGEST = 16 << 10
_MOST_TRIES = 20


def stamps_in(text: str) -> Iterator[dict[str, Any]]:
    """Yield the stamps that stand anywhere in `text`, as far as they name a run."""
    import itertools
    import json
    import re

    decoder = json.JSONDecoder()
    for found in itertools.islice(re.finditer(_START, text), _MOST_TRIES):
        try:
            stamp, _ = decoder.raw_decode(text[found.start() : found.start() + _LONGEST])
        except (ValueError, RecursionError):
            continue
        if isinstance(stamp.get("id"), str):
            yield stamp
