"""Write the help of a command line; imported only for ``--help``."""

from __future__ import annotations

import os
import shutil
import sys
from itertools import zip_longest
from textwrap import fill, wrap
from typing import Any

from cyclopts.help import create_parameter_help_panel, format_doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import cyclopts
    from cyclopts.help import HelpEntry

_PLAIN = "plaintext"  # docstrings are not markup
_NAMES = 30  # columns at most; longer names have lines of their own
_BOLD, _CYAN = "1", "36"


def print_help(app: cyclopts.App, answers: Iterable[tuple[str, str]], last: str) -> None:
    """Print the help of an app that is one command, as wide as the terminal.

    Parameters
    ----------
    app : cyclopts.App
        The app.
    answers : iterable of (str, str)
        Names and meaning of what it answers itself, such as ``--help``.
    last : str
        The group of options that comes last.

    Notes
    -----
    cyclopts knows what there is to say. It would print it with rich, whose import and layout take
    as long as three starts of Python.
    """
    width = max(shutil.get_terminal_size().columns, 40)
    arguments = app.assemble_argument_collection(parse_docstring=True)
    groups: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    usage, rest = [f"Usage: {app.name[0]}"], []
    for group in [each for each in arguments.groups if each.show]:
        found = arguments.filter_by(group=group)
        entries = create_parameter_help_panel(group, found, _PLAIN).entries
        usage += [f"{e.names[0]} {e.metavar or ''}".strip() for e in entries if e.required]
        rest += [f"[{e.positional_label}...]" for e in entries if e.positional_label]
        rows = [(" ".join(e.display_labels_with_metavar), _meaning(e)) for e in entries]
        groups[group.name] = (f" ({group.help})" if group.help else "", rows)
    groups.setdefault("Parameters", ("", []))[1].extend(answers)
    usage = wrap(" ".join([*usage, "[OPTIONS]", *rest]), width, subsequent_indent="  ")
    paragraphs = ["\n".join(usage)]
    if app.help:
        lines = _lines(format_doc(app, _PLAIN))
        paragraphs.append("\n".join(fill(line, width) for line in lines))
    for name in sorted(groups, key=last.__eq__):
        note, rows = groups[name]
        title = _styled(fill(f"{name}{note}:", width), _BOLD)
        paragraphs.append("\n".join([title, *_table(rows, width)]))
    print("\n\n".join(paragraphs))


def _meaning(entry: HelpEntry) -> str:
    """Return what an option means, its choices, variables and default."""
    more = {
        "choices": ", ".join(entry.choices or ()),
        "env var": ", ".join(entry.env_var or ()),
        "default": entry.default,
    }
    notes = [f"[{name}: {value}]" for name, value in more.items() if value]
    return " ".join([*_lines(entry.description), *notes, *["[required]"] * entry.required])


def _lines(described: Any) -> list[str]:
    """Return the lines of what cyclopts has made of a docstring."""
    return str(described.primary_renderable).strip().splitlines()


def _table(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Give the lines of a table of names and meanings."""
    widths = [len(names) for names, _ in rows]
    column = max((each for each in widths if each <= min(_NAMES, width // 2)), default=0)
    for names, meaning in rows:
        left = wrap(names, width - 4, subsequent_indent="  ", break_on_hyphens=False)
        right = wrap(meaning, width - column - 4)
        if len(names) > column and right:
            right = [""] * len(left) + right
        for name, text in zip_longest(left, right, fillvalue=""):
            yield f"  {_styled(name, _CYAN)}{' ' * (column - len(name))}  {text}".rstrip()


def _styled(text: str, style: str) -> str:
    """Put a text between the codes of a style, on a terminal that shows it."""
    shown = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return f"\x1b[{style}m{text}\x1b[m" if shown and not os.environ.get("NO_COLOR") else text
