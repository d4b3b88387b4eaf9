"""Interleaved measurements: contenders take turns, ratios are paired, the first round is dropped.

Machines that are shared are noisy, so a ratio is only taken between two runs of the same round, and
what is reported is the median of these ratios with minimum and maximum. CPU seconds of this process
and its children stand beside: where wall time is far above them, somebody else had the cores.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Contest", "Timing", "machine", "measure"]


@dataclass(frozen=True, slots=True)
class Timing:
    """What one contender took."""

    name: str
    """Who."""

    wall: tuple[float, ...]
    """Seconds of each round but the first."""

    cpu: tuple[float, ...]
    """CPU seconds of each round, children included."""

    def ratios(self, ours: Timing) -> tuple[float, ...]:
        """Return how many times slower this was than `ours`, round by round."""
        return tuple(theirs / own for own, theirs in zip(ours.wall, self.wall, strict=True))


@dataclass(frozen=True, slots=True)
class Contest:
    """One row of the table: the same work by all contenders, ours first."""

    title: str
    """The work."""

    timings: tuple[Timing, ...]
    """Ours, then the others."""

    bars: Mapping[str, float]
    """Least ratio that the design asks for, by the name of the other; the rest is for colour."""

    def to_tree(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        ours = self.timings[0]
        return {
            "title": self.title,
            "contenders": [
                {
                    "name": timing.name,
                    "wallSeconds": list(timing.wall),
                    "cpuSeconds": list(timing.cpu),
                    "ratios": list(timing.ratios(ours)),
                    "bar": self.bars.get(timing.name),
                }
                for timing in self.timings
            ],
        }

    def show(self) -> str:
        """Return the row as text: medians, ratios with their spread, and whether the bar is met."""
        ours = self.timings[0]
        lines = [f"\n{self.title}"]
        for timing in self.timings:
            ratios = timing.ratios(ours)
            median = statistics.median(ratios)
            bar = self.bars.get(timing.name)
            verdict = (
                "" if bar is None else f"  bar {bar:g}: {'met' if median >= bar else 'MISSED'}"
            )
            lines.append(
                f"  {timing.name:44} {statistics.median(timing.wall) * 1000:9.1f} ms"
                f"  cpu {statistics.median(timing.cpu) * 1000:8.1f}"
                f"  {median:6.2f}x ({min(ratios):.2f} to {max(ratios):.2f}){verdict}"
            )
        return "\n".join(lines)


def measure(
    title: str,
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 5,
    prepare: Callable[[], object] | None = None,
    bars: Mapping[str, float] | None = None,
) -> Contest:
    """Let the contenders take turns and return their times.

    Args:
        title: The work.
        contenders: By name, ours first.
        rounds: Rounds that count; one more is run first and thrown away.
        prepare: Run before every single measurement, e.g. to warm or drop the page cache.
        bars: Least ratio asked for, by the name of the other contender.
    """
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, work in contenders.items():
            if prepare is not None:
                prepare()
            cpu_before = _cpu_seconds()
            started = time.perf_counter()
            work()
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(_cpu_seconds() - cpu_before)
    timings = tuple(
        Timing(name, tuple(wall[name][1:]), tuple(cpu[name][1:])) for name in contenders
    )
    return Contest(title, timings, bars or {})


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, load, kernel, Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
