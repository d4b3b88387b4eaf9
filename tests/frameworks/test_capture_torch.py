"""What a real PyTorch says of itself enters the environment, and decides what may be claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

import provenance
from provenance.capture import capture_determinism, peak_device_memory_bytes
from provenance.manifest import environment_class, lacks_for_bitwise

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from provenance.manifest import Environment

SWITCHED_OFF = "PyTorch's deterministic algorithms are not switched on"


def trained(folder: Path, name: str, *, deterministic: bool) -> Environment:
    """Record a process that sets its flags after the recording has begun."""
    run = provenance.start(name, output=folder, undeclared="ignore")
    torch.use_deterministic_algorithms(deterministic)
    try:
        run.seed(torch=1)
        run.finish()
    finally:
        torch.use_deterministic_algorithms(mode=False)
    assert run.record.environment is not None
    return run.record.environment


def test_flags_that_were_set_while_recording_are_captured(tmp_path: Path) -> None:
    found = trained(tmp_path, "on", deterministic=True)
    assert SWITCHED_OFF not in set(lacks_for_bitwise(found))
    assert "no number of threads" not in set(lacks_for_bitwise(found))
    assert dict(found.environment_class or {}) == {"sha256": environment_class(found)}
    other = trained(tmp_path, "off", deterministic=False)
    assert SWITCHED_OFF in set(lacks_for_bitwise(other))
    assert environment_class(other) != environment_class(found)


def test_another_number_of_threads_is_another_class(tmp_path: Path) -> None:
    one = trained(tmp_path, "one", deterministic=True)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        two = trained(tmp_path, "two", deterministic=True)
    finally:
        torch.set_num_threads(before)
    assert environment_class(one) != environment_class(two)
    again = trained(tmp_path, "again", deterministic=True)
    assert environment_class(one) == environment_class(again)


def test_libraries_below_torch_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = capture_determinism({})
    found = captured.value.determinism["torch"]
    assert captured.gaps == ()
    assert any("OpenMP" in line for line in found["libraries"])
    assert "/" not in "".join(found["libraries"]).replace("a.k.a.", "")
    assert captured.value.threads["torchOpenmp"] == torch.get_num_threads()
    monkeypatch.setattr(torch.__config__, "show", lambda: 1 / 0)
    assert [gap.subject for gap in capture_determinism({}).gaps] == ["torch.__config__.show"]


def test_accelerators_that_are_not_in_use_are_not_asked() -> None:
    assert peak_device_memory_bytes().value is None
    assert not torch.cuda.is_initialized()
