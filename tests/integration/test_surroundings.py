"""Where a run took place and what it used: packages, machine, processor time, memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from support import read_json, run_script

START = """
    import os, sys
    import scitex_session as stx
"""
MAIN = """
    if __name__ == "__main__":
        main()
"""


def run(body: str = "", **more: Any) -> dict[str, Any]:
    """Run a script with this body of its function; return its record."""
    lines = f"\n{START}\n    @stx.session\n    def main():\n        pass\n{body}\n{MAIN}"
    finished = run_script(lines, **more)
    assert finished.returncode == 0, finished
    assert "scitex-session:" not in finished.stderr, finished
    newest = max(Path("script_out/FINISHED_SUCCESS").iterdir(), key=os.path.getmtime)
    return dict(read_json(newest / "session.json"))


def test_what_is_installed_is_one_file_for_all_runs_that_have_the_same() -> None:
    first, second = run(), run()
    assert first["environment"] == second["environment"]
    (file,) = Path("script_out/.environments").iterdir()
    assert first["environment"] == f"sha256:{file.stem}"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    lines = file.read_text().splitlines()
    found = {line.partition("==")[0].lower().replace("-", "_"): line for line in lines}
    for known in metadata.distributions():
        name = known.metadata["Name"].lower().replace("-", "_").replace(".", "_")
        assert found[name].endswith(f"=={known.version}")


def test_another_environment_is_another_file(tmp_path: Path) -> None:
    first = run()
    (tmp_path / "lib" / "extra-1.2.dist-info").mkdir(parents=True)
    second = run(env={"PYTHONPATH": str(tmp_path / "lib")})
    assert first["environment"] != second["environment"]
    text = Path(f"script_out/.environments/{second['environment'][7:]}.txt").read_text()
    assert "extra==1.2\n" in text


def test_it_is_on_disk_before_the_function_runs() -> None:
    run("""
        import json
        digest = json.loads((CONFIG.SDIR_RUN / "session.json").read_bytes())["environment"]
        assert (CONFIG.SDIR_OUT / ".environments" / f"{digest[7:]}.txt").exists()
    """)


def test_versions_are_of_what_was_imported() -> None:
    assert set(run()["versions"]) == {"scitex-session"}
    versions = run("""
        import numpy, yaml
    """)["versions"]
    assert versions["numpy"] == metadata.version("numpy")
    assert versions["yaml"] == metadata.version("PyYAML")
    assert "pandas" not in versions


def test_a_lazy_module_is_not_made_to_load() -> None:
    Path("site-packages").mkdir()
    Path("site-packages/lazy.py").write_text(
        "def __getattr__(name):\n    if name == '__version__': raise SystemExit(9)\n"
        "    raise AttributeError(name)\n"
    )
    versions = run("""
        sys.path.insert(0, os.path.abspath("site-packages"))
        import lazy
    """)["versions"]
    assert "lazy" not in versions


def test_processor_time_and_memory_are_those_of_the_run() -> None:
    idle = run()["usage"]
    busy = run("""
        import subprocess, time
        held = bytearray(300 << 20)
        burn = "import time\\nwhile time.process_time() < 0.6: pass"
        subprocess.run([sys.executable, "-c", burn])
        exec(burn)
    """)["usage"]
    assert idle["peak_memory_bytes"] < 200 << 20
    # The system counts in ticks of 10 ms.
    assert busy["cpu_s"] >= 0.4 > idle["children_cpu_s"]
    assert busy["children_cpu_s"] >= 0.5
    assert busy["peak_memory_bytes"] > 300 << 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_the_memory_of_the_process_that_starts_a_run_is_not_the_runs() -> None:
    run()
    subprocess.run(
        [
            *(sys.executable, "-c"),
            "import subprocess, sys; held = bytearray(400 << 20);"
            "subprocess.run([sys.executable, 'script.py'], check=True)",
        ],
        check=True,
    )
    for path in Path("script_out/FINISHED_SUCCESS").glob("*/session.json"):
        assert read_json(path)["usage"]["peak_memory_bytes"] < 200 << 20


def test_the_time_is_that_of_the_session_not_of_the_process() -> None:
    finished = run_script(
        START
        + """
    import time
    while time.process_time() < 1: pass
    @stx.session
    def main(n: int = 0):
        pass
    """
        + MAIN
    )
    assert finished.returncode == 0, finished
    (run_dir,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run_dir / "session.json")["usage"]["cpu_s"] < 0.9


def test_the_machine_is_on_record() -> None:
    record = run()
    assert record["machine"]["cpus"] == os.cpu_count()
    assert record["machine"]["memory_bytes"] > 1 << 28
    assert "gpus" not in record["machine"]
    assert record["interpreter"] == f"{sys.implementation.name} {sys.executable}"


def test_gpus_are_asked_only_where_torch_has_started_them() -> None:
    Path("torch.py").write_text(
        "class cuda:\n"
        "    started = False\n"
        "    def is_initialized(): return cuda.started\n"
        "    def device_count(): return 2 if cuda.started else 1 / 0\n"
        "    def get_device_name(number): return f'GPU {number}'\n"
        "    def max_memory_allocated(number): return 100 + number\n"
        "class random:\n    pass\n"
    )
    record = run(
        """
        import types
        torch = types.ModuleType("torch")
        exec(open("torch.py").read(), vars(torch))
        sys.modules["torch"] = torch
        torch.cuda.started = True
    """,
        env={"START": "1", "SCITEX_NOTHING": ""},
    )
    assert record["machine"]["gpus"] == ["GPU 0", "GPU 1"]
    assert record["usage"]["gpu_peak_memory_bytes"] == [100, 101]
