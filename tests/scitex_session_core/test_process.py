"""A process is dead only if it is known to be gone; what can't be known is unknown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from scitex_session_core._process import boot_id, host, identify, liveness, start_ticks
from support import start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    Note = Callable[[str, str], None]

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="this is about Linux's /proc")
ROOT_ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux"
)
PROGRAM = "import json; from scitex_session_core._process import *"
SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


def other_python(code: str, *before: str) -> Any:
    argv = [*before, sys.executable, "-c", f"{PROGRAM}\n{textwrap.dedent(code)}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if before and done.stderr.startswith(f"{before[0]}:"):
        pytest.skip(f"{before[0]} does not work here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_this_process_is_alive() -> None:
    assert liveness(identify()) == "alive"


def test_a_child_is_alive_then_a_zombie_then_gone_and_so_dead(caused: Note) -> None:
    with start_script(SLEEPER) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = identify(child.pid)
        assert liveness(process) == "alive"
        child.kill()
        wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert liveness(process) == "dead"
        child.wait()
        assert liveness(process) == "dead"
    caused("a zombie", "dead")


def test_a_suspended_process_is_alive(caused: Note) -> None:
    with start_script(SLEEPER) as child:
        process = identify(child.pid)
        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
        assert liveness(process) == "alive"
    caused("SIGSTOP", "alive")


def test_a_pid_that_was_used_again_is_dead() -> None:
    process = identify()
    assert liveness({**process, "start_ticks": process["start_ticks"] - 1}) == "dead"


@ROOT_ON_LINUX
def test_a_pid_that_another_process_really_has_now_is_dead(caused: Note) -> None:
    # In a namespace of its own, where nobody else takes the pid before us.
    code = """
        import os, sys, time
        def child():
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.read(read, 1)
                os._exit(0)
            return pid, write
        pid, write = child()
        first = identify(pid)
        alive = liveness(first)
        os.write(write, b"x")
        os.waitpid(pid, 0)
        gone = liveness(first)
        time.sleep(0.05)  # ticks are of 10 ms
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(pid - 1))
        again, _ = child()
        now = liveness(first)
        print(json.dumps([again == pid, alive, gone, now, liveness(identify(again))]))
    """
    found = other_python(code, "unshare", "--pid", "--fork", "--mount-proc")
    if not found[0]:
        pytest.skip("a pid can't be chosen here: /proc/sys/kernel/ns_last_pid has no effect")
    assert found == [True, "alive", "dead", "dead", "alive"]
    caused("a pid used again", "dead")


@ROOT_ON_LINUX
def test_the_number_of_a_namespace_that_was_used_again_is_no_life(caused: Note) -> None:
    unshare = ("unshare", "--pid", "--fork", "--mount-proc")
    first = other_python("print(json.dumps(identify()))", *unshare)
    for _ in range(20):
        told = f"[identify(), liveness(json.loads('''{json.dumps(first)}'''))]"
        second, life = other_python(f"print(json.dumps({told}))", *unshare)
        if second["pid_ns"] == first["pid_ns"]:
            break
    else:
        pytest.skip("this kernel does not use the number of a namespace again at once")
    assert second["pid"] == first["pid"] == 1
    assert life == "dead"
    caused("the number of a PID namespace used again", "dead")


@ROOT_ON_LINUX
def test_a_time_namespace_with_another_clock_kills_nobody(caused: Note) -> None:
    record = json.dumps(identify())
    code = f"print(json.dumps([identify(), liveness(json.loads('''{record}'''))]))"
    shifted = ("unshare", "--time", "--boottime", "1000000", "--fork")
    inside, life = other_python(code, *shifted)
    assert life == "alive"
    # What is written there is as true out here: that process is gone, and was not of the future.
    assert inside["start_ticks"] < 1_000_000 * os.sysconf("SC_CLK_TCK")
    assert liveness(inside) == "dead"
    caused("the reader in a time namespace", "alive")


@ROOT_ON_LINUX
def test_a_process_of_a_time_namespace_is_alive_from_outside(caused: Note) -> None:
    code = PROGRAM + "; import sys; print(json.dumps(identify()), flush=True); sys.stdin.read()"
    argv = ["unshare", "--time", "--boottime", "1000000", "--fork", sys.executable, "-c", code]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            pytest.skip("unshare --time does not work here")
        assert liveness(json.loads(line)) == "alive"
    caused("the run in a time namespace", "alive")


@pytest.mark.parametrize(
    "difference",
    [
        {"host": "elsewhere"},
        {"boot_id": "another-boot"},
        {"pid_ns": 1},
        {"start_ticks": None},
        {"start_ticks": "x"},
        {"pid": 0},
        {"pid": -1},
        {"pid": None},
        {"pid": "12"},
    ],
)
def test_what_can_not_be_known_is_unknown(difference: dict[str, Any]) -> None:
    assert liveness({**identify(), **difference}) == "unknown"


@pytest.mark.parametrize("process", [None, {}, [], "x", 5])
def test_a_record_without_a_process_is_unknown(process: object) -> None:
    assert liveness(process) == "unknown"


def test_a_number_that_no_process_can_have_is_dead() -> None:
    assert liveness({**identify(), "pid": 2**70}) == "dead"


def test_a_process_of_another_user_is_alive_and_not_killed(caused: Note) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    record = json.dumps(identify())
    code = (
        "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        f"print(json.dumps(liveness(json.loads('''{record}'''))))"
    )
    assert other_python(code) == "alive"
    caused("a process of another user", "alive")


@ROOT_ON_LINUX
def test_a_process_hidden_from_us_is_unknown(caused: Note) -> None:
    record = json.dumps(identify())
    code = (
        "import os, subprocess; "
        "subprocess.run(['mount', '-t', 'proc', '-o', 'hidepid=2', 'proc', '/proc'], check=True); "
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        f"print(json.dumps(liveness(json.loads('''{record}'''))))"
    )
    assert other_python(code, "unshare", "--mount") == "unknown"
    caused("/proc hidden by hidepid=2, and EPERM", "unknown")


@ROOT_ON_LINUX
def test_another_pid_namespace_is_unknown_from_both_sides(caused: Note) -> None:
    record = json.dumps(identify())
    code = f"print(json.dumps([identify(), liveness(json.loads('''{record}'''))]))"
    inside, from_inside = other_python(code, "unshare", "--pid", "--fork", "--mount-proc")
    assert from_inside == "unknown"
    assert liveness(inside) == "unknown"
    assert inside["boot_id"] == boot_id()
    assert inside["pid"] == 1
    caused("another PID namespace", "unknown")


@ROOT_ON_LINUX
def test_the_proc_of_another_pid_namespace_is_not_taken_for_ours(caused: Note) -> None:
    told = "[os.getpid(), start_ticks(os.getpid()), liveness(identify())]"
    code = f"import os; print(json.dumps({told}))"
    pid, ticks, life = other_python(code, "unshare", "--pid", "--fork")
    assert pid == 1
    assert start_ticks(1) is not None  # that of the machine's own first process
    assert (ticks, life) == (None, "unknown")
    caused("a PID namespace without a /proc of its own", "unknown")


@ROOT_ON_LINUX
def test_another_host_name_is_unknown(caused: Note) -> None:
    code = "import socket; socket.sethostname('elsewhere'); print(json.dumps(identify()))"
    there = other_python(code, "unshare", "--uts")
    assert there["host"] == "elsewhere"
    assert liveness(there) == "unknown"
    caused("another host name", "unknown")


@LINUX
def test_a_program_named_to_confuse_is_read_right() -> None:
    code = (
        "from pathlib import Path; Path('/proc/self/comm').write_text(') Z 1 (x'); import os; "
        "print(json.dumps(start_ticks(os.getpid()) == psutil_ticks))"
    )
    ticks = (
        "import psutil, os; p = psutil.Process(); "
        "psutil_ticks = round((p.create_time() - psutil.boot_time()) * os.sysconf('SC_CLK_TCK')); "
    )
    assert other_python(ticks + code) is True


def test_identify_names_this_machine_and_user() -> None:
    found = identify()
    assert list(found) == ["user", "host", "boot_id", "pid_ns", "pid", "start_ticks", "rank"]
    assert found["pid"] == os.getpid()
    assert found["host"] == host()
    assert found["user"] == psutil.Process().username()
    assert found["rank"] is None
    assert found == identify(os.getpid())


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({"SLURM_PROCID": "3"}, 3),
        ({"RANK": "0", "SLURM_PROCID": "3"}, 0),
        ({"RANK": "x", "OMPI_COMM_WORLD_RANK": "2"}, 2),
        ({"RANK": "-1"}, None),
    ],
)
def test_the_rank_is_what_the_launcher_says(
    variables: dict[str, str], rank: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert identify()["rank"] == rank


def test_asking_does_not_import_psutil_on_linux() -> None:
    code = "import sys; liveness(identify()); print(json.dumps('psutil' in sys.modules))"
    assert other_python(code) is (sys.platform != "linux")
