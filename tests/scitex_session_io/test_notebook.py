"""In a notebook's kernel, whose streams are no descriptors, mode "sys" is chosen by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CELL = """
import subprocess, sys
from scitex_session_io import capture
found = sys.stdout, sys.stderr
with capture("o.log", "e.log") as c:
    print("printed", c.mode)
    print("wrong", file=sys.stderr)
assert (sys.stdout, sys.stderr) == found
"""


def test_a_cell_shows_and_logs_what_it_prints() -> None:
    manager = pytest.importorskip(
        "jupyter_client.manager", reason="running a kernel needs jupyter_client and ipykernel"
    )
    pytest.importorskip("ipykernel", reason="running a kernel needs ipykernel")
    shown: dict[str, str] = {"stdout": "", "stderr": ""}

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            shown[message["content"]["name"]] += message["content"]["text"]

    kernel, client = manager.start_new_kernel()
    try:
        reply = client.execute_interactive(CELL, output_hook=hear, timeout=60)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", reply
    assert shown == {"stdout": "printed sys\n", "stderr": "wrong\n"}
    assert Path("o.log").read_text() == "printed sys\n"
    assert Path("e.log").read_text() == "wrong\n"
