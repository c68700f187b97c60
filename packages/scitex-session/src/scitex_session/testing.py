"""A pytest plugin: ``-p scitex_session.testing``, or ``pytest_plugins`` in a ``conftest.py``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scitex_session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stx_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Run the test within a session whose files and registry lie in `tmp_path`.

    Output is left to pytest. The session is that of the stand-ins (``from scitex_session import
    CONFIG``), too, and `stx.io.save` writes into its directory. Every option of the environment
    (``SCITEX_SESSION_SEED`` and so on) is hidden from it.

    Yields
    ------
    Session
        The session, with ``CONFIG``, ``rngg`` and the rest as attributes.
    """
    for name in os.environ:
        if name.startswith("SCITEX_SESSION_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(tmp_path / "cache"))
    with Session(capture="none", out=tmp_path, stamp=False) as session:
        yield session
