from __future__ import annotations

import os
import random
import sys
from typing import Any

import pytest

from scitex_session_repro import (
    InvalidTypeError,
    InvalidValueError,
    RandomStateManager,
    get,
    reset,
    seed_everything,
)
from support import run_script

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"

SHOW = """
import os, sys, warnings
warnings.simplefilter("error")
from scitex_session_repro import RandomStateManager

def show():
    import torch
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    shown = [
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    ]
    try:
        shown.append(torch.get_float32_matmul_precision())
    except RuntimeError:
        shown.append("refused")
    mkldnn = torch.backends.mkldnn
    for holder, name in (
        (getattr(mkldnn, "matmul", None), "fp32_precision"),
        (cudnn, "allow_tf32"), (matmul, "allow_tf32"), (matmul, "fp32_precision"),
        (getattr(cudnn, "conv", None), "fp32_precision"),
        (getattr(cudnn, "rnn", None), "fp32_precision"),
        (getattr(mkldnn, "conv", None), "fp32_precision"),
        (getattr(mkldnn, "rnn", None), "fp32_precision"),
    ):
        try:
            shown.append(getattr(holder, name, None))
        except RuntimeError:
            shown.append("refused")
    return shown
"""


@pytest.mark.parametrize(
    "before",
    [
        "import torch",
        "",
        "import torch; torch.use_deterministic_algorithms(True, warn_only=True)",
        "import torch; torch.backends.cudnn.benchmark = True",
        *(
            pytest.param(f"import torch; torch.{setting}", marks=pytest.mark.slow)
            for setting in (
                "set_float32_matmul_precision('high')",
                "set_float32_matmul_precision('medium')",
                "backends.cuda.matmul.allow_tf32 = True",
                "backends.cuda.matmul.fp32_precision = 'tf32'",
                "backends.fp32_precision = 'tf32'",
            )
        ),
        "os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':0:0'",
    ],
)
def test_torch_is_made_deterministic_whenever_imported_and_put_back(before: str) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    earlier = "torch" in before
    done = run_script(f"""
{SHOW}
{before}
found = show() if {earlier} else None
assert ("torch" in sys.modules) is {earlier}
workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
with RandomStateManager(42, deterministic=True):
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    import torch
    mode, warn_only, deterministic, benchmark, _, precision, *tf32 = show()
    assert (mode, warn_only, deterministic, benchmark) == (True, False, True, False)
    assert precision == "highest", precision
    assert tf32[1:3] == [False, False], tf32
    assert all(value in (False, None, "ieee") for value in tf32), tf32
if {earlier}:
    assert show() == found, (show(), found)
assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == workspace
assert torch.are_deterministic_algorithms_enabled() is {"warn_only" in before}
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_torchs_compiler_is_put_back_too() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    inductor = pytest.importorskip("torch._inductor.config")
    if not hasattr(inductor, "deterministic"):
        pytest.skip(f"torch {torch.__version__} has no deterministic compiler")
    for found in (True, False):
        inductor.deterministic = found
        with RandomStateManager(42, deterministic=True):
            assert inductor.deterministic
        assert inductor.deterministic is found


def test_an_operation_without_a_deterministic_algorithm_is_refused_and_then_is_not() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values, index = torch.ones(3), torch.tensor([0, 0, 1])
    weights = torch.ones(3)
    with RandomStateManager(42, deterministic=True), pytest.raises(RuntimeError, match="determin"):
        torch.ones(3).put_(index, values, accumulate=False)
    torch.ones(3).put_(index, weights, accumulate=False)


def test_nested_managers_put_back_one_after_the_other() -> None:
    found = os.environ.get(WORKSPACE)
    outer = RandomStateManager(1)
    inner = RandomStateManager(2, deterministic=True)
    innermost = RandomStateManager(3, deterministic=True)
    assert os.environ[WORKSPACE] == ":4096:8"
    innermost.release()
    assert os.environ[WORKSPACE] == ":4096:8"
    outer.release()
    assert os.environ.get(WORKSPACE) == found
    inner.release()
    assert os.environ.get(WORKSPACE) == found


def test_nvidias_other_setting_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with RandomStateManager(1, deterministic=True):
        assert os.environ[WORKSPACE] == ":16:8"
    assert os.environ[WORKSPACE] == ":16:8"


def test_without_it_nothing_is_touched() -> None:
    found = dict(os.environ)
    with RandomStateManager(1):
        assert dict(os.environ) == found


def test_every_door_takes_it() -> None:
    seed_everything(1, deterministic=True)
    assert os.environ[WORKSPACE] == ":4096:8"
    get().release()
    assert WORKSPACE not in os.environ
    with RandomStateManager(1, deterministic=True) as manager:
        child = manager.child("a")
    with child:
        assert os.environ[WORKSPACE] == ":4096:8"
    assert WORKSPACE not in os.environ


HASH = """
from scitex_session_repro import RandomStateManager

RandomStateManager(42, verbose=True, deterministic=True)
"""


@pytest.mark.parametrize(
    ("value", "options", "alike"),
    [
        ("0", [], True),
        ("42", [], True),
        ("random", [], False),
        ("", [], False),
        ("42", ["-E"], False),
    ],
)
def test_hash_randomisation_is_said_where_it_is_and_never_set(
    value: str, options: list[str], alike: bool
) -> None:
    env = {"PYTHONHASHSEED": value}
    if "-E" in options:  # which does without PYTHONPATH too
        paths = [path for path in sys.path if path]
        source = f"import sys\nsys.path[:0] = {paths!r}\n{HASH}"
    else:
        source = HASH
    done = run_script(source, env=env, python_options=options)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("only starting Python with PYTHONHASHSEED=0" in done.stdout) is not alike


def test_the_hash_seed_is_never_touched() -> None:
    found = os.environ.get("PYTHONHASHSEED")
    with RandomStateManager(42, deterministic=True):
        random.random()
        assert os.environ.get("PYTHONHASHSEED") == found


@pytest.mark.parametrize("value", ["Warn", "", 1, None, 1.0, "true"])
def test_another_value_for_deterministic_is_refused(value: Any) -> None:
    kind = InvalidValueError if isinstance(value, str) else InvalidTypeError
    with pytest.raises(kind, match='deterministic must be True, False or "warn", not'):
        RandomStateManager(42, deterministic=value)
    with pytest.raises(kind):
        reset(42, deterministic=value)


def test_with_warn_an_operation_without_a_deterministic_algorithm_only_warns() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    enabled = torch.is_deterministic_algorithms_warn_only_enabled
    with RandomStateManager(42, deterministic="warn"):
        assert torch.are_deterministic_algorithms_enabled()
        assert enabled()
        with RandomStateManager(42, deterministic=True):
            assert not enabled()
        assert enabled()
    assert not torch.are_deterministic_algorithms_enabled()
