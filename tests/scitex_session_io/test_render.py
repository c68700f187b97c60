"""A rendered log is what its terminal showed in the end; a log without codes is itself."""

from __future__ import annotations

import io
import os
import re
import sys
import tracemalloc
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_io import InvalidTypeError, render
from support import run_script, write_script

ROWS, COLUMNS = 40, 120
MIB = 1 << 20
# As documented: rows within the cursor's reach, and bytes of a row that can be redrawn.
HEIGHT, WIDTH = 256, 8192


def rendered(log: Any) -> bytes:
    return b"".join(render(log))


def rows_of(text: str) -> list[str]:
    """The rows, without blanks behind them, and with one spelling of accents and tabs."""
    return [row.rstrip() for row in unicodedata.normalize("NFC", text).expandtabs().split("\n")]


def seen_by_pyte(data: bytes) -> list[str]:
    """What a terminal emulator shows, its cursor at the bottom when the log begins."""
    pyte = pytest.importorskip("pyte", reason="pyte is not installed")
    screen = pyte.Screen(COLUMNS, ROWS)
    screen.set_mode(pyte.modes.LNM)  # "\n" begins a line, as the terminal's driver has it
    pyte.ByteStream(screen).feed(b"\n" * (ROWS - 1) + data)
    return rows_of("\n".join(screen.display))


# What can be told from a log that does not know its terminal: relative motions.
CODES = [
    *("\n", "\r\n", "\r", "\b", "\t", "abc", "x y ", "a longer text", " " * 8, "█▌", "e\u0301"),
    *("\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[C", "\x1b[3C", "\x1b[2D", "\x1b[5G", "\x1b[F", "\x1b[E"),
    *("\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[2P", "\x1b[3@", "\x1b[2X", "\x1bM", "\x1bE"),
    *("\x1b[1;31m", "\x1b[0m", "\x1b[?25l", "\x1b]0;title\x07", "\x1b(B", "\x1b[6n", "\x1b="),
]


@given(st.lists(st.sampled_from(CODES), max_size=15))
def test_it_is_what_a_terminal_emulator_shows(codes: list[str]) -> None:
    data = "".join(codes).encode()
    shown = rendered(b"\n" * (ROWS - 1) + data).decode().replace("\r\n", "\n")
    # Blank rows below the cursor are no part of a rendering.
    assert without_margins(rows_of(shown)) == without_margins(seen_by_pyte(data))


@given(
    st.lists(
        st.sampled_from([*CODES, "日本", "\x1b7", "\x1b8", "\x1b", "\x1b[3", "\x1b]", "\x07"])
    ),
    st.binary(max_size=20),
    st.integers(1, 7),
)
def test_where_the_pieces_are_cut_does_not_matter(codes: list[str], more: bytes, size: int) -> None:
    data = "".join(codes).encode() + more
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    assert rendered(pieces) == rendered(data)


@given(st.binary().map(lambda data: re.sub(rb"[\r\x08\x1b]", b"\r\n", data)))
def test_what_has_no_codes_comes_out_byte_for_byte(data: bytes) -> None:
    assert rendered(data) == data


@pytest.mark.parametrize(
    "line",
    [b"x" * 99 + b"\n", b"\n", b"a\tb \r\n", b"\xff\x00\xe6\x97\n", b"x" * (WIDTH + 1) + b"\n"],
)
def test_a_plain_log_of_many_pieces_comes_out_byte_for_byte(line: bytes) -> None:
    data = line * (3 * MIB // len(line)) + b"no end of the line"
    Path("a.log").write_bytes(data)
    assert rendered("a.log") == data


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ("  0%\r 50%\r100%\n", "100%\n"),
        ("loading...\rdone\n", "doneing...\n"),
        ("loading...\r          \rdone\n", "done\n"),
        ("loading...\r\x1b[Kdone\n", "done\n"),
        ("\x1b[32m  green \x1b[0m\n", "  green \n"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("spin |\b/\b-\b\\\b ok\n", "spin  ok\n"),
        ("日本\b\bx\n", "日x\n"),
        ("日本\bx\n", "日 x\n"),
        ("日本\rx\n", "x 本\n"),
        ("first\nsecond\n\x1b[2A\x1b[2KFIRST\n\n", "FIRST\nsecond\n"),
        ("kept\ntransient\n\x1b[1A\x1b[2K", "kept\n"),
        ("a\x1b7bcd\x1b8B\n", "aBcd\n"),
        ("\x1b[saaa\x1b[ub\n", "baa\n"),
        ("before\x1b[H\x1b[2Jafter\x1b[3;2Hthen", "before\nafter\n then"),
        ("a\n\x1b[?1049hediting\x1b[5;5Hit\x1b[?1049lb\n", "a\nb\n"),
        (
            "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\ \x1bP1$tq\x1b\\\x1b(Bend",
            "link end",
        ),
        ("no string: \x1b]it ends\nhere", "no string: it ends\nhere"),
        ("cut short \x1b[3", "cut short "),
        ("\x1b\x1b[m[1Atext", "[1Atext"),
        ("é\x9b31m ü", "é\x9b31m ü"),
        ("tab\tcell\rT", "Tab\tcell"),
        ("\x1b[999999999999999A\x1b[9999Dup", "up"),
    ],
)
def test_a_log_is_shown_as_its_terminal_showed_it(log: str, shown: str) -> None:
    assert rendered(log.encode()).decode() == shown


