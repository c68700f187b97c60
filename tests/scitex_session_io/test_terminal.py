"""On a real terminal: what a person sees with capture is what there is to see without."""

from __future__ import annotations

import os
import re
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if os.name != "posix":
    pytest.skip("pseudo-terminals need a POSIX system", allow_module_level=True)

import termios

from support import wait_until
from support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 30
CAPTURES = {
    True: 'from scitex_session_io import capture\nwith capture("o.log", "e.log"):\n',
    False: "if True:\n",
}

TQDM = """
import sys, time
from tqdm import tqdm
print("before")
frozen = {"mininterval": 0, "bar_format": "{desc}|{bar}|{n_fmt}"}
for i in tqdm(range(3), desc="outer", **frozen):
    if i == 1:
        sys.stderr.write("\x1b]0;ready\x07")
        sys.stderr.flush()
        sys.stdin.readline()
    for j in tqdm(range(4), desc="inner", leave=False, dynamic_ncols=True, position=1, **frozen):
        pass
    tqdm.write(f"line {i}")
print("after")
"""
RICH = """
import os, sys
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
console = Console()
console.print(Panel("a panel as wide as the window"), style="red")
print("\x1b]0;ready\x07", end="", flush=True)
sys.stdin.readline()
console.print(Panel("another"))
with Progress(TextColumn("{task.description}"), BarColumn(None), auto_refresh=False) as progress:
    task = progress.add_task("work", total=4)
    for i in range(4):
        progress.advance(task)
        progress.console.print(f"step {i}")
        progress.refresh()
with Live(Panel("first"), auto_refresh=False, console=console) as live:
    live.update(Panel("second\\nof two lines"), refresh=True)
print(console.size.width, console.is_terminal)
"""


def seen(script: str, columns: int, resized: int, *, captured: bool) -> list[str]:
    """Give what a terminal emulator shows at the end, coloured characters marked."""
    pyte = pytest.importorskip("pyte", reason="comparing what is seen needs pyte")
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    source = CAPTURES[captured] + textwrap.indent(script, "    ")
    with Terminal(source, columns=columns, lines=LINES) as terminal:
        stream.feed(terminal.read(until=b"\x1b]0;ready\x07"))  # as a window's title: unseen
        terminal.resize(resized, LINES)
        screen.resize(LINES, resized)
        terminal.send(b"\n")
        stream.feed(terminal.read())
        assert terminal.close() == 0
    return [
        "".join(
            f"{cell.data}{'' if cell.fg == 'default' else '*'}"
            for cell in (screen.buffer[y][x] for x in range(resized))
        ).rstrip()
        for y in range(LINES)
    ]


@pytest.mark.parametrize(("columns", "resized"), [(80, 80), (133, 133), (80, 133), (133, 80)])
@pytest.mark.parametrize("name", ["tqdm", "rich"])
def test_progress_is_drawn_as_without_capture(name: str, columns: int, resized: int) -> None:
    pytest.importorskip(name, reason=f"drawing with {name} needs it")
    script = TQDM if name == "tqdm" else RICH
    without = seen(script, columns, resized, captured=False)
    assert max(map(len, without)) > resized / 2, "something as wide as the window has been drawn"
    assert seen(script, columns, resized, captured=True) == without


ASKING = """
import getpass, readline, sys
print("begin")
print(repr(input("name? ")))
print(repr(input("again? ")))
try: input("stop? ")
except KeyboardInterrupt: print("stopped")
def inner():
    x = 6
    breakpoint()
    print("stepped over")
    x += len(input("in: "))
    return x
print(inner())
print(repr(getpass.getpass("secret? ")))
try: input("end? ")
except EOFError: print("ended")
"""
LEFT, UP = b"\x1b[D", b"\x1b[A"
KEYS = [
    (b"name? ", b"helo" + LEFT + b"l\r"),
    (b"again? ", UP + b"!\r"),
    (b"stop? ", b"\x03"),
    # From 3.13 on, it stops at the breakpoint itself.
    *[(b"(Pdb) ", b"next\r")] * (sys.version_info >= (3, 13)),
    (b"(Pdb) ", b"step\r"),
    (b"(Pdb) ", b"step\r"),
    (b"in: ", b"four\r"),
    (b"(Pdb) ", b"p x\r"),
    (b"(Pdb) ", b"p y" + b"\x7f" + b"x * 1\r"),
    (b"(Pdb) ", b"return\r"),
    (b"(Pdb) ", b"continue\r"),
    (b"secret? ", b"hidden\r"),
    (b"end? ", b"\x04"),
]


