"""The machine: processor, usable cores, memory, accelerators. Imports no framework.

PyTorch is asked only if the script has imported it and has begun to use its accelerators: asking
earlier would take memory on them, and break processes that are forked later.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.capture.captured import Captured, ask, make_gap, one_line
from provenance.capture.processes import run_program
from provenance.manifest import Accelerator, Hardware

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["capture_hardware", "has_nvidia_driver", "read_system_file", "usable_cores"]

#: Bytes of a file of the system that are read; `/proc/cpuinfo` repeats itself for each core.
MAX_SYSTEM_FILE_BYTES = 64 * 1024

#: Most accelerators of one node that are looked at.
MAX_ACCELERATORS = 1_024

_DRIVER_VERSION = re.compile(r"Kernel Module[^\n]*?\s(\d+\.\d+(?:\.\d+)?)\s")
_SYSCTL = "/usr/sbin/sysctl"


def capture_hardware(*, root: Path = Path("/")) -> Captured[Hardware]:
    """Return the machine that this process runs on.

    Args:
        root: Where `/proc` lies; for tests.
    """
    processor = _processor_name(root)
    accelerators = _accelerators(root)
    gaps = accelerators.gaps
    if processor is None:
        gaps = (*gaps, make_gap("hardware", "absent", "the system does not name its processor"))
    return Captured(
        Hardware(
            machine=platform.machine() or None,
            processor=processor,
            cores=usable_cores(),
            memory_bytes=_memory_bytes(),
            accelerators=accelerators.value,
        ),
        gaps,
    )


def usable_cores() -> int:
    """Return how many logical processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_system_file(path: Path) -> str | None:
    """Return the beginning of a small file of the system, or nothing where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SYSTEM_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _processor_name(root: Path) -> str | None:
    """Return the processor's own name; `platform.processor()` would start a program for it."""
    text = read_system_file(root / "proc" / "cpuinfo") or ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "cpu model"} and value.strip():
            return one_line(value.strip())
    return _sysctl("machdep.cpu.brand_string") if sys.platform == "darwin" else None


def _sysctl(name: str) -> str | None:
    output = run_program(
        (_SYSCTL, "-n", name),
        folder=Path("/"),
        environment={"LC_ALL": "C"},
        deadline=time.monotonic() + 2.0,
        max_bytes=4096,
    )
    return one_line(output.stdout.decode("utf-8", "replace").strip()) or None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on this system
        return None


def _accelerators(root: Path) -> Captured[tuple[Accelerator, ...]]:
    driver = _nvidia_driver(root)
    asked = _torch_devices()
    if asked.value:
        return Captured(_count(asked.value, driver), asked.gaps)
    names = _nvidia_names(root)
    if not names and driver is not None:
        text = "an accelerator's driver is loaded, but no device is visible to this process"
        return Captured((), (*asked.gaps, make_gap("accelerators", "absent", text)))
    return Captured(_count([(name, None) for name in names], driver), asked.gaps)


def has_nvidia_driver(root: Path = Path("/")) -> bool:
    """Return whether the driver of NVIDIA's accelerators is loaded; nothing is asked of it."""
    return _nvidia_driver(root) is not None


def _nvidia_driver(root: Path) -> str | None:
    version = _DRIVER_VERSION.search(
        read_system_file(root / "proc" / "driver" / "nvidia" / "version") or ""
    )
    return version[1] if version else None


def _nvidia_names(root: Path) -> list[str]:
    try:
        folders = sorted((root / "proc" / "driver" / "nvidia" / "gpus").iterdir())
    except OSError:
        return []
    names = []
    for folder in folders[:MAX_ACCELERATORS]:
        text = read_system_file(folder / "information") or ""
        model = re.search(r"^Model:[ \t]*(\S[^\n]*)$", text, re.MULTILINE)
        names.append(model[1].strip() if model else "NVIDIA device of unknown model")
    return names


def _torch_devices() -> Captured[list[tuple[str, int | None]] | None]:
    """Return name and memory of each device that PyTorch already uses."""
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    initialised: Callable[[], bool] | None = getattr(cuda, "is_initialized", None)
    if cuda is None or initialised is None:
        return Captured(None)

    def read() -> list[tuple[str, int | None]]:
        if not initialised():
            return []
        every = map(cuda.get_device_properties, range(min(cuda.device_count(), MAX_ACCELERATORS)))
        return [(str(one.name), int(one.total_memory)) for one in every]

    return ask("accelerators", read)


def _count(devices: list[tuple[str, int | None]], driver: str | None) -> tuple[Accelerator, ...]:
    return tuple(
        Accelerator(name=one_line(name), count=count, memory_bytes=memory, driver=driver)
        for (name, memory), count in Counter(devices).items()
    )
