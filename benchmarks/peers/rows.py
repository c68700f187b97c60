"""What is measured of each peer, beside the same script that nobody records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from threading import Timer
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import registry
from benchmarks.workplace import Workplace

from .peer import OURS, PLAIN, Environment

if TYPE_CHECKING:
    from .peer import Peer

HERE = Path(__file__).parent
AT_ONCE = 16
MOST_RUNS = 320
LEAST_RUNS = 2 * AT_ONCE
MOST_LISTED = 10_000
PATIENCE_S = 60
LONG_S, LONGEST_S = 15, 120
SHORT_S = 4
SETTLES_S = 2
SUCCESS: set[str | None]
SUCCESS = {"success", "FINISHED_SUCCESS", "COMPLETED", "FINISHED", "has a result", "exit code 0"}
SUCCESS |= {"ended", None}  # None: it has no status that could be wrong


class Took(NamedTuple):
    """Seconds of a process: by the clock, and of the processor, with the children it waited for."""

    wall: float
    cpu: float


class Place:
    """A repository of scripts in which one peer's environment records runs."""

    def __init__(self, peer: Peer, environment: Environment, root: Path) -> None:
        self.peer = peer
        self.environment = environment
        work = Workplace(root, HERE / "scripts")
        self.folder = work.repository
        self.variables = work.environment | {
            "GIT_PYTHON_REFRESH": "quiet",
            "PATH": f"{environment.bin}{os.pathsep}{os.environ['PATH']}",
            "WANDB_MODE": "offline",
        }

    def start(self, line: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command line of the peer's environment; its output goes to a file."""
        with (self.folder / "printed").open("wb") as printed:
            return subprocess.Popen(
                self.environment.command(line),
                cwd=self.folder,
                env=self.variables | variables,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def time(self, line: str, **variables: str) -> Took:
        """Run a command line to its end, or raise TimeoutError when it has taken too long."""
        began = time.perf_counter()
        process = self.start(line, **variables)
        alarm = Timer(LONGEST_S, os.killpg, (process.pid, signal.SIGKILL))
        alarm.start()
        _, status, used = os.wait4(process.pid, 0)
        alarm.cancel()
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if took >= LONGEST_S:
            raise TimeoutError(line)
        if process.returncode:
            printed = (self.folder / "printed").read_text("utf-8", "replace")
            raise SystemExit(f"{line} ended with {process.returncode}:\n{printed[-2000:]}")
        return Took(took, used.ru_utime + used.ru_stime)

    def helper(self, name: str, *arguments: str) -> str:
        """Run one of the helpers beside this file, with the Python of the peer."""
        python = [str(self.environment.bin / "python"), str(HERE / name), self.peer.name]
        return subprocess.run(
            [*python, *arguments],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        ).stdout

    def records(self) -> list[dict[str, Any]]:
        """Return what the peer has recorded; nothing if it can't read that itself."""
        try:
            said = self.helper("readers.py")
        except subprocess.CalledProcessError:
            return []
        found: list[dict[str, Any]] = json.loads(said.splitlines()[-1])
        return found


def over(place: Place, plain: Place, lines: tuple[str, str], rounds: int) -> dict[str, float]:
    """Measure a command line over a plain one, in pairs whose order turns."""
    pairs, both = [], ((place, lines[0]), (plain, lines[1]))
    for number in range(rounds + 1):
        took = {at: at.time(line) for at, line in (both if number % 2 else both[::-1])}
        pairs.append((took[place], took[plain]))
    pairs = pairs[1:]  # the first one writes bytecode
    return {
        "wall_ms": 1e3 * median(a.wall - b.wall for a, b in pairs),
        "cpu_ms": 1e3 * median(a.cpu - b.cpu for a, b in pairs),
        "plain_wall_ms": 1e3 * median(b.wall for _, b in pairs),
        "plain_cpu_ms": 1e3 * median(b.cpu for _, b in pairs),
        "starts": median(a.cpu - b.cpu for a, b in pairs) / median(b.cpu for _, b in pairs),
    }


def printing(place: Place, plain: Place, rounds: int) -> dict[str, Any]:
    """Print a million lines into a file, and count how many the peer has kept."""
    lines = place.peer.run.format(1), PLAIN.run.format(1)
    pairs: list[tuple[Took, Took]] = []
    try:
        while len(pairs) < rounds and sum(took.wall for took, _ in pairs) < LONG_S:
            pairs.append((place.time(lines[0], WORK="print"), plain.time(lines[1], WORK="print")))
    except TimeoutError:
        return {"longer_than_s": LONGEST_S, "lines_kept": None}
    kept = [run["lines"] for run in place.records() if run["lines"] is not None]
    return {
        "ratio_wall": median(a.wall / b.wall for a, b in pairs),
        "ratio_cpu": median(a.cpu / b.cpu for a, b in pairs),
        "lines_kept": max(kept, default=None),
    }


def crowd(place: Place, seconds: float, each: float) -> dict[str, int]:
    """Start runs, 16 at a time, and count those that are on record truly: once, with their number.

    So many as take `seconds` where one takes `each`, but at least two crowds.
    """
    possible = int(seconds / each) // AT_ONCE * AT_ONCE
    count = min(MOST_RUNS, max(LEAST_RUNS, possible))

    def run(number: int) -> int:
        return place.start(place.peer.run.format(number)).wait()

    run(1)  # whoever makes a database makes it now
    numbers = range(1000, 1000 + count)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = sum(map(bool, pool.map(run, numbers)))
    found = [run for run in place.records() if (run["number"] or 0) >= 1000]
    true = {run["number"] for run in found if run["status"] in SUCCESS}
    twice = len(found) - len({run["number"] for run in found})
    return {"started": count, "failed": failed, "records": len(found), "true": len(true) - twice}


def killed(place: Place) -> dict[str, Any]:
    """Kill the script with SIGKILL after a thousand printed lines, and read what is said of it."""
    ready = place.folder / "ready"
    recorder = place.start(place.peer.run.format(77), WORK="wait", READY=str(ready))
    try:
        until = time.monotonic() + PATIENCE_S
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if time.monotonic() > until:
                raise SystemExit(f"{place.peer.name} has not printed its lines")
            time.sleep(0.05)
        time.sleep(SHORT_S)  # con-duct forgets what fails sooner
        os.kill(int(ready.read_text()), signal.SIGKILL)
        recorder.wait(PATIENCE_S)
        time.sleep(SETTLES_S)  # whatever watches over it may file its death
        runs = place.records()
    finally:
        try:
            os.killpg(recorder.pid, signal.SIGKILL)  # what it has left behind
        except ProcessLookupError:
            pass
    run = runs[0] if runs else {"status": None, "lines": None}
    return {"on_record": bool(runs), "status": run["status"], "lines": run["lines"]}


def listing(place: Place, seconds: float) -> dict[str, Any] | None:
    """Time the command that lists 10,000 runs, or as many as can be made in `seconds`."""
    if place.peer.listing is None:
        return None
    if place.peer is OURS:
        made, folder = MOST_LISTED, Path(place.variables["XDG_STATE_HOME"])
        registry.write(folder / "scitex-session" / "registry", made)
    else:
        place.time(place.peer.run.format(1))
        said = place.helper("makers.py", str(MOST_LISTED), str(seconds))
        made = int(said.split()[-1])
    place.time(place.peer.listing)  # builds what it may keep
    took = [place.time(place.peer.listing) for _ in range(3)]
    return {
        "runs": made,
        "wall_ms": 1e3 * median(each.wall for each in took),
        "cpu_ms": 1e3 * median(each.cpu for each in took),
    }
