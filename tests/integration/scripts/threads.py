"""Read many files at once with a pool of threads; one of them is broken, and dealt with."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import scitex_session as stx


def read(path):
    total = 0
    for line in path.read_text().splitlines():
        total += int(line)
    return total


@stx.session
def main(files: int = 6):
    folder = CONFIG.SDIR_RUN / "scratch"
    folder.mkdir()
    for number in range(files):
        text = "\n".join(str(n) for n in range(number + 1))
        (folder / f"{number}.txt").write_text(text if number != 3 else "not a number")

    sums, broken = {}, []
    with ThreadPoolExecutor(4, thread_name_prefix="reader") as pool:
        futures = {pool.submit(read, path): path.name for path in sorted(folder.iterdir())}
        for future in as_completed(futures):
            name = futures[future]
            try:
                sums[name] = future.result()
            except ValueError as error:
                broken.append(name)
                logger.warning("%s: %s", name, error)
    for name in sorted(sums):
        print(f"{name} {sums[name]}")
    return {"sums": dict(sorted(sums.items())), "broken": len(broken)}


if __name__ == "__main__":
    main()
