"""What a run saves and reads, and the code that it runs: the script, the user's own modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scitex_session._config.script import notebook_here
from scitex_session._errors import tolerated
from scitex_session._uncollected import OUR_PACKAGES
from scitex_session_core import (
    INSTALLED,
    RECORD_NAME,
    RUN_FILES,
    RecordError,
    __version__,
    append_event,
    jsonable,
    latest_run,
    names_in,
    opened,
    say,
    source_without_secrets,
    warn,
)
from scitex_session_io import save_into
from scitex_session_plot import watch_savefig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import Any

    from scitex_session_core import CodeCopies, RunDir

    from .options import StampMode

_OUT = "_out"
_LONGEST_NAME = 200  # bytes of the name of a script's copy
_HEAD = 4096  # bytes by which text is known
_LIBRARY = os.path.dirname(os.__file__) + os.sep


class Artifacts:
    """What one process of a run saves and reads.

    Parameters
    ----------
    directory : RunDir
        The run directory.
    script : Path or None
        The script.
    commit : str or None
        The commit of its repository that was read before user code ran: one that is made during
        the run must not pass for the one that ran.
    stamp : bool or "visible"
        How figures are stamped.
    """

    def __init__(
        self, directory: RunDir, script: Path | None, commit: str | None, stamp: StampMode
    ) -> None:
        self._directory = directory
        self._script = script
        self._commit = commit
        self._stamp = stamp
        self._found: set[Path] = set()

    def redirect(self) -> Callable[[], object]:
        """Let `save` and `load` work in the run directory, until what is returned is called."""
        return save_into(
            self._directory.path,
            self.add_output,
            on_load=self.add_input,
            find=self._find,
            reserved=RUN_FILES,
        )

    def watch_figures(self) -> Callable[[], object]:
        """Record and stamp every figure that is saved, until what is returned is called."""
        return watch_savefig(
            self.add_output,
            stamp=self._facts if self._stamp else None,
            footer=self._directory.id.rpartition("_")[2] if self._stamp == "visible" else None,
        )

    def watch_imports(self, source: Path | None, started: float) -> OwnModules:
        """Copy the user's modules into ``code/``: those imported by now, and each that will be.

        All but `source`, the file of the script.
        """
        own = OwnModules(self._directory, source, started)
        with tolerated("copying imported modules"):
            own.watch()
        return own

    def add_output(self, file: str | os.PathLike[str]) -> None:
        """Append a saved file to the events: its path, its size, the SHA-256 of its bytes."""
        with tolerated("recording a saved file"):
            path = Path(file)
            inside = path.is_relative_to(self._directory)
            named = path.relative_to(self._directory).as_posix() if inside else str(path)
            append_event(
                self._directory, "artifact", path=named, **_content_of(path), role="output"
            )

    def add_input(self, file: Path) -> None:
        """Append a file that was read to the events.

        A file of another run is recorded by the ID of that run and its path there: the run may
        move, and ``latest`` will lead to another one.
        """
        with tolerated("recording a loaded file"):
            real = Path(os.path.realpath(file))
            home = next(
                (folder for folder in real.parents if (folder / RECORD_NAME).exists()), None
            )
            run_id = _id_of(home) if home is not None else None
            named = {"path": str(file)}
            if home is not None and run_id is not None:
                named = {"path": real.relative_to(home).as_posix()}
                if run_id != self._directory.id:
                    named["run"] = run_id
            append_event(self._directory, "artifact", **named, **_content_of(real), role="input")

    def _find(self, path: Path) -> Path | None:
        """Return where a missing file stands in the newest run of the script that makes it."""
        found = None
        with tolerated("looking among the runs of other scripts"):
            found = _find_in_latest(path, self._directory.out_dir.parent)
        if found is not None and path not in self._found:
            self._found.add(path)
            say(f"{path} is read from {found}")
        return found

    def _facts(self) -> dict[str, str | None]:
        """Return what the stamp in a figure says."""
        return {
            "id": self._directory.id,
            "script": _script_name(self._script, in_git=self._commit is not None),
            "commit": self._commit,
            "version": __version__,
        }


def _content_of(path: Path) -> dict[str, str | int]:
    import hashlib

    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
        return {"sha256": digest.hexdigest(), "bytes": opened.tell()}


def _id_of(run_dir: Path) -> str | None:
    # Not a plain read: a stranger's record may be a named pipe, or have no end.
    from scitex_session_core import read_record

    try:
        run_id: str = read_record(run_dir)["id"]
    except RecordError:
        return None
    return run_id


def _find_in_latest(path: Path, beside: Path) -> Path | None:
    """Look for a missing file in the newest successful run of the script that makes it.

    Parameters
    ----------
    path : Path
        A path such as ``prepare_out/table.csv``: below the folder of another script's runs, as if
        that script had one run only.
    beside : Path
        Where such folders lie, beside the working directory.

    Returns
    -------
    Path or None
        ``prepare_out/FINISHED_SUCCESS/<ID>/table.csv``; None if the path is not like that, or the
        newest successful run has no such file.
    """
    for base in (Path.cwd(), beside):
        whole = base / path
        for folder in whole.parents:
            if folder.name.endswith(_OUT) and (run := latest_run(folder)) is not None:
                found = run / whole.relative_to(folder)
                if found.exists():
                    return found
    return None


def _script_name(script: Path | None, *, in_git: bool) -> str | None:
    """Return the path of a script within its repository, or its name outside of one.

    Strangers read the stamp of a figure, and the folders of a home say who works there on what.
    """
    if script is None:
        return None
    real = os.path.realpath(script)
    top = os.path.dirname(real)
    while in_git and not os.path.exists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    return os.path.relpath(real, top).replace(os.sep, "/")


def save_script(run_dir: Path | RunDir, script: Path | None) -> bool:
    """Copy the script into ``code/``; of a notebook, the cells that were executed, as a script.

    A zipapp is not copied.

    Returns
    -------
    bool
        Whether secrets in it had to be masked.

    Raises
    ------
    OSError
        It can't be read or written.
    """
    if script is None:
        return False
    name = script.name
    if len(os.fsencode(name)) > _LONGEST_NAME:  # a temporary name is made of it, which is longer
        kept = os.fsencode(script.stem)[:_LONGEST_NAME].decode("utf-8", "ignore")
        name = f"{kept}{script.suffix[:_LONGEST_NAME]}"
    copy = f"code/{name}"
    with opened(run_dir) as directory:
        if script == notebook_here():
            from scitex_session._config.notebook import executed_cells

            # As text: not only Python stands in cells.
            cells = executed_cells()
            shown = jsonable(cells)
            directory.write(f"code/{script.stem}.py", shown.encode("utf-8", "backslashreplace"))
            return bool(shown != cells)
        # With an explicit sdir, the script itself may lie where its copy would be.
        try:
            if os.path.samestat(directory.stat(copy), os.stat(script)):
                return False
        except FileNotFoundError:
            pass
        with open(script, "rb") as file:
            source = file.read(_HEAD)
            if b"\0" in source:  # no text: a zipapp, which may be large, and have secrets to mask
                return False
            source += file.read()
        masked = source_without_secrets(source)
        directory.write(copy, masked, sync=False)  # as the copies of modules
        return masked is not source


class OwnModules:
    """The modules of the user's own that this process imports: those that are not installed.

    Each is copied at the moment it is found, before it runs: what is copied is what is run, a
    crash finds it there, and so does the end of a pool, whose workers are killed.

    Parameters
    ----------
    directory : RunDir
        The run directory.
    script : Path or None
        The script.
    started : float
        When the run began, in seconds since the epoch.
    """

    def __init__(self, directory: RunDir, script: Path | None, started: float) -> None:
        self._given = directory, script, started
        self._copies: CodeCopies | None = None
        self._known: dict[str, str] = {}
        self._failed = False

    def watch(self) -> None:
        """Copy what is imported, and from now on what comes."""
        sys.meta_path.insert(0, self)
        for name, (file, module) in self._imported().items():
            self.copies.keep(name, file, module)

    def stop(self) -> None:
        """Watch no longer; may be called twice."""
        # A new list: another thread's import may iterate over the old one.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def end(self) -> dict[str, Any] | None:
        """Watch no longer; return what the record says of the code, None if none is the user's."""
        self.stop()
        own = self._imported()
        return self.copies.describe(own) if own or self._copies else None

    @property
    def copies(self) -> CodeCopies:
        """The copies. What makes them is imported only where there is something to copy."""
        if self._copies is None:
            from scitex_session_core import CodeCopies

            self._copies = CodeCopies(*self._given)
        return self._copies

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, _target: object = None
    ) -> None:
        """Copy a module that is about to be imported, if it is the user's; find nothing."""
        if fullname.partition(".")[0] in OUR_PACKAGES or self._failed:
            return
        try:
            if (file := self._file_of(fullname.rpartition(".")[2], path)) is not None:
                self.copies.keep(fullname, file)
        except Exception as error:  # noqa: BLE001  # whatever a user has in sys.path
            self._failed = True  # said once
            warn(f"copying the module {fullname} failed: {type(error).__name__}: {error}")

    def _file_of(self, name: str, path: Iterable[str] | None) -> str | None:
        """Return the file of a module that Python would find, if it is the user's.

        It is asked at every import of a script: it looks at no file of a folder of packages, unless
        the user has one of the same name.
        """
        folders = sys.path if path is None else path
        for folder in folders:
            if not (own := self._own_folder(folder)):
                continue
            for file in (f"{own}{name}{os.sep}__init__.py", f"{own}{name}.py"):
                if os.path.isfile(file):
                    return None if self._is_installed_before(name, folder, folders) else file
        return None

    def _is_installed_before(self, name: str, last: str, folders: Iterable[str]) -> bool:
        for folder in folders:
            if folder == last:
                break
            place = os.path.join(folder, name)
            if not self._own_folder(folder) and any(map(os.path.exists, (place, f"{place}.py"))):
                return True
        return False

    def _imported(self) -> dict[str, tuple[str, ModuleType]]:
        return {
            name: (file, module)
            for name, file, module in _python_files()
            if self._own_folder(os.path.dirname(file))
        }

    def _own_folder(self, folder: str) -> str:
        """Return the absolute path of a folder, with a separator; empty if packages lie there."""
        if (known := self._known.get(folder)) is not None:
            return known
        try:
            whole = os.path.join(os.path.abspath(folder), "")
        except OSError:  # the working directory was removed: Python finds nothing there, too
            return ""
        installed = not INSTALLED.isdisjoint(whole.split(os.sep)) or whole.startswith(_LIBRARY)
        own = "" if installed else whole
        if os.path.isabs(folder):  # others move with the working directory
            self._known[folder] = own
        return own


def _python_files() -> Iterator[tuple[str, str, ModuleType]]:
    """Yield name, file and module of what is imported, but for ours and the main module."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in OUR_PACKAGES or name in ("__main__", "__mp_main__"):
            continue
        file = names_in(module).get("__file__")
        if isinstance(file, str) and file.endswith(".py") and not file.startswith(_LIBRARY):
            # At the end there may be thousands, and hardly any without its whole path.
            yield name, file if os.path.isabs(file) else os.path.abspath(file), module
