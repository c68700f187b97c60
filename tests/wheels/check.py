"""Check the built distributions, in fresh virtual environments that never see the source tree.

Run as ``python tests/wheels/check.py [DIST]``. Without a folder of distributions, all five are
built first, with the ``hatch`` on the PATH. Every check prints a line; the first failure ends it.

Siblings are always given as files: another project holds the bare name on the public index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from email.parser import Parser
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
WORK = Path(__file__).with_name("work")
PACKAGES = (
    "scitex-session",
    "scitex-session-core",
    "scitex-session-io",
    "scitex-session-plot",
    "scitex-session-repro",
)
# The whole of what a part brings; for plot, what it asks for (matplotlib brings its own).
# Linux does without psutil.
LINUX = sys.platform == "linux"
BRINGS = {
    "scitex-session-core": {"filelock", "platformdirs", *(() if LINUX else ("psutil",))},
    "scitex-session-io": set[str](),
    "scitex-session-repro": {"numpy"},
}
ASKS_FOR = {
    **BRINGS,
    "scitex-session-core": {"filelock", "platformdirs", "psutil"},
    "scitex-session-plot": {"matplotlib"},
}
# Budgets of the whole.
MOST_DISTRIBUTIONS, MOST_MEGABYTES = 30, 160


def main(arguments: list[str]) -> int:
    """Check the distributions in the given folder, or freshly built ones."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wheels-") as temporary:
        workplace = Path(temporary)
        dist = Path(arguments[0]).resolve() if arguments else build(workplace / "dist")
        for package in PACKAGES:
            check_contents(package, dist)
        with ThreadPoolExecutor(max_workers=2) as pool:
            done = [
                pool.submit(check_sdists, dist, workplace),
                pool.submit(check_whole, dist, workplace),
                *(pool.submit(check_part, part, dist, workplace) for part in ASKS_FOR),
            ]
            passed = sum(future.result() for future in done)
    print(f"{passed + len(PACKAGES)} passed, 0 failed ({time.monotonic() - began:.0f} s)")
    return 0


def build(dist: Path) -> Path:
    """Build sdist and wheel of all five packages."""
    run(["hatch", "build", "--all", str(dist)], REPOSITORY)
    return dist


def check_contents(package: str, dist: Path) -> None:
    """A wheel and an sdist carry the type marker, the licence, the README, one version."""
    stem = package.replace("-", "_")
    wheel, sdist = only(dist, f"{stem}-[0-9]*.whl"), only(dist, f"{stem}-[0-9]*.tar.gz")
    files, metadata = read_wheel(wheel)
    readme = (REPOSITORY / "packages" / package / "README.md").read_text(encoding="utf-8")
    expect(f"{stem}/py.typed" in files, f"{wheel.name} has no py.typed: {sorted(files)}")
    expect(any(name.endswith("licenses/LICENSE") for name in files), f"{wheel.name}: no LICENSE")
    expect(readme.strip() in metadata, f"{wheel.name} does not carry the README")
    header = Parser().parsestr(metadata, headersonly=True)
    expect(header["License-Expression"] == "BSD-3-Clause", f"{wheel.name}: licence")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"LICENSE", "README.md", "pyproject.toml", f"src/{stem}/py.typed"}
    expect(needed <= names, f"{sdist.name} lacks {needed - names}")
    foreign = {name for name in files if not name.startswith((f"{stem}/", f"{stem}-"))}
    expect(not foreign, f"{wheel.name} carries {foreign}")
    say(package, f"wheel and sdist of {header['Version']} are complete")


def check_sdists(dist: Path, workplace: Path) -> int:
    """A wheel made from an sdist is the wheel made from the repository."""
    python = make_environment("sdists", workplace)
    pip(python, "install", "hatchling")
    again = workplace / "again"
    for package in PACKAGES:
        stem = package.replace("-", "_")
        sdist = str(only(dist, f"{stem}-[0-9]*.tar.gz"))
        pip(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(again), sdist)
        first, second = (read_wheel(only(at, f"{stem}-[0-9]*.whl")) for at in (dist, again))
        expect(first == second, f"the wheel from {sdist} differs from the repository's")
    say("all five", "the wheel from the sdist is the wheel from the repository")
    return 1


def check_part(part: str, dist: Path, workplace: Path) -> int:
    """A part alone asks for, and brings, what it may, and does its work."""
    python = make_environment(part, workplace)
    wheel = only(dist, f"{part.replace('-', '_')}-[0-9]*.whl")
    asks_for = requirements(wheel)
    expect(asks_for == ASKS_FOR[part], f"{part} asks for {asks_for}")
    pip(python, "install", "--no-compile", str(wheel))
    brought = installed(python) - {part}
    if part in BRINGS:
        expect(brought == BRINGS[part], f"{part} brings {sorted(brought)}")
    expect(not {name for name in brought if name.startswith("scitex")}, f"{part} brings a sibling")
    say(part, f"brings {', '.join(sorted(brought)) or 'nothing'}")
    output = do_work(python, part.removeprefix("scitex-session-"), workplace)
    say(part, f"works alone: {output.splitlines()[-1]}")
    return 2


