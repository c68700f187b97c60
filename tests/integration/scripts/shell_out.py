"""Glue around other programs: sort, awk, a shell, and a C library's stdout."""

import ctypes
import os
import subprocess
import sys

import scitex_session as stx


def c_print(text):
    """What an extension module written in C does."""
    libc = ctypes.CDLL(None)
    libc.puts(text.encode())
    libc.fflush(None)


@stx.session
def main(column: int = 4):
    print("groups:", flush=True)
    subprocess.run(
        f"tail -n +2 measurements.csv | cut -d, -f2 | sort | uniq -c | awk '{{print $2, $1}}'",
        shell=True,
        check=True,
    )
    os.system("echo from os.system; echo an error from the shell >&2")
    c_print("from puts")
    counted = subprocess.run(["wc", "-l", "measurements.csv"], capture_output=True, text=True)
    print("lines:", counted.stdout.split()[0])
    missing = subprocess.run(["ls", "no-such-file"], capture_output=True, text=True)
    print("ls failed with", missing.returncode > 0)
    sys.stderr.write("done\n")
    os.write(1, b"last words by os.write\n")
    return {"lines": int(counted.stdout.split()[0])}


if __name__ == "__main__":
    main()
