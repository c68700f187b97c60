"""Work in a child process that the kernel kills: the memory of the node was too small."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import scitex_session as stx


def correlate(size):
    """Pretend to need `size` GB; above 8, the out-of-memory killer comes."""
    block = bytearray(1 << 20)
    print(f"a matrix of {size} GB", flush=True)
    if size > 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return size * len(block) // len(block)


@stx.session
def main(sizes: list[int] = [1, 2]):
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        done = [pool.submit(correlate, size) for size in sizes]
        total = sum(future.result() for future in done)
    print("total", total)
    return {"total": total}


if __name__ == "__main__":
    main()
