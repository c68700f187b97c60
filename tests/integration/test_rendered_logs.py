"""Beside a log with terminal codes stands what a person saw; the log itself is never touched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support import run_script


def logs_of_the_run() -> dict[str, bytes]:
    (run,) = Path("script_out", "FINISHED_SUCCESS").iterdir()
    return {path.name: path.read_bytes() for path in (run / "logs").iterdir()}


def test_progress_bars_are_in_the_text_in_their_last_state() -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    finished = run_script("""
        import scitex_session as stx
        from tqdm import tqdm

        @stx.session
        def main():
            for epoch in tqdm(range(2), desc="epochs", mininterval=0):
                for _ in tqdm(range(3), desc="batches", leave=False, mininterval=0):
                    pass
                print("\\033[1mepoch\\033[0m", epoch)

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 0, finished
    logs = logs_of_the_run()
    assert logs["stdout.log"] == b"\x1b[1mepoch\x1b[0m 0\n\x1b[1mepoch\x1b[0m 1\n"
    assert logs["stdout.txt"] == b"epoch 0\nepoch 1\n"
    assert logs["stderr.log"].count(b"epochs: ") > 2
    assert logs["stderr.log"].count(b"batches: ") > 3
    (line,) = logs["stderr.txt"].decode().splitlines()
    assert line.startswith("epochs: 100%|")


def test_a_log_without_codes_stands_alone() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx

        @stx.session
        def main():
            print("plain")
            sys.stdout.buffer.write(b"\\xff\\r\\n")

        if __name__ == "__main__":
            main()
            ours = [name for name in sys.modules if name.startswith("scitex_session")]
            assert not [name for name in ours if "render" in name]
    """)
    assert finished.returncode == 0, finished
    assert logs_of_the_run() == {"stdout.log": b"plain\n\xff\r\n", "stderr.log": b""}


def test_a_long_log_is_rendered_when_it_is_read() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            print("\\rand over" * 2**20)

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 0
    assert sorted(logs_of_the_run()) == ["stderr.log", "stdout.log"]
    (log,) = Path("script_out").rglob("stdout.log")
    from scitex_session_io import render

    assert b"".join(render(log)) == b"and over\n"


def test_a_text_that_can_not_be_written_is_said_and_harms_nothing() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            print("0%\\r1%")
            (CONFIG.SDIR_RUN / "logs" / "stdout.txt").mkdir()

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 0
    assert "rendering the logs failed: IsADirectoryError" in finished.stderr
    (run,) = Path("script_out", "FINISHED_SUCCESS").iterdir()
    names = sorted(path.name for path in (run / "logs").iterdir())
    assert names == ["stderr.log", "stdout.log", "stdout.txt"]


@pytest.mark.parametrize("options", ['capture="none"', 'capture="sys"', 'sdir="mine"'])
def test_the_text_is_there_wherever_there_is_a_log(options: str) -> None:
    finished = run_script(f"""
        import scitex_session as stx

        @stx.session({options})
        def main():
            print("0%\\r1%")

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "0%\n1%\n", "")  # as a text file is read, here
    texts = [path.read_text() for path in Path().rglob("stdout.txt")]
    assert texts == ([] if "none" in options else ["1%\n"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes blocks out of a file")
def test_a_log_may_be_given_a_limit() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session(max_log_bytes=2**17)
        def main():
            for number in range(100_000):
                print("line", number)

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 0
    assert len(finished.stdout.splitlines()) == 100_000
    (log,) = Path("script_out").rglob("stdout.log")
    assert log.stat().st_blocks * 512 <= 2**17
    text = log.read_bytes()
    assert text.startswith(b"line 0\n")
    assert text.endswith(b"line 99999\n")
    assert b" bytes dropped here]\n" in text


BOMBS = {
    "room": "print('ab\\rX\\x1b[10000000@')",
    "length": "print('\\x1b[1000GX\\n' * 200_000)",
    "time": "print('\\n' * 500 + '\\x1b[255A' + '\\x1b[J' * 1_200_000)",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_whatever_a_log_does_to_its_rendering_the_run_has_ended_as_it_did(bomb: str) -> None:
    finished = run_script(f"""
        import resource
        import scitex_session as stx
        @stx.session(verbose=False)
        def main():
            {BOMBS[bomb]}
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (150 << 20),) * 2)
        main()
    """)
    assert (finished.returncode, finished.stderr) == (0, "")
    [run] = Path("script_out").glob("FINISHED_SUCCESS/*")
    assert (run / "logs" / "stdout.txt").exists() is (bomb == "room")
