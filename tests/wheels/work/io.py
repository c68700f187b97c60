"""What Python and another process print is in the log; what is saved is loaded."""

import subprocess
import sys
from pathlib import Path

from scitex_session_io import capture, load, save

with capture("stdout.log", "stderr.log"):
    print("from Python")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
log = Path("stdout.log").read_text()
assert log == "from Python\nfrom a child\n", log
save({"n": 3}, "result.json")
assert load("result.json") == {"n": 3}
print(f"captured {len(log)} characters, saved and loaded JSON")
