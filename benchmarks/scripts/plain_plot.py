"""A plot with plain pyplot."""

import matplotlib.pyplot as plt


def main() -> int:
    """Draw a line and save it."""
    figure, axes = plt.subplots(figsize=(160 / 25.4, 100 / 25.4))
    axes.plot([1, 2, 4, 8])
    figure.savefig("plain.png", dpi=300)
    return 0


if __name__ == "__main__":
    main()
