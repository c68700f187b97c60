"""``--help`` of a script: what its docstring and signature say, and nothing started."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import Any

from scitex_session._config.folder import read_config_files
from scitex_session._config.script import script_of
from scitex_session._errors import ConfigFileError

from .callables import namespace_of
from .rows import rows_of
from .session_table import OTHERS, PREFIX, SESSION_OPTIONS, VARIABLE_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .parser import CommandLine
    from .rows import Row

_NARROWEST, _WIDEST = 50, 110
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def print_help(line: CommandLine, func: Callable[..., Any], program: str) -> None:
    """Print the help of a script, as wide as the terminal, styled if that shows it.

    Parameters
    ----------
    line : CommandLine
        What it takes.
    func : callable
        The function, for its docstring.
    program : str
        How it is called.
    """
    width = min(max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST), _WIDEST)
    text = help_text(line, func, program, width=width, styled=_shows_style())
    say(text)


def say(text: str) -> None:
    """Print what was asked for instead of a run.

    Raises
    ------
    SystemExit
        With 1, where it can't be written: a full disk is one line, a closed pipe no word at all.
    """
    try:
        print(text, end="", flush=True)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"can't be written to the standard output: {error.strerror}", file=sys.stderr)
        # Python flushes again at exit, and would say it a second time, as a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def help_text(
    line: CommandLine, func: Callable[..., Any], program: str, *, width: int, styled: bool
) -> str:
    """Return the help of a script.

    Parameters
    ----------
    line : CommandLine
        What it takes.
    func : callable
        The function, for its docstring.
    program : str
        How it is called.
    width : int
        Columns to fill.
    styled : bool
        Whether to write headings bold and what is the session's faint.

    Returns
    -------
    str
    """
    rows = list(rows_of(line))
    bold, dim, plain = (_BOLD, _DIM, _PLAIN) if styled else ("", "", "")
    needed = [_usage(row) for row in rows if row.required]
    # Values for *args come first: behind an option that takes several they would be its own.
    values = [row.open for row in rows if row.open and not row.open.startswith("[--")]
    extra = [row.open for row in rows if row.open.startswith("[--")]
    usage = f"usage: {program} {' '.join([*values, *needed, '[options]', *extra])}"
    parts = ["\n".join(textwrap.wrap(usage, width, subsequent_indent=" " * 7))]
    parts += [_filled(paragraph, width) for paragraph in _description(func)]
    for heading, chosen in (
        ("required", [row for row in rows if row.required]),
        ("options", [row for row in rows if not row.required]),
    ):
        lines = list(_table([_entry(row) for row in chosen], width))
        if heading == "options":
            flags = [(", ".join(reversed(line.help_flags)), "show this and exit")]
            flags += [("    --version", "print it and exit")] * (line.version is not None)
            lines += _table([each for each in flags if each[0]], width)
        if lines:
            parts.append("\n".join([f"{bold}{heading}:{plain}", *lines]))
    if line.left_out:
        left = ", ".join(f"{name} ({kind})" for name, kind in line.left_out.items())
        parts.append(_filled(f"not to be given here: {left}", width))
    quiet = [f"session (also as ${VARIABLE_PREFIX}SEED and so on):", *_session_table(width)]
    parts.append(f"{dim}" + "\n".join([*quiet, *_configuration(func, width)]) + plain)
    return "\n\n".join(parts) + "\n"


def _usage(row: Row) -> str:
    long = next((name for name in row.names if name.startswith("--")), row.names[0])
    return f"{long} {row.form}".rstrip()


def _entry(row: Row) -> tuple[str, str]:
    indent = "" if row.names[0].startswith("-") and row.names[0][1] != "-" else "    "
    left = f"{indent}{', '.join(row.names)} {row.form}".rstrip()
    default = f"(default: {row.default})" if row.default else ""
    return left, f"{row.help} {default}".strip()


def _table(entries: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    column = max(26, width // 3)
    for left, right in entries:
        wrapped = textwrap.wrap(right, width - column) or [""]
        if len(left) + 4 > column:
            yield f"  {left}"
        else:
            yield f"  {left:<{column - 2}}{wrapped.pop(0)}".rstrip()
        yield from (f"{'':{column}}{line}" for line in wrapped if line)


def _session_table(width: int) -> Iterator[str]:
    names = ("--config", f"{PREFIX}config")
    form, text = OTHERS["config"]
    yield from _table([(f"{names[0]} {form}", f"{text}; also {names[1]}")], width)
    rows = [(f"{PREFIX}{each.name} {each.form}".rstrip(), each.text) for each in SESSION_OPTIONS]
    form, text = OTHERS["completion"]
    yield from _table([*rows, (f"{PREFIX}completion {form}", text)], width)


def _configuration(func: Callable[..., Any], width: int) -> list[str]:
    try:
        files = read_config_files(script_of(namespace_of(func)))
    except ConfigFileError as error:
        return ["", _filled(f"configuration: {error}", width)]
    told = []
    for name, value in files.values.items():
        keys = f" ({', '.join(map(str, value))})" if isinstance(value, dict) else ""
        told.append(f"CONFIG.{name}{keys}")
    return ["", _filled(f"configuration: {', '.join(told)}", width)] if told else []


def _description(func: Callable[..., Any]) -> list[str]:
    if not func.__doc__:
        return []
    from docstring_parser import parse

    doc = parse(func.__doc__)
    text = "\n\n".join(part for part in (doc.short_description, doc.long_description) if part)
    return text.split("\n\n")


def _filled(paragraph: str, width: int) -> str:
    """Fill a paragraph; what is laid out by hand (a list, an indented block) stays as it is."""
    lines = paragraph.splitlines()
    if any(each[:1] in " -*" for each in lines):
        return paragraph
    return textwrap.fill(" ".join(paragraph.split()), width)


def _shows_style() -> bool:
    telling = os.environ.get("NO_COLOR", "") == "" and os.environ.get("TERM") != "dumb"
    return telling and sys.stdout is not None and sys.stdout.isatty()