def conversation(script: str, keys: Sequence[tuple[bytes, bytes]], *, captured: bool) -> str:
    """Answer each prompt with keys; give what was shown."""
    source = CAPTURES[captured] + textwrap.indent(script, "    ")
    shown = b""
    with Terminal(source, columns=80) as terminal:
        for prompt, pressed in keys:
            shown += terminal.read(until=prompt)
            if pressed == b"\x03":  # readline's own handler is there shortly after its prompt
                time.sleep(0.3)
            terminal.send(pressed)
        shown += terminal.read()
        assert terminal.close() == 0
    # The line of a statement is one more with capture; where a key comes before the editor is
    # ready, it draws the first character anew.
    return re.sub(r"script.py\(\d+\)", "script.py", shown.replace(b"\x08 ", b"").decode())


def test_questions_and_the_debugger_take_keys_as_without_capture() -> None:
    without = conversation(ASKING, KEYS, captured=False)
    assert "'hello'" in without
    assert "'hello!'" in without
    assert "hidden" not in without.split("secret? ")[1].splitlines()[0]
    assert "stopped" in without
    assert conversation(ASKING, KEYS, captured=True) == without
    log = Path("o.log").read_text()
    assert log.startswith("begin\nname? 'hello'\nagain? 'hello!'\n")
    assert "(Pdb)" in log


@pytest.mark.parametrize(
    "prompt",
    [
        "\nname? ",
        "line one\nline two\nname? ",
        "\x1b[31mname? \x1b[0m",
        "\x01\x1b[31m\x02name? \x01\x1b[0m\x02",
        "first\n\x01\x1b[1;32m\x02näme\x01\x1b[0m\x02? ",
        "only a line\n",
    ],
)
@pytest.mark.parametrize("before", ["begin\n", "half "])
def test_prompts_of_several_lines_and_with_colours_look_as_without_capture(
    prompt: str, before: str
) -> None:
    script = f"""
import readline
print({before!r}, end="", flush=True)
print(repr(input({prompt!r})))
print(repr(input({prompt!r})))
"""
    without = edited(script, captured=False)
    assert any("'hello, you'" in line for line in without)
    assert edited(script, captured=True) == without


def edited(script: str, *, captured: bool) -> list[str]:
    """Answer two questions with cursor keys and history; give what an emulator shows."""
    pyte = pytest.importorskip("pyte", reason="comparing what is seen needs pyte")
    screen = pyte.Screen(40, LINES)
    stream = pyte.ByteStream(screen)
    # Without bracketed paste, whose codes the emulator would show.
    Path("inputrc").write_text("set enable-bracketed-paste off\n")
    source = "import os\nos.environ['INPUTRC'] = 'inputrc'\n"
    source += CAPTURES[captured] + textwrap.indent(script, "    ")
    with Terminal(source, columns=40, lines=LINES) as terminal:
        for keys, until in [
            (b"helo" + LEFT + b"l\x05, yu" + LEFT + b"o\r", b"'hello, you'\r\n"),
            (UP + b"!" + b"\x01" + b"oh \x05\x7f.\r", b"'oh hello, you.'\r\n"),
        ]:
            # Whatever the prompt ends with: the editor is there once it gets each key at once.
            wait_until(lambda: not termios.tcgetattr(terminal.number)[3] & termios.ICANON)
            terminal.send(keys)
            stream.feed(terminal.read(until=until))
        stream.feed(terminal.read())
        assert terminal.close() == 0
    return [line.rstrip() for line in screen.display]


