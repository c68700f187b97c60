"""The budgets, as data: one for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from benchmarks.fingerprints import MEGABYTES

if TYPE_CHECKING:
    from benchmarks.measuring import Measured


class Budget(NamedTuple):
    """What a row measures, and the most it may be."""

    what: str
    kind: Literal["difference", "ratio", "starts", "total", "whole"]
    most: float

    @property
    def unit(self) -> str:
        """The unit of `most`."""
        return {"ratio": " times", "starts": "", "whole": " starts"}.get(self.kind, " ms")

    def pick(self, measured: Measured) -> float:
        """Take what this budget bounds, in its unit."""
        if self.kind == "ratio":
            return measured.ratio
        if self.kind == "starts":
            return measured.starts
        if self.kind == "whole":
            return measured.this / measured.start
        return 1e3 * (measured.this if self.kind == "total" else measured.difference)


BUDGETS = {
    "empty": Budget("empty session, no arguments, in git", "starts", 3.6),
    "git": Budget("a session in git, 20,000 files, over one in no git", "difference", 3),
    "arguments": Budget("the same with arguments to parse", "starts", 9),
    "large": Budget("a session that leaves a file of 10 GB, over an empty file", "difference", 3),
    "plot": Budget("a plot, over plain pyplot", "starts", 6.5),
    "style": Budget("pyplot in our style, over import pyplot", "difference", 20),
    "layout": Budget("saving a PNG of one axes, laid out, over not", "ratio", 1.3),
    "layout-panels": Budget("saving a PNG of 12 panels, laid out, over not", "ratio", 2.1),
    "layout-images": Budget("saving a PNG of 4 images with bars, over not", "ratio", 2.1),
    "stamp": Budget("saving a PNG, stamped and on record, over plain", "difference", 3),
    "whence": Budget("scitex-session whence FIGURE", "total", 250),
    "sweep": Budget("a sweep of 60 trivial trials, over bare processes", "ratio", 1.3),
    "ls": Budget("ls, of 100,000 sessions", "whole", 9),
    "ls-json": Budget("ls --json, of 100,000 sessions", "whole", 9),
    "ls-query": Budget("ls QUERY, of 100,000 sessions", "whole", 15),
    "ls-terminal": Budget("ls on a terminal", "whole", 20),
    "ls-terminal-query": Budget("ls QUERY on a terminal", "whole", 20),
    "import": Budget("import scitex_session", "starts", 0.5),
    "log": Budget("10,000 calls of stx.log, over lines of json.dumps", "total", 100),
    "manager": Budget("a manager made and released, numpy imported", "total", 1),
    "names": Budget('1000 times rng("name") of a known name', "total", 0.3),
    "fork": Budget("a fork with 10 named generators, over a plain fork", "difference", 2),
    "help": Budget("--help", "starts", 9.5),
    "render": Budget("rendering 100 MB of plain log", "difference", 1000),
    # 1 GB/s where the processor has SHA instructions; `plain` is SHA-256 alone.
    "fingerprint": Budget(
        f"fingerprint of {MEGABYTES} MB of float64, over SHA-256 alone", "total", MEGABYTES
    ),
    "csv": Budget(
        "300,000 rows of CSV as dicts without pandas, over csv.DictReader", "total", 2000
    ),
    "csv-frame": Budget("the same as a frame, over pandas.read_csv", "ratio", 2),
    "csv-dicts": Budget("the same as dicts, over pandas.read_csv and to_dict", "ratio", 2),
    "print-file": Budget("printing to a file, over line-buffered Python", "ratio", 1.15),
    "print-pipe": Budget("printing to a pipe, over line-buffered Python", "ratio", 1.3),
    "print-terminal": Budget("printing to a terminal, over line-buffered Python", "ratio", 1.15),
    "print-file-block": Budget("printing to a file, over block-buffered Python", "ratio", 3),
    "print-pipe-block": Budget("printing to a pipe, over block-buffered Python", "ratio", 3),
    "print-terminal-block": Budget("printing to a terminal, over plain Python", "ratio", 1.15),
    "print-tee": Budget("printing to a file, over line-buffered | tee", "ratio", 1.15),
    "print-sys": Budget("printing to a file, over a tee of Python's streams", "ratio", 1),
}
