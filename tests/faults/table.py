"""Each fault that can befall a run, and what is promised then; the tests cause all of them."""

from __future__ import annotations

from typing import NamedTuple

PROMISES = {
    "record": "`session.json` is there, and can be read",
    "status": "the status is true, and so is the folder",
    "log": "`stdout.log` has every byte that was printed until then",
    "exit": "the process ends as it would have without us",
    "streams": "afterwards, stdout and stderr are the script's own again",
    "registry": "the registry lists the run once, with the same status",
}


class Fault(NamedTuple):
    """What a script does within a session, or has done to it.

    Attributes
    ----------
    body : str
        The code of the session, after it has printed ``before``.
    process : int
        How the process ends: an exit status, or minus the signal that it dies of.
    status : str
        The status of the run.
    printed : bytes or None
        What stands in ``stdout.log`` after ``before``; None where that can't be foretold.
    instead : dict
        For each promise that can't be kept, what holds instead.
    place : {"", "small", "permissions", "read-only registry", "damaged registry"}
        Where the run lies, if not in a usual place.
    """

    body: str
    process: int = 0
    status: str = "success"
    printed: bytes | None = b""
    instead: dict[str, str] = {}  # noqa: RUF012  # nobody changes it
    place: str = ""


KILL_COMPANIONS = """
import psutil
for each in psutil.process_iter(["cmdline"]):
    words = each.info["cmdline"] or []
    if any("_companion" in word for word in words) and str(os.getpid()) in words:
        each.kill()
"""
FULL = """
with open(CONFIG.SDIR_RUN / "filler", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 512)
    except OSError:
        pass
print("no room for this")
"""
UNTIL_FULL = {"log": "what came before the disk was full is there"}
REAPED = {"status": "readers say `crashed`; the next run, or `reap`, moves the directory"}

NEVER_CLOSED = dict.fromkeys(
    ("status", "registry"), "`finished` after `start` without `close`: Python tells no exit status"
)

FAULTS = {
    "nothing": Fault("pass"),
    "an exception": Fault("raise ValueError('mine')", 1, "failed"),
    "sys.exit(3)": Fault("sys.exit(3)", 3, "failed", instead=NEVER_CLOSED),
    "the stack is used up": Fault("again = lambda: again()\nagain()", 1, "failed"),
    "SIGTERM": Fault("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -15, "failed"),
    "SIGINT": Fault("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2, "failed"),
    "SIGHUP": Fault("os.kill(os.getpid(), signal.SIGHUP); time.sleep(9)", -1, "failed"),
    "SIGKILL": Fault("os.kill(os.getpid(), signal.SIGKILL)", -9, "crashed"),
    "a segfault": Fault("import ctypes; ctypes.string_at(0)", -11, "crashed"),
    "os._exit(7)": Fault("os._exit(7)", 7, "crashed"),
    "os.abort()": Fault("os.abort()", -6, "crashed"),
    "the companion is killed": Fault(KILL_COMPANIONS + "print('on')", printed=b"on\n"),
    "the companion is killed, then the run": Fault(
        KILL_COMPANIONS + "os.kill(os.getpid(), signal.SIGKILL)", -9, "crashed", instead=REAPED
    ),
    "the disk is full": Fault(FULL, printed=None, instead=UNTIL_FULL, place="small"),
    "the run directory is closed to writing": Fault(
        "os.chmod(CONFIG.SDIR_RUN, 0o500)",
        place="permissions",
        instead={"status": "true, but the directory stays in `RUNNING`"},
    ),
    "the registry can't be written": Fault(
        "pass",
        place="read-only registry",
        instead={"registry": "a warning says so; `reindex` finds the run"},
    ),
    "the index is damaged, and a line of the journal torn": Fault("pass", place="damaged registry"),
    "the script deletes its run directory": Fault(
        "import shutil; shutil.rmtree(CONFIG.SDIR_RUN); print('gone')",
        printed=None,
        instead={"log": "it went with the directory; the record is written anew"},
    ),
    "the script changes its working directory": Fault(
        "os.chdir('/'); print('on')", 0, printed=b"on\n"
    ),
    "the script closes its stdout": Fault(
        "sys.stdout.flush(); os.close(1)", instead={"streams": "stdout stays closed"}
    ),
    "the script forks, and the child falls through": Fault(
        "pid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: print('child', flush=True)",
        printed=b"child\n",
    ),
    "the script starts a daemon": Fault(
        "subprocess.Popen(['sleep', '20'], start_new_session=True, stdout=subprocess.DEVNULL)"
    ),
    "the script prints 64 MB": Fault(
        "for _ in range(64): print('x' * (1 << 20), end='')", printed=b"x" * (64 << 20)
    ),
    "the script prints invalid bytes": Fault(
        r"sys.stdout.buffer.write(b'\xff\xfe\x00\n')", printed=b"\xff\xfe\x00\n"
    ),
    "C code holds the GIL for 2 s": Fault("import ctypes; ctypes.PyDLL(None).usleep(2_000_000)"),
    "all descriptors are used up": Fault(
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\nkept = []\n"
        "try:\n    while True: kept.append(open(os.devnull))\nexcept OSError: pass"
    ),
}
