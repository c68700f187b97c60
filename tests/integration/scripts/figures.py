"""All supplementary figures of a paper, in three formats and with one of them wrong."""

import matplotlib.pyplot as plt
import numpy as np

import scitex_session as stx
from scitex_session import COLORS, CONFIG, rngg

FORMATS = ("png", "pdf", "svg")


def panel(number):
    x = np.linspace(0, 2 * np.pi, 100)
    fig, axes = plt.subplots(1, 2, figsize=(3, 1.5))
    axes[0].plot(x, np.sin(number * x), color=COLORS.cycle[number % len(COLORS.cycle)])
    axes[0].set_xlabel("Time (s)")
    axes[1].hist(rngg(f"panel {number}").normal(size=100), bins=10)
    axes[1].set_title(f"Panel {number}")
    return fig


@stx.session(dpi_save=72, fontsize=6, stamp="visible")
def main(panels: int = 6):
    folder = CONFIG.SDIR_RUN / "supplement"
    folder.mkdir()
    for number in range(panels):
        fig = panel(number)
        fig.savefig(folder / f"figure_{number}.{FORMATS[number % 3]}")
        plt.close(fig)
    plt.figure()
    plt.imshow(np.arange(12).reshape(3, 4), cmap="viridis")
    plt.colorbar(label="Counts")
    plt.savefig(folder / "heat map.png")
    plt.show()
    try:
        plt.savefig(folder / "figure.docx")
    except ValueError as error:
        print("not saved:", str(error).split(" (")[0])
    print(f"{panels + 1} figures in {folder.name}")


if __name__ == "__main__":
    main()
