"""Run what the pages show, and compare what they say is printed with what is.

    python docs/executed.py PAGE...            say what differs; the exit status is 1 then
    python docs/executed.py --write PAGE...    write what is printed into the pages

Each page has a new home directory, with a copy of ``examples/``. Its blocks run in order:

- a block of ``python``, ``yaml``, ``toml`` or ``sh`` that begins with ``# name.py`` is that file;
- any other ``python`` block is run; a ``text`` block right after it is what it prints;
- of a ``console`` block, bash runs each line that begins with ``$``; what it prints follows.

``...`` stands for anything, and is kept where it fits. IDs, times, durations and sizes may differ;
later commands of the page may name a run by any end of the ID that the page shows for it. The tests
run a page that begins with ``<!-- needs: pandas tqdm -->`` where these libraries are installed.

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
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
HOME = "/home/me"
BLOCK = re.compile(
    r"^(```+)(python|yaml|toml|sh|text|console)\n(.*?)^\1$", re.MULTILINE | re.DOTALL
)
NAME = re.compile(r"# ([\w/-]+\.(?:py|yaml|toml|sh))\n")
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
        return BLOCK.sub(self._block, text)

    def _block(self, block: re.Match[str]) -> str:
        fence, language, text = block.groups()
        printed, self.output = self.output, None
        if language == "text":
            if printed is not None and not block.string[self.end : block.start()].strip():
                text = self._shown(text, printed)
        elif language == "console":
            text = ENTRY.sub(self._entry, text)
        elif named := NAME.match(text):
            file = self.home / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif language == "python":
            file = self.home / f"snippet_{block.start()}.py"
            file.write_text(text, encoding="utf-8")
            self.output, status = self.run([sys.executable, file.name])
            if status:
                raise RuntimeError(f"a block of the page failed:\n{text}\n{self.output}")
        self.end = block.end()
        return f"{fence}{language}\n{text}{fence}"

    def _entry(self, entry: re.Match[str]) -> str:
        command, shown = entry.groups()
        command = _renamed(command, self.ids)
        printed, _ = self.run(["bash", "-c", command])
        return f"$ {command}\n{self._shown(shown, printed)}"

    def run(self, argv: list[str]) -> tuple[str, int]:
        """Run a command, and give what it prints as on the page of somebody, and its status."""
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
        printed = done.stdout.replace(str(self.home), HOME).replace(sys.prefix, f"{HOME}/venv")
        return printed, done.returncode

    def _shown(self, shown: str, printed: str) -> str:
        """Compare what the page shows with what is printed, and give what it should show."""
        if printed and not printed.endswith("\n"):
            printed += "\n"
        known = dict(zip(ID.findall(shown.partition("...")[0]), ID.findall(printed), strict=False))
        self.ids.update({name: actual for name, actual in known.items() if name not in self.ids})
        shown = _renamed(shown, self.ids)
        if OUTPUTS.check_output(_normal(shown), _normal(printed), doctest.ELLIPSIS):
            if "..." not in shown:
                return printed
            # What is shown beside that which is left out is of today, too.
            today = defaultdict(list)
            for line in printed.splitlines(keepends=True):
                today[_normal(line)].append(line)
            lines = shown.splitlines(keepends=True)
            return "".join(
                today[each].pop(0) if today[each := _normal(line)] else line for line in lines
            )
        both = shown.splitlines(keepends=True), printed.splitlines(keepends=True)
        self.mistakes.append("".join(difflib.unified_diff(*both, "shown", "printed")))
        return printed


def _renamed(text: str, ids: dict[str, str]) -> str:
    """Replace IDs, and ends of four characters or more of them."""

    def other(word: re.Match[str]) -> str:
        found = (new for old, new in ids.items() if old.endswith(word[0]))
        return next(found, word[0])[-len(word[0]) :]

    return re.sub(r"[\w-]{4,}", other, text)


def _normal(text: str) -> str:
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
        with tempfile.TemporaryDirectory(prefix="page-") as folder:
            execution = Execution(Path(folder))
            text = execution.page(page.read_text("utf-8"))
        if options.write:
            page.write_text(text, encoding="utf-8")
        elif execution.mistakes:
            print(page, *execution.mistakes, sep="\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