def test_eight_bit_codes_are_bytes_like_others() -> None:
    assert rendered(b"\x9b31m\x84 \xc2\x9b1A\n") == b"\x9b31m\x84 \xc2\x9b1A\n"


BARS = {
    "tqdm": """
        from tqdm import tqdm
        for _ in tqdm(range(50), desc="one", mininterval=0): pass
    """,
    "tqdm, nested": """
        from tqdm import tqdm
        for _ in tqdm(range(3), desc="outer", mininterval=0):
            for _ in tqdm(range(4), desc="inner", mininterval=0): pass
    """,
    "tqdm, nested and not left": """
        from tqdm import tqdm
        for _ in tqdm(range(3), desc="outer", mininterval=0):
            for _ in tqdm(range(2), desc="middle", leave=False, mininterval=0):
                for _ in tqdm(range(2), desc="inner", leave=False, mininterval=0): pass
        print("done")
    """,
    "tqdm, by position": """
        from tqdm import tqdm
        bars = [tqdm(total=5, position=i, desc=f"bar {i}", mininterval=0) for i in range(4)]
        for step in range(5):
            for bar in bars: bar.update()
        for bar in bars: bar.close()
        print("done")
    """,
    "tqdm, with text between": """
        from tqdm import tqdm
        for i in tqdm(range(5), desc="outer", mininterval=0):
            for _ in tqdm(range(3), desc="inner", leave=False, mininterval=0, ascii=True): pass
            tqdm.write(f"wrote {i}")
    """,
    "rich, progress": """
        from rich.progress import Progress
        from rich.console import Console
        with Progress(console=Console(force_terminal=True)) as progress:
            for name in ("first", "second"):
                task = progress.add_task(name, total=3)
                for _ in range(3):
                    progress.update(task, advance=1)
                    progress.refresh()
                    progress.console.print("[red]a line above[/red]")
    """,
    "rich, transient": """
        from rich.progress import Progress
        from rich.console import Console
        print("before")
        with Progress(console=Console(force_terminal=True), transient=True) as progress:
            task = progress.add_task("gone", total=3)
            for _ in range(3): progress.update(task, advance=1, refresh=True)
        print("after")
    """,
    "rich, a live table": """
        from rich.live import Live
        from rich.console import Console
        from rich.table import Table
        def table(rows):
            made = Table("epoch", "loss")
            for row in range(rows): made.add_row(str(row), "日本 %.2f" % (1 / (row + 1)))
            return made
        with Live(table(1), console=Console(force_terminal=True), auto_refresh=False) as live:
            for rows in (3, 6, 2): live.update(table(rows), refresh=True)
    """,
    "rich, status and track": """
        import time
        from rich.console import Console
        from rich.progress import track
        console = Console(force_terminal=True)
        with console.status("working"):
            time.sleep(0.3)
            console.log("one thing")
        for _ in track(range(5), console=console): pass
    """,
    "pip": """
        import time
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
        columns = (TextColumn("   "), BarColumn(), DownloadColumn())
        print("Collecting it")
        console = Console(force_terminal=True)
        with Progress(*columns, console=console, refresh_per_second=30) as bars:
            task = bars.add_task("", total=10**6)
            for _ in range(5): bars.update(task, advance=2 * 10**5); time.sleep(0.02)
        print("Installed")
    """,
}


@pytest.mark.parametrize("name", BARS)
def test_real_progress_bars_end_as_they_do_on_a_terminal(name: str) -> None:
    pytest.importorskip(name.partition(",")[0].replace("pip", "rich"), reason="it is not installed")
    data = printed_on_a_terminal(BARS[name])
    assert b"\x1b" in data or b"\r" in data.replace(b"\r\n", b"")
    shown = without_margins(rows_of(rendered(data).decode().replace("\r\n", "\n")))
    assert shown
    assert without_margins(seen_by_pyte(data)) == shown
    # As a log has it: without the CR that the terminal's driver adds.
    log = data.replace(b"\r\n", b"\n")
    assert without_margins(rows_of(rendered(log).decode())) == shown


def without_margins(rows: list[str]) -> list[str]:
    """The rows from the first to the last one that is not blank."""
    inked = [index for index, row in enumerate(rows) if row]
    return rows[inked[0] : inked[-1] + 1] if inked else []


