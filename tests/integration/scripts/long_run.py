"""A simulation that a scheduler or its impatient owner stops."""

import time

import scitex_session as stx


class Detector:
    """Hardware that must be switched off, whatever happens."""

    def __enter__(self):
        print("detector on", flush=True)
        return self

    def __exit__(self, kind, error, trace):
        print("detector off", flush=True)


@stx.session(tags=["long"])
def simulate(hours: float = 2.0):
    deadline = time.monotonic() + hours * 3600
    step = 0
    with Detector():
        while time.monotonic() < deadline:
            energy = 1 / (step + 1)
            stx.log(step, energy=energy)
            if step == 3:
                stx.io.save({"step": step}, "checkpoint.json")
                print("checkpoint written", flush=True)
            step += 1
            time.sleep(0.02)
    return {"steps": step}


if __name__ == "__main__":
    simulate()
