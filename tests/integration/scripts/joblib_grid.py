"""A grid search with joblib, whose workers are processes that joblib starts."""

import itertools

import joblib
import numpy as np

import scitex_session as stx


def score(alpha, degree, seed):
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, 30)
    y = np.sin(3 * x) + rng.normal(scale=0.1, size=30)
    design = np.vander(x, degree + 1)
    weights = np.linalg.solve(design.T @ design + alpha * np.eye(degree + 1), design.T @ y)
    return float(np.mean((design @ weights - y) ** 2))


@stx.session(verbose=False)
def search(jobs: int = 2, backend: str = "loky"):
    grid = list(itertools.product([1e-3, 1e-1], [1, 3, 5]))
    scores = joblib.Parallel(n_jobs=jobs, backend=backend)(
        joblib.delayed(score)(alpha, degree, seed=0) for alpha, degree in grid
    )
    order = np.argsort(scores)
    for position in order:
        alpha, degree = grid[position]
        print(f"alpha={alpha:<6g} degree={degree} mse={scores[position]:.5f}")
    alpha, degree = grid[order[0]]
    return {"best": {"alpha": alpha, "degree": degree}, "mse": scores[order[0]]}


if __name__ == "__main__":
    search()
