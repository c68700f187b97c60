from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from scitex_session_repro import RandomStateManager, report
from support import run_script

SCRIPT = """
    import json, os, sys
    from scitex_session_repro import RandomStateManager, report
    {}
    print(json.dumps(report().as_dict()))
"""


Checks = dict[str, tuple[str, str, str]]


def reported(body: str = "", **env: str) -> tuple[Checks, dict[str, Any]]:
    """Run a script, and give its checks by what they look at, and the machine."""
    done = run_script(SCRIPT.format(body), env=env)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    checks = {
        check["what"]: (check["status"], check["reason"], check["advice"])
        for check in found["checks"]
    }
    return checks, found["machine"]


SETS = "the order of sets of strings"


def test_nothing_is_imported_for_it() -> None:
    body = "before = {*sys.modules}; report(); print(*{*sys.modules} - before, file=sys.stderr)"
    done = run_script(SCRIPT.format(body))
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"numpy", "torch", "subprocess", "threadpoolctl", "asyncio"}


@pytest.mark.parametrize(
    ("body", "env", "status", "reason"),
    [
        ("", {}, "not guaranteed", "differently in every process"),
        ("", {"PYTHONHASHSEED": "0"}, "guaranteed", "not randomised"),
        ("", {"PYTHONHASHSEED": "7"}, "guaranteed", "started with PYTHONHASHSEED=7"),
        ("", {"PYTHONHASHSEED": "random"}, "not guaranteed", "differently in every process"),
        (
            "os.environ['PYTHONHASHSEED'] = '0'",
            {},
            "not guaranteed",
            "was set after Python had started",
        ),
    ],
)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux tells")
def test_hash_randomisation_is_told_as_it_is(
    body: str, env: dict[str, str], status: str, reason: str
) -> None:
    checks, _ = reported(body, **env)
    assert checks[SETS][0] == status
    assert reason in checks[SETS][1]
    assert (checks[SETS][2] == "") is (status == "guaranteed")


def test_generators_in_use_are_named() -> None:
    checks, _ = reported("import random; rng = RandomStateManager(7); rng('b'); rng('a')")
    assert checks["named generators"][:2] == (
        "guaranteed",
        "each depends on seed 7 and its name only; in use: a, b",
    )
    assert checks["the global generator of random"][0] == "guaranteed"
    assert checks["the global generator of numpy"][0] == "guaranteed"


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ("seed_everything(5)", "RandomStateManager(seed=5)"),
        ("reset(6)", "RandomStateManager(seed=6)"),
        ("forgotten = RandomStateManager(9)", "RandomStateManager(seed=9)"),
        ("manager.temporary_seed(7).__enter__()", "temporary_seed(7)"),
        ("manager.child('a').__enter__()", "RandomStateManager(seed=42).child('a')"),
    ],
)
def test_a_manager_is_not_promised_what_another_has_seeded_since(body: str, other: str) -> None:
    done = run_script(f"""
        import json, random
        from scitex_session_repro import RandomStateManager, report, reset, seed_everything
        manager = RandomStateManager(42)
        {body}
        print(json.dumps(report(manager).as_dict()["checks"]))
        manager.release()
        manager = RandomStateManager(43)
        print(json.dumps(report(manager).as_dict()["checks"]))
    """)
    assert done.stderr == ""
    during, after = (
        [check for check in json.loads(line) if check["what"] == "the global generator of random"]
        for line in done.stdout.splitlines()
    )
    assert [(check["status"], check["reason"]) for check in during] == [
        ("unknown", f"seeded by {other} since, which is not released: seed 42 is not in use")
    ]
    assert [(check["status"], check["reason"]) for check in after] == [
        ("guaranteed", "seeded with 43; threads share it")
    ]


def test_without_a_manager_no_generator_is_promised() -> None:
    checks, _ = reported()
    status, reason, advice = checks["random numbers"]
    assert (status, reason) == ("not guaranteed", "there is no RandomStateManager")
    assert advice == "make a RandomStateManager(seed)"


