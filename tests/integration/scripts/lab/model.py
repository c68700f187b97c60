"""A logistic regression, as every lab has one."""

import numpy as np

from scitex_session import CONFIG, logger, rngg


class Logistic:
    def __init__(self, features):
        self.weights = rngg("weights").normal(scale=0.1, size=features)
        logger.info("%d weights for run %s", features, type(CONFIG.ID).__name__)

    def predict(self, x):
        return 1 / (1 + np.exp(-x @ self.weights))

    def step(self, x, y, lr):
        error = self.predict(x) - y
        self.weights -= lr * x.T @ error / len(x)
        return float(np.mean(np.square(error)))
