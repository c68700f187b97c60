"""A worker process that does not inherit its run: one that was spawned, not forked.

A forked worker has all that its parent has. One that `multiprocessing` spawns, that comes from its
fork server or from loky, begins as a new interpreter, in which the script is imported again. The
run tells it by an environment variable where it is; the worker joins it before its function runs.
"""

from __future__ import annotations

import json
import os
import weakref
from multiprocessing import process, util
from pathlib import Path

from scitex_session._config.folder import read_config_files
from scitex_session._errors import tolerated
from scitex_session._names.config_object import (
    RESERVED,
    LocalTime,
    as_args,
    make_config,
    set_own_keys,
)
from scitex_session._names.injection import SessionLogger, inject_globals, provide
from scitex_session_core import (
    RecordError,
    RunDir,
    attempt_of,
    current_status,
    locate_run,
    out_dir_of,
    read_record,
)
from scitex_session_plot import CustomColors, Style
from scitex_session_repro import RandomStateManager

from .artifacts import Artifacts
from .options import RUN_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# The globals of the script's functions, which get the names of the run.
_namespaces: list[dict[str, Any]] = []
_joined = False


def expect_run(namespace: dict[str, Any] | None = None) -> None:
    """Join the announced run, now or when this process has become a worker of `multiprocessing`.

    Other children of a run inherit the variable, too; they are programs of their own.

    Parameters
    ----------
    namespace : dict, optional
        Globals in which the names of the run are wanted.
    """
    if namespace is not None:
        _namespaces.append(namespace)
    if process.parent_process() is not None:
        _join()
    elif namespace is None and getattr(process.current_process(), "_inheriting", False):
        # The script is being imported. Which worker this is, and so which random numbers it draws,
        # is known when the object of a main process gives way to that of the worker; in a fork
        # server, in each of its children. No hook of multiprocessing is called in spawned workers.
        weakref.finalize(process.current_process(), _join).atexit = False


def _join() -> None:
    global _joined
    if _joined:  # or inherited by a fork of a worker
        return
    with tolerated("joining the run of this worker"):
        announced = json.loads(os.environ[RUN_VARIABLE])
        found = _living_run(Path(announced["run"]))
        if found is None:
            return
        _joined = True
        names = _begin(*found, announced)
        for namespace in _namespaces:
            inject_globals(namespace, names)


def _living_run(announced: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the run of the process that announced one, and its record.

    A fork server keeps the environment of its start. If the run of that time has ended, the process
    may have begun another one.
    """
    try:
        first = read_record(announced)
    except RecordError:
        return None
    if current_status(first, announced) == "running":
        return locate_run(announced), first
    siblings = announced.parent if announced.parent != out_dir_of(announced) else None
    names = os.listdir(siblings) if siblings is not None and siblings.is_dir() else []
    for name in sorted(names, reverse=True):
        try:
            record = read_record(announced.with_name(name))
        except RecordError:
            continue
        same = record.get("process") == first.get("process")
        if same and current_status(record, announced.with_name(name)) == "running":
            return announced.with_name(name), record
    return None


def _begin(place: Path, record: Mapping[str, Any], announced: Mapping[str, Any]) -> dict[str, Any]:
    """Seed, set up figures, and return the names of the run."""
    script = Path(record["script"]) if record.get("script") else None
    run_dir = RunDir(record["id"], place, out_dir_of(place), attempt_of(record))
    source, here = script, None
    if script is not None and (found := (record.get("code") or {}).get("frozen")):
        from scitex_session._config.frozen import Frozen

        frozen = Frozen(Path(found["folder"]))
        source, here = frozen.copy(script), frozen.copy(Path())
    files = read_config_files(source, RESERVED, here=here, debug=announced["debug"])
    config = make_config(
        run_dir, script, as_args(record["arguments"]), files.values, debug=announced["debug"]
    )
    started = LocalTime.fromisoformat(record["started"]).astimezone()
    set_own_keys(config, PID=record["process"]["pid"], START_DATETIME=started)
    rng = RandomStateManager(record["seed"], deterministic=announced["deterministic"])
    rng.initialize_worker()
    rng.verify_directory = run_dir.out_dir / "fingerprints"
    rng.checkpoint_directory = run_dir.path
    style = Style(**announced["style"])
    style.apply()
    git = record.get("git") or {}
    artifacts = Artifacts(run_dir, script, git.get("commit"), announced["stamp"])
    artifacts.redirect()
    artifacts.watch_imports(source, started.timestamp())
    # Workers end without atexit.
    util.Finalize(None, artifacts.watch_figures(), exitpriority=0)
    names = {
        "CONFIG": config,
        "plt": style.plt,
        "COLORS": CustomColors(alpha=announced["style"]["alpha"]),
        "rngg": rng,
        "logger": SessionLogger(script.stem if script else "session"),
    }
    provide(names, run_dir)
    return names
