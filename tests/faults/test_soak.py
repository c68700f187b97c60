"""Thousands of sessions, in one process and in many: nothing grows, nothing is left.

``SOAK=2000`` in the environment is the whole soak, of some minutes; CI does a twentieth of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scitex_session_core import SessionManager, read_record
from support import run_script, wait_until, write_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what grows"),
    pytest.mark.timeout(900),
]
SESSIONS = int(os.environ.get("SOAK", "100"))
AT_ONCE = 4
# A session may keep so much for good: an ID, a few strings.
BYTES_OF_A_SESSION = 4096


def test_many_sessions_of_one_process_leave_nothing_in_it() -> None:
    finished = run_script(
        f"""
        import gc, json, os, sys, threading
        import scitex_session as stx

        @stx.session
        def session(n):
            print(n)
            stx.log(loss=n)
            stx.io.save([n], "n.json")
            return {{"n": n}}

        def state():
            gc.collect()
            status = dict(line.split(":", 1) for line in open("/proc/self/status"))
            return {{
                "descriptors": len(os.listdir("/proc/self/fd")),
                "children": open(f"/proc/self/task/{{os.getpid()}}/children").read().split(),
                "environment": sorted(os.environ),
                "finders": len(sys.meta_path),
                "modules": len(sys.modules),
                "threads": threading.active_count(),
                "memory": int(status["VmRSS"].split()[0]) * 1024,
            }}

        states = []
        for n in range({SESSIONS}):
            session.run(n=n)
            if n in ({SESSIONS} // 4, {SESSIONS} - 1):
                states.append(state())
        print(json.dumps(states))
        """,
        timeout=800,
    )
    assert finished.returncode == 0, finished
    first, last = json.loads(finished.stdout.splitlines()[-1])
    grown = last.pop("memory") - first.pop("memory")
    assert last == first
    assert grown <= BYTES_OF_A_SESSION * SESSIONS, f"{grown / SESSIONS:.0f} bytes a session"
    assert len(list(Path("script_out/FINISHED_SUCCESS").iterdir())) == SESSIONS


def test_many_processes_leave_a_true_record_each_and_nothing_else() -> None:
    script = write_script("""
        import os, sys
        import scitex_session as stx
        @stx.session
        def main(n: int):
            print(n)
            if n % 10 == 3:
                os.kill(os.getpid(), 9)
            return n % 2
        if __name__ == "__main__":
            main()
    """)

    def run(n: int) -> int:
        command = [sys.executable, str(script), "--n", str(n)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = Counter(pool.map(run, range(SESSIONS)))
    killed = SESSIONS // 10
    assert statuses == {0: SESSIONS // 2, 1: SESSIONS // 2 - killed, -9: killed}
    expected = {"success": SESSIONS // 2, "failed": SESSIONS // 2 - killed, "crashed": killed}
    wait_until(lambda: not list(Path("script_out/RUNNING").iterdir()), what="all have been filed")
    runs = [read_record(run) for run in Path("script_out").glob("FINISHED_*/2*")]
    assert Counter(record["status"] for record in runs) == expected
    listed = SessionManager().list_sessions().values()
    assert Counter(session["status"] for session in listed) == expected
    assert sorted(record["arguments"]["n"] for record in runs) == [*range(SESSIONS)]
    left = {path.name for path in Path("script_out").iterdir()}
    folders = {"FINISHED_ERROR", "FINISHED_SUCCESS", "RUNNING"}
    assert left == folders | {".environments", ".gitignore", "latest"}
