"""Where a manager stands: the steps that lead from the seed to it, and names in normal form.

A scope is a tuple of steps, each a kind and a text: ``(("child", "fold 3"), ("fork", "1"))``. It is
empty for a manager that was made from a seed. As bytes, every step begins with a byte that UTF-8
never uses, so that two different scopes are two different byte strings, whatever the names.
"""

from __future__ import annotations

from scitex_session_repro._errors import NameTypeError, shown_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    Scope = tuple[tuple[str, str], ...]

MARKS = {"child": b"\xfe", "spawn": b"\xfd", "fork": b"\xfc", "worker": b"\xfb"}
_OF_PROCESSES = ("fork", "worker")


def normalise(name: str) -> str:
    """Give the name in Unicode's NFC form, so that one text is one stream however it was typed.

    Raises
    ------
    NameTypeError
        If it is not a string. 1 and "1" would else be two streams that look like one in a log.
    """
    if not isinstance(name, str):
        raise NameTypeError(f"{name!r:.80}", type(name).__name__)
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def encode_name(name: str) -> bytes:
    """Give the bytes of a name, in normal form.

    A lone surrogate keeps a code of its own: names of files that are not valid UTF-8 reach Python
    with such.

    Raises
    ------
    NameTypeError
        If it is not a string.
    """
    return normalise(name).encode("utf-8", "surrogatepass")


def encode_scope(scope: Scope) -> bytes:
    """Give the bytes of a scope; none for an empty one."""
    return b"".join(MARKS[kind] + encode_name(text) for kind, text in scope)


def in_process(scope: Scope, step: tuple[str, str]) -> Scope:
    """Give the scope that a manager has in a forked process, or as a worker.

    The step of a process stands before those of children: where a child was pickled alone, it has
    the same scope in the other process as below the manager that it comes from.
    """
    at = len(scope)
    while at and scope[at - 1][0] not in _OF_PROCESSES:
        at -= 1
    return (*scope[:at], step, *scope[at:])


def global_seed(seed: int, scope: Scope) -> int:
    """Give the integer from which global generators are seeded.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    scope : tuple
        The steps from the seed.

    Returns
    -------
    int
        The seed itself in an empty scope; else the scope's bytes above the seed's 128 bits, so
        that no two scopes share one. No hash is taken: after a fork nothing may be imported.
    """
    return int.from_bytes(encode_scope(scope), "big") << 128 | seed


def describe(seed: int, scope: Scope) -> str:
    """Give a manager's place as a reader would write it."""
    parts = [f"RandomStateManager(seed={seed})"]
    for kind, text in scope:
        if kind == "child":
            parts.append(f".child({shown_name(text)})")
        elif kind == "spawn":
            parts.append(f".spawn()[{text}]")
        else:
            parts.append(f" in {kind} {text}")
    return "".join(parts)
