"""A run that is only tried: what it leaves is removed, unless it fails."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .run import Run


class Trial:
    """A temporary place for a run, and for the only registry that knows of it.

    Attributes
    ----------
    folder : Path
        For ``<script>_out``.
    registry : Path
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="scitex-session-trial-"))
        self.registry = self.folder / "registry"

    def end(self, run: Run) -> None:
        """Remove it all where the run succeeded, or never began, and say so; keep a failure.

        Notes
        -----
        A failure is kept, since its log and files are what one looks at then.
        """
        began = hasattr(run, "ledger")
        if began and run.ledger.status not in ("success", "finished"):
            self._say(f"the run failed; it is in no registry, and kept in {run.ledger.path}")
            return
        shutil.rmtree(self.folder)
        if began:
            self._say("nothing of this run was saved")

    @staticmethod
    def _say(text: str) -> None:
        print(f"scitex-session: {text} (no_save)", file=sys.stderr)
