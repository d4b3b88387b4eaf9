"""What a run used is measured, and how is said."""

from __future__ import annotations

import os
import sys
import time

import pytest

from provenance.capture import Stopwatch, Usage, describe_compute, peak_memory_bytes
from provenance.manifest import Accelerator, Hardware


def test_stopwatch_measures_wall_and_processor_time() -> None:
    watch = Stopwatch()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    time.sleep(0.05)
    first = watch.read()
    assert 0.1 <= first.wall_seconds < 30
    assert 0.03 <= first.cpu_seconds <= first.wall_seconds + 1
    assert watch.read().wall_seconds >= first.wall_seconds


def test_peak_memory_is_in_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = peak_memory_bytes()
    assert peak is not None
    assert 10 * 1024**2 < peak < 1024**4
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak_memory_bytes() == pytest.approx(peak / 1024, rel=0.5)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_bytes() is None


def test_device_hours_are_those_of_accelerators_where_there_are_any() -> None:
    usage = Usage(wall_seconds=1800.0, cpu_seconds=7200.0, peak_memory_bytes=4096)
    devices = (Accelerator(name="a", count=3), Accelerator(name="b"))
    captured = describe_compute(usage, Hardware(accelerators=devices))
    assert captured.value.device_hours == 2
    assert captured.value.method == "wall time of the process times 4 accelerators"
    assert captured.gaps == ()


@pytest.mark.parametrize("hardware", [None, Hardware(cores=os.cpu_count())])
def test_device_hours_are_processor_time_where_there_are_none(hardware: Hardware | None) -> None:
    usage = Usage(wall_seconds=1800.0, cpu_seconds=7200.0, peak_memory_bytes=None)
    captured = describe_compute(usage, hardware)
    assert captured.value.device_hours == 2
    assert captured.value.wall_time_seconds == 1800
    assert "no accelerator was seen" in (captured.value.method or "")
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [("memory", "absent")]
