"""The environment is whole, and never the environment of the shell."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import pytest

from provenance.capture import (
    ALLOWED_VARIABLES,
    capture_again,
    capture_environment,
    capture_variables,
)
from provenance.errors import ManifestError
from provenance.manifest import (
    Accelerator,
    Environment,
    FrozenMapping,
    Hardware,
    environment_class,
    fingerprinted,
    full_capture,
    parse_document,
)

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


def test_digests_are_those_of_what_stands_there(tmp_path: Path) -> None:
    found = capture_environment("env-1", code_folder=tmp_path).value
    assert dict(found.environment_class or {}) == {"sha256": environment_class(found)}
    assert dict(found.full_capture or {}) == {"sha256": full_capture(found)}
    again = capture_environment("env-2", code_folder=tmp_path).value
    assert again.environment_class == found.environment_class


def test_other_lock_files_stand_beside_the_most_exact_one(tmp_path: Path) -> None:
    for name in ("requirements.txt", "uv.lock", "environment.yml"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    found = capture_environment("env-1", code_folder=tmp_path).value
    assert found.lockfile is not None
    assert found.lockfile.name == "uv.lock"
    assert [it.name for it in found.lockfiles] == ["requirements.txt", "environment.yml"]


def seen_at_first(**members: Any) -> Environment:  # noqa: ANN401 - fields of an environment
    fields: dict[str, Any] = {
        "id": "env-1",
        "threads": FrozenMapping({"OMP_NUM_THREADS": 1}),
        "determinism": FrozenMapping({"libc": "glibc 2.36", "torch": {"cuda": "12"}}),
    }
    return fingerprinted(Environment(**{**fields, **members}))


def test_what_became_known_later_is_added_and_classed() -> None:
    before = seen_at_first()
    later = capture_again(before).value
    assert later.threads is not None
    assert later.threads["OMP_NUM_THREADS"] == 1
    assert later.determinism is not None
    assert later.determinism["torch"] == {"cuda": "12"}
    assert later.determinism["python"]
    assert dict(later.environment_class or {}) == {"sha256": environment_class(later)}
    assert later.environment_class != before.environment_class


def test_setting_that_changed_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = seen_at_first(determinism=FrozenMapping({"python": {"build": "none"}}))
    later = capture_again(before)
    assert later.value.threads is not None
    assert later.value.threads["OMP_NUM_THREADS"] == 2
    text = "settings changed while the process worked: OMP_NUM_THREADS, python.build"
    assert [gap.description for gap in later.gaps if gap.subject == "determinism"] == [text]


def test_accelerators_that_are_not_seen_any_more_stay() -> None:
    hardware = Hardware(machine="x86_64", accelerators=(Accelerator(name="H100"),))
    assert capture_again(seen_at_first(hardware=hardware)).value.hardware == hardware