@pytest.mark.parametrize(
    ("body", "env", "status"),
    [
        ("import numpy", {"OPENBLAS_NUM_THREADS": "1"}, "guaranteed"),
        ("import numpy", {"OMP_NUM_THREADS": "1"}, "guaranteed"),
        ("import numpy", {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "2"}, "not guaranteed"),
        ("import numpy", {"OMP_NUM_THREADS": "3"}, "not guaranteed"),
        ("import numpy; os.environ['OMP_NUM_THREADS'] = '1'", {}, "unknown"),
    ],
)
def test_threads_of_blas_are_told_as_they_are(body: str, env: dict[str, str], status: str) -> None:
    checks, machine = reported(body, **env)
    if machine["cpus"] == 1:
        pytest.skip("one CPU: one thread, whatever is asked for")
    if "openblas" not in str(machine["blas"]):
        pytest.skip(f"numpy is built with {machine['blas']}, not OpenBLAS")
    (what,) = [what for what in checks if "(threads)" in what]
    assert checks[what][0] == status


def test_it_says_what_results_rest_on() -> None:
    _, machine = reported("import numpy", OMP_NUM_THREADS="3")
    assert str(machine["python"]).startswith(".".join(map(str, sys.version_info[:3])))
    assert isinstance(machine["cpus"], int)
    assert machine["versions"] == {"numpy": version("numpy")}
    assert machine["environment"] == {"OMP_NUM_THREADS": "3"}


def test_people_get_text_in_which_every_line_has_a_status() -> None:
    with RandomStateManager(7) as rng:
        text = str(report())
        assert text == str(report(rng))
    head, _, rests = text.partition("\n\n")
    for line in head.splitlines():
        assert line[:16].strip() in {"guaranteed", "not guaranteed", "unknown", ""}
        assert line[16:].startswith("-> ") or ": " in line
    assert "seed 7 and its name only" in head
    assert rests.startswith("rests on        Python 3.")
    assert repr(report()).startswith("<Report: ")


def test_the_report_of_a_fresh_process_is_a_command() -> None:
    source = "import runpy; runpy.run_module('scitex_session_repro', run_name='__main__')"
    done = run_script(source, "numpy")
    assert done.returncode == 0
    assert "the last bits of numpy on another processor" in done.stdout
    missing = run_script(source, "no_such_module")
    assert missing.returncode == 2
    assert missing.stderr == "cannot import no_such_module: No module named 'no_such_module'\n"


def test_what_torch_was_told_is_told() -> None:
    pytest.importorskip("torch", reason="torch is not installed: nothing to tell of it")
    what = "torch: deterministic algorithms"
    assert reported("import torch")[0][what][0] == "not guaranteed"
    asked = "import torch; torch.use_deterministic_algorithms(True{})"
    assert reported(asked.format(""))[0][what][0] == "guaranteed"
    checks, machine = reported(asked.format(", warn_only=True") + "; torch.set_num_threads(1)")
    assert checks[what][:2] == ("not guaranteed", "an operation that has none only warns")
    assert checks["torch: the last bits on the CPU (threads)"][0] == "guaranteed"
    assert "torch" in machine["versions"]


UNSEEDED = "generators of numpy without a seed, as of default_rng()"


def test_generators_without_a_seed_are_found_with_their_place() -> None:
    checks, _ = reported("""from numpy.random import default_rng as taken_before
    rng = RandomStateManager(42); import numpy as np
    for _ in range(3): np.random.default_rng()
    np.random.PCG64(); seed = None
    np.random.Generator(np.random.Philox(
        seed
    ))
    taken_before()
    """)
    status, reason, advice = checks[UNSEEDED]
    assert status == "not guaranteed"
    found = "made at script.py:6 (3 times), script.py:7, script.py:8, script.py:11"
    assert reason == found
    assert "default_rng(42)" in advice


def test_generators_with_a_seed_and_copies_are_no_generators_without_one() -> None:
    checks, _ = reported("""rng = RandomStateManager(42); import copy, pickle, numpy as np
    np.random.default_rng(1).spawn(2); rng("a").spawn(1)
    pickle.loads(pickle.dumps([np.random.PCG64(1), np.random.default_rng(1), rng("a")]))
    copy.deepcopy([np.random.RandomState(1), rng("a"), rng])
    np.random.seed(1); np.random.RandomState(np.random.MT19937(1))
    """)
    assert UNSEEDED not in checks


def test_what_notes_generators_without_a_seed_is_taken_away_again() -> None:
    import numpy as np

    holder = sys.modules["numpy.random.bit_generator"]
    found = vars(holder)["randbits"]
    with RandomStateManager(42):
        with RandomStateManager(43), RandomStateManager(43).temporary_seed(1):
            assert vars(holder)["randbits"] is not found
        assert np.random.default_rng().random() != np.random.default_rng().random()
    assert vars(holder)["randbits"] is found
