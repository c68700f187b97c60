from __future__ import annotations

import pytest

from scitex_session_repro import RandomStateManager
from support import run_script

# Two devices that are none: torch.cuda's own Python over generators of the CPU.
DEVICES = """
import torch
from torch import cuda
from scitex_session_repro import RandomStateManager

def start():
    cuda.default_generators = tuple(torch.Generator().manual_seed(n) for n in range(2))

def count():
    counted.append(2)
    return 2

counted = []
cuda._is_compiled, cuda._cudart = lambda: True, object()
cuda._device_count_nvml = lambda: -1
cuda._queued_calls.clear()
torch._C._cuda_init, torch._C._cuda_getDevice = start, lambda: 0
torch._C._cuda_getDeviceCount = count

def draw():
    cuda.init()
    return [torch.rand(1, generator=generator).item() for generator in cuda.default_generators]

"""


def test_what_is_called_of_every_accelerator_is_there() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for name in ("cuda", "xpu"):
        accelerator = getattr(torch, name, None)
        if accelerator is None:  # XPU came with torch 2.4
            continue
        for function in (
            "device_count",
            "get_rng_state_all",
            "is_initialized",
            "manual_seed_all",
            "init",
            "_is_in_bad_fork",
            "set_rng_state",
        ):
            assert callable(getattr(accelerator, function)), (name, function)
    assert callable(torch.mps.get_rng_state)
    assert callable(torch.mps.set_rng_state)


def needs_no_gpu() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")


def test_devices_go_on_in_a_process_that_has_not_started_them() -> None:
    needs_no_gpu()
    done = run_script(f"""{DEVICES}
rng = RandomStateManager(42)
draw()
rng.checkpoint("state.json")
print(draw())
""")
    assert (done.returncode, done.stderr) == (0, "")
    again = run_script(f"""{DEVICES}
rng = RandomStateManager(42)
rng.restore("state.json")
with rng.temporary_seed(7):
    pass
print(draw())
""")
    assert again == done


def test_seeding_and_giving_back_neither_count_nor_start_devices() -> None:
    needs_no_gpu()
    done = run_script(f"""{DEVICES}
with RandomStateManager(42) as rng:
    with rng.temporary_seed(7):
        rng.load_state_dict(rng.state_dict())
assert not counted
assert not cuda.is_initialized()
""")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("accelerator", ["cuda", "xpu", "mps"])
def test_an_accelerator_gets_its_state_back(accelerator: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    here = torch.backends.mps if accelerator == "mps" else getattr(torch, accelerator, None)
    if here is None or not here.is_available():
        pytest.skip(f"no {accelerator} device")
    with RandomStateManager(42) as manager:
        torch.rand(1, device=accelerator)
        state = manager.state_dict()
        expected = torch.rand(3, device=accelerator).tolist()
        torch.manual_seed(7)
        manager.load_state_dict(state)
        assert torch.rand(3, device=accelerator).tolist() == expected