def check_whole(dist: Path, workplace: Path) -> int:
    """The whole runs a script as a session, and stays within its budget on disk."""
    python = make_environment("scitex-session", workplace)
    wheels = [str(only(dist, f"{name.replace('-', '_')}-[0-9]*.whl")) for name in PACKAGES]
    pip(python, "install", "--no-compile", *wheels)
    names = installed(python)
    expect(len(names) <= MOST_DISTRIBUTIONS, f"{len(names)} distributions: {sorted(names)}")
    say("scitex-session", f"brings {len(names)} distributions (at most {MOST_DISTRIBUTIONS})")
    megabytes = size_of_packages(python)
    expect(megabytes <= MOST_MEGABYTES, f"{megabytes:.1f} MB")
    say("scitex-session", f"takes {megabytes:.1f} MB (at most {MOST_MEGABYTES})")
    output = do_work(python, "session", workplace, "--data-path", "data.csv", "--threshold", "0.7")
    root = workplace / "work-session" / "work_out"
    runs = list((root / "FINISHED_SUCCESS").iterdir())
    expect(len(runs) == 1, f"runs in {root}: {list(root.rglob('*'))}")
    record = json.loads((runs[0] / "session.json").read_text(encoding="utf-8"))
    expect(record["status"] == "success", f"the record says {record['status']}")
    arguments = record["arguments"]
    expect(arguments == {"data_path": "data.csv", "threshold": 0.7}, f"recorded {arguments}")
    log = (runs[0] / "logs" / "stdout.log").read_text(encoding="utf-8")
    expect("2 of 3 values lie above 0.7" in log, f"the log says {log!r}")
    expect("2 of 3 values lie above 0.7" in output, f"the terminal saw {output!r}")
    saved = {path.name for path in runs[0].rglob("*") if path.is_file()}
    expect({"above.csv", "values.png"} <= saved, f"saved {sorted(saved)}")
    say("scitex-session", "a script with arguments, a figure and a table is a recorded run")
    command = python.with_name("scitex-session.exe" if os.name == "nt" else "scitex-session")
    told = run([str(command), "whence", "values.png"], runs[0])
    expect(runs[0].name in told, f"scitex-session whence says {told!r}")
    say("scitex-session", "the command leads from the figure back to the run")
    return 4


def make_environment(name: str, workplace: Path) -> Path:
    """Make a virtual environment, and give its Python."""
    root = workplace / f"venv-{name}"
    run([sys.executable, "-m", "venv", str(root)], workplace)
    return root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def do_work(python: Path, name: str, workplace: Path, *arguments: str) -> str:
    """Run the script of that name, as work.py in an empty folder; give what it prints."""
    folder = workplace / f"work-{name}"
    folder.mkdir()
    shutil.copy(WORK / f"{name}.py", folder / "work.py")
    return run([str(python), "-I", "work.py", *arguments], folder).strip()


def pip(python: Path, *arguments: str) -> None:
    """Run the environment's pip."""
    run([str(python), "-m", "pip", "--quiet", *arguments], python.parent)


def installed(python: Path) -> set[str]:
    """Name what is installed, less the tools of a fresh environment."""
    listed = run([str(python), "-m", "pip", "list", "--format=json"], python.parent)
    names = {entry["name"].lower() for entry in json.loads(listed)}
    return names - {"pip", "setuptools"}


def size_of_packages(python: Path) -> float:
    """Give the megabytes of everything installed, without bytecode and without pip."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    root = Path(run([str(python), "-c", code], python.parent).strip())
    tools = ("pip", "setuptools", "_distutils_hack", "distutils-precedence.pth")
    files = (
        path
        for top in root.iterdir()
        if not top.name.startswith(tools)
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file() and path.suffix != ".pyc"
    )
    return sum(path.stat().st_size for path in files) / 1e6


def requirements(wheel: Path) -> set[str]:
    """Name what a wheel requires without any extra."""
    header = Parser().parsestr(read_wheel(wheel)[1], headersonly=True)
    lines = header.get_all("Requires-Dist") or []
    plain = (line.partition(";")[0] for line in lines if "extra ==" not in line)
    return {line.split("<")[0].split(">")[0].split("=")[0].strip().lower() for line in plain}


def read_wheel(wheel: Path) -> tuple[dict[str, int], str]:
    """Give a wheel's files with their checksums (its own list left out), and its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        files = {i.filename: i.CRC for i in archive.infolist() if not i.filename.endswith("RECORD")}
        metadata = next(name for name in files if name.endswith(".dist-info/METADATA"))
        return files, archive.read(metadata).decode("utf-8")


def only(folder: Path, pattern: str) -> Path:
    """Give the one file in a folder that matches."""
    found = list(folder.glob(pattern))
    expect(len(found) == 1, f"{folder}: {pattern} matches {[path.name for path in found]}")
    return found[0]


def run(command: list[str], folder: Path) -> str:
    """Run a command that knows nothing of this repository; give its standard output."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    environment |= {"MPLBACKEND": "agg", "XDG_STATE_HOME": str(folder / "state")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def expect(holds: bool, message: str) -> None:
    """End with a message where a check fails."""
    if not holds:
        raise SystemExit(f"FAILED: {message}")


def say(subject: str, message: str) -> None:
    """Print the line of a check that passed."""
    print(f"ok  {subject}: {message}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
