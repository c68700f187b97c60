"""A Monte Carlo estimate in a pool of processes, however they are started."""

import multiprocessing as mp
import os

import scitex_session as stx


def hits(number):
    """Throw darts with the generator of this worker."""
    points = rngg(f"darts-{number}").random((1000, 2))
    inside = int((points**2).sum(axis=1).__le__(1.0).sum())
    stx.io.save({"inside": inside}, f"parts/{number}.json")
    stx.log(number, inside=inside)
    print(f"part {number} done", flush=True)
    return os.getpid(), inside


@stx.session(seed=2)
def main(method: str, parts: int = 4):
    with mp.get_context(method).Pool(2) as pool:
        found = pool.map(hits, range(parts), chunksize=1)
    pids, inside = zip(*found)
    assert os.getpid() not in pids
    stx.io.save(sum(inside), "total.json")
    return {"pi": 4 * sum(inside) / (1000 * parts), "parts": parts}


if __name__ == "__main__":
    main()
