"""Spend an afternoon with thirty runs, and write down what was typed and shown: afternoon.md.

Run it as ``python docs/afternoon.py``; the page is checked in. Times and IDs are those of the day.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "decay.py"
WIDTH = 100
PAGE = """# An afternoon with thirty runs

What one types, and what it shows, after a sweep over the three parameters of
`examples/decay.py`: it fits a decay, returns the
rate and the loss, and saves a figure. All of this page was written by `docs/afternoon.py`, which
runs every line of it.

"""
# A title, a sentence, and commands. `$BEST` and `$WORST` are IDs that are asked for on the way.
STEPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Find",
        "Some of the thirty failed. Only arguments and results that differ have columns.",
        ("scitex-session ls --limit 12",),
    ),
    (
        "Ask",
        "Names are fields, arguments or results; the query needs no quotes unless the shell does.",
        (
            "scitex-session ls 'status:failed and lr>1' --limit 4",
            "scitex-session ls 'noise=0.05 and (steps:100 or lr<0.1)' --sort loss --limit 5",
            "scitex-session ls 'noise=0.05 and loss<'",
        ),
    ),
    (
        "The best, and why the others are not",
        "A name is any end of an ID, `latest`, or a figure.",
        (
            "scitex-session tag $BEST paper",
            "scitex-session show $BEST",
            "scitex-session diff $BEST $WORST",
        ),
    ),
    (
        "Follow one that runs",
        "`logs -f` ends with the run, and says how it ended.",
        (
            "python decay.py --lr 0.05 --steps 300 & sleep 0.5; "
            "scitex-session logs latest -f --stderr",
        ),
    ),
    (
        "As a table",
        "",
        (
            'python -c "import scitex_session as stx; '
            "print(stx.runs('status:success').groupby('arguments.lr')['results.loss'].min())\"",
        ),
    ),
    (
        "From figures back",
        "Two figures lie in a folder of a paper. Which runs made them, and what differs?",
        (
            "scitex-session whence paper/a.png paper/b.png",
            "scitex-session diff paper/a.png paper/b.png",
        ),
    ),
    (
        "Clean up",
        "What removes many says first what it would do. It all goes to a trash, and comes back.",
        (
            "scitex-session gc --status failed",
            "scitex-session gc --status failed --yes",
            "scitex-session restore $FAILED",
            "scitex-session archive --status success --where 'not tag:paper' --yes",
            "scitex-session ls --limit 4",
            "scitex-session show $WORST | head -12",
            "scitex-session restore $WORST",
        ),
    ),
)


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory(prefix="afternoon-") as folder:
        HERE.joinpath("afternoon.md").write_text(PAGE + afternoon(Path(folder)), encoding="utf-8")


def afternoon(folder: Path) -> str:
    """Run everything in a folder, and return the page without its beginning."""
    shutil.copy(EXAMPLE, folder)
    environment = {
        **os.environ,
        "COLUMNS": str(WIDTH),
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(folder / ".state"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }

    def run(command: str) -> str:
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        told = done.stdout.decode().replace(str(folder), "/home/me")
        return told.replace(sys.prefix, "/home/me/venv")

    values = itertools.product((0.01, 0.1, 0.3, 1, 10), (100, 200), (0.02, 0.05, 0.1))
    for lr, steps, noise in values:
        run(f"python decay.py --lr {lr} --steps {steps} --noise {noise}")

    def short_id(options: str) -> str:
        return str(
            json.loads(run(f"scitex-session ls {options} --limit 1 --json 2>/dev/null"))[0]["id"]
        )[-4:]

    names = {
        "$BEST": short_id("status:success --sort loss"),
        "$WORST": short_id("status:success --sort=-loss"),
        "$FAILED": short_id("status:failed"),
    }
    run(f'mkdir paper; cp "$(scitex-session path {names["$BEST"]})/decay.png" paper/a.png')
    run(f'cp "$(scitex-session path {names["$WORST"]})/decay.png" paper/b.png')
    parts = []
    for title, sentence, commands in STEPS:
        parts.append(f"## {title}\n")
        if sentence:
            parts.append(f"{sentence}\n")
        for asked in commands:
            command = asked
            for name, found in names.items():
                command = command.replace(name, found)
            parts.append(f"```console\n$ {command}\n{run(command).rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
