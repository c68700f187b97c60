"""Print lines, as Python does by itself or captured: print_lines.py HOW NUMBER."""

import sys
import tempfile

how, number = sys.argv[1], int(sys.argv[2])


def work() -> None:
    """Print the lines."""
    for i in range(number):
        print("epoch", i, "loss", 0.25)


if how == "block":
    work()
elif how == "line":
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    work()
else:
    from scitex_session_io import capture

    mode = "fd" if how == "fd" else "sys"
    with tempfile.TemporaryDirectory() as logs:
        capturing = capture(f"{logs}/out", f"{logs}/err", mode=mode)  # type: ignore[arg-type]
        capturing.start()
        work()
        capturing.stop()