def printed_on_a_terminal(source: str) -> bytes:
    """Run a script on a pseudo-terminal, and give what it wrote there."""
    pty = pytest.importorskip("pty", reason="pseudo-terminals need a POSIX system")
    termios = pytest.importorskip("termios")
    script = os.fspath(write_script(source))
    data: list[bytes] = []
    pid, terminal = pty.fork()
    if not pid:
        termios.tcsetwinsize(1, (ROWS, COLUMNS))
        environment = {**os.environ, "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, script], environment)
    while piece := _read(terminal):
        data.append(piece)
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0, b"".join(data)
    return b"".join(data)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the script has ended
        return b""


LOG = b"0%\r\xc3\xa9\n"


@pytest.mark.parametrize(
    "log",
    [
        LOG,
        bytearray(LOG),
        memoryview(LOG),
        io.BytesIO(LOG),
        io.StringIO("0%\ré\n", newline=""),
        [LOG[:4], LOG[4:]],
        ["0%\r", "é\n"],
        (bytes([byte]) for byte in LOG),
    ],
    ids=lambda log: type(log).__name__,
)
def test_a_log_may_be_bytes_a_stream_or_pieces(log: Any) -> None:
    assert rendered(log) == "é%\n".encode()


def test_a_log_may_be_a_path_or_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(LOG)
    with path.open("rb") as binary, path.open(newline="", encoding="utf-8") as text:
        shown = [rendered(log) for log in (path, str(path), binary, text)]
    assert shown == ["é%\n".encode()] * 4


@pytest.mark.parametrize("log", [None, 3, object()])
def test_what_is_no_log_is_refused_at_once(log: Any) -> None:
    with pytest.raises(InvalidTypeError, match="log must be a path, bytes, an open file"):
        render(log)


def test_a_piece_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match="a piece of log must be bytes or str, not int"):
        rendered([b"a", 3])


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.log"):
        rendered("gone.log")


@pytest.mark.parametrize(
    ("line", "mebibytes"),
    [
        (b"one of many lines\n", 64),
        (b"a line without end ", 64),
        (b"x" * 40000 + b"\n", 64),
        (b"x" * WIDTH + b"\n", 64),
        (b"\r 50%|#####     |", 1),
        (b"\x1b[32mgreen\x1b[0m\n", 4),
        (b"\x1b]no end of a string", 16),
    ],
    ids=lambda given: repr(given[:20]) if isinstance(given, bytes) else str(given),
)
def test_memory_does_not_grow_with_the_log(line: bytes, mebibytes: int) -> None:
    # The peak of what one MiB takes, and of what many take.
    few, much = (peak_of(line, total) for total in (MIB // 4, mebibytes * MIB))
    assert much < few + 8 * MIB


def peak_of(line: bytes, total: int) -> int:
    piece = line * (MIB // 4 // len(line))
    tracemalloc.start()
    try:
        for shown in render(piece for _ in range(total // len(piece))):
            assert shown
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_rows_beyond_every_screen_are_out_of_reach() -> None:
    log = b"".join(b"%d\n" % number for number in range(3 * HEIGHT))
    shown = rendered(log + b"\x1b[9999A\x1b[2Khere").splitlines()
    assert shown[2 * HEIGHT + 1] == b"here"
    del shown[2 * HEIGHT + 1]
    assert shown == [line for line in log.splitlines() if int(line) != 2 * HEIGHT + 1]


BOMBS = {
    "a huge count": b"ab\rX\x1b[10000000@\n",
    "many counts": b"ab\rX" + b"\x1b[9999@" * 2000 + b"\n",
    "a million accents": b"ab\r" + "\u0301".encode() * MIB + b"\n",
    "accents one by one": b"ab\r" + "\x1b[2G\u0301".encode() * 20_000 + b"\n",
    "far to the right": b"\x1b[99999999CX\n" * 20_000,
    "every character there is": b"ab\r" + "".join(map(chr, range(0x20000, 0x60000))).encode(),
    "a count of many digits": b"ab\r\x1b[" + b"9" * 32 + b"@\x1b[" + b"9" * 32 + b"CX\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_few_bytes_of_code_take_no_more_room_and_time_than_a_screen(bomb: str) -> None:
    Path("log").write_bytes(BOMBS[bomb])
    finished = run_script("""
        import resource, time
        from scitex_session_io import render
        sum(map(len, render(b"ab\\rX\\x1b[@\\n")))
        before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        size = sum(map(len, render("log")))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(size, after - before, time.process_time() - cpu)
    """)
    size, kibibytes, seconds = finished.stdout.split()
    assert int(size) <= max(len(BOMBS[bomb]), 1100 * BOMBS[bomb].count(b"\n"))
    assert int(kibibytes) < 40_000
    assert float(seconds) < 10


def test_what_is_inserted_pushes_the_rest_of_a_row_out_at_the_edge() -> None:
    assert b"".join(render(b"abc\r\x1b[2@X\n")) == b"X abc\n"
    assert b"".join(render(b"abc\r\x1b[100000@X\n")) == b"X\n"
