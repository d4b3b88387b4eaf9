"""The patch of a work tree brings a clean checkout to what ran, or there is none and why."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import types
from typing import TYPE_CHECKING

import pytest

import provenance
from capture.conftest import ENVIRONMENT, Repository, make_repository
from provenance.capture import capture_code, git, git_patch

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.capture import Captured
    from provenance.manifest import CodeReference

TOKEN = "ghp_" + "aBcD1234" * 5
LONG = "".join(f"line {number}\n" for number in range(300))
HUGE = "".join(f"line {number}\n" for number in range(5_000))


def capture(repository: Repository) -> tuple[Captured[CodeReference], bytes | None]:
    kept: list[bytes] = []
    captured = capture_code(repository.folder, keep_patch=kept.append)
    return captured, kept[0] if kept else None


def committed(folder: Path, files: dict[str, bytes]) -> Repository:
    repository = make_repository(folder / "code")
    for name, data in files.items():
        path = repository.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    repository.git("add", "--all")
    repository.git("commit", "-q", "-m", "c")
    return repository


def texts(captured: Captured[CodeReference]) -> list[str]:
    return [gap.description for gap in captured.gaps if "differences" in gap.description]


NAMES = ["lib/a b/train.py", "lib/é.py", 'q"uo\\te.py', "tab\tx.py"]
CHANGES: dict[str, tuple[bytes, bytes | None]] = {
    "one line": (b"a\nb\nc\n", b"a\nB\nc\n"),
    "no line feed before": (b"a\nb", b"a\nb\nc\n"),
    "no line feed after": (b"a\nb\n", b"a\nb"),
    "no line feed at all": (b"a", b"b"),
    "emptied": (b"a\n", b""),
    "filled": (b"", b"a\n"),
    "filled without line feed": (b"", b"a"),
    "deleted": (b"a\nb\n", None),
    "deleted empty": (b"", None),
    "carriage returns": (b"a\r\nb\r\n", b"a\nb\r\n\r"),
    "other separators": (b"a\x0cb\x1c\xe2\x80\xa8c\x85\n", b"a\x0cb\x1c\xe2\x80\xa8d\x85\n"),
    "latin": (b"\xe9\xff\n", b"\xe8\xff\n"),
    "binary": (b"\0\1\2", bytes(range(256)) * 9),
    "binary deleted": (b"\0\1\2", None),
    "becomes binary": (b"text\n", b"\0text\n"),
    "two hunks": (LONG.encode(), LONG.replace("line 7\n", "").replace("line 250", "x").encode()),
    "huge": (HUGE.encode(), HUGE.replace("line 9\n", "").replace("line 4900\n", "x").encode()),
    "huge at the beginning": (HUGE.encode(), b"new\n" + HUGE.encode()),
    "huge at the end": (HUGE.encode(), HUGE.encode() + b"new"),
    "huge replaced": (HUGE.encode(), HUGE.replace("line", "row").encode()),
}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        *((change, "train.py") for change in CHANGES),
        *((change, name) for name in NAMES for change in ("one line", "deleted", "binary")),
    ],
)
def test_patch_brings_a_clean_checkout_to_what_ran(tmp_path: Path, change: str, name: str) -> None:
    old, new = CHANGES[change]
    repository = committed(tmp_path, {name: old, "other.py": b"same\n"})
    path = repository.folder / name
    if new is None:
        path.unlink()
    else:
        path.write_bytes(new)
    captured, patch = capture(repository)
    assert patch is not None
    assert captured.value.patch is not None
    assert captured.value.patch.size == len(patch)
    assert dict(captured.value.patch.digest or {})["sha256"] == hashlib.sha256(patch).hexdigest()
    repository.git("checkout", "-q", "--", ".")
    subprocess.run(
        ("git", "apply", "--whitespace=nowarn", "-"),
        cwd=repository.folder,
        env=ENVIRONMENT,
        input=patch,
        check=True,
        capture_output=True,
    )
    assert (path.read_bytes() if path.exists() else None) == new
    assert capture(repository)[1] == patch


def test_files_of_random_lines(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    files = {
        f"f{number}.txt": b"".join(chance.choice([b"a\n", b"b\n", b"c\n"]) for _ in range(60))
        for number in range(20)
    }
    repository = committed(tmp_path, files)
    changed = {}
    for name, data in files.items():
        lines = [line for line in data.splitlines(keepends=True) if chance.random() > 0.2]
        chance.shuffle(lines)
        changed[name] = b"".join(lines)
        (repository.folder / name).write_bytes(changed[name])
    patch = capture(repository)[1]
    assert patch is not None
    repository.git("checkout", "-q", "--", ".")
    subprocess.run(
        ("git", "apply", "-"), cwd=repository.folder, env=ENVIRONMENT, input=patch, check=True
    )
    assert {name: (repository.folder / name).read_bytes() for name in changed} == changed


def test_clean_checkout_has_no_patch(repository: Repository) -> None:
    captured, patch = capture(repository)
    assert patch is None
    assert captured.value.patch is None


def test_digest_is_captured_without_being_asked_for_the_patch(repository: Repository) -> None:
    repository.write("train.py", "print(2)\n")
    assert capture_code(repository.folder).value.patch is not None


LINE = f"key = '{TOKEN}'\n"

#: A file before and after a change, one of which holds a token.
SECRETS = {
    "added": (b"a\n", LINE.encode()),
    "removed": (LINE.encode(), b"a\n"),
    "beside": (f"{LINE}a\n".encode(), f"{LINE}b\n".encode()),
    "far away": (LINE.encode() + b"x\n" * 50 + b"a\n", LINE.encode() + b"x\n" * 50 + b"b\n"),
    "in UTF-16": (b"a\n", LINE.encode("utf-16")),
    "in a binary file": (b"\0\1", b"\0\1\n" + LINE.encode()),
    "in a former binary file": (b"\0\1\n" + LINE.encode(), b"\0"),
    "in a deleted file": (b"\0\n" + LINE.encode(), None),
}


@pytest.mark.parametrize("place", SECRETS)
def test_patch_with_a_secret_is_neither_kept_nor_bound(tmp_path: Path, place: str) -> None:
    old, new = SECRETS[place]
    repository = committed(tmp_path, {"train.py": old})
    if new is None:
        (repository.folder / "train.py").unlink()
    else:
        (repository.folder / "train.py").write_bytes(new)
    captured, patch = capture(repository)
    assert patch is None
    assert captured.value.patch is None
    assert captured.value.modified is True
    assert texts(captured) == ["the differences from the commit hold what looks like a secret"]
    assert TOKEN not in repr(captured)


def test_link_in_place_of_a_file_is_never_followed(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("private", encoding="utf-8")
    path = repository.folder / "train.py"
    path.unlink()
    path.symlink_to(tmp_path / "private.txt")
    captured, patch = capture(repository)
    assert patch is None
    assert "no regular file any more" in texts(captured)[0]


def test_link_in_place_of_a_folder_is_never_followed(tmp_path: Path) -> None:
    repository = committed(tmp_path, {"lib/a.py": b"1\n"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.py").write_text("private", encoding="utf-8")
    (repository.folder / "lib" / "a.py").unlink()
    (repository.folder / "lib").rmdir()
    (repository.folder / "lib").symlink_to(tmp_path / "other")
    captured, patch = capture(repository)
    assert patch is None
    assert texts(captured)


@pytest.mark.parametrize(
    ("limit", "value"),
    [("MAX_PATCH_BYTES", 8), ("MAX_PATCHED_FILES", 0)],
    ids=["bytes", "files"],
)
def test_limits_are_gaps(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    repository.write("train.py", "print(2)\n")
    monkeypatch.setattr(git_patch, limit, value)
    captured, patch = capture(repository)
    assert patch is None
    assert captured.value.modified_files == ("train.py",)
    assert texts(captured)[0].startswith("the differences from the commit are not bound: ")


def test_imported_modules_that_the_commit_lacks_are_bound(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repository.write("lib/helper.py", "x = 1\n")
    module = types.ModuleType("helper")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "helper", module)
    (found,) = capture_code(repository.folder).value.imported_files
    assert found.name == "lib/helper.py"
    assert dict(found.digest or {})["sha256"] == hashlib.sha256(b"x = 1\n").hexdigest()
    monkeypatch.setattr(git, "MAX_IMPORTED_FILES", 0)
    assert capture_code(repository.folder).value.imported_files == ()


def test_run_keeps_the_patch_on_request_only(repository: Repository, tmp_path: Path) -> None:
    path = repository.write("train.py", "print(2)\n")
    options = {"output": tmp_path / "runs", "script": path, "undeclared": "ignore"}
    silent = provenance.start("silent", **options)  # type: ignore[arg-type]  # of several types
    silent.finish()
    asked = provenance.start("asked", code_patch=True, **options)  # type: ignore[arg-type]
    asked.finish()
    assert "uncommitted.patch" not in {it.name for it in silent.record.documents}
    (kept,) = [it for it in asked.record.documents if it.name == "uncommitted.patch"]
    assert asked.record.code is not None
    assert asked.record.code.patch is not None
    assert kept.digest == asked.record.code.patch.digest
    assert kept.path is not None
    assert asked.folder is not None
    assert b"+print(2)\n" in (asked.folder / kept.path).read_bytes()
