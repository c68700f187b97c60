"""Which trials of a plan are done: a run of the script with the same arguments succeeded."""

from __future__ import annotations

import os
from contextlib import suppress

from scitex_session._command_line.session_options import NO, PREFIX, YES
from scitex_session_core import (
    RecordError,
    SessionManager,
    locate_run,
    read_record,
    source_without_secrets,
)

from .plan import OPTION, parameter_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from .plan import Trial

    # The form in which a value is compared, and what kind of value it is.
    Form = tuple[str, object]

_NONE = ("none", "null")
# Of the options of a session, the one on which results depend.
_SEED = f"{PREFIX}seed".lstrip("-")
_FILES = ("config",)


def done_trials(script: Path, trials: Sequence[Trial]) -> dict[int, list[str]]:
    """Return which trials have a successful run of the script, and which of its code has changed.

    Arguments are compared by value: ``1e-3`` is ``0.001``. All that was typed for the run must be
    given to the trial, too, since the defaults of other options are known to the script alone.

    Parameters
    ----------
    script : Path
        The script.
    trials : sequence of Trial
        The trials.

    Returns
    -------
    dict
        By the number of each such trial, the names of files that have changed since its run.
    """
    asked = {"script_path": os.fspath(script), "status": "success"}
    runs = [(run, _flat(run["arguments"])) for run in SessionManager().select(asked)]
    done: dict[int, list[str]] = {}
    records: dict[str, dict[str, Any] | None] = {}
    for trial in trials:
        given = _given(trial.argv)
        forms = {name: _forms(value) for name, value in given.items()}
        for run, arguments in runs:
            if any(name in forms and form not in forms[name] for name, form in arguments.items()):
                continue
            if run["id"] not in records:
                records[run["id"]] = _record(run)
            record = records[run["id"]]
            if record is not None and _is_same(given, forms, record, arguments):
                done[trial.number] = _changed(record, run["run_dir"])
                break
    return done


def _is_same(
    given: Mapping[str, str],
    forms: Mapping[str, Sequence[Form]],
    record: Mapping[str, Any],
    arguments: Mapping[str, Form],
) -> bool:
    """Tell whether a run was given what a trial is given, and nothing else."""
    typed = _given(record["argv"][1:])
    if typed.keys() != given.keys():
        return False
    for name, text in typed.items():
        if name in _FILES:
            # The same words mean another file in another folder.
            then = os.path.join(str(record.get("cwd")), text)
            now = os.path.abspath(given[name])
            if os.path.normpath(then) != now or not _is_older(now, record):
                return False
        elif name not in arguments and not {*_forms(text)} & {*forms[name]}:
            return False
    return True


def _given(argv: Sequence[str]) -> dict[str, str]:
    """Return what a command line gives to each parameter, as a text."""
    given: dict[str, list[str]] = {}
    values = given.setdefault("", [])
    for token in argv:
        if (match := OPTION.fullmatch(token)) is None:
            values.append(token)
            continue
        name = parameter_name(match[1])
        no = match[2] is None and match[1].startswith("--no-")  # not --no-cache=true
        values = given.setdefault(name.removeprefix("no_") if no else name, [])
        if no:
            values.append("false")
        elif match[2] is not None:
            values.append(match[2])
    of_session = PREFIX.lstrip("-")
    return {
        name: " ".join(words) if words or not name else "true"
        for name, words in given.items()
        if not name.startswith(of_session) or name == _SEED
    }


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Form]:
    """Return the comparable form of each argument, by its dotted name."""
    found: dict[str, Form] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = _form(value)
    return found


def _form(value: Any) -> Form:
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, int | float):
        return ("number", float(value))
    return ("text", value) if isinstance(value, str) else ("json", repr(value))


def _forms(text: str) -> list[Form]:
    """Return what a text on the command line may mean: only the script knows its type."""
    forms: list[Form] = [("text", text)]
    word = text.lower()
    if word in (*YES, *NO):
        forms.append(("constant", word in YES))
    if word in _NONE:
        forms.append(("constant", None))
    with suppress(ValueError):
        forms.append(("number", float(text)))
    if text[:1] in ("[", "{"):
        import json

        with suppress(ValueError, RecursionError):
            forms.append(("json", repr(json.loads(text))))
    return forms


def _record(run: Mapping[str, Any]) -> dict[str, Any] | None:
    if run["run_dir"] is None:
        return None
    try:
        record = read_record(run["run_dir"])
    except RecordError:  # its directory is gone, and with it its results
        return None
    return record if isinstance(record.get("argv"), list) else None


def _is_older(file: str, record: Mapping[str, Any]) -> bool:
    """Tell whether a file is as the run found it: one that has changed gives other values."""
    from datetime import datetime

    try:
        return os.stat(file).st_mtime < datetime.fromisoformat(record["started"]).timestamp()
    except (OSError, ValueError):
        return False


def _changed(record: Mapping[str, Any], run_dir: str) -> list[str]:
    """Return the names of the files of a run's code that have changed since."""
    code = locate_run(run_dir) / "code"
    script = record.get("script")
    pairs = {os.path.basename(script): script} if isinstance(script, str) else {}
    for name, file in ((record.get("code") or {}).get("modules") or {}).items():
        end = "/__init__.py" if os.path.basename(file) == "__init__.py" else ".py"
        pairs[name.replace(".", "/") + end] = file
    changed = []
    for copy, file in pairs.items():
        with suppress(OSError):  # a run in an archive; a module that is gone
            now = source_without_secrets(_read(file))
            if now != _read(code / copy):
                changed.append(copy)
    return changed


def _read(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read()
