"""IDs of runs: when, and which of those that began in the same second."""

from __future__ import annotations

import os
import time

from ._errors import InvalidSessionIdError, InvalidTypeError

# Crockford's base 32: no I, L, O or U, so that an ID can be read aloud and typed, and one case
# only, since the file systems of macOS and Windows fold case.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_CHARACTERS = 8
_LONGEST = 200


def new_id(now: float | None = None, *, debug: bool = False) -> str:
    """Make an ID such as ``2026Y-11M-22D-05h09m48s_K7QX2M9A``.

    Parameters
    ----------
    now : float, optional
        Seconds since the epoch; the current time by default. Shown as local time.
    debug : bool
        Whether it is a run for debugging: ``DEBUG_`` stands before the ID then.

    Returns
    -------
    str
        The start in local time, and eight random characters (40 bits) in Crockford's base 32
        (https://www.crockford.com/base32.html).

    Notes
    -----
    The characters come from the operating system, never from `random`: a script that seeds
    `random` with a constant would draw the same "random" ID in every run.
    """
    stamp = time.strftime("%YY-%mM-%dD-%Hh%Mm%Ss", time.localtime(now))
    drawn = "".join(_ALPHABET[byte & 31] for byte in os.urandom(_RANDOM_CHARACTERS))
    return f"{'DEBUG_' if debug else ''}{stamp}_{drawn}"


def check_id(session_id: object) -> str:
    """Return `session_id` if it can name a session.

    Raises
    ------
    InvalidTypeError
        It is no string.
    InvalidSessionIdError
        It is empty, too long, or could be taken for a path.
    """
    if not isinstance(session_id, str):
        raise InvalidTypeError("session_id", session_id, "a string")
    if not session_id.strip():
        raise InvalidSessionIdError(session_id, "is empty")
    if len(session_id) > _LONGEST:
        raise InvalidSessionIdError(session_id, f"has {len(session_id)} characters")
    if session_id.startswith(".") or any(c in "/\\" or not c.isprintable() for c in session_id):
        raise InvalidSessionIdError(session_id, "could be taken for a path")
    return session_id
