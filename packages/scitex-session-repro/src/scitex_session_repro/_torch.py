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
    """Put the states back.

    Returns
    -------
    list of str
        What could not be put back since its device is not here.
    """
    cpu, seed, accelerators = state
    missing = []
    for name in PER_DEVICE:
        accelerator, saved = getattr(torch, name, None), accelerators.get(name)
        here = accelerator.device_count() if accelerator is not None else 0
        if saved is None:
            if accelerator is not None:
                accelerator.manual_seed_all(seed)  # queued, where it has not started even now
            continue
        for device, device_state in enumerate(saved):
            if device < here:
                accelerator.set_rng_state(device_state, device)  # type: ignore[union-attr]
            else:
                missing.append(f"{name}:{device}")
    if "mps" in accelerators:
        if _has_mps(torch):
            torch.mps.set_rng_state(accelerators["mps"][0])
        else:
            missing.append("mps")
    torch.set_rng_state(cpu)
    return missing


def _has_mps(torch: ModuleType) -> bool:
    return bool(torch.backends.mps.is_available())
