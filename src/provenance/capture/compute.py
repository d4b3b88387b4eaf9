"""A stopwatch for a run: wall time, processor time, peak memory, device hours, energy."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.capture.captured import Captured, ask, make_gap
from provenance.capture.energy import EnergyMeter
from provenance.capture.hardware import MAX_ACCELERATORS
from provenance.manifest import Compute

if TYPE_CHECKING:
    from provenance.manifest import Energy, Hardware

__all__ = [
    "Stopwatch",
    "Usage",
    "describe_compute",
    "peak_device_memory_bytes",
    "peak_memory_bytes",
]

_SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used between two moments."""

    wall_seconds: float
    """Wall time."""

    cpu_seconds: float
    """Processor time of the process and of those of its children that have ended."""

    peak_memory_bytes: int | None
    """Largest resident memory since the process began, or nothing where the system does not say."""

    energy: Captured[Energy | None] = field(default_factory=lambda: Captured(None))
    """Energy that counters of the machine say was used, and why there is none."""


class Stopwatch:
    """Measures from the moment it is made. Reading does not stop it."""

    def __init__(self) -> None:
        """Begin to measure."""
        self._wall = time.monotonic()
        self._cpu = _cpu_seconds()
        self._energy = EnergyMeter()

    def read(self) -> Usage:
        """Return what was used so far."""
        return Usage(
            wall_seconds=round(time.monotonic() - self._wall, 3),
            cpu_seconds=round(_cpu_seconds() - self._cpu, 3),
            peak_memory_bytes=peak_memory_bytes(),
            energy=self._energy.read(),
        )

    def close(self) -> None:
        """End what is read in the background."""
        self._energy.close()


def peak_memory_bytes() -> int | None:
    """Return the largest resident memory of this process or of any ended child, in bytes."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return None
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    # Kibibytes on Linux and the BSDs, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024


def peak_device_memory_bytes() -> Captured[int | None]:
    """Return the largest memory that PyTorch had allocated on one accelerator, in bytes.

    Nothing where the script has not used accelerators through it: asking would begin to use them.
    """
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not hasattr(cuda, "max_memory_allocated"):
        return Captured(None)

    def read() -> int | None:
        if not cuda.is_initialized():
            return None
        devices = range(min(int(cuda.device_count()), MAX_ACCELERATORS))
        return max((int(cuda.max_memory_allocated(it)) for it in devices), default=None)

    return ask("memory", read)


def describe_compute(usage: Usage, hardware: Hardware | None) -> Captured[Compute]:
    """Return what a run used as a part of a manifest.

    Device hours are the wall time times the number of accelerators; without accelerators, the
    processor time. `method` says which.
    """
    devices = sum(one.count or 1 for one in hardware.accelerators) if hardware else 0
    if devices:
        seconds = usage.wall_seconds * devices
        method = f"wall time of the process times {devices} accelerators"
    else:
        seconds = usage.cpu_seconds
        method = "processor time of the process and of its children; no accelerator was seen"
    device_memory = peak_device_memory_bytes()
    compute = Compute(
        hardware=(hardware,) if hardware else (),
        device_hours=round(seconds / _SECONDS_AN_HOUR, 6),
        wall_time_seconds=usage.wall_seconds,
        peak_memory_bytes=usage.peak_memory_bytes,
        peak_device_memory_bytes=device_memory.value,
        method=method,
        energy=usage.energy.value,
    )
    gaps = (*device_memory.gaps, *usage.energy.gaps)
    if usage.peak_memory_bytes is None:
        gaps = (*gaps, make_gap("memory", "absent", "this system does not tell its peak"))
    return Captured(compute, gaps)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
