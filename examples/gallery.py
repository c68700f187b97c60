"""Plots of every day, in the style of a session and in matplotlib's own.

    python examples/gallery.py

Each plot is drawn twice by the same code; the pictures are in the run directory, or where
``--out`` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import scitex_session as stx
import scitex_session_plot as plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def line(ax: Axes, rng: np.random.Generator) -> None:
    """Draw responses over time, with the standard error of the mean."""
    time = np.linspace(0, 2, 200)
    for number, dose in enumerate((0, 1, 3, 10, 30)):
        trials = dose / 10 * np.exp(-time) * time + rng.normal(0, 0.08, (40, 1))
        mean, error = trials.mean(axis=0), trials.std(axis=0) / 40**0.5
        ax.plot(time, mean, label=f"{dose} mg/kg")
        ax.fill_between(time, mean - error, mean + error, alpha=0.25, color=f"C{number}", lw=0)
    ax.set(xlabel="Time (s)", ylabel="Response (mV)", title="Dose and response")
    ax.legend()


def scatter(ax: Axes, rng: np.random.Generator) -> None:
    """Draw two measures of four groups."""
    for name in ("control", "sham", "lesion", "treated"):
        centre = rng.uniform(2, 8, 2)
        x, y = rng.normal(centre, 0.9, (60, 2)).T
        ax.scatter(x, y, label=name)
    ax.set(xlabel="Firing rate (Hz)", ylabel="Depth of modulation (%)")
    ax.legend(title="Group")


def bars(ax: Axes, rng: np.random.Generator) -> None:
    """Draw means of groups under two conditions, with error bars."""
    places = np.arange(5)
    for number, condition in enumerate(("baseline", "stimulus")):
        means = rng.uniform(3, 9, 5)
        ax.bar(
            places + 0.4 * (number - 0.5),
            means,
            0.4,
            yerr=rng.uniform(0.3, 1, 5),
            label=condition,
        )
    ax.set_xticks(places, ["V1", "V2", "V4", "MT", "IT"])
    ax.set(xlabel="Area", ylabel="Latency (ms)")
    ax.legend()


def image(ax: Axes, rng: np.random.Generator) -> None:
    """Draw an image of a field, with its colour bar."""
    y, x = np.mgrid[-3:3:120j, -4:4:160j]
    field = np.exp(-(x**2) - y**2) - 0.7 * np.exp(-((x - 1.5) ** 2) - (y - 1) ** 2)
    shown = ax.imshow(
        field + rng.normal(0, 0.02, field.shape),
        extent=(-4, 4, -3, 3),
        origin="lower",
        cmap=plot.COLORS.diverging,
        vmin=-1,
        vmax=1,
    )
    ax.figure.colorbar(shown, ax=ax, label="Potential (mV)")
    ax.set(xlabel="x (mm)", ylabel="y (mm)")


def histogram(ax: Axes, rng: np.random.Generator) -> None:
    """Draw distributions that overlap."""
    for name, mean in (("wild type", 4000), ("mutant", 6500)):
        ax.hist(rng.gamma(8, mean / 8, 2000), bins=40, range=(0, 12000), alpha=0.6, label=name)
    ax.set(xlabel="Body mass (g)", ylabel="Animals")
    ax.legend()


def categorical(ax: Axes, rng: np.random.Generator) -> None:
    """Draw boxes and all measurements of named groups."""
    names = ["saline", "ketamine", "fluoxetine", "diazepam"]
    groups = [rng.normal(mean, 1.2, 40) for mean in (5, 7, 6, 3.5)]
    ax.boxplot(groups, widths=0.5, showfliers=False)
    for number, values in enumerate(groups):
        places = number + 1 + rng.uniform(-0.12, 0.12, len(values))
        ax.plot(places, values, "o", color=f"C{number}", markersize=3)
    ax.set_xticks(range(1, 5), names)
    ax.set(ylabel="Time immobile (s)", title="Forced swim")


def panels(axes: NDArray[Any], rng: np.random.Generator) -> None:
    """Draw six panels: in our style, of exactly 38 by 26 millimetres."""
    time = np.linspace(0, 1, 500)
    for number, ax in enumerate(axes.flat):
        signal = np.sin(2 * np.pi * (number + 1) * time) * 10.0 ** (number - 2)
        ax.plot(time, signal + 10.0 ** (number - 3) * rng.normal(size=500))
        ax.set(xlabel="Time (s)", ylabel="Signal (µV)", title=f"Electrode {number + 1}")


PLOTS: tuple[Callable[[Axes, np.random.Generator], None], ...] = (
    line,
    scatter,
    bars,
    image,
    histogram,
    categorical,
)


@stx.session
def main(
    out: Path | None = None,
    seed: int = 7,
    CONFIG: stx.DotDict = stx.INJECTED,
    plt: Any = stx.INJECTED,
) -> int:
    """Draw each plot in both styles.

    Parameters
    ----------
    out : Path
        The folder for the pictures.
    seed : int
        Of the data, which are made up.
    """
    folder = Path(out or CONFIG.SDIR_RUN)
    folder.mkdir(parents=True, exist_ok=True)
    size = plt.rcParams["figure.figsize"]
    for style in ("session", "default"):
        # The same size for both, so that lines and letters are seen at the same scale.
        defaults = ["default", {"figure.figsize": size}]
        with plt.style.context(defaults if style == "default" else {}):
            for draw in PLOTS:
                fig, ax = plt.subplots()
                draw(ax, np.random.default_rng(seed))
                fig.savefig(folder / f"{draw.__name__}_{style}.png", dpi=200)
            if style == "session":
                fig, axes = plot.subplots_mm(2, 3, axes_mm=(38, 26))
                size_of_panels = fig.get_size_inches()
            else:
                fig, axes = plt.subplots(2, 3, figsize=size_of_panels)
            panels(axes, np.random.default_rng(seed))
            fig.savefig(folder / f"panels_{style}.png", dpi=200)
        plt.close("all")
    for file in sorted(folder.glob("*.png")):
        print(file)
    return 0


if __name__ == "__main__":
    main()
