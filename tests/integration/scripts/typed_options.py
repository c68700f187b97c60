"""Options as people type them: dataclass, enumeration, choices, paths, dates, lists."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import scitex_session as stx


class Filter(enum.Enum):
    NONE = "none"
    BUTTER = "butterworth"


@dataclass
class Window:
    width: int = 5
    overlap: float = 0.5
    taper: Literal["hann", "box"] = "hann"
    channels: list[str] = field(default_factory=lambda: ["C3", "C4"])


def windows(samples: int, window: Window) -> Iterator[tuple[int, int]]:
    step = max(1, int(window.width * (1 - window.overlap)))
    for start in range(0, samples - window.width + 1, step):
        yield start, start + window.width


@stx.session
def main(
    source: Path,
    recorded: date,
    window: Window = Window(width=8),
    kind: Filter = Filter.NONE,
    notch: tuple[float, float] = (49.0, 51.0),
    reject: float | None = 100.0,
    api_token: str = "",
    verbose: bool = False,
) -> dict[str, object]:
    """Cut a recording into windows."""
    count = 0
    for start, end in windows(32, window):
        count += 1
        if verbose:
            print(f"{source.name}[{start}:{end}] {window.taper}")
    print(
        f"{count} windows of {','.join(window.channels)} recorded {recorded:%d %B %Y}, {kind.name}"
    )
    return {"windows": count, "reject": reject, "token": bool(api_token)}


if __name__ == "__main__":
    main()
