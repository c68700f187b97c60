"""A run whose files are removed, unless it fails (``no_save``)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from scitex_session_core import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .record import RunRecord


class TemporaryFolder:
    """The folder of such a run, and of the only registry that knows of it.

    Attributes
    ----------
    path : Path
        The folder for ``<script>_out``.
    registry : Path
        The registry.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="scitex-session-trial-"))
        self.registry = self.path / "registry"

    def end(self, record: RunRecord | None) -> None:
        """Remove the folder, and say so; keep a run that failed.

        Parameters
        ----------
        record : RunRecord or None
            The record of the run, None where it never began.

        Notes
        -----
        A failure is kept because its log and files show why it failed.
        """
        if record is not None and record.status not in ("success", "finished"):
            say(f"the run failed; it is in no registry, and kept in {record.path} (no_save)")
            return
        shutil.rmtree(self.path)
        if record is not None:
            say("nothing of this run was saved (no_save)")
