"""What is written of a session: its record, its place among the runs, the registry."""

from __future__ import annotations

import sys
from datetime import datetime

from scitex_session_core import (
    RecordError,
    ended_record,
    fold_events,
    move_to_finished,
    new_record,
    read_events,
    read_record,
    reap,
    register_end,
    register_start,
    warn,
    write_record,
)

from ._run_config import tell
from ._snapshot import save_script, write_config
from ._trouble import attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session_core import DotDict, RunDir

    from ._config import ConfigFiles

# What a run may spend on the dead of earlier ones, at its end.
_REAPED_AT_A_CLOSE = 8
_REAPING_S = 0.01


class Ledger:
    """The record of a run of this process. Trouble with writing it is warned about.

    Parameters
    ----------
    config : DotDict
        The run's `CONFIG`; told where the run is and how it ended.
    run_dir : RunDir
        The directory claimed for it.
    registry : Path
        The registry to tell.
    script : Path or None
        The script.
    function : str or None
        The function that runs.
    arguments : mapping
        The values it is called with.
    files : ConfigFiles
        The user's configuration.
    seed : int
        The seed.
    parent : str or None
        The session that this one goes on from.
    tags : iterable of str
        Its tags.
    note : str
        Its note.

    Attributes
    ----------
    id : str
        The ID of the run.
    path : Path
        Where the run directory is now.
    """

    path: Path

    def __init__(
        self,
        config: DotDict,
        run_dir: RunDir,
        registry: Path,
        *,
        script: Path | None,
        function: str | None,
        arguments: Mapping[str, Any],
        files: ConfigFiles,
        seed: int,
        parent: str | None = None,
        tags: Iterable[str] = (),
        note: str = "",
    ) -> None:
        self._config = config
        # Kept apart from CONFIG: who changes that by force must not lead the run astray.
        self.path = run_dir.path
        self.id = run_dir.id
        self._out_dir = run_dir.out_dir
        self._registry = registry
        self._script = script
        self._files = files
        self._found: dict[str, Any] = {}
        self._record = new_record(
            run_dir.id,
            script=script,
            function=function,
            arguments=arguments,
            argv=getattr(sys, "argv", ()),
            config=files.recorded,
            seed=seed,
            parent=parent,
        )
        self._record.update(tags=list(dict.fromkeys(tags)), note=note)
        started = datetime.fromisoformat(self._record["started"]).astimezone()
        tell(config, START_DATETIME=started)

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return float(self._record["duration_s"] or 0)

    @property
    def commit(self) -> str | None:
        """The commit of the script's repository when the session began, where there is one."""
        git = self._record["git"]
        return git["commit"] if git else None

    @property
    def status(self) -> str:
        """The status on record."""
        return str(self._record["status"])

    def begin(self, origins: Mapping[str, str], asked: Mapping[str, tuple[Any, str]]) -> None:
        """Put on disk, before user code, what the run is, and where each value came from."""
        path, record = self.path, self._record
        attempt("writing the record", lambda: write_record(path, record))
        config, files = self._config, self._files
        attempt("writing CONFIG.yaml", lambda: write_config(path, config, files, origins, asked))
        attempt("keeping the script", lambda: save_script(path, self._script))
        attempt("registering the session", lambda: register_start(self._registry, record, path))

    def add(self, field: str, value: Any) -> None:
        """Have the record of the end say one thing more."""
        self._found[field] = value

    def end(
        self,
        exit_status: int | None,
        reason: Mapping[str, Any],
        *,
        message: str = "",
        remove_src_dir: bool = True,
        max_wait: float = 60,
    ) -> None:
        """Write the end into the record and move the directory, unless that was done by hand."""
        if self.status != "running":
            return
        record = {**self._with_events(), **self._found}
        self._record = ended_record(record, exit_status=exit_status, reason=reason, message=message)
        attempt("writing the record", lambda: write_record(self.path, self._record))
        self.path = move_to_finished(
            self.path, self.status, remove_src_dir=remove_src_dir, max_wait=max_wait
        )
        started, ended = (
            datetime.fromisoformat(self._record[name]).astimezone() for name in ("started", "ended")
        )
        tell(
            self._config,
            SDIR_RUN=self.path,
            SDIR=self.path,
            EXIT_STATUS=exit_status,
            END_DATETIME=ended,
            RUN_DURATION=ended - started,
        )
        attempt(
            "telling the registry", lambda: register_end(self._registry, self._record, self.path)
        )

    def reap_others(self) -> None:
        """File a few of this script's runs that died without anybody seeing it."""
        reap(self._out_dir, registry=self._registry, most=_REAPED_AT_A_CLOSE, within=_REAPING_S)

    def _with_events(self) -> dict[str, Any]:
        """Return the record as it stands on disk, where what others appended is folded in."""
        try:
            record = read_record(self.path)
        except RecordError as trouble:
            # The script deleted its own directory, or the disk was full at the start.
            warn(f"the record of the run is gone ({trouble}); it is written anew")
            path = self.path
            attempt("making the run directory", lambda: path.mkdir(parents=True, exist_ok=True))
            return fold_events(self._record, read_events(path))
        return record if record["id"] == self.id else self._record
