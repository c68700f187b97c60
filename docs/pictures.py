"""Draw what a terminal shows, from real runs, and a figure that knows its run.

    python docs/pictures.py FOLDER

The README shows ``docs/pictures``; the site draws its own each time it is built.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from executed import Execution
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

SWEEP = """
for lr in 10 0.01 0.1 0.3; do python examples/decay.py --lr $lr; done
python examples/decay.py --lr 0.3 --noise 0.02
scitex-session tag latest paper
python examples/decay.py --lr 0.001 --steps 300000 > /dev/null 2>&1 & sleep 4
"""
FIGURE = """
cd examples
python penguins.py --data data/penguins.csv
cp penguins_out/latest/penguins.png ../figure2.png
"""


def main(folder: Path) -> None:
    """Draw all pictures into a folder."""
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
