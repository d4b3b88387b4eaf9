"""Energy is what counters say, once each; what cannot be read is a gap, and never an estimate."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, Any

import pytest

from provenance.capture import EnergyMeter, energy

if TYPE_CHECKING:
    from pathlib import Path

KILOWATT_HOUR = 3_600_000_000_000  # in microjoules
RANGE = 262_143_328_850


def zone(root: Path, name: str, label: str, used: int | str, span: int | None = RANGE) -> Path:
    """Write one zone of RAPL as the kernel shows it."""
    folder = root / "sys" / "class" / "powercap" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{label}\n", encoding="ascii")
    (folder / "energy_uj").write_text(f"{used}\n", encoding="ascii")
    if span is not None:
        (folder / "max_energy_range_uj").write_text(f"{span}\n", encoding="ascii")
    return folder / "energy_uj"


def meter(root: Path) -> EnergyMeter:
    return EnergyMeter(root=root, monitor=False)


def driver(root: Path) -> None:
    folder = root / "proc" / "driver" / "nvidia"
    folder.mkdir(parents=True)
    text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n"
    (folder / "version").write_text(text, encoding="ascii")


def nvml(*readings: int, fails: str = "") -> types.ModuleType:
    """Return what `nvidia-ml-py` looks like from outside; each device starts at 1,000 mJ."""
    module = types.ModuleType("pynvml")
    now = [1_000, *readings]

    def refuse(*_: object) -> int:
        message = "NVMLError_NotSupported"
        raise RuntimeError(message)

    def total(_: object) -> int:
        return now.pop(0) if len(now) > 1 else now[0]

    vars(module).update(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=total,
    )
    if fails:
        setattr(module, fails, refuse)
    return module


def test_machine_without_counters_has_no_energy_and_no_gap(tmp_path: Path) -> None:
    found = meter(tmp_path).read()
    assert found.value is None
    assert found.gaps == ()


def test_counter_that_may_not_be_read_is_a_gap_with_the_line_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5)

    def refuse(_: Path) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(energy, "_read_number", refuse)
    found = meter(tmp_path).read()
    assert found.value is None
    (gap,) = found.gaps
    assert (gap.subject, gap.kind) == ("energy", "failed")
    assert "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj" in gap.description


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "uncore"),
        ("intel-rapl:1", "psys"),
        ("intel-rapl", "package-0"),
        ("intel-rapl-mmio:0", "package-0"),
        ("dtpm", "package-0"),
    ],
)
def test_what_is_part_of_another_counter_is_not_counted_again(
    tmp_path: Path, name: str, label: str
) -> None:
    zone(tmp_path, name, label, 0)
    assert meter(tmp_path).read().value is None


@pytest.mark.parametrize("text", ["", "many", "0x10", "9" * 40 + "x"])
def test_counter_that_holds_no_number_is_no_counter(tmp_path: Path, text: str) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", text)
    assert meter(tmp_path).read().value is None


def test_packages_and_memory_are_added_up(tmp_path: Path) -> None:
    half = KILOWATT_HOUR // 2
    zone(tmp_path, "intel-rapl:0", "package-0", 7, span=KILOWATT_HOUR)
    zone(tmp_path, "intel-rapl:0:0", "core", 7, span=KILOWATT_HOUR)
    zone(tmp_path, "intel-rapl:0:2", "dram", 7, span=KILOWATT_HOUR)
    measuring = meter(tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0", 7 + half, span=KILOWATT_HOUR)
    zone(tmp_path, "intel-rapl:0:0", "core", 7 + half, span=KILOWATT_HOUR)
    zone(tmp_path, "intel-rapl:0:2", "dram", 7 + half // 2, span=KILOWATT_HOUR)
    found = measuring.read().value
    assert found is not None
    assert float(found.kilowatt_hours) == 0.75
    assert (found.method or "").startswith("measured (RAPL, processors of the machine)")
    assert measuring.read().value == found


def test_counter_that_began_again_goes_on(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 1_000)
    measuring = meter(tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0", 3_600_000_000 - 1_000)
    found = measuring.read().value
    assert found is not None
    assert float(found.kilowatt_hours) == 0.001


def test_counter_that_began_again_without_a_range_is_a_gap(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000, span=None)
    measuring = meter(tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0", 10, span=None)
    found = measuring.read()
    assert found.value is None
    assert "its range is not known" in found.gaps[0].description


def test_counter_that_may_have_begun_again_unseen_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    measuring = meter(tmp_path)
    now[0] = 200.0
    assert measuring.read().value is not None
    now[0] = 500.0
    found = measuring.read()
    assert found.value is None
    assert "may have turned over" in found.gaps[0].description


def test_counter_that_goes_away_is_a_gap_and_no_exception(tmp_path: Path) -> None:
    path = zone(tmp_path, "intel-rapl:0", "package-0", 1_000)
    measuring = meter(tmp_path)
    path.unlink()
    found = measuring.read()
    assert found.value is None
    assert [gap.kind for gap in found.gaps] == ["failed"]
    assert str(tmp_path) not in found.gaps[0].description


def test_forked_process_does_not_answer_for_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000)
    measuring = meter(tmp_path)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert measuring.read().value is None


def test_background_reading_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000)
    monkeypatch.setattr(energy, "READING_SECONDS", 0.01)
    measuring = EnergyMeter(root=tmp_path)
    (thread,) = [it for it in threading.enumerate() if it.name == "provenance-energy"]
    assert thread.daemon
    measuring.close()
    thread.join(5)
    assert not thread.is_alive()


def test_accelerators_are_asked_where_their_driver_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", nvml(1_000 + 3_600_000))
    found = meter(tmp_path).read().value
    assert found is not None
    assert float(found.kilowatt_hours) == 0.001
    assert "NVML" in (found.method or "")


def test_binding_is_not_imported_where_no_driver_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> Any:  # noqa: ANN401 - stands for an import
        raise AssertionError(name)

    monkeypatch.setattr(energy, "import_module", fail)
    assert meter(tmp_path).read().gaps == ()


@pytest.mark.parametrize("error", [ModuleNotFoundError, OSError, RuntimeError])
def test_missing_or_broken_binding_is_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(name: str) -> Any:  # noqa: ANN401 - stands for an import
        raise error(name)

    driver(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr(energy, "import_module", fail)
    found = meter(tmp_path).read()
    assert found.value is None
    assert found.gaps == ()


@pytest.mark.parametrize("name", ["nvmlInit", "nvmlDeviceGetTotalEnergyConsumption"])
def test_driver_that_refuses_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    driver(tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", nvml(fails=name))
    found = meter(tmp_path).read()
    assert found.value is None
    assert [(gap.subject, gap.kind) for gap in found.gaps] == [("energy", "absent")]
