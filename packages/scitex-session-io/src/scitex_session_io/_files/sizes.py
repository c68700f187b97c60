"""Whether what a file holds fits into memory: a small file can say that it holds very much."""

from __future__ import annotations

import os

from scitex_session_io._errors import TooLargeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from zipfile import ZipInfo


def check_size(path: str, size: int) -> None:
    """Refuse what is larger than the memory of this machine, as far as that can be known.

    Raises
    ------
    TooLargeError
        It is larger.
    """
    if size > memory():
        raise TooLargeError(path, size)


def check_members(path: str, members: Iterable[ZipInfo]) -> None:
    """Refuse an archive whose members together are larger than the memory of this machine."""
    check_size(path, sum(member.file_size for member in members))


def memory() -> float:
    """Return how many bytes of memory this machine has; infinity where that is not known."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return float("inf")
