"""Installed distributions are listed with the digest of what pins their files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from provenance.capture import capture_packages, packages
from provenance.capture.packages import normalise_name

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.capture import Captured
    from provenance.manifest import Package


def install(folder: Path, name: str, version: str = "1.0", **files: str) -> Path:
    """Write what an installer leaves of a distribution; `record=""` stands for a `RECORD`."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\nVersion: 9\n"
    (place / "METADATA").write_text(head, encoding="utf-8")
    for file, text in files.items():
        (place / {"record": "RECORD", "direct_url": "direct_url.json"}[file]).write_bytes(
            text.encode("utf-8")
        )
    return place


def texts(captured: Captured[tuple[Package, ...]]) -> list[str]:
    return [gap.description for gap in captured.gaps]


def test_distribution_has_its_normalised_name_and_the_digest_of_its_record(tmp_path: Path) -> None:
    install(tmp_path, "Foo.Bar_baz", record="a.py,sha256=x,1\r\n")
    captured = capture_packages([str(tmp_path)])
    (package,) = captured.value
    assert (package.name, package.version) == ("foo-bar-baz", "1.0")
    assert package.record is not None
    assert package.record["sha256"] == hashlib.sha256(b"a.py,sha256=x,1\r\n").hexdigest()
    assert set(package.record) == {"blake3", "sha256"}
    assert captured.gaps == ()


def test_this_environment_is_what_the_standard_library_finds() -> None:
    expected: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        expected.setdefault(normalise_name(found.metadata["Name"]), found.version)
    captured = capture_packages()
    assert {one.name: one.version for one in captured.value} == expected
    assert [one.name for one in captured.value] == sorted(expected)


def test_first_folder_of_the_path_wins_as_in_an_import(tmp_path: Path) -> None:
    install(tmp_path / "a", "foo", "1.0", record="a")
    install(tmp_path / "b", "Foo", "2.0", record="b")
    paths = [str(tmp_path / name) for name in ("none", "a", "b", "a")]
    assert [one.version for one in capture_packages(paths).value] == ["1.0"]


def test_editable_install_is_noted_and_has_no_record(tmp_path: Path) -> None:
    origin = json.dumps({"url": "file:///home/alice/x", "dir_info": {"editable": True}})
    install(tmp_path, "foo", record="__editable__.foo.pth,,\n", direct_url=origin)
    captured = capture_packages([str(tmp_path)])
    assert captured.value[0].record is None
    assert texts(captured) == ["editable installs, whose code no RECORD binds: foo"]
    assert "alice" not in repr(captured)


@pytest.mark.parametrize(
    "origin",
    [
        '{"url": "https://x.example/foo.whl", "archive_info": {}}',
        '{"url": "file:///x", "dir_info": {"editable": false}}',
        '{"url": "file:///x", "dir_info": []}',
        "[]",
        "not JSON",
        '{"dir_info": {"editable": false}, "dir_info": {"editable": true}}',
    ],
)
def test_other_origins_keep_their_record(tmp_path: Path, origin: str) -> None:
    install(tmp_path, "foo", record="a", direct_url=origin)
    assert capture_packages([str(tmp_path)]).value[0].record is not None


def test_source_tree_on_the_path_is_an_editable_install(tmp_path: Path) -> None:
    place = tmp_path / "foo.egg-info"
    place.mkdir()
    (place / "PKG-INFO").write_text("Name: foo\nVersion: 1.0\n", encoding="utf-8")
    assert texts(capture_packages([str(tmp_path)])) == [
        "editable installs, whose code no RECORD binds: foo"
    ]


def test_distributions_without_record_are_a_gap(tmp_path: Path) -> None:
    install(tmp_path, "foo")
    single = tmp_path / "bar-2.0.egg-info"
    single.write_text("Name: bar\nVersion: 2.0\n", encoding="utf-8")
    installed = tmp_path / "old.egg-info"
    installed.mkdir()
    (installed / "PKG-INFO").write_text("Name: old\nVersion: 3.0\n", encoding="utf-8")
    (installed / "installed-files.txt").write_text("x", encoding="utf-8")
    captured = capture_packages([str(tmp_path)])
    assert [one.name for one in captured.value] == ["bar", "foo", "old"]
    assert texts(captured) == [
        "distributions without a RECORD, whose files nothing binds: bar, foo, old"
    ]


def test_distribution_inside_an_archive_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("foo-1.0.dist-info/METADATA", "Name: foo\nVersion: 1.0\n")
    (tmp_path / "no.zip").write_bytes(b"no archive")
    captured = capture_packages([str(tmp_path / "lib.zip"), str(tmp_path / "no.zip")])
    assert [(one.name, one.version) for one in captured.value] == [("foo", "1.0")]


