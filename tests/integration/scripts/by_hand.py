"""The long way, as in the first versions: start, work, close."""

import os
import random
import sys

import matplotlib.pyplot as plt
import numpy as np

import scitex_session as stx


def simulate(steps, np_rng):
    """A random walk with a Python and a numpy generator, both seeded by start()."""
    position, path = 0.0, []
    for _ in range(steps):
        position += random.choice([-1, 1]) + np_rng.normal(scale=0.1)
        path.append(position)
    return np.array(path)


def main():
    walk = simulate(500, rng("noise"))
    print(f"end {walk[-1]:.3f}, global draw {np.random.random():.6f}")
    fig, ax = plt.subplots()
    ax.plot(walk, color=CC.blue)
    ax.set_title("Random walk")
    fig.savefig(CONFIG["SDIR_RUN"] / "walk.pdf")
    np.savez(CONFIG["SDIR_RUN"] / "walk.npz", walk=walk)
    return 0


if __name__ == "__main__":
    CONFIG, sys.stdout, sys.stderr, plt, CC, rng = stx.start(
        sys,
        plt,
        os=os,
        random=random,
        np=np,
        seed=11,
        agg=True,
        verbose=False,
    )
    status = main()
    stx.close(CONFIG, message="walked", verbose=False, exit_status=status)
