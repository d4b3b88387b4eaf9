"""Energy that a machine has used between two moments, from the counters of RAPL and NVML.

RAPL counts what the processors of the *machine* use, and NVML what whole accelerators use: what
else runs on them is counted too, and the method says so. Counters that may not be read are a gap
with the line that mends it; counters that are not there are nothing. Source:
`docs/explanation/capture.md`, section "Energy".
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from provenance.capture.captured import Captured, describe_error, make_gap
from provenance.capture.hardware import MAX_ACCELERATORS, has_nvidia_driver, read_system_file
from provenance.manifest import Energy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.manifest import Gap

__all__ = ["EnergyMeter"]

#: Seconds between two readings. A counter of 65,712 J, the smallest in use, begins again after 65 s
#: at 1,000 W; reading more often than that misses no turn.
READING_SECONDS: Final = 20.0

#: More than any socket draws, in watts: how long a counter lasts for certain.
MAX_WATTS: Final = 1_000

#: Most counters of RAPL that are read.
MAX_COUNTERS: Final = 256

_POWERCAP: Final = Path("sys") / "class" / "powercap"
# A whole package `intel-rapl:0`, or a part of it, `intel-rapl:0:1`. AMD's stand there too.
_ZONE: Final = re.compile(r"intel-rapl:\d+(:\d+)?")
_MICROJOULES_A_KILOWATT_HOUR: Final = 3.6e12
_MILLIJOULES_A_KILOWATT_HOUR: Final = 3.6e9
_MENDING: Final = "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj"


class _Counter(Protocol):
    """Something that has used a certain amount of energy so far."""

    kind: str

    def read(self) -> float:
        """Return what was used since the counter was made, in kilowatt hours."""


class EnergyMeter:
    """Measures from the moment it is made. Reading does not stop it; `close` does.

    Args:
        root: Where `/sys` lies; for tests.
        monitor: Read in the background so that no counter turns over unseen.
    """

    def __init__(self, *, root: Path = Path("/"), monitor: bool = True) -> None:
        """Begin to measure what can be measured here."""
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._closed = threading.Event()
        rapl, gaps = _rapl_counters(root)
        nvml, more = _nvml_counters(root)
        self._counters: tuple[_Counter, ...] = (*rapl, *nvml)
        self._gaps: tuple[Gap, ...] = (*gaps, *more)
        if monitor and rapl:
            threading.Thread(target=self._watch, name="provenance-energy", daemon=True).start()

    def read(self) -> Captured[Energy | None]:
        """Return the energy so far, or nothing where no counter can be read."""
        if not self._counters or os.getpid() != self._process:
            return Captured(None, self._gaps)
        try:
            with self._lock:
                used = [(it.kind, it.read()) for it in self._counters]
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; the gap records it
            unseen = isinstance(error, _UnseenTurnError)
            gap = make_gap("energy", "failed", str(error) if unseen else describe_error(error))
            return Captured(None, (*self._gaps, gap))
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in used))
        energy = Energy(
            kilowatt_hours=round(sum(amount for _, amount in used), 9),
            method=f"measured ({kinds}); everything that ran there at the time is in it",
        )
        return Captured(energy, self._gaps)

    def close(self) -> None:
        """End reading in the background."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(READING_SECONDS):
            self.read()


@dataclass(slots=True)
class _Rapl:
    """One counter of RAPL: microjoules, from 0 again when it reaches its range."""

    path: Path
    range: int
    last: int
    at: float
    used: int = 0
    kind: str = "RAPL, processors of the machine"

    def read(self) -> float:
        found = _read_number(self.path)
        now = time.monotonic()
        if (now - self.at) * MAX_WATTS * 1e6 > self.range and self.range:
            message = "a counter of RAPL may have turned over between two readings"
            raise _UnseenTurnError(message)
        if found < self.last:
            if not self.range:
                message = "a counter of RAPL turned over, and its range is not known"
                raise _UnseenTurnError(message)
            self.used += self.range
        self.used += found - self.last
        self.last, self.at = found, now
        return self.used / _MICROJOULES_A_KILOWATT_HOUR


class _UnseenTurnError(Exception):
    """A counter does not tell any more what was used."""


@dataclass(slots=True)
class _Nvml:
    """The counter of one accelerator: millijoules since its driver was loaded."""

    ask: Callable[[], Any]
    first: int
    kind: str = "NVML, whole accelerators"

    def read(self) -> float:
        return (int(self.ask()) - self.first) / _MILLIJOULES_A_KILOWATT_HOUR


def _rapl_counters(root: Path) -> tuple[Sequence[_Rapl], Sequence[Gap]]:
    """Return the counters of whole processors and of their memory."""
    counters: list[_Rapl] = []
    for folder in _zones(root / _POWERCAP):
        try:
            number = _read_number(folder / "energy_uj")
        except PermissionError:
            text = f"the counters of RAPL may not be read; an administrator runs: {_MENDING}"
            return (), (make_gap("energy", "failed", text),)
        except (OSError, ValueError):
            continue
        try:
            span = _read_number(folder / "max_energy_range_uj")
        except (OSError, ValueError):
            span = 0
        counters.append(_Rapl(folder / "energy_uj", span, number, time.monotonic()))
    return counters, ()


def _zones(folder: Path) -> list[Path]:
    """Return the zones that are counted once: packages, and memory, which is in none of them."""
    try:
        names = sorted(found.name for found in folder.iterdir())
    except OSError:  # no RAPL here: a virtual machine, another processor, another system
        return []
    found: list[Path] = []
    for name in names[:MAX_COUNTERS]:
        zone = _ZONE.fullmatch(name)
        if zone is None:
            continue
        label = (read_system_file(folder / name / "name") or "").strip()
        # `core` and `uncore` are parts of a package; `psys` is the platform with all packages.
        if label == "dram" or (zone[1] is None and label.startswith("package")):
            found.append(folder / name)
    return found


def _read_number(path: Path) -> int:
    """Return the number that a file of the system holds.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds none.
    """
    with path.open("rb") as file:
        return int(file.read(64))


def _nvml_counters(root: Path) -> tuple[Sequence[_Nvml], Sequence[Gap]]:
    """Return the counters of accelerators, if a driver is loaded and its Python binding is there.

    Neither is a gap: without a driver there is nothing to count, and the binding is optional.
    """
    if not has_nvidia_driver(root):
        return (), ()
    try:
        library: Any = sys.modules.get("pynvml") or import_module("pynvml")
    except Exception:  # noqa: BLE001 - a broken installation of an optional package is an absence
        return (), ()
    try:
        library.nvmlInit()
        handles = map(
            library.nvmlDeviceGetHandleByIndex,
            range(min(int(library.nvmlDeviceGetCount()), MAX_ACCELERATORS)),
        )
        asks = [_asker(library, handle) for handle in handles]
        return [_Nvml(ask, int(ask())) for ask in asks], ()
    except Exception as error:  # noqa: BLE001 - the driver may refuse for any reason
        text = f"NVML does not tell the energy of the accelerators: {describe_error(error)}"
        return (), (make_gap("energy", "absent", text),)


def _asker(library: Any, handle: Any) -> Callable[[], Any]:  # noqa: ANN401 - a foreign module
    return lambda: library.nvmlDeviceGetTotalEnergyConsumption(handle)
