"""What the READMEs show is what happens.

In a README, a ``python`` or ``yaml`` block whose first line is ``# name`` is that file; any other
``python`` block is run.
A ``text`` block right after a block that ran is its output; in a ``console`` block the output
follows each ``$ python …``. An ellipsis stands for what differs from run to run.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
READMES = [
    REPOSITORY / "README.md",
    *sorted(REPOSITORY.glob("packages/*/README.md")),
    REPOSITORY / "docs" / "formats.md",
]
BLOCK = re.compile(r"^```(python|yaml|text|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"# ([\w/]+\.(?:py|yaml))\n")


class Step(NamedTuple):
    """An argv for Python, and the output that the README shows for it."""

    argv: list[str]
    shown: str | None


def steps(readme: str) -> Iterator[Step]:
    """Lay the README's files in the working directory, and give what is to be run, in order."""
    blocks = [match.groups() for match in BLOCK.finditer(readme)]
    for number, (language, text) in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        if language == "console":
            for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = entry.partition("\n")
                program, *argv = shlex.split(command, comments=True)
                assert program == "python", f"a console block runs python only: {command}"
                yield Step(argv, output)
        elif language in ("python", "yaml"):
            named = NAME.match(text)
            file = Path(named[1] if named else f"snippet{number}.py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if not named:
                yield Step([file.name], following[1] if following[0] == "text" else None)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_snippet_runs_and_prints_what_is_shown(readme: Path) -> None:
    found = list(steps(readme.read_text(encoding="utf-8")))
    assert any(step.shown for step in found), "the README shows no snippet with its output"
    for step in found:
        done = subprocess.run(
            [sys.executable, *step.argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={**os.environ, "MPLBACKEND": "agg"},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{step.argv}:\n{done.stdout}"
        if step.shown is not None:
            matches = doctest.OutputChecker().check_output(
                step.shown, done.stdout, doctest.ELLIPSIS
            )
            assert matches, f"{step.argv} printed\n{done.stdout}\nand not\n{step.shown}"
