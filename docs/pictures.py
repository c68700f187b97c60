"""Draw what a terminal shows, from real runs, and a figure that knows its run.

    python docs/pictures.py FOLDER

The README shows ``docs/pictures``; the site draws its own each time it is built, which fails if
those of the README show something else.
"""

from __future__ import annotations

import html
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from executed import Execution, normal
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

SHOWN = Path(__file__).with_name("pictures")
# Beside what may differ on any page: the end of an ID, and how far a run is.
VARIABLE = re.compile(r"\b[0-9A-Z]{4,} +(?=[●✓✗])|[━┄]+ \d+ %")
SWEEP = """
for lr in 10 0.01 0.1 0.3; do python examples/decay.py --lr $lr; done
python examples/decay.py --lr 0.3 --noise 0.02
scitex-session tag latest paper
python examples/decay.py --lr 0.001 --steps 500000 > /dev/null 2>&1 &
until grep -q done examples/decay_out/RUNNING/*/heartbeat; do sleep 1; done; sleep 3
"""
FIGURE = """
cd examples
python penguins.py --data data/penguins.csv
cp penguins_out/latest/penguins.png ../figure2.png
"""


def words(picture: Path) -> list[str]:
    """Return what a picture of a terminal shows, without what may differ."""
    text = re.sub("<style>.*?</style>|<[^>]*>", " ", picture.read_text("utf-8"), flags=re.DOTALL)
    return normal(VARIABLE.sub("", html.unescape(text).replace("\xa0", " "))).split()


def main(folder: Path) -> None:
    """Draw all pictures into a folder, and compare them with those that the README shows."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        execution = Execution(Path(home))

        def shell(command: str) -> str:
            return execution.run(["bash", "-c", command])[0]

        def draw(name: str, command: str) -> None:
            shown = Text.from_ansi(f"$ {command}\n{shell(f'FORCE_COLOR=1 {command}')}")
            width = max(map(len, shown.plain.splitlines()))
            console = Console(record=True, width=width, file=io.StringIO())
            console.print(shown)
            svg = console.export_svg(title="", theme=MONOKAI, unique_id=name)
            folder.joinpath(f"{name}.svg").write_text(svg, encoding="utf-8")

        shell(SWEEP)
        draw("ls", "scitex-session ls")
        shell("scitex-session stop --now latest")
        shell(FIGURE)
        draw("whence", "scitex-session whence figure2.png")
        shutil.copy(Path(home, "figure2.png"), folder)
    for name in ("ls.svg", "whence.svg"):
        if words(folder / name) != words(SHOWN / name):
            sys.exit(f"{SHOWN / name} is not what is printed: {sys.argv[0]} {SHOWN} draws it anew")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
