"""The logs of a run are read whole, from near the end, and while they grow, to the run's end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import ended_record, move_to_finished, read_record, write_record
from support import start_script, wait_until, write_script
from support.runs import ended_run, running_run

COMMAND = [sys.executable, "-m", "scitex_session", "logs"]
BAR = b"\x1b[32m 0%\x1b[0m\r 50%\r100%\n"


def test_each_stream_goes_to_its_own_and_bars_are_shown_once(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    ended_run(logs={"stdout.log": BAR + b"out\n", "stderr.log": b"err\xff\n"})
    for options, printed in (
        ([], (b"100%\nout\n", b"err\xff\n")),
        (["--raw"], (BAR + b"out\n", b"err\xff\n")),
        (["--stderr"], (b"err\xff\n", b"")),
        (["--tail", "1"], (b"out\n", b"err\xff\n")),
    ):
        assert main(["logs", "latest", *options]) == 0
        assert capsysbinary.readouterr() == printed
    assert [*stx.logs("latest")] == ["100%\n", "out\n", "err\udcff\n"]
    assert [*stx.logs("latest", stream="stderr", raw=True)] == ["err\udcff\n"]


def test_json_has_a_line_each_with_its_stream(capsys: pytest.CaptureFixture[str]) -> None:
    ended_run(logs={"stdout.log": b"a\nb", "stderr.log": b"\xff\n"})
    assert main(["logs", "latest", "--json"]) == 0
    assert [*map(json.loads, capsys.readouterr().out.splitlines())] == [
        {"stream": "stdout", "text": "a\n"},
        {"stream": "stdout", "text": "b"},
        {"stream": "stderr", "text": "\ufffd\n"},
    ]


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4, 5, 6, 100])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_tail_reaches_into_what_was_truncated(lines: int, end: bytes) -> None:
    earlier, log = b"1\n2\n\n", b"x" * 200_000 + b"\n5" + end
    ended_run(logs={"stdout.1.log": earlier, "stdout.log": log})
    wanted = (earlier + log).decode().splitlines(keepends=True)
    found = "".join(stx.logs("latest", tail=lines))
    assert found == "".join(wanted[len(wanted) - lines :] if lines < 5 else wanted)
    assert "".join(stx.logs("latest")) == "".join(wanted)


@pytest.mark.parametrize("tail", [-1, True, "3"])
def test_a_tail_is_a_number_of_lines(tail: object) -> None:
    ended_run()
    with pytest.raises(ValueError, match="a number of lines, 0 or more"):
        stx.logs("latest", tail=tail)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'stdout', 'stderr' or None"):
        stx.logs("latest", stream="both")  # type: ignore[arg-type]


def test_a_run_without_logs_has_no_lines_and_a_pipe_in_their_place_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended_run()
    assert [*stx.logs(run)] == []
    os.mkfifo(run / "logs/stdout.log")
    assert main(["logs", run.name]) == 2
    assert "stdout.log: is no regular file" in capsys.readouterr().err


BOTH = """
    import sys
    import scitex_session as stx

    @stx.session
    def main(truncate: bool = False):
        for number in range(3):
            print("\\r\\x1b[K", end="", file=sys.stderr)
            print("out", number)
            print(f"bar {number}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        if truncate:
            import subprocess, time
            time.sleep(0.3)
            subprocess.run("echo anew > /dev/stderr", shell=True)

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("together", [True, False])
def test_both_streams_come_in_the_order_of_writing_where_one_place_showed_both(
    together: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    script = [sys.executable, str(write_script(BOTH))]
    where = subprocess.STDOUT if together else subprocess.PIPE
    subprocess.run(script, stdout=subprocess.PIPE, stderr=where, check=True)
    outs, bar = ["out 0\n", "out 1\n", "out 2\n"], "bar 2\n"
    assert [*stx.logs("latest")] == [*outs, bar]
    ordered = ["\r\x1b[Kout 0\n", "bar 0\r\x1b[Kout 1\n", "bar 1\r\x1b[Kout 2\n", bar]
    if together:
        assert [*stx.logs("latest", raw=True)] == ordered
        assert [*stx.logs("latest", tail=1)] == ["out 2\n", bar]
    finished = subprocess.run(
        [*COMMAND, "latest", "--raw"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    assert (finished.stdout == "".join(ordered).encode()) is together
    assert main(["logs", "latest"]) == 0
    assert capsys.readouterr() == ("".join(outs), bar)


def test_a_run_that_prints_on_one_stream_alone_keeps_no_order() -> None:
    script = write_script("""
        import sys
        import scitex_session as stx

        @stx.session
        def main():
            print("out")
            sys.stderr.flush()
            print("out")

        if __name__ == "__main__":
            main()
    """)
    subprocess.run(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    assert len([*(stx.path("latest") / "logs").iterdir()]) == 2


@pytest.mark.slow
def test_where_a_log_was_truncated_no_order_is_claimed() -> None:
    script = [sys.executable, str(write_script(BOTH)), "--truncate"]
    subprocess.run(script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    lines = ["out 0\n", "out 1\n", "out 2\n", "bar 2\n", "anew\n"]
    assert [*stx.logs("latest")] == lines
    order = stx.path("latest") / "logs/order.txt"
    assert order.read_bytes() == b""
    order.write_bytes(b"5 0\n")
    assert [*stx.logs("latest")] == lines


@pytest.mark.parametrize("order", [b"", b"x\n", b"-1 5\n", b"9 9\n1 1\n", b"999999 999999\n" * 9])
def test_an_order_that_can_not_be_loses_nothing(order: bytes) -> None:
    logs = {"stdout.log": b"out\n" * 3, "stderr.log": b"err\n" * 3, "order.txt": order}
    ended_run(logs=logs)
    assert sorted("".join(stx.logs("latest"))) == sorted("out\n" * 3 + "err\n" * 3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
@pytest.mark.parametrize(("size", "options", "lines"), [(10, ["--tail", "2"], 2), (2, [], 4)])
def test_a_log_of_gigabytes_takes_little_memory(size: int, options: list[str], lines: int) -> None:
    run = ended_run()
    with open(run / "logs/stdout.log", "wb") as file:
        file.write(b"first\n")
        file.seek(size << 30)  # a hole, as a log has that was capped
        file.write(b"last line\n" * 3)
    code = """if True:
        import re, sys
        from scitex_session.__main__ import main
        assert main(["logs", "latest", *sys.argv[1:]]) == 0
        status = open("/proc/self/status").read()  # getrusage has the peak of the parent
        print(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1], file=sys.stderr)
    """
    finished = subprocess.run(
        [sys.executable, "-c", code, *options], capture_output=True, check=True, timeout=100
    )
    assert len(finished.stdout.splitlines()) == lines
    assert int(finished.stderr) < 100_000


PRINTS = """
    import os, sys
    import scitex_session as stx

    @stx.session
    def main():
        print("out 1")
        for line in iter(sys.stdin.readline, ""):
            print(line, end="")
            print("err", line, end="", file=sys.stderr, flush=True)
            if line == "kill\\n":
                os.kill(os.getpid(), 9)
        return 3

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("last", ["end", "kill"])
def test_following_goes_on_across_the_end_and_tells_it(last: str) -> None:
    with subprocess.Popen(
        [sys.executable, str(write_script(PRINTS))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as script:
        assert script.stdin
        wait_until(lambda: any(Path("script_out").glob("RUNNING/*/logs/stdout.log")))
        wait_until(lambda: "".join(stx.logs("latest")) == "out 1\n")
        with subprocess.Popen(
            [*COMMAND, "-f", "latest"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as follower:
            assert follower.stdout
            assert follower.stderr
            assert follower.stdout.readline() == b"out 1\n"
            script.stdin.write(b"more\n")
            script.stdin.flush()
            assert follower.stdout.readline() == b"more\n"
            script.stdin.write(f"{last}\n".encode())
            script.stdin.close()
            assert follower.stdout.read() == f"{last}\n".encode()
            *lines, said = follower.stderr.read().splitlines()
            assert follower.wait(20) == 0
    assert lines[0] == b"err more"
    run = stx.record("latest")["id"].encode()
    how = b"crashed: killed by SIGKILL, after " if last == "kill" else b"failed: the function "
    assert said.startswith(b"scitex-session: " + run + b": " + how)


def test_following_an_ended_run_tells_its_end_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    run = ended_run(logs={"stdout.log": b"a\n"})
    assert main(["logs", "-f", run.name]) == 0
    assert f"{run.name}: success, after " in capsys.readouterr().err


def end(run: Path) -> None:
    record = ended_record(read_record(run), exit_status=0, reason={"kind": "returned"})
    write_record(run, record)
    move_to_finished(run, "success")


def test_a_run_of_another_machine_is_followed_by_its_files() -> None:
    process = {**stx.record(running_run())["process"], "host": "node7", "boot_id": "x"}
    run = running_run(process=process, logs={"stdout.log": b"1\n"})
    (run / "heartbeat").touch()
    lines: list[str] = []
    follower = threading.Thread(target=lambda: lines.extend(stx.logs(run, follow=True)))
    follower.start()
    with open(run / "logs/stdout.log", "ab") as log:
        log.write(b"2\n")
    time.sleep(0.1)
    end(run)
    follower.join(20)
    assert lines == ["1\n", "2\n"]


def test_both_streams_are_followed_in_the_order_of_their_marks() -> None:
    run = running_run(logs={"stdout.log": b"1\n3\n", "stderr.log": b"2\n", "order.txt": b"2 0\n"})
    with open(run / "logs/order.txt", "ab") as order:
        order.write(b"2 2\n")
        order.flush()
        found = stx.logs(run, follow=True)
        assert [next(found) for _ in range(3)] == ["1\n", "2\n", "3\n"]
        for number in range(4, 100, 2):
            with open(run / "logs/stderr.log", "ab") as log:
                log.write(f"{number}\n".encode())
            with open(run / "logs/stdout.log", "ab") as log:
                log.write(f"{number + 1}\n".encode())
        sizes = [4, 2]
        for number in range(4, 100):
            order.write(b"%d %d\n" % tuple(sizes))
            sizes[number % 2 == 0] += len(str(number)) + 1
    assert [int(next(found)) for _ in range(4, 100)] == [*range(4, 100)]
    end(run)
    assert [*found] == []


def test_what_a_program_truncated_is_followed_from_its_new_beginning() -> None:
    run = running_run(logs={"stdout.log": b"old 1\nold 2\n"})
    found = stx.logs(run, follow=True)
    assert [next(found), next(found)] == ["old 1\n", "old 2\n"]
    (run / "logs/stdout.log").write_bytes(b"new\n")
    assert next(found) == "new\n"
    (run / "logs/stdout.log").write_bytes(b"new\nnewer\n")
    assert next(found) == "newer\n"
    end(run)
    assert [*found] == []


def test_ctrl_c_ends_it_quietly() -> None:
    with start_script("""
        import time
        import scitex_session as stx

        @stx.session
        def main():
            print("begun", flush=True)
            time.sleep(60)

        if __name__ == "__main__":
            main()
    """) as script:
        assert script.stdout
        assert script.stdout.readline() == "begun\n"
        with subprocess.Popen(
            [*COMMAND, "latest", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as follower:
            assert follower.stdout
            assert follower.stdout.readline() == b"begun\n"
            follower.send_signal(signal.SIGINT)
            assert follower.communicate(timeout=20) == (b"", b"")
            assert follower.returncode == 130


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_a_bar_is_redrawn_in_place_and_codes_are_left_out() -> None:
    from support.terminal import Terminal

    run = running_run(logs={"stdout.log": b"\x1b[31mred\x1b[0m\x07\xc2\x9b1m\n", "stderr.log": b""})
    argv = [*COMMAND, "-f", run.name]
    with (
        Terminal("", argv=argv, columns=40) as terminal,
        open(run / "logs/stderr.log", "ab") as log,
    ):
        assert terminal.read(until=b"\n") == b"red1m\r\n"
        for step in (b"\r 10%", b"\r 20%", b"\r100% done\n"):
            log.write(step)
            log.flush()
            terminal.read(until=step.strip())
        end(run)
        shown = terminal.read()
        assert terminal.close() == 0
    assert b"\x1b[31m" not in shown
    assert b": success, after" in shown
