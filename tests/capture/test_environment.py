"""The environment is whole, quick to capture, and never the environment of the shell."""

from __future__ import annotations

import platform
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from provenance.capture import ALLOWED_VARIABLES, capture_environment, capture_variables
from provenance.errors import ManifestError
from provenance.manifest import Environment, parse_document

if TYPE_CHECKING:
    from pathlib import Path


def test_environment_of_this_process_is_a_valid_document(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("lock", encoding="utf-8")
    captured = capture_environment("env-1", code_folder=tmp_path)
    found = captured.value
    assert found.id == "env-1"
    assert found.language == f"CPython {platform.python_version()}"
    assert found.operating_system is not None
    assert found.operating_system.startswith(platform.system())
    assert found.lockfile is not None
    assert found.lockfile.name == "uv.lock"
    assert {"pydantic", "pytest"} <= {one.name for one in found.packages}
    assert found.hardware is not None
    assert parse_document(Environment, found.to_tree()) == found
    assert found.to_bytes()
    assert {gap.kind for gap in captured.gaps} <= {"absent", "failed", "redacted"}


def test_missing_lock_file_is_an_absence(tmp_path: Path) -> None:
    captured = capture_environment("env-1", code_folder=tmp_path)
    assert captured.value.lockfile is None
    assert "lock file" in {gap.subject for gap in captured.gaps}


def test_wrong_identifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        capture_environment("not an id", code_folder=tmp_path)


def test_system_without_a_release_file_is_named_by_its_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> dict[str, str]:
        raise FileNotFoundError

    monkeypatch.setattr(platform, "freedesktop_os_release", fail)
    found = capture_environment("env-1", code_folder=tmp_path).value
    assert found.operating_system == f"{platform.system()} {platform.release()}"


def test_capture_takes_less_than_anybody_notices(tmp_path: Path) -> None:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        capture_environment("env-1", code_folder=tmp_path)
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.15


def test_only_allowed_variables_are_kept() -> None:
    variables = {"OMP_NUM_THREADS": "4", "PATH": "/home/alice/bin", "OMP_NUM_THREADS_X": "1"}
    assert capture_variables(variables).value == {"OMP_NUM_THREADS": "4"}
    assert not {"PATH", "HOME", "USER", "HOSTNAME", "TORCH_HOME", "HF_TOKEN"} & ALLOWED_VARIABLES


def test_values_are_made_public_and_cut(home: Path) -> None:
    variables = {
        "XLA_FLAGS": f"--xla_dump_to={home}/dump",
        "TF_XLA_FLAGS": "x" * 5_000,
        "NCCL_ALGO": "\udcff",
    }
    found = capture_variables(variables).value
    assert found["XLA_FLAGS"] == "--xla_dump_to=~/dump"
    assert len(found["TF_XLA_FLAGS"]) == 1_000
    assert found["NCCL_ALGO"] == "\\xff"


def test_secret_in_an_allowed_variable_is_taken_out_and_reported() -> None:
    captured = capture_variables({"XLA_FLAGS": "https://ada:hunter2@h.example/x"})
    assert captured.value == {"XLA_FLAGS": "https://[redacted]@h.example/x"}
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [
        ("environment variables", "redacted")
    ]
