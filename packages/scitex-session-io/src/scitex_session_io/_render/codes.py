"""Terminal codes: those that move the cursor or erase, and those that leave no trace."""

from __future__ import annotations

import re

# No terminal takes a longer escape sequence. The limit keeps memory flat, and a stray "ESC ]" in
# binary output from swallowing the log.
LONGEST = 1 << 20

# ECMA-48, 5.4: parameters, intermediates, and the final byte. Only 7-bit codes: as single bytes,
# the 8-bit ones (0x9B for CSI) are parts of letters in UTF-8.
_CSI = rb"\[[0-?]{0,256}[ -/]{0,16}"
# Operating system commands (titles, hyperlinks), device control strings and the like. They end
# with BEL, ST or CAN. What another control character breaks off is text, and is shown.
_STRING_START = rb"[\]PX^_][^\x00-\x08\x0a-\x1f]{0,%d}" % LONGEST
_STRING_END = rb"(?:\x07|\x1b\\|[\x18\x1a])"

_MOTIONS = (
    rb"\[(?P<numbers>[0-9;]{0,32})(?P<final>[@A-HJKPXa`dfsu])"
    rb"|(?P<single>[78DEMc])"
    rb"|\[\?(?:1049|1047|47)(?P<alternate>[hl])"
)
MOTION = re.compile(rb"\x08*\r(?!\n)|\x08+|\x1b(?:" + _MOTIONS + rb")")
"""Codes that move the cursor or erase, in bytes that have no other codes.

Backspaces come by the hundred, and often before a CR, for instance from Keras.
"""

WITHOUT_TRACE = re.compile(
    rb"\x1b(?!" + re.sub(rb"\?P<\w+>", rb"?:", _MOTIONS) + rb")"
    rb"(?:" + _STRING_START + _STRING_END + rb"|" + _CSI + rb"[@-~]?|[ -/]{1,16}[0-~]?|[0-~])?"
)
"""Every other code: colours, titles, character sets, modes, and what is left of broken ones.

After their removal each ESC that is left begins a motion: joining what is left makes no new code.
"""

_UNFINISHED = re.compile(rb"\x1b(?:" + _CSI + rb"|[ -/]{0,16}|" + _STRING_START + rb")\Z")
_UNFINISHED_STRING = re.compile(rb"\x1b" + _STRING_START + rb"\Z")
# The first bytes of a character in UTF-8, or a CR that may be half of a line's end.
_UNFINISHED_TEXT = re.compile(
    rb"(?:\r|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)


def unfinished_code(data: bytes) -> int:
    """Return where a code begins that `data` may cut off at its end; its length if none does."""
    last = data.rfind(b"\x1b")
    if last < 0 or not _UNFINISHED.match(data, last):
        return len(data)
    if last == len(data) - 1:  # it may be the first half of ST, the end of a string
        before = data.rfind(b"\x1b", 0, last)
        if before >= 0 and _UNFINISHED_STRING.match(data, before, last):
            return before
    return last


def unfinished_text(data: bytes) -> int:
    """Return where a character or line end begins that `data` may cut off at its end."""
    found = _UNFINISHED_TEXT.search(data, max(0, len(data) - 3))
    return found.start() if found else len(data)