def test_broken_metadata_is_a_gap_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "empty-1.0.dist-info").mkdir()
    nameless = tmp_path / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "METADATA").write_text("Version: 1.0\n\nName: body\n", encoding="utf-8")
    fifo = tmp_path / "fifo-1.0.dist-info"
    fifo.mkdir()
    os.mkfifo(fifo / "METADATA")
    captured = capture_packages([str(tmp_path)])
    assert captured.value == ()
    (text,) = texts(captured)
    what, _, names = text.partition(": ")
    assert what == "distributions whose metadata could not be read"
    assert names == "empty-1.0.dist-info, fifo-1.0.dist-info, nameless-1.0.dist-info"


def test_files_that_an_installer_linked_from_its_cache_are_read(tmp_path: Path) -> None:
    cached = install(tmp_path / "cache", "foo", record="a")
    linked = tmp_path / "site" / cached.name
    linked.mkdir(parents=True)
    for name in ("METADATA", "RECORD"):
        (linked / name).symlink_to(cached / name)
    captured = capture_packages([str(tmp_path / "site")])
    assert captured.value == capture_packages([str(tmp_path / "cache")]).value
    assert captured.gaps == ()


def test_empty_entry_of_the_path_is_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "foo", record="a")
    monkeypatch.chdir(tmp_path)
    assert [one.name for one in capture_packages([""]).value] == ["foo"]


def test_numbers_of_packages_and_of_names_in_a_gap_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        install(tmp_path, f"p{number:02}")
    monkeypatch.setattr(packages, "MAX_PACKAGES", 22)
    captured = capture_packages([str(tmp_path)])
    assert len(captured.value) == 22
    assert texts(captured)[0].endswith("p18, p19 and 2 more")
    assert "only 22 distributions are listed" in texts(captured)[1]


def test_hundred_distributions_take_no_time_that_anybody_notices(tmp_path: Path) -> None:
    for number in range(100):
        install(tmp_path, f"p{number}", record="module.py,sha256=abcdef,1234\n" * 300)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        capture_packages([str(tmp_path)])
        times.append(time.perf_counter() - began)
    assert sorted(times)[2] < 0.15


RECORD_OF_PIP = (
    b"../../../bin/tool,sha256=aaaa,200\r\n"
    b"/opt/share/tool.txt,sha256=eeee,2\r\n"
    b"tool/__init__.py,sha256=bbbb,10\r\n"
    b"tool/__pycache__/__init__.cpython-311.pyc,,\r\n"
    b"tool/old.pyc,sha256=ffff,3\r\n"
    b'"tool/a,b.py",sha256=cccc,5\r\n'
    b"tool-1.0.dist-info/INSTALLER,sha256=dddd,4\r\n"
    b"tool-1.0.dist-info/RECORD,,\r\n"
)
RECORD_OF_UV = (
    b'"tool/a,b.py",sha256=cccc,5\n'
    b"tool/__init__.py,sha256=bbbb,10\n"
    b"../../../bin/tool,sha256=0123,199\n"
    b"tool-1.0.dist-info/uv_cache.json,sha256=9999,8\n"
)


def content_of(folder: Path, record: bytes) -> object:
    place = folder / "tool-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_bytes(b"Name: tool\nVersion: 1.0\n\n")
    (place / "RECORD").write_bytes(record)
    (package,) = capture_packages([str(folder)]).value
    return package.content


def test_content_is_the_same_whoever_installs_it_and_wherever(tmp_path: Path) -> None:
    lines = b'"tool/a,b.py",sha256=cccc,5\ntool/__init__.py,sha256=bbbb,10\n'
    expected = {"sha256": hashlib.sha256(lines).hexdigest()}
    assert content_of(tmp_path / "pip", RECORD_OF_PIP) == expected
    assert content_of(tmp_path / "uv", RECORD_OF_UV) == expected


@pytest.mark.parametrize(
    "record",
    [
        RECORD_OF_UV.replace(b"bbbb", b"bbbc"),
        RECORD_OF_UV + b"tool/more.py,sha256=1111,1\n",
        RECORD_OF_UV.replace(b"tool/__init__.py", b"tool/init.py"),
    ],
    ids=["edited", "added", "renamed"],
)
def test_other_content_has_another_digest(tmp_path: Path, record: bytes) -> None:
    assert content_of(tmp_path / "a", record) != content_of(tmp_path / "b", RECORD_OF_PIP)
