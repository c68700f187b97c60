"""Notices come by real mail, also of a run that could not send one itself."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import read_record
from support import companion_of, run_script, start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.mail import MailServer

SCRIPT = """
    import os, sys, time
    import scitex_session as stx

    @stx.session(notify=True, verbose=False)
    def main(do: str = "raise", bytes_of_figure: int = 100):
        print("<b>one</b> and **two**")
        for name in ("old.png", "new 1?.png"):
            (stx.CONFIG.SDIR_RUN / name).write_bytes(b"x" * bytes_of_figure)
        print("the last line", flush=True)
        if do == "raise":
            raise ValueError("no <data> here")
        time.sleep(60)

    if __name__ == "__main__":
        main()
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    for name in ("apprise", "aiosmtpd"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    from support.mail import MailServer

    with MailServer() as found:
        os.environ["SCITEX_SESSION_NOTIFY"] = found.address
        yield found


def _filed() -> Path:
    """Return where the run is, once its end is filed."""
    record = wait_until(lambda: next(Path("script_out/FINISHED_ERROR").glob("*/*.json"), None))
    return record.parent.absolute()


def _killed(*, with_companion: bool = False) -> None:
    with start_script(SCRIPT, "--do", "wait") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "the last line\n":
                break
        if with_companion:
            companion = companion_of(process.pid)
            assert companion is not None
            os.kill(companion, signal.SIGKILL)
        process.kill()
        process.wait()


def test_a_failed_run_is_told_in_plain_text_with_its_error_and_newest_figure(
    server: MailServer,
) -> None:
    run_script(SCRIPT)
    (mail,) = server.mails
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == ["text/plain", "image/png"]
    assert mail["Subject"].startswith("script.py: failed after ")
    text = parts[0].get_content()
    for row in (
        "status: failed",
        "why:    ValueError: no <data> here",
        f"script: {Path('script.py').absolute()}",
        f"host:   {socket.gethostname()}",
        f"run:    {_filed()}",
    ):
        assert row in text.splitlines()
    assert "Traceback" in text
    assert "<b>one</b> and **two**" in text.splitlines()
    assert parts[1].get_filename() == "new 1?.png"


def test_a_large_figure_stays_where_it_is(server: MailServer) -> None:
    run_script(SCRIPT, "--bytes-of-figure", "1000000")
    (mail,) = server.mails
    assert [p.get_content_type() for p in mail.walk() if not p.is_multipart()] == ["text/plain"]


def test_a_killed_run_is_told_by_whoever_files_it(server: MailServer) -> None:
    _killed()
    place = _filed()
    wait_until(lambda: server.mails)
    (mail,) = server.mails
    assert mail["Subject"].startswith("script.py: crashed after ")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content().splitlines()
    assert {"why:    killed by SIGKILL", f"run:    {place}", "the last line"} <= {*text}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the companion in /proc")
def test_a_run_that_died_with_its_companion_is_told_once_when_it_is_found(
    server: MailServer,
) -> None:
    _killed(with_companion=True)
    assert [*Path("script_out/RUNNING").iterdir()]
    run_script(SCRIPT)  # at its end it files the other, and tells both
    wait_until(lambda: len(server.mails) == 2)
    titles = sorted(mail["Subject"].split(" after")[0] for mail in server.mails)
    assert titles == ["script.py: crashed", "script.py: failed"]


def test_a_mail_server_that_hangs_does_not_keep_a_crash_from_being_filed() -> None:
    pytest.importorskip("apprise", reason="apprise is not installed")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org&cto=1&rto=1"
        os.environ["SCITEX_SESSION_NOTIFY"] = address
        _killed()
        place = _filed()
        assert read_record(place)["reason"]["signal"] == signal.SIGKILL
        # Nobody answers: the log of the run says so.
        log = place / "logs" / "stderr.log"
        wait_until(lambda: "could not be sent: refused" in log.read_text(), timeout=40)
