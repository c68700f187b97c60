"""Each file that `stx.io.save` writes in a run is on record once, as it is; figures are stamped."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from scitex_session_plot import read_stamp
from support import run_script

SUFFIXES = ("png", "pdf", "svg", "jpg", "tif")
SOURCE = """
    import numpy as np
    import scitex_session as stx

    @stx.session(stamp=True)
    def main():
        figure, axes = plt.subplots(figsize=(2, 1))
        (line,) = axes.plot([0, 1])
        for suffix in ("png", "pdf", "svg", "jpg", "tif"):
            stx.io.save(figure, f"figures/fit.{suffix}", dpi=50)
            stx.io.save(plt, f"figures/plt.{suffix}", dpi=50)
        stx.io.save(np.zeros((4, 4, 3), "u1"), "image.png")
        from matplotlib.animation import FuncAnimation
        film = FuncAnimation(figure, lambda n: line.set_ydata([0, n]), frames=2)
        stx.io.save(film, "film.gif", dpi=20)
        stx.io.save(film, "film.gif", dpi=20)
        stx.io.save({"a": [1]}, "table.csv")
        stx.io.save({"a": np.zeros(3)}, "arrays.npz")

    if __name__ == "__main__":
        main()
"""


def run(source: str) -> tuple[Path, list[dict[str, object]]]:
    """Run a script that ends well and warns of nothing; give its run and what it put on record."""
    finished = run_script(source)
    assert (finished.returncode, finished.stderr) == (0, ""), finished
    (directory,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    events = map(json.loads, (directory / "events.jsonl").read_text().split("\n\n"))
    return directory, [event for event in events if event["event"] == "artifact"]


def test_every_file_is_on_record_once_with_its_hash_and_figures_name_their_run() -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    directory, artifacts = run(SOURCE)
    figures = [f"figures/{n}.{s}" for n in ("fit", "plt") for s in SUFFIXES]
    files = [*figures, "image.png", "film.gif", "table.csv", "arrays.npz"]
    assert Counter(a["path"] for a in artifacts) == Counter([*files, "film.gif"])
    for artifact in artifacts:
        file = directory / str(artifact["path"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == artifact["sha256"]
    for name in figures:
        stamp = read_stamp(directory / name)
        assert stamp is not None, name
        assert str(stamp.id) in directory.name


def test_each_file_of_a_directory_is_on_record() -> None:
    pytest.importorskip("zarr", reason="zarr is not installed")
    directory, artifacts = run("""
        import numpy as np
        import scitex_session as stx

        @stx.session
        def main():
            stx.io.save({"a": np.ones(3)}, "data.zarr")

        if __name__ == "__main__":
            main()
    """)
    store = directory / "data.zarr"
    files = {p.relative_to(directory).as_posix() for p in store.rglob("*") if p.is_file()}
    assert {artifact["path"] for artifact in artifacts} == files
    assert "data.zarr/zarr.json" in files
