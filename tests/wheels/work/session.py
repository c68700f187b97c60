"""A script as a session: it reads a table, prints, draws and saves."""

from pathlib import Path
from typing import Any

import scitex_session as stx

Path("data.csv").write_text("value\n0.5\n0.9\n1.5\n", encoding="utf-8")


@stx.session
def work(
    data_path: str,
    threshold: float = 0.5,
    plt: Any = stx.INJECTED,
    CONFIG: Any = stx.INJECTED,
) -> int:
    """Count the values above a threshold."""
    lines = Path(data_path).read_text(encoding="utf-8").split()[1:]
    values = [float(line) for line in lines]
    above = [value for value in values if value > threshold]
    print(f"{len(above)} of {len(values)} values lie above {threshold}")
    figure, axes = plt.subplots()
    axes.plot(values)
    stx.io.save([{"value": value} for value in above], "above.csv")
    figure.savefig(CONFIG.SDIR_RUN / "values.png")
    return 0


if __name__ == "__main__":
    work()
