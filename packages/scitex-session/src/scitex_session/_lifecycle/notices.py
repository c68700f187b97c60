"""Notices of how runs ended: sent by the run itself or, after a crash, by a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from scitex_session._ending import why_it_ended
from scitex_session_core import (
    RecordError,
    is_unexplained,
    job_of,
    read_record,
    warn,
    with_cause,
    without_secrets,
)
from scitex_session_io import render

from .options import NOTIFY_VARIABLE
from .record import log_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .run import Run

_LAST_LINES = 10
_LAST_ERRORS = 20  # a traceback ends with what matters
_LAST_BYTES = 1 << 14
_FIGURES = {".gif", ".jpeg", ".jpg", ".pdf", ".png", ".svg", ".webp"}
_LARGEST_FIGURE = 1_000_000  # bytes: what every mail server takes
# After a kill its job is over within seconds: only then does the scheduler tell the cause.
_JOB_ENDS_S = 10.0
_LONGEST_S = 60
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from scitex_session._lifecycle.notices import main; main(sys.argv[1])"
)


def send_notice(run: Run, message: str) -> None:
    """Send how a run of this process ended to the addresses in ``$SCITEX_SESSION_NOTIFY``.

    A failure is warned about, and changes nothing of how the run ended.
    """
    record, place = run.record.content, run.record.path
    if _dict(record.get("reason")).get("kind") in ("signal", "stopped"):
        record = with_cause(record, place)
    _send(record, place, message)


def crash_notice_command() -> list[str]:
    """Return the command that sends the notice of a crash; the run directory is to be appended."""
    package = Path(__file__).absolute().parents[2]
    # Without -P, a module in the working directory could stand in the place of Apprise's.
    return [sys.executable, "-P", "-c", _START, str(package)]


def start_notices(places: Iterable[Path]) -> None:
    """Start sending the notices of crashed runs that asked for one, for whoever filed them."""
    if not os.environ.get(NOTIFY_VARIABLE):
        return
    for place in places:
        try:
            if read_record(place).get("notify") is True:
                _start([*crash_notice_command(), str(place)])
        except (OSError, RecordError) as error:
            warn(f"the notice of {place} could not be sent: {error}")


def _start(command: list[str]) -> None:
    from subprocess import DEVNULL, Popen

    is_posix = os.name == "posix"
    if is_posix:  # the shell is gone at once, so that the script's `os.wait` meets no child of ours
        command = ["/bin/sh", "-c", '"$@" &', "sh", *command]
    child = Popen(
        command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=is_posix
    )
    if is_posix:
        child.wait()


def main(run_dir: str) -> None:
    """Send the notice of a crash: a process of its own does so, for a minute at most."""
    if hasattr(signal, "alarm"):
        signal.alarm(_LONGEST_S)
    place = Path(run_dir)
    try:
        # What goes wrong is said there: whoever reads the run's own stderr need not wait for us.
        log = os.open(log_path(place, "stderr"), os.O_WRONLY | os.O_APPEND)
    except OSError:  # nothing was captured
        pass
    else:
        os.dup2(log, sys.stderr.fileno())
        os.close(log)
    record = read_record(place)
    deadline = time.monotonic() + _JOB_ENDS_S
    while is_unexplained(record) and time.monotonic() < deadline:
        job = job_of(record)
        if job is None or job.is_over:
            break
        time.sleep(0.5)
    _send(with_cause(record, place), place, ":(")


def _send(record: Mapping[str, Any], place: Path, message: str) -> None:
    if _dict(record.get("process")).get("rank"):
        return  # the first rank speaks for all
    urls = os.environ.get(NOTIFY_VARIABLE, "").split()
    if not urls:
        warn(f"notify=True, but ${NOTIFY_VARIABLE} holds no Apprise URL: no notice was sent")
        return
    try:
        import apprise
    except ImportError:
        warn(
            "notify=True needs Apprise, which the extra scitex-session[notify] brings "
            "(pip install apprise): no notice was sent"
        )
        return
    script = Path(str(record.get("script") or "session"))
    took = record.get("duration_s")
    after = f" after {took:.0f} s" if isinstance(took, int | float) else ""
    figure = _newest_figure(record, place)
    try:
        sender = apprise.Apprise()
        unknown = [n for n, url in enumerate(urls, 1) if not sender.add(url)]
        sent = sender.notify(
            title=f"{script.name}: {record.get('status')}{after}",
            body="\n".join(_lines(record, place, message)),
            # Else a service that likes HTML or Markdown takes the log for such.
            body_format=apprise.NotifyFormat.TEXT,
            attach=None if figure is None else figure.as_uri(),
        )
    except Exception as error:  # noqa: BLE001  # a library that talks to the world
        warn(f"the notice could not be sent: {type(error).__name__}: {error}")
        return
    if unknown or not sent:
        # The addresses hold passwords: say which, not what.
        which = (
            f"address {', '.join(map(str, unknown))} is no Apprise URL" if unknown else "refused"
        )
        warn(f"a notice in ${NOTIFY_VARIABLE} could not be sent: {which}")


def _lines(record: Mapping[str, Any], place: Path, message: str) -> Iterator[str]:
    yield message
    rows = {
        "status": f"{record.get('status')}",
        "why": why_it_ended(record),
        "script": record.get("script"),
        "host": _dict(record.get("process")).get("host"),
        "run": str(place) if place.exists() else "nothing is kept",
    }
    for name, value in rows.items():
        if value:
            yield f"{name + ':':<8}{value}"
    if record.get("status") != "success":
        yield from _tail(place, "stderr", _LAST_ERRORS)
    yield from _tail(place, "stdout", _LAST_LINES)


def _tail(place: Path, stream: str, count: int) -> Iterator[str]:
    try:
        with open(log_path(place, stream), "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
            data = log.read()
    except OSError:  # nothing was captured, or nothing is kept
        return
    text = without_secrets(b"".join(render(data)).decode("utf-8", "replace"))
    if lines := text.splitlines()[-count:]:
        yield from ("", f"the last lines of {stream}:", *lines)


def _newest_figure(record: Mapping[str, Any], place: Path) -> Path | None:
    """Return the figure of a run that was written last, if it is small enough to be sent."""
    figures = []
    for artifact in record.get("artifacts") or ():
        path = place / str(artifact.get("path"))
        if artifact.get("role") != "output" or path.suffix.lower() not in _FIGURES:
            continue
        try:
            found = path.stat()
        except OSError:
            continue
        figures.append((found.st_mtime_ns, found.st_size, path))
    if not figures:
        return None
    _, size, newest = max(figures)
    return newest if size < _LARGEST_FIGURE else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
