"""A notice that a run has ended, through Apprise."""

from __future__ import annotations

import os

from scitex_session_core import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .run import Run

_LAST_LINES = 10
_LAST_BYTES = 4096


def notify_of(run: Run, message: str) -> None:
    """Send status, duration and the last lines of the log to ``$SCITEX_SESSION_NOTIFY``.

    The variable holds Apprise URLs, separated by blanks. Whatever fails is warned about and changes
    nothing of how the run ended.
    """
    urls = os.environ.get("SCITEX_SESSION_NOTIFY", "").split()
    if not urls:
        warn("notify=True, but $SCITEX_SESSION_NOTIFY holds no Apprise URL: no notice was sent")
        return
    try:
        import apprise
    except ImportError:
        warn(
            "notify=True needs Apprise, which the extra scitex-session[notify] brings "
            "(pip install apprise): no notice was sent"
        )
        return
    name = run.script.name if run.script else "session"
    title = f"{name}: {run.ledger.status} after {run.ledger.duration_s:.0f} s"
    body = f"{message}\n{run.ledger.path}\n\n{_last_lines(run)}"
    try:
        sender = apprise.Apprise()
        unknown = [n for n, url in enumerate(urls, 1) if not sender.add(url)]
        sent = sender.notify(title=title, body=body)
    except Exception as error:  # noqa: BLE001  # a library that talks to the world
        warn(f"the notice could not be sent: {type(error).__name__}: {error}")
        return
    if unknown or not sent:
        # The addresses hold passwords: say which, not what.
        which = (
            f"address {', '.join(map(str, unknown))} is no Apprise URL" if unknown else "refused"
        )
        warn(f"a notice in $SCITEX_SESSION_NOTIFY could not be sent: {which}")


def _last_lines(run: Run) -> str:
    try:
        with open(run.ledger.path / "logs" / "stdout.log", "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])
