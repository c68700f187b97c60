"""How heavy is a penguin with flippers of that length? A line for each species, with its error.

Run it with ``hatch run demo``, or with any Python that has scitex-session:

    python examples/penguins.py --resamples 5000 --species Gentoo Adelie
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import scitex_session as stx

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).parent / "data" / "penguins.csv"
Species = Literal["Adelie", "Chinstrap", "Gentoo"]


def read_penguins(path: Path, species: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return flipper lengths (mm) and body masses (g) of the penguins that were measured."""
    rows = [row for row in stx.io.load(path) if row["species"] == species]
    measured = [row for row in rows if "NA" not in (row["flipper_length_mm"], row["body_mass_g"])]
    return (
        np.array([row["flipper_length_mm"] for row in measured], float),
        np.array([row["body_mass_g"] for row in measured], float),
    )


def bootstrap_lines(
    x: NDArray[np.float64], y: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Fit a line to each of `resamples` bootstrap samples; returns (slope, intercept) in rows."""
    lines = np.empty((resamples, 2))
    for number in range(resamples):
        drawn = rng.integers(len(x), size=len(x))
        lines[number] = np.polyfit(x[drawn], y[drawn], 1)
    return lines


@stx.session(verbose=True, fig_size_mm=(120, 85))
def main(
    data: Path = DATA,
    species: tuple[Species, ...] = get_args(Species),
    resamples: int = 1000,
    confidence: float = 0.95,
    CONFIG: stx.DotDict = stx.INJECTED,
    plt: Any = stx.INJECTED,
    COLORS: stx.CustomColors = stx.INJECTED,
    rngg: stx.RandomStateManager = stx.INJECTED,
) -> int:
    """Fit body mass to flipper length, species by species.

    Parameters
    ----------
    data : Path
        The table of penguins.
    species : tuple of str
        Which species to fit.
    resamples : int
        Bootstrap samples behind each interval.
    confidence : float
        Probability that an interval is to cover.
    """
    tails = [50 * (1 - confidence), 50 * (1 + confidence)]
    fig, ax = plt.subplots()
    results = []
    for name, color in zip(species, COLORS.cycle, strict=False):
        x, y = read_penguins(data, name)
        slope, intercept = np.polyfit(x, y, 1)
        # A stream of its own for each species: leaving one out changes nothing for the others.
        lines = bootstrap_lines(x, y, resamples, rngg(f"bootstrap {name}"))
        low, high = np.percentile(lines[:, 0], tails)
        print(f"{name:<10}{len(x):4} birds  {slope:5.1f} g/mm  [{low:.1f}, {high:.1f}]")
        results.append({"species": name, "birds": len(x), "slope": slope, "low": low, "high": high})

        grid = np.linspace(x.min(), x.max(), 50)
        band = np.percentile(lines[:, :1] * grid + lines[:, 1:], tails, axis=0)
        ax.scatter(x, y, s=8, color=color, alpha=0.6, linewidths=0)
        ax.fill_between(grid, *band, color=color, alpha=0.25, linewidth=0)
        ax.plot(grid, slope * grid + intercept, color=color, label=name)
    ax.set(xlabel="Flipper length (mm)", ylabel="Body mass (g)")
    ax.legend(frameon=False)

    stx.io.save(results, "slopes.csv")
    fig.savefig(CONFIG.SDIR_RUN / "penguins.png")
    plt.close(fig)
    return 0


if __name__ == "__main__":
    main()
