"""Everything by parameters: no magic globals, as linters like it."""

import numpy as np

import scitex_session as stx


@stx.session
def train(
    epochs: int | None = None,
    CONFIG=stx.session.INJECTED,
    plt=stx.session.INJECTED,
    COLORS=stx.session.INJECTED,
    rng=stx.session.INJECTED,
    logger=stx.session.INJECTED,
):
    """Gradient descent on a bowl, with the step size of config/model.yaml."""
    epochs = epochs or CONFIG.MODEL.epochs
    position = rng("start").uniform(-1, 1, size=len(CONFIG.MODEL.layers))
    losses = []
    for epoch in range(epochs):
        position = position - CONFIG.MODEL.lr * position
        losses.append(float(position @ position))
        logger.info("epoch %d: loss %.5f", epoch, losses[-1])
    assert np.all(np.diff(losses) < 0)

    figure, axes = plt.subplots()
    axes.semilogy(losses, color=COLORS.blue)
    stx.io.save(figure, "loss.svg")
    logger.success("converged")
    return {"loss": losses[-1], "epochs": epochs}


if __name__ == "__main__":
    train()
