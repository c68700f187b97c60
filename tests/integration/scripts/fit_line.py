"""Fit a line to the cleaned table of the last run of clean_table.py, and draw it."""

import numpy as np

import scitex_session as stx


def slope_of(x, y):
    design = np.stack([np.ones_like(x), x], axis=1)
    return np.linalg.lstsq(design, y, rcond=None)[0]


def bootstrap(x, y, resamples):
    rng = rngg("bootstrap")
    for _ in range(resamples):
        rows = rng.integers(len(x), size=len(x))
        yield slope_of(x[rows], y[rows])[1]


@stx.session(seed=7, sdir_suffix="fit", tags=["paper", "figure-2"], note="with outliers")
def fit(resamples: int = 200, confidence: float = 0.95):
    table = stx.io.load("clean_table_out/cleaned.csv", into="pandas")
    x, y = table["dose"].to_numpy(), table["response"].to_numpy()
    intercept, slope = slope_of(x, y)

    slopes = np.fromiter(bootstrap(x, y, resamples), float)
    low, high = np.quantile(slopes, [(1 - confidence) / 2, (1 + confidence) / 2])
    print(f"slope {slope:.4f} [{low:.4f}, {high:.4f}]")

    figure, axes = plt.subplots()
    axes.scatter(x, y, color=COLORS.gray, s=4)
    axes.plot([0, 2], [intercept, intercept + 2 * slope], color=COLORS.red)
    axes.set_xlabel("Dose (mg)")
    axes.set_ylabel("Response (µV)")
    stx.io.save(figure, "fit.png")
    stx.io.save(slopes, "slopes.npy")
    stx.io.save({"slope": slope, "interval": [low, high]}, "fit.json")
    return {"slope": slope, "low": low, "high": high, "slopes": slopes}


if __name__ == "__main__":
    fit()
