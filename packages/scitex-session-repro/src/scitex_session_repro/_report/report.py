"""The doctor: what repeats here and now, what does not, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .checks import checks
from .machine import machine

if TYPE_CHECKING:
    from typing import Any

    from scitex_session_repro._streams.manager import RandomStateManager

    from .checks import Check


class Report:
    """What is guaranteed here and now: `print` it, or keep it as a dict.

    Parameters
    ----------
    checks : list of Check
        What was looked at.
    machine : dict
        What it rests on: versions, processor, GPUs.
    """

    def __init__(self, checks: list[Check], machine: dict[str, Any]) -> None:
        self._checks = checks
        self._machine = machine

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values that JSON can hold.

        Returns
        -------
        dict
            ``checks``: a list of dicts with ``what``, ``status`` (``"guaranteed"``,
            ``"not guaranteed"`` or ``"unknown"``), ``reason`` and ``advice``; and ``machine``:
            ``python``, ``platform``, ``processor``, ``cpus``, ``gpus``, ``blas``, ``versions``,
            ``environment``.
        """
        return {"checks": [check._asdict() for check in self._checks], "machine": self._machine}

    def __str__(self) -> str:
        lines = []
        for check in self._checks:
            lines.append(f"{check.status:<14}  {check.what}: {check.reason}")
            if check.advice:
                lines.append(f"{'':14}  -> {check.advice}")
        found = self._machine
        gpus = ", ".join(found["gpus"]) or "no GPU seen"
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        lines += [
            "",
            f"{'rests on':<14}  Python {found['python']}; {found['platform']}",
            f"{'':14}  {found['processor']}, {found['cpus']} CPUs for this process; {gpus}",
            f"{'':14}  {versions or 'no library imported yet'}",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        counts = [
            f"{sum(check.status == status for check in self._checks)} {status}"
            for status in ("guaranteed", "not guaranteed", "unknown")
        ]
        return f"<Report: {', '.join(counts)}>"


def report(manager: RandomStateManager | None = None) -> Report:
    """Say what is guaranteed to repeat here and now, and what is not.

    Nothing is imported or set for it: only libraries that are imported already are asked, so ask
    at the end of a run. A GPU is not woken up.

    Parameters
    ----------
    manager : RandomStateManager, optional
        Whose generators are in use; by default the current manager, if there is one.

    Returns
    -------
    Report
        ``print(report())`` for people, ``report().as_dict()`` for a record.
    """
    found = machine()
    return Report(checks(manager, found), found)
