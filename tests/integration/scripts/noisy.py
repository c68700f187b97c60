"""Warnings, two loggers, bars and colours: what a terminal sees of an ordinary analysis."""

import logging
import sys
import time
import warnings

import numpy as np
from tqdm import tqdm, trange

import scitex_session as stx

log = logging.getLogger("analysis")


def ratio(a, b):
    with np.errstate(divide="warn"):
        return np.divide(a, b)


@stx.session
def main(rounds: int = 3):
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s:%(name)s:%(message)s")
    log.debug("numpy is imported: %s", "numpy" in sys.modules)
    warnings.warn("this estimator is deprecated", FutureWarning, stacklevel=1)
    print("ratio", ratio(np.array([1.0]), np.array([0.0]))[0])
    for number in tqdm(range(rounds), desc="rounds", ascii=True, mininterval=0, miniters=1):
        for _ in trange(2, leave=False, ascii=True, desc="inner"):
            time.sleep(0.001)
        tqdm.write(f"round {number}")
    print("\x1b[1;32mall rounds done\x1b[0m")
    log.info("finished")


if __name__ == "__main__":
    main()
