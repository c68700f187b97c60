from __future__ import annotations

import pytest

from scitex_session_repro import _torch


def test_what_is_called_of_every_accelerator_is_there() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for name in _torch.PER_DEVICE:
        accelerator = getattr(torch, name, None)
        if accelerator is None:  # XPU came with torch 2.4
            continue
        for function in (
            "device_count",
            "get_rng_state_all",
            "is_initialized",
            "manual_seed_all",
            "set_rng_state",
        ):
            assert callable(getattr(accelerator, function)), (name, function)
    assert callable(torch.mps.get_rng_state)
    assert callable(torch.mps.set_rng_state)


def test_the_cpu_goes_on_and_a_device_that_is_not_here_is_named() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("an accelerator is here")
    cpu, seed, accelerators = _torch.save(torch)
    assert accelerators == {}
    expected = torch.rand(3)
    gone = {"cuda": [cpu, cpu], "xpu": [cpu], "mps": [cpu]}
    assert _torch.restore(torch, (cpu, seed, gone)) == ["cuda:0", "cuda:1", "xpu:0", "mps"]
    assert torch.equal(torch.rand(3), expected)
    assert _torch.restore(torch, (cpu, seed, {})) == []


@pytest.mark.parametrize("accelerator", ["cuda", "xpu", "mps"])
def test_an_accelerator_gets_its_state_back(accelerator: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    here = torch.backends.mps if accelerator == "mps" else getattr(torch, accelerator, None)
    if here is None or not here.is_available():
        pytest.skip(f"no {accelerator} device")
    found = _torch.save(torch)
    torch.rand(1, device=accelerator)
    state = _torch.save(torch)
    expected = torch.rand(3, device=accelerator).tolist()
    torch.manual_seed(7)
    assert _torch.restore(torch, state) == []
    assert torch.rand(3, device=accelerator).tolist() == expected
    _torch.restore(torch, found)
