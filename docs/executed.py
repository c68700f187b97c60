"""Run what the pages show, and compare what they say is printed with what is.

    python docs/executed.py PAGE...            say what differs; the exit status is 1 then
    python docs/executed.py --write PAGE...    write what is printed into the pages

Each page has a new home directory, with a copy of ``examples/``, which is kept where something
differs. Its blocks run in order:

- a block of ``python``, ``yaml``, ``toml`` or ``sh`` that begins with ``# name.py`` is that file;
  ``#!/bin/bash`` may stand above;
- any other ``python`` block is run; a ``text`` block right after it is what it prints;
- of a ``console`` block, bash runs each line that begins with ``$``; what it prints follows.

Any other block must be a directive (``{image}``), a ``text``, or stand in `NOT_RUN`.

``...`` stands for anything, and is kept where it fits. IDs, times, durations and sizes may differ;
later commands of the page may name a run by any end of the ID that the page shows for it. The tests
run a page that begins with ``<!-- needs: pandas tqdm -->`` where these libraries are installed. If
one of them is ``nbclient``, the ``python`` blocks of the page are the cells of one notebook.

Libraries that run examples (sybil, pytest-examples, byexample, cram) either know no commands, or
can't write a page anew whose commands name what an earlier command printed.
"""

from __future__ import annotations

