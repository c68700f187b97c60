"""Train the model: metrics by stx.log, a bar by stx.progress, a checkpoint at the end."""

import numpy as np

import scitex_session as stx
from scitex_session import CONFIG, rngg

from .model import Logistic


@stx.session(seed=3)
def train(epochs: int = 20, *, lr: float = 0.5, name: str = "logistic"):
    rng = rngg("data")
    x = rng.normal(size=(200, 4))
    y = (x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(scale=0.3, size=200) > 0).astype(float)

    model = Logistic(x.shape[1])
    for epoch in stx.progress(range(epochs), desc=name):
        loss = model.step(x, y, lr)
        stx.log(epoch, loss=loss, lr=lr)
    accuracy = float(np.mean((model.predict(x) > 0.5) == y))
    stx.io.save({"weights": model.weights, "run": CONFIG.ID}, "checkpoints/last.npz")
    print(f"accuracy {accuracy:.3f} after {epochs} epochs")
    return {"accuracy": accuracy, "loss": loss, "model": {"name": name, "size": 4}}


if __name__ == "__main__":
    train()
