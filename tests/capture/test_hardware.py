"""The machine is described from what the system says, without asking a driver."""

from __future__ import annotations

import os
import platform
import sys
import types
from typing import TYPE_CHECKING, Any

from provenance.capture import capture_hardware, hardware
from provenance.capture.hardware import usable_cores

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MISSING = object()


class Cuda:
    """What `torch.cuda` looks like from outside."""

    def __init__(self, *, initialised: bool = True, broken: bool = False) -> None:
        """Say whether the script has begun to use its devices."""
        self.initialised = initialised
        self.broken = broken

    def is_initialized(self) -> bool:
        return self.initialised

    def device_count(self) -> int:
        return 3

    def get_device_properties(self, index: int) -> Any:  # noqa: ANN401 - as torch
        if self.broken:
            message = "CUDA error at /home/alice/driver"
            raise RuntimeError(message)
        name = "NVIDIA H100" if index < 2 else "NVIDIA T4"
        return types.SimpleNamespace(name=name, total_memory=80 * 1024**3)


def load_torch(monkeypatch: pytest.MonkeyPatch, cuda: object) -> None:
    torch = types.ModuleType("torch")
    if cuda is not MISSING:
        torch.cuda = cuda  # type: ignore[attr-defined]  # a stand-in for the library
    monkeypatch.setitem(sys.modules, "torch", torch)


def write_nvidia(root: Path, *models: str) -> None:
    folder = root / "proc" / "driver" / "nvidia"
    for number, model in enumerate(models):
        place = folder / "gpus" / f"0000:0{number}:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text(f"{model}IRQ: \t 16\n", encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n",
        encoding="utf-8",
    )


def test_this_machine_is_described() -> None:
    found = capture_hardware().value
    assert found.machine == platform.machine()
    assert found.cores == usable_cores() >= 1
    assert found.memory_bytes is not None
    assert found.memory_bytes > 100 * 1024**2


def test_processor_is_named_as_the_system_names_it(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: \nmodel name\t: Example CPU @ 3 GHz\n", encoding="utf-8"
    )
    captured = capture_hardware(root=tmp_path)
    assert captured.value.processor == "Example CPU @ 3 GHz"
    assert captured.gaps == ()


def test_system_that_names_no_processor_leaves_a_gap(tmp_path: Path) -> None:
    captured = capture_hardware(root=tmp_path)
    assert captured.value.processor is None
    assert [gap.kind for gap in captured.gaps] == ["absent"]


def test_darwin_is_asked_by_its_own_program_and_nothing_is_said_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(hardware, "_SYSCTL", str(tmp_path / "none"))
    assert capture_hardware(root=tmp_path).value.processor is None
    program = tmp_path / "sysctl"
    program.write_text("#!/bin/sh\necho Apple M9\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(hardware, "_SYSCTL", str(program))
    assert capture_hardware(root=tmp_path).value.processor == "Apple M9"


def test_accelerators_are_counted_by_kind_from_the_drivers_own_files(tmp_path: Path) -> None:
    write_nvidia(tmp_path, "Model: \t NVIDIA A100\n", "Model: \t NVIDIA A100\n", "")
    first, second = capture_hardware(root=tmp_path).value.accelerators
    assert (first.name, first.count, first.driver) == ("NVIDIA A100", 2, "550.54.14")
    assert (second.name, second.count) == ("NVIDIA device of unknown model", 1)


def test_driver_without_a_visible_device_is_an_absence(tmp_path: Path) -> None:
    write_nvidia(tmp_path)
    captured = capture_hardware(root=tmp_path)
    assert captured.value.accelerators == ()
    assert captured.gaps[0].subject == "accelerators"


def test_torch_is_asked_only_if_it_uses_its_devices_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_torch(monkeypatch, Cuda(initialised=True))
    first, second = capture_hardware(root=tmp_path).value.accelerators
    assert (first.name, first.count, first.memory_bytes) == ("NVIDIA H100", 2, 80 * 1024**3)
    assert (second.name, second.count) == ("NVIDIA T4", 1)
    for cuda in (Cuda(initialised=False), MISSING, types.SimpleNamespace()):
        load_torch(monkeypatch, cuda)
        assert capture_hardware(root=tmp_path).value.accelerators == ()


def test_torch_that_fails_is_a_gap_without_its_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_torch(monkeypatch, Cuda(broken=True))
    gap = capture_hardware(root=tmp_path).gaps[0]
    assert (gap.subject, gap.kind, gap.description) == ("accelerators", "failed", "RuntimeError")


def test_systems_without_affinity_or_sysconf_are_described_as_far_as_they_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sysconf", raising=False)
    found = capture_hardware().value
    assert found.cores == (os.cpu_count() or 1)
    assert found.memory_bytes is None
