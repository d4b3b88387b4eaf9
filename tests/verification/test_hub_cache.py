"""A release in the cache of `huggingface_hub`, laid out as that library lays it out."""

from __future__ import annotations

import os
from hashlib import sha1, sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.digest import hash_tensors
from provenance.errors import UsageError
from support.crafted import CraftedRelease
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.verification import Report

    Look = Callable[..., Report]

COMMIT = "a" * 40


def write_cache(root: Path, files: Mapping[str, bytes], *, commit: str = COMMIT) -> Path:
    """Write files as `huggingface_hub` does: blobs, one link a file, a ref."""
    repository = root / "models--digits-lab--digits-mlp"
    for folder in ("blobs", "refs", f"snapshots/{commit}"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
    (repository / "refs/main").write_text(commit)
    for name, data in files.items():
        # Large files are named by SHA-256, small ones by their Git blob id.
        large = name.endswith(".safetensors")
        blob = sha256(data).hexdigest() if large else sha1(data).hexdigest()  # noqa: S324 - a name
        (repository / "blobs" / blob).write_bytes(data)
        link = repository / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(repository / "blobs" / blob, link.parent))
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return write_cache(tmp_path, CraftedRelease().layout())


@pytest.fixture
def snapshot(repository: Path) -> Path:
    return repository / "snapshots" / COMMIT


def test_repository_and_snapshot_pass(repository: Path, snapshot: Path, look: Look) -> None:
    expect(look(repository, layout="hf-cache"), "PASS")
    expect(look(snapshot, layout="hf-cache", all_digests=True), "PASS")
    expect(look(f"{snapshot}/", layout="hf-cache"), "PASS")


def test_without_the_layout_every_link_is_refused(snapshot: Path, look: Look) -> None:
    report = look(snapshot)
    expect(report, "FAIL", "link-found")
    assert any("hf-cache" in (finding.remedy or "") for finding in report.findings)


def test_changed_blob_is_found(snapshot: Path, look: Look) -> None:
    blob = (snapshot / "README.md").resolve()
    blob.write_bytes(b"# digits-mlq\n")
    assert errors_of(look(snapshot, layout="hf-cache")) == [("digest-mismatch", "README.md")]


def test_extra_and_missing_links_are_found(snapshot: Path, look: Look) -> None:
    (snapshot / "evil.py").symlink_to((snapshot / "README.md").readlink())
    (snapshot / "config.json").unlink()
    report = look(snapshot, layout="hf-cache")
    assert errors_of(report) == [("file-missing", "config.json"), ("file-extra", "evil.py")]


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "../../blobs/../../other/blobs/" + "b" * 40,
        "../blobs/" + "b" * 40,
        "../../../blobs/" + "b" * 40,
        "../../blobs/" + "c" * 40,
        "../../blobs/short",
        "../../refs/main",
        "README.md",
    ],
)
def test_link_of_another_form_is_refused(snapshot: Path, look: Look, target: str) -> None:
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(target)
    assert errors_of(look(snapshot, layout="hf-cache")) == [("link-found", "config.json")]


def test_blob_that_is_a_link_itself_is_refused(snapshot: Path, look: Look, tmp_path: Path) -> None:
    blob = Path(os.path.normpath(snapshot / (snapshot / "config.json").readlink()))
    blob.rename(tmp_path / "outside")
    blob.symlink_to(tmp_path / "outside")
    assert errors_of(look(snapshot, layout="hf-cache")) == [("link-found", "config.json")]


def test_linked_folder_in_a_snapshot_is_refused(snapshot: Path, look: Look, tmp_path: Path) -> None:
    (snapshot / "more").symlink_to(tmp_path)
    assert errors_of(look(snapshot, layout="hf-cache")) == [("link-found", "more")]


def test_files_instead_of_links_are_read_as_they_are(
    repository: Path, snapshot: Path, look: Look
) -> None:
    for link in [path for path in snapshot.rglob("*") if path.is_symlink()]:
        data = link.read_bytes()
        link.unlink()
        link.write_bytes(data)
    expect(look(repository, layout="hf-cache", all_digests=True), "PASS")


def test_tensors_are_hashed_through_links(tmp_path: Path, look: Look) -> None:
    plain = CraftedRelease().write(tmp_path / "plain")
    root = hash_tensors(plain / "model.safetensors")[0].to_tree()
    release = CraftedRelease(edit_manifest=lambda tree: tree["release"].update(tensors=root))
    repository = write_cache(tmp_path, release.layout())
    expect(look(repository, layout="hf-cache", all_digests=True), "PASS")


def test_main_decides_between_snapshots(repository: Path, look: Look, tmp_path: Path) -> None:
    other = CraftedRelease()
    other.files["config.json"] = b"{}\n"
    write_cache(tmp_path, other.layout(), commit="b" * 40)
    (repository / "snapshots" / ("b" * 40) / "extra").write_bytes(b"x")
    expect(look(repository, layout="hf-cache"), "FAIL", "file-extra")
    (repository / "refs/main").write_text(COMMIT)
    expect(look(repository, layout="hf-cache"), "PASS")
    (repository / "refs/main").unlink()
    with pytest.raises(UsageError, match="2 snapshots"):
        look(repository, layout="hf-cache")


def test_one_snapshot_needs_no_ref(repository: Path, look: Look) -> None:
    (repository / "refs/main").write_text("../../elsewhere")
    expect(look(repository, layout="hf-cache"), "PASS")


def test_cache_without_blobs_is_an_error(repository: Path, look: Look) -> None:
    (repository / "blobs").rename(repository / "gone")
    assert look(repository, layout="hf-cache").verdict == "ERROR"


def test_folder_of_another_layout_is_a_usage_error(folder: Path, look: Look) -> None:
    with pytest.raises(UsageError, match="models--"):
        look(folder, layout="hf-cache")


@pytest.mark.parametrize("name", ["blobs", "snapshots", f"snapshots/{COMMIT}"])
def test_folder_of_a_cache_that_is_a_link_out_of_it_is_refused(
    repository: Path, look: Look, tmp_path: Path, name: str
) -> None:
    (repository / name).rename(tmp_path / "outside")
    (repository / name).symlink_to(tmp_path / "outside")
    report = look(repository, layout="hf-cache")
    expect(report, "FAIL", "link-found")
    assert errors_of(report) == [("link-found", name)]
