"""`doctor` looks at all that runs depend on, and says what mends it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from json import loads

from scitex_session_core import InvalidValueError, SessionManager, journal_remove, registry_dir

from .output import (
    DIFFERENT,
    PROGRAM,
    encodable,
    on_terminal,
    printable,
    refuse,
    runs_in_words,
    say,
    say_json,
)
from .output import OK as ALL_WELL
from .probes import ABSENT, OK, PROBES, WRONG, Check, gone_sessions

_AT_ONCE = 4
_PATIENCE_S = 2.0
_FAREWELL_S = 0.2
_SIGNS = {OK: ("✓", "+", "32"), WRONG: ("✗", "!", "31"), ABSENT: ("-", "-", "33")}


def doctor_command(
    *subjects: str,
    within: float = _PATIENCE_S,
    json: bool = False,
    forget: bool = False,
    yes: bool = False,
) -> int:
    """Look at the installation, the registry, the file systems and what else runs depend on.

    Each line says what was looked at; below what is wrong stands the command that mends it. The
    exit status is 0 if all is well, and 1 if something is wrong.

    Parameters
    ----------
    subjects : str
        What to look at: installation, registry, cwd, journal, cache, matplotlib, completion, git,
        schedulers; by default all of them.
    within : float
        The most seconds that the look at each subject may take.
    json : bool
        Print an array of JSON objects instead.
    forget : bool
        Drop the runs whose directories are gone from the registry, instead. Their directories, if
        they are elsewhere, are registered by `reindex`.
    yes : bool
        Really drop them, where there is more than one.
    """
    if forget and subjects:
        return refuse(f"doctor --forget takes no SUBJECT, not {subjects[0]!r}", usage="doctor")
    if yes and not forget:
        return refuse("doctor takes --yes with --forget only", usage="doctor")
    if forget:
        return _forget(yes=yes, json=json)
    checks = doctor(*subjects, within=within)
    if json:
        say_json([check._asdict() for check in checks])
    else:
        _print(checks)
    return DIFFERENT if any(check.state == WRONG for check in checks) else ALL_WELL


def doctor(*subjects: str, within: float = _PATIENCE_S) -> list[Check]:
    """Look at all that runs depend on: nothing is changed.

    Parameters
    ----------
    *subjects : str
        What to look at: ``installation``, ``registry``, the file systems of the working directory
        (``cwd``), of the ``journal`` and of the ``cache``, ``matplotlib``, shells' ``completion``,
        ``git``, ``schedulers``; by default all of them.
    within : float
        The most seconds that each of the probes may take. They are processes of their own, so that
        a network drive that hangs holds up only the one that looks at it.

    Returns
    -------
    list of Check
        What was found, each with ``subject``, ``state`` (``ok``, ``wrong``, or ``absent`` for what
        may be missing), ``found``, and ``mend``, the command that mends it, or None.

    Raises
    ------
    InvalidValueError
        There is no such subject, or `within` is not more than 0.

    Examples
    --------
    >>> import scitex_session as stx
    >>> [check.mend for check in stx.doctor("cwd", within=10) if check.state == "wrong"]
    []
    """
    if not within > 0:
        raise InvalidValueError("within", within, "a number of seconds above 0")
    for subject in subjects:
        if subject not in PROBES:
            raise InvalidValueError("subject", subject, f"one of {', '.join(PROBES)}")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(partial(_asked, within=within), subjects or PROBES)
        return [check for checks in found for check in checks]


def _asked(subject: str, *, within: float) -> list[Check]:
    """Return what a probe finds, in a process of its own."""
    # The packages are found as this process found them; what lies in the working directory is not.
    path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path if folder)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "scitex_session._command.probes", subject],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8:backslashreplace"},
    )
    probe = PROBES[subject]
    try:
        told, trouble = process.communicate(timeout=within)
    except subprocess.TimeoutExpired as late:
        told = _abandoned(process, late)
        why = f"no answer within {within:g} s"
        return [*_checks(told), Check(subject, probe.silence, why, probe.mend)]
    checks = _checks(told)
    if process.returncode != 0:
        lines = trouble.strip().splitlines() or [f"exit status {process.returncode}"]
        why = f"the look at it failed: {printable(lines[-1])}"
        checks.append(Check(subject, WRONG, why, probe.mend))
    return checks


def _abandoned(process: subprocess.Popen[str], late: subprocess.TimeoutExpired) -> str:
    """Kill a probe, and return what it has told."""
    process.kill()
    try:
        process.wait(_FAREWELL_S)
    except subprocess.TimeoutExpired:
        pass  # it hangs in a call that even SIGKILL does not end
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    told: bytes | str = late.output or ""  # bytes, whatever the mode
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else told


def _checks(told: str) -> list[Check]:
    lines = told[: told.rfind("\n") + 1].splitlines()  # the last may be cut
    return [Check(*loads(line)) for line in lines]


def _print(checks: list[Check]) -> None:
    coloured = on_terminal() and not os.environ.get("NO_COLOR")
    width = max(len(check.subject) for check in checks) + 2
    has_signs = encodable("✓✗→")
    before = ""
    for check in checks:
        sign, plain, colour = _SIGNS[check.state]
        shown = sign if has_signs else plain
        shown = f"\x1b[{colour}m{shown}\x1b[0m" if coloured else shown
        subject = "" if check.subject == before else check.subject
        before = check.subject
        say(f"{shown} {subject:<{width}}{printable(check.found)}")
        if check.mend is not None:
            say(f"  {'':<{width}}{'→' if has_signs else '->'} {printable(check.mend)}")
    wrong = sum(check.state == WRONG for check in checks)
    say("all is well" if not wrong else f"{wrong} thing{'s' * (wrong > 1)} wrong")


def _forget(*, yes: bool, json: bool) -> int:
    gone = list(gone_sessions(SessionManager()))
    forgets = len(gone) <= 1 or yes
    try:
        for session_id, _ in gone if forgets else ():
            journal_remove(registry_dir(), session_id)
    except OSError as error:
        return refuse(f"the registry {registry_dir()} can't be written: {error.strerror}")
    if json:
        say_json([{"id": i, "folder": f, "forgotten": forgets} for i, f in gone])
        return ALL_WELL
    for session_id, folder in gone:
        say(f"{session_id}  gone from {printable(folder)}")
    runs = runs_in_words(len(gone))
    say(f"forgot {runs}" if forgets else f"would forget {runs}: {PROGRAM} doctor --forget --yes")
    return ALL_WELL
