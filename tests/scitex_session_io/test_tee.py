"""Mode "sys": what Python prints is copied; nothing a notebook does with its streams breaks."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import pytest

from scitex_session_io import capture
from support import run_script

if TYPE_CHECKING:
    from scitex_session_io import Capture


class Notebook(io.StringIO):
    """A stream without descriptor or binary side, and with something of its own."""

    def only_here(self) -> str:
        """Answer."""
        return "here"


def begin(behind: object) -> Capture:
    """Capture while `behind` is `sys.stdout`; the fixture of all tests puts it back."""
    sys.stdout = cast("TextIO", behind)
    return capture("o.log", "e.log").start()


def test_a_replaced_stream_chooses_the_tee_by_itself() -> None:
    notebook = Notebook()
    capturing = begin(notebook)
    print("text \u20ac \ud800")
    assert capturing.mode == "sys"
    assert getattr(sys.stdout, "only_here")() == "here"  # noqa: B009 - the tee has it at run time
    assert Path("o.log").read_bytes() == b"text \xe2\x82\xac \\ud800\n"
    capturing.stop()
    assert sys.stdout is notebook
    print("after")
    assert notebook.getvalue() == "text \u20ac \ud800\nafter\n"
    assert b"after" not in Path("o.log").read_bytes()


def test_a_part_of_a_line_is_in_the_log_at_once() -> None:
    capturing = begin(Notebook())
    print("half", end="")
    assert Path("o.log").read_bytes() == b"half"
    capturing.stop()


def test_the_binary_side_is_logged_as_well() -> None:
    binary = io.BytesIO()
    behind = io.TextIOWrapper(binary, encoding="utf-8")
    capturing = begin(behind)
    sys.stdout.buffer.write(b"\xff\n")
    sys.stdout.flush()
    capturing.stop()
    assert Path("o.log").read_bytes() == b"\xff\n"
    assert binary.getvalue() == b"\xff\n"


def test_a_stream_without_a_binary_side_has_none_under_the_tee() -> None:
    capturing = begin(Notebook())
    assert not hasattr(sys.stdout, "buffer")
    with pytest.raises(io.UnsupportedOperation):
        sys.stdout.fileno()
    assert not sys.stdout.isatty()
    capturing.stop()


def test_who_keeps_the_tee_writes_to_what_was_behind_it() -> None:
    notebook = Notebook()
    capturing = begin(notebook)
    kept = sys.stdout
    capturing.stop()
    assert kept is capturing.stdout
    print("kept", file=kept)
    assert notebook.getvalue() == "kept\n"
    assert Path("o.log").read_bytes() == b""


def test_a_tee_that_is_dropped_after_its_stream_was_closed_raises_nothing() -> None:
    notebook = Notebook()
    capturing = begin(notebook)
    capturing.stop()
    sys.stdout = Notebook()
    notebook.close()
    del capturing
    gc.collect()


def test_no_stream_at_all_is_logged_and_stays_none() -> None:
    capturing = begin(None)
    print("logged")
    assert (sys.stdout.encoding, sys.stdout.errors) == ("utf-8", None)
    capturing.stop()
    assert sys.stdout is None
    assert Path("o.log").read_text() == "logged\n"


def test_a_stream_put_in_meanwhile_stays() -> None:
    capturing = begin(Notebook())
    theirs = sys.stdout = Notebook()
    capturing.stop()
    assert sys.stdout is theirs


def test_under_pytest_or_a_notebook_a_full_disk_is_said_once_and_printing_goes_on() -> None:
    finished = run_script("""
        import io, resource, sys
        from scitex_session_io import capture
        sys.stdout = io.StringIO()
        with capture("o.log", "e.log") as c:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            for i in range(1000): print(i)
            assert sys.stdout.getvalue().count("\\n") == 1000
            assert c.mode == "sys"
    """)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("can't write to") == 1
    assert finished.stderr.count("sys.stdout (StringIO) does not write to its descriptor") == 1
    assert finished.stderr.count("\n") == 2
    assert Path("o.log").stat().st_size == 1000


def test_pdb_steps_over_the_tee_and_not_into_it() -> None:
    finished = run_script(
        """
        from scitex_session_io import capture
        with capture("o.log", "e.log", mode="sys"):
            breakpoint()
            print("first")
            print("second")
        """,
        stdin="step\n" * 3 + "continue\n",
    )
    assert finished.returncode == 0, finished.stderr
    assert "_tee.py" not in finished.stdout
    assert finished.stdout.count("(Pdb)") >= 4


def test_mode_none_leaves_the_streams_alone() -> None:
    out, err = sys.stdout, sys.stderr
    with capture(mode="none") as capturing:
        assert (sys.stdout, sys.stderr) == (capturing.stdout, capturing.stderr) == (out, err)
