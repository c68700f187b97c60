"""The global generators of torch: the CPU's, and those of every accelerator that has started."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# Accelerators with a generator for each device, and the same functions to reach them.
PER_DEVICE = ("cuda", "xpu")


def save(torch: ModuleType) -> Any:
    """Give the states: of the CPU; its seed; by accelerator, those of the devices.

    An accelerator that has not started has no state yet: it will start from the last seed.
    """
    states = {}
    for name in PER_DEVICE:
        accelerator = getattr(torch, name, None)
        if accelerator is not None and accelerator.is_initialized():
            states[name] = accelerator.get_rng_state_all()
    if _has_mps(torch):
        states["mps"] = [torch.mps.get_rng_state()]
    return torch.get_rng_state(), torch.initial_seed(), states


def restore(torch: ModuleType, state: Any) -> list[str]:
    """Put the states back; an accelerator that has one is started for it.

    Returns
    -------
    list of str
        What could not be put back since its device is not here.
    """
    cpu, seed, accelerators = state
    missing = []
    for name in PER_DEVICE:
        accelerator = getattr(torch, name, None)
        if name in accelerators:
            missing += _restore_devices(accelerator, name, accelerators[name])
        elif accelerator is not None:
            accelerator.manual_seed_all(seed)  # queued, where it has not started even now
    if "mps" in accelerators:
        if _has_mps(torch):
            torch.mps.set_rng_state(accelerators["mps"][0])
        else:
            missing.append("mps")
    torch.set_rng_state(cpu)
    return missing


def _restore_devices(accelerator: Any, name: str, states: list[Any]) -> list[str]:
    here = 0
    if accelerator is not None and not accelerator._is_in_bad_fork():
        # Counted only for a state: where the driver's own library does not tell, torch asks in a
        # way that keeps every process forked from now on from using the accelerator.
        here = accelerator.device_count()
    if here and not accelerator.is_initialized():
        # What set_rng_state leaves to the start is run before the last seed, which undoes it.
        accelerator.init()
    for device, state in enumerate(states[:here]):
        accelerator.set_rng_state(state, device)
    return [f"{name}:{device}" for device in range(here, len(states))]


def _has_mps(torch: ModuleType) -> bool:
    return bool(torch.backends.mps.is_available() and not torch.mps._is_in_bad_fork())
