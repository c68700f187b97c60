"""Two streams that share a terminal or a pipe are seen in the order in which they were written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mode 'fd' needs a POSIX system")


@pytest.mark.parametrize("stderr", ["sys.stderr", "kept"])
def test_lines_of_both_streams_are_shown_in_the_order_of_their_writing(stderr: str) -> None:
    Path("script.py").write_text(
        "import sys\n"
        "from scitex_session_io import capture\n"
        "kept = sys.stderr\n"  # as a logging handler does that was made before
        "with capture('out.log', 'err.log'):\n"
        "    for i in range(500):\n"
        f"        print(i, file=(sys.stdout, {stderr})[i % 2])\n"
    )
    shown = subprocess.run(
        [sys.executable, "script.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    ).stdout
    assert shown.split() == [b"%d" % i for i in range(500)]
    assert Path("out.log").read_text().split() == [str(i) for i in range(0, 500, 2)]


def test_a_log_that_is_truncated_while_both_are_shown_holds_up_nothing() -> None:
    Path("script.py").write_text(
        "import os, sys\n"
        "from scitex_session_io import capture\n"
        "with capture('out.log', 'err.log'):\n"
        "    for i in range(100): print(i); print(i, file=sys.stderr)\n"
        "    os.truncate('out.log', 0)\n"
        "    for i in range(100): print('x', i); print(i, file=sys.stderr)\n"
        "    print('end')\n"
    )
    shown = subprocess.run(
        [sys.executable, "script.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=30,
    ).stdout
    assert b"end\n" in shown
    assert Path("out.log").read_text().endswith("x 99\nend\n")
