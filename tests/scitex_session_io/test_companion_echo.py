"""How a log is shown."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session_io._companion.echo import Echo


def test_a_log_that_was_truncated_is_shown_from_its_new_beginning() -> None:
    with Path("log").open("wb") as file, Path("shown").open("wb") as out:
        file.write(b"a long first part\n")
        file.flush()
        log = os.open("log", os.O_RDONLY)
        echo = Echo(log, out.fileno())
        echo.look()
        echo.show(echo.size)
        os.truncate("log", 0)
        os.pwrite(file.fileno(), b"new\n", 0)
        echo.look()
        echo.show(echo.size)
        os.close(log)
    assert Path("shown").read_bytes() == b"a long first part\nnew\n"
