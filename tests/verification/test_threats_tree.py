"""Group T of the threats sheet: what a mirror or a local attacker does to the files."""

from __future__ import annotations

import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_files
from provenance.verification import batches
from support.crafted import CraftedRelease
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

INSIDE = "training-provenance"
IS_ROOT = os.name == "posix" and os.geteuid() == 0


def test_unmodified_release_passes(folder: Path, look: Look) -> None:
    expect(look(folder, model="digits-mlp"), "PASS", "signature-verified")


@pytest.mark.parametrize(
    "name",
    [
        "evil.py",
        ".hidden",
        ".git/hooks/pre-commit",
        "sub/folder/file.bin",
        "Config.json",
        "CON",
        "manifest.sigstore.json",
        "SHA256SUMS",
        ".github/evil.py",
        "sub/model.sig",
        ".DS_Store",
    ],
)
def test_extra_file_is_found_wherever_it_lies(folder: Path, look: Look, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x")
    report = look(folder)
    expect(report, "FAIL", "file-extra")
    assert errors_of(report) == [("file-extra", name)]


@pytest.mark.parametrize("name", ["README.md", "model.safetensors"])
def test_missing_file_is_found(folder: Path, look: Look, name: str) -> None:
    (folder / name).unlink()
    assert errors_of(look(folder)) == [("file-missing", name)]


def test_missing_empty_file_is_found(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files["empty"] = b""
    folder = release.write(tmp_path)
    expect(look(folder), "PASS")
    (folder / "empty").unlink()
    assert errors_of(look(folder)) == [("file-missing", "empty")]


def test_swapped_contents_of_equal_size_are_found(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files |= {"one": b"1", "two": b"2"}
    folder = release.write(tmp_path)
    (folder / "one").write_bytes(b"2")
    (folder / "two").write_bytes(b"1")
    assert errors_of(look(folder)) == [("digest-mismatch", "one"), ("digest-mismatch", "two")]


def test_truncated_file_is_found_by_its_size(folder: Path, look: Look) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    assert errors_of(look(folder)) == [("size-mismatch", "model.safetensors")]


def test_one_bit_of_the_weights_is_found(folder: Path, look: Look) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    report = look(folder)
    assert errors_of(report) == [("digest-mismatch", "model.safetensors")]
    assert "model.safetensors" in report.summary


def test_renamed_file_is_missing_and_extra(folder: Path, look: Look) -> None:
    (folder / "README.md").rename(folder / "readme.md")
    assert errors_of(look(folder)) == [("file-missing", "README.md"), ("file-extra", "readme.md")]


def test_name_in_another_unicode_form_is_missing_and_extra(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files["caf\u00e9.txt"] = b"x"
    folder = release.write(tmp_path)
    (folder / "caf\u00e9.txt").rename(folder / "cafe\u0301.txt")
    expect(look(folder), "FAIL", "file-missing", "file-extra")


def test_link_to_the_same_bytes_is_refused(folder: Path, look: Look, tmp_path: Path) -> None:
    shutil.copy(folder / "config.json", tmp_path / "outside")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(tmp_path / "outside")
    assert errors_of(look(folder)) == [("link-found", "config.json")]


@pytest.mark.parametrize("target", ["loop", "/", "../..", "/nowhere", "README.md"])
def test_extra_link_is_refused_and_not_followed(folder: Path, look: Look, target: str) -> None:
    (folder / "loop").symlink_to(target)
    assert errors_of(look(folder)) == [("link-found", "loop")]


def test_linked_folder_is_refused(folder: Path, look: Look, tmp_path: Path) -> None:
    (folder / INSIDE / "documents").rename(tmp_path / "moved")
    (folder / INSIDE / "documents").symlink_to(tmp_path / "moved")
    expect(look(folder), "FAIL", "link-found")


def test_link_instead_of_the_bundle_is_refused(folder: Path, look: Look, tmp_path: Path) -> None:
    bundle = folder / INSIDE / "manifest.sigstore.json"
    bundle.rename(tmp_path / "bundle")
    bundle.symlink_to(tmp_path / "bundle")
    expect(look(folder), "FAIL", "link-found")


def test_root_that_is_a_link_is_followed_because_the_caller_named_it(
    folder: Path, look: Look, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(folder)
    expect(look(tmp_path / "link"), "PASS")


def test_hard_link_passes_with_a_note(folder: Path, look: Look, tmp_path: Path) -> None:
    os.link(folder / "config.json", tmp_path / "other")
    expect(look(folder), "PASS", "hard-link")


def test_fifo_does_not_hang(folder: Path, look: Look) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert errors_of(look(folder)) == [("special-file", "config.json")]


def test_socket_is_refused(folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert errors_of(look(folder)) == [("special-file", "s")]


@pytest.mark.skipif(not IS_ROOT, reason="only root may make a device")
def test_device_is_not_opened(folder: Path, look: Look) -> None:
    try:
        os.mknod(folder / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may not make a device")
    assert errors_of(look(folder)) == [("special-file", "zero")]


@pytest.mark.parametrize("name", ["a\x1b[31mb", "two\nlines", "back\\slash", "tab\t"])
def test_name_with_control_characters_is_escaped(folder: Path, look: Look, name: str) -> None:
    (folder / name).write_bytes(b"x")
    report = look(folder)
    expect(report, "FAIL", "name-unsafe")
    texts = [report.summary, *report.not_checked]
    texts += [text for finding in report.findings for text in (finding.path, finding.message)]
    assert all(text.isprintable() for text in texts)


def test_name_that_is_not_utf_8_is_a_finding(folder: Path, look: Look) -> None:
    (folder / os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
    report = look(folder)
    expect(report, "FAIL", "name-unsafe")
    assert report.to_bytes()


def test_empty_folder_is_a_note(folder: Path, look: Look) -> None:
    (folder / "nothing").mkdir()
    expect(look(folder), "PASS", "folder-empty")


def test_folder_in_place_of_a_file_is_found(folder: Path, look: Look) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    assert errors_of(look(folder)) == [("file-type", "config.json")]


def test_file_in_place_of_a_folder_is_found(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files["sub/file"] = b"x"
    folder = release.write(tmp_path)
    shutil.rmtree(folder / "sub")
    (folder / "sub").write_bytes(b"x")
    expect(look(folder), "FAIL", "file-missing", "file-extra")


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_unreadable_file_is_an_error_not_a_failure(folder: Path, look: Look) -> None:
    (folder / "config.json").chmod(0)
    expect(look(folder), "ERROR", "file-unreadable")


def test_unreadable_folder_is_an_error_not_a_failure(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = CraftedRelease()
    release.files["sub/file"] = b"x"
    folder = release.write(tmp_path)
    real = os.open

    def refuse(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if path == "sub":
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    report = look(folder)
    expect(report, "ERROR", "file-unreadable", "required-not-checked")
    assert report.exit_code == 4


def test_sparse_file_of_a_tebibyte_is_answered_by_its_size(folder: Path, look: Look) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        try:
            file.truncate(2**40)
        except OSError:
            pytest.skip("this file system has no such large files")
    start = time.monotonic()
    assert errors_of(look(folder)) == [("size-mismatch", "model.safetensors")]
    assert time.monotonic() - start < 5


def test_file_that_changes_before_it_is_read_is_a_fault(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_and_hash(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as hash_files
        with (folder / "config.json").open("ab") as file:
            file.write(b"X")
        return hash_files(*arguments, **options)

    monkeypatch.setattr(batches, "hash_files", change_and_hash)
    expect(look(folder), "ERROR", "file-changed", "required-not-checked")


def test_oms_signature_at_the_top_is_named_and_not_verified(folder: Path, look: Look) -> None:
    (folder / "model.sig").write_bytes(b"{}")
    expect(look(folder), "PASS", "oms-present")


def test_copy_of_the_folder_gives_an_equal_report(folder: Path, look: Look, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert look(folder) == look(tmp_path / "copy")