def test_questions_without_readline_are_asked_too() -> None:
    script = 'print("hello", input("name? "))'
    shown = conversation(script, [(b"name? ", b"ada\r")], captured=True)
    assert shown == "name? ada\r\nhello ada\r\n"


@pytest.mark.parametrize("stream", ["sys.stdout", "Wrapper(sys.stdout)"])
@pytest.mark.parametrize("mode", ["fd", "sys"])
def test_what_is_asked_about_the_terminal_is_answered_as_without_capture(
    mode: str, stream: str
) -> None:
    script = f"""
        import os, sys
        from scitex_session_io import capture
        class Wrapper:
            def __init__(self, stream): self.stream = stream
            def __getattr__(self, name): return getattr(self.stream, name)
        sys.stdout = {stream}
        def answers():
            asked = [(os.isatty(n), os.ttyname(n), os.device_encoding(n)) for n in (1, 2)]
            kept = sys.__stdout__.isatty(), sys.__stderr__.buffer.isatty()
            ours = sys.stdout.isatty(), sys.stdout.buffer.isatty(), sys.stdout.fileno()
            return asked, kept, ours
        before = answers()
        with capture("o.log", "e.log", mode={mode!r}):
            assert answers() == before, answers()
        print("checked", before[2])
    """
    with Terminal(script, columns=80) as terminal:
        assert terminal.read() == b"checked (True, True, 1)\r\n"
        assert terminal.close() == 0


def test_handlers_of_signals_may_ask_while_a_question_is_shown() -> None:
    script = """
        import random, signal, termios
        from scitex_session_io import capture
        settings = termios.tcgetattr(1)
        def ask(*_): termios.tcsetattr(1, termios.TCSADRAIN, settings)
        with capture("o.log", "e.log"):
            signal.signal(signal.SIGALRM, ask)
            for _ in range(300):
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0006))
                ask()
            signal.setitimer(signal.ITIMER_REAL, 0)
        print("asked")
    """
    with Terminal(script, columns=80) as terminal:
        assert terminal.read(timeout=90) == b"asked\r\n"
        assert terminal.close() == 0


def test_the_functions_that_were_replaced_are_put_back() -> None:
    script = """
        import builtins, fcntl, os
        from scitex_session_io import capture
        asked = lambda: (os.isatty, os.get_terminal_size, fcntl.ioctl, builtins.input)
        before = asked()
        with capture("o.log", "e.log"):
            assert all(a is not b for a, b in zip(asked(), before))
            with capture("i.log", "i.log"): pass
            mine = os.isatty = lambda fd: "mine"
        assert os.isatty is mine
        assert asked()[1:] == before[1:]
        print("checked")
    """
    with Terminal(script, columns=80) as terminal:
        assert terminal.read() == b"checked\r\n"
        assert terminal.close() == 0


def test_a_script_that_is_stopped_and_brought_back_by_a_shell_goes_on() -> None:
    Path("script.py").write_text(
        "import sys\n"
        "from scitex_session_io import capture\n"
        'with capture("o.log", "e.log"):\n'
        '    print("first")\n'
        "    sys.stdin.readline()\n"
        '    print("second")\n'
    )
    shell = ["/bin/bash", "--norc", "--noprofile", "-i"]
    if not Path(shell[0]).exists():
        pytest.skip("job control needs bash")
    with Terminal("", columns=80, argv=shell) as terminal:
        terminal.send(b"PS1='ready> '\n")
        terminal.read(until=b"hready> ")
        terminal.send(f"{sys.executable} script.py\n".encode())
        terminal.read(until=b"first\r\n")
        terminal.send(b"\x1a")  # Ctrl-Z
        terminal.read(until=b"Stopped")
        terminal.read(until=b"ready> ")
        terminal.send(b"fg\n")
        terminal.read(until=b"script.py\r\n")
        terminal.send(b"\n")
        terminal.read(until=b"second\r\n")
        terminal.send(b"exit\n")
        terminal.read()
        assert terminal.close() == 0
    assert Path("o.log").read_text() == "first\nsecond\n"
