"""Fit a decay by gradient descent: an example with three parameters, a result and a figure."""

import numpy as np

import scitex_session as stx
from scitex_session import COLORS, plt, rngg


@stx.session
def fit(lr: float = 0.1, steps: int = 200, noise: float = 0.05) -> dict[str, float]:
    """Fit the rate of an exponential decay to measurements with noise.

    Parameters
    ----------
    lr
        The learning rate.
    steps
        How many steps to descend.
    noise
        The standard deviation of the measurements.
    """
    time = np.linspace(0, 5, 100)
    measured = np.exp(-0.7 * time) + rngg("noise").normal(scale=noise, size=time.size)
    rate = 0.1
    for step in stx.progress(range(steps)):
        error = np.exp(-rate * time) - measured
        rate -= lr * float(np.mean(-2 * time * error * np.exp(-rate * time)))
        if not 0 < rate < 10:
            raise FloatingPointError(f"the rate is {rate:.3g} after {step + 1} steps: lower lr")
        stx.log(step, loss=float(np.mean(error**2)), rate=rate)

    fig, ax = plt.subplots(figsize=(80 / 25.4, 50 / 25.4))
    ax.plot(time, measured, ".", color=COLORS.gray)
    ax.plot(time, np.exp(-rate * time), color=COLORS.blue)
    ax.set(xlabel="time (s)", ylabel="signal", title=f"rate {rate:.3f} /s")
    stx.io.save(fig, "decay.png")
    plt.close(fig)
    return {"rate": rate, "loss": float(np.mean(error**2))}


if __name__ == "__main__":
    fit()