import argparse
import difflib
import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[1]
HOME = "/home/me"
BLOCK = re.compile(r"^( *(?:```+|~~~+))([^\n]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:#!.*\n)?# ([\w/-]+\.(?:py|yaml|toml|sh))\n")
# How lines begin that are not run here, with the language of their block, and why.
NOT_RUN = {
    ("sh", "git clone "): "it needs the network",
    ("sh", "python -m pip install "): "so does it; tests/wheels/check.py installs what is built",
    ("sh", "hatch "): ".ci/run runs it on a clean clone; the benchmarks take an hour",
    ("py", ""): "the code of another package, run by hand in the version that its page names",
}
ENTRY = re.compile(r"(?m)^\$ (.*(?:(?<=\\)\n.*)*)\n((?:(?!\$ ).*\n)*)")
# Of a run, and of a sweep.
ID = re.compile(
    r"\d{4}Y-\d\dM-\d\dD-\d\dh\d\dm\d\ds_[0-9A-HJKMNP-TV-Z]{8}"
    r"|(?<=\bsweep[ -])[0-9A-HJKMNP-TV-Z]{8}\b"
)
OUTPUTS = doctest.OutputChecker()
# What may differ from run to run, and by what it is replaced before a comparison.
VARIABLE = (
    (ID, "<id>"),
    (
        re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[+-]\d\d:?\d\d|Z)?"),
        "<time>",
    ),
    (re.compile(r"\b\d[\d.,]* ?(?:ms|s|min|h)(?: ago)?\b"), "<duration>"),
    (re.compile(r"\b\d[\d.,]* (?:B|KiB|MiB|GiB)\b"), "<size>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)


class Execution:
    """The blocks of a page, run in a home directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.mistakes: list[str] = []  # what the page shows, and what is printed
        self.ids: dict[str, str] = {}  # of runs, on the page and in its home
        self.output: str | None = None  # of the last block, where nothing but blanks follow it
        self.end = 0  # of the last block
        self.run_cell: Callable[[str], str] | None = None  # of a page that is a notebook
        runs = shutil.ignore_patterns("*_out")  # of the demo, if somebody has run it
        shutil.copytree(REPOSITORY / "examples", home / "examples", ignore=runs)
        kept = ("LANG", "MPLCONFIGDIR", "SLURM_CONF", "TMPDIR")
        self.environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "COLUMNS": "100",
            "HOME": str(home),
            "MPLBACKEND": "agg",
            "PYTHONUNBUFFERED": "1",  # so that both streams come in order, as on a terminal
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "USER": "me",
        }

    def page(self, text: str) -> str:
        """Run a page, and give it as it would be written today."""
        needs = re.match("<!-- needs: (.*) -->", text)
        if needs is None or "nbclient" not in needs[1].split():
            return BLOCK.sub(self._block, text)
        with _notebook(self.home, self.environment) as self.run_cell:
            return BLOCK.sub(self._block, text)

    def _block(self, block: re.Match[str]) -> str:
        fence, language, text = block.groups()
        printed, self.output = self.output, None
        if language == "text":
            if printed is not None and not block.string[self.end : block.start()].strip():
                text = self._shown(text, printed)
        elif language == "console":
            text = ENTRY.sub(self._entry, text)
        elif (named := NAME.match(text)) and language in ("python", "yaml", "toml", "sh"):
            file = self.home / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif language == "python" and self.run_cell:
            self.output = self._as_on_the_page(self.run_cell(text))
        elif language == "python":
            file = self.home / f"snippet_{block.start()}.py"
            file.write_text(text, encoding="utf-8")
            self.output, status = self.run([sys.executable, file.name])
            if status:
                self.mistakes.append(f"this block failed:\n{text}\n{self.output}")
        elif not re.match(r"\{(?!code)", language):
            known = tuple(start for of, start in NOT_RUN if of == language)
            if not known or not all(line.startswith(known) for line in text.splitlines()):
                self.mistakes.append(f"nothing runs this block of {language!r}:\n{text}")
        self.end = block.end()
        return f"{fence}{language}\n{text}{fence}"

    def _entry(self, entry: re.Match[str]) -> str:
        command, shown = entry.groups()
        command = _renamed(command, self.ids)
        printed, _ = self.run(["bash", "-c", command])
        return f"$ {command}\n{self._shown(shown, printed)}"

    def run(self, argv: list[str]) -> tuple[str, int]:
        """Run a command, and give what it prints as on the page of somebody, and its status."""
        try:
            done = subprocess.run(
                argv,
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired as late:  # which has bytes, whatever the encoding
            return self._as_on_the_page((late.stdout or b"").decode() + f"{late}\n"), 1
        return self._as_on_the_page(done.stdout), done.returncode

    def _as_on_the_page(self, printed: str) -> str:
        return printed.replace(str(self.home), HOME).replace(sys.prefix, f"{HOME}/venv")

    def _shown(self, shown: str, printed: str) -> str:
        """Compare what the page shows with what is printed, and give what it should show."""
        if printed and not printed.endswith("\n"):
            printed += "\n"
        known = dict(zip(ID.findall(shown.partition("...")[0]), ID.findall(printed), strict=False))
        self.ids.update({name: actual for name, actual in known.items() if name not in self.ids})
        shown = _renamed(shown, self.ids)
        if OUTPUTS.check_output(normal(shown), normal(printed), doctest.ELLIPSIS):
            if "..." not in shown:
                return printed
            # What is shown beside that which is left out is of today, too.
            today = defaultdict(list)
            for line in printed.splitlines(keepends=True):
                today[normal(line)].append(line)
            lines = shown.splitlines(keepends=True)
            return "".join(
                today[each].pop(0) if today[each := normal(line)] else line for line in lines
            )
        both = shown.splitlines(keepends=True), printed.splitlines(keepends=True)
        self.mistakes.append("".join(difflib.unified_diff(*both, "shown", "printed")))
        return printed


@contextmanager
def _notebook(home: Path, environment: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Start the kernel of a notebook, and yield what runs a cell and gives its output."""
    from nbclient import NotebookClient
    from nbformat import v4

    notebook = v4.new_notebook()
    client = NotebookClient(notebook, timeout=60, kernel_name="python3")

    def run(source: str) -> str:
        notebook.cells.append(v4.new_code_cell(source))
        cell = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
        return "".join(
            output["text"] if "text" in output else output["data"]["text/plain"] + "\n"
            for output in cell.outputs
        )

    # As an editor for notebooks starts a kernel: it tells the name, and figures are shown.
    file = home / "look.ipynb"
    file.write_text(v4.writes(notebook), encoding="utf-8")
    environment = {**environment, "JPY_SESSION_NAME": str(file)}
    del environment["MPLBACKEND"]
    with client.setup_kernel(env=environment, cwd=str(home)):
        yield run


def _renamed(text: str, ids: dict[str, str]) -> str:
    """Replace IDs, and ends of four characters or more of them."""

    def other(word: re.Match[str]) -> str:
        found = (new for old, new in ids.items() if old.endswith(word[0]))
        return next(found, word[0])[-len(word[0]) :]

    return re.sub(r"[\w-]{4,}", other, text)


def normal(text: str) -> str:
    """Replace what may differ from run to run."""
    for pattern, name in VARIABLE:
        text = pattern.sub(name, text)
    return text


def main() -> int:
    """Run pages, and say or write what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write what is printed into the pages")
    parser.add_argument("pages", nargs="+", type=Path)
    options = parser.parse_args()
    status = 0
    for page in options.pages:
        home = Path(tempfile.mkdtemp(prefix="page-"))
        execution = Execution(home)
        text = execution.page(page.read_text("utf-8"))
        if options.write:
            page.write_text(text, encoding="utf-8")
        elif execution.mistakes:
            print(page, *execution.mistakes, f"its home: {home}", sep="\n")
            status = 1
            continue
        shutil.rmtree(home)
    return status


if __name__ == "__main__":
    sys.exit(main())
