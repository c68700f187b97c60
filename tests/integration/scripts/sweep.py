"""A sweep in one process: one run for each learning rate, and one that diverges."""

import sys

import scitex_session as stx


def descend(lr, steps):
    x = 1.0
    for step in range(steps):
        x -= lr * 2 * x
        stx.log(step, x=x)
        if abs(x) > 100:
            raise OverflowError(f"diverged at step {step}")
    return x


@stx.session(tags=["sweep"])
def main(lr: float = 0.1, steps: int = 20):
    x = descend(lr, steps)
    logger.info("lr=%g x=%.2e", lr, x)
    return {"x": x}


if __name__ == "__main__":
    finals = {}
    for lr in (0.1, 1.5, 0.4):
        try:
            finals[lr] = main.run(lr=lr)["x"]
        except OverflowError as error:
            print(f"lr={lr} {error}", file=sys.stderr)
    print("best", min(finals, key=lambda lr: abs(finals[lr])))
