"""Notices are sent to a real server, and their failures harm nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from support import run_script

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
    import scitex_session as stx

    @stx.session(notify=True, message="well done")
    def main():
        print("the last line")

    if __name__ == "__main__":
        main()
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"json://127.0.0.1:{http.server_port}/", received
        http.shutdown()
        thread.join()


def test_a_notice_tells_status_message_and_the_last_lines(
    server: tuple[str, list[dict[str, Any]]],
) -> None:
    pytest.importorskip("apprise", reason="apprise (the extra [notify]) is not installed")
    url, received = server
    finished = run_script(SCRIPT, env={"SCITEX_SESSION_NOTIFY": url})
    assert finished == (0, "the last line\n", "")
    (notice,) = received
    assert notice["title"].startswith("script.py: success after ")
    assert notice["message"].startswith("well done\n")
    assert notice["message"].endswith("the last line")


def test_a_notice_that_cant_be_delivered_is_said_without_its_address() -> None:
    pytest.importorskip("apprise", reason="apprise (the extra [notify]) is not installed")
    finished = run_script(SCRIPT, env={"SCITEX_SESSION_NOTIFY": "nonsense://user:pass@host"})
    assert finished.returncode == 0
    assert "address 1 is no Apprise URL" in finished.stderr
    assert "pass" not in finished.stderr


def test_without_addresses_a_notice_is_not_sent_and_that_is_said() -> None:
    finished = run_script(SCRIPT)
    assert finished.returncode == 0
    assert "SCITEX_SESSION_NOTIFY holds no Apprise URL" in finished.stderr


def test_without_apprise_the_install_command_is_named() -> None:
    finished = run_script(
        "import sys; sys.modules['apprise'] = None\n" + "import textwrap\n"
        f"exec(textwrap.dedent({SCRIPT!r}))",
        env={"SCITEX_SESSION_NOTIFY": "json://127.0.0.1:9/"},
    )
    assert finished.returncode == 0
    assert "pip install apprise" in finished.stderr
