"""Opening below a root follows no link and opens nothing special, whatever the system offers."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import open_folder, open_regular, opening
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["descriptors", "paths"], autouse=True)
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run each test twice: as on POSIX, and as where nothing can be opened below a descriptor."""
    if request.param == "paths":
        monkeypatch.setattr(opening, "_HAS_DESCRIPTORS", False)
    return str(request.param)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with everything in it that must not be opened."""
    root = tmp_path / "root"
    (root / "folder" / "inner").mkdir(parents=True)
    (root / "folder" / "inner" / "file").write_bytes(b"good")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (root / "link-to-file").symlink_to(tmp_path / "outside" / "secret")
    (root / "link-to-folder").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "fifo")
    return root


@pytest.fixture
def bound_socket(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a socket into the tree; its path may be too long to bind by."""
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        yield


@pytest.mark.usefixtures("bound_socket")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("link-to-file", "link-found"),
        ("link-to-folder", "link-found"),
        ("link-to-folder/secret", "link-found"),
        ("loop", "link-found"),
        ("dangling", "link-found"),
        ("fifo", "special-file"),
        ("socket", "special-file"),
        ("folder", "file-type"),
        ("folder/inner/file/x", "file-type"),
        ("missing", "file-unreadable"),
        ("folder/missing/x", "file-unreadable"),
    ],
)
def test_what_is_no_regular_file_is_refused(tree: Path, name: str, code: str) -> None:
    with (
        open_folder(tree) as root,
        pytest.raises(InputError) as caught,
        open_regular(name, root=root),
    ):
        pass
    assert caught.value.code == code
    if "/" not in name:
        with pytest.raises(InputError) as caught, open_regular(tree / name):
            pass
        assert caught.value.code == code


@pytest.mark.parametrize("name", ["../outside/secret", "/etc/passwd", "", "folder//inner/file"])
def test_name_that_leads_out_is_refused(tree: Path, name: str) -> None:
    with (
        open_folder(tree) as root,
        pytest.raises(DigestError) as caught,
        open_regular(name, root=root),
    ):
        pass
    assert caught.value.code == "name-unsafe"


def test_device_is_refused() -> None:
    with pytest.raises(InputError) as caught, open_regular("/dev/zero"):
        pass
    assert caught.value.code == "special-file"


def test_path_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(InputError), open_regular("a\0b"):
        pass
    with pytest.raises(InputError), open_folder("a\0b"):
        pass


def test_file_below_the_root_is_opened(tree: Path) -> None:
    with open_folder(tree) as root, open_regular("folder/inner/file", root=root) as descriptor:
        assert os.read(descriptor, 10) == b"good"


def test_root_that_is_a_link_is_followed(tree: Path) -> None:
    (tree.parent / "alias").symlink_to(tree)
    with (
        open_folder(tree.parent / "alias") as root,
        open_regular("folder/inner/file", root=root) as descriptor,
    ):
        assert os.read(descriptor, 10) == b"good"


@pytest.mark.parametrize("name", ["missing", "folder/inner/file"])
def test_root_that_is_no_folder_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        open_folder(tree / name)
    assert caught.value.code == "file-unreadable"


def test_folder_that_vanishes_cannot_be_listed(tree: Path, means: str) -> None:
    (tree / "gone").mkdir()
    with open_folder(tree) as root, root.enter("gone") as gone:
        (tree / "gone").rmdir()
        if means == "paths":
            with pytest.raises(InputError):
                list(gone.scan())
        else:
            assert list(gone.scan()) == []


def test_link_swapped_in_after_the_look_is_not_followed(
    tree: Path, means: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if means == "paths":
        pytest.skip("without descriptors the swap can only be made unlikely")
    real_stat = os.stat

    def swapping(name: str, **options: Any) -> os.stat_result:  # noqa: ANN401 - passed through
        info = real_stat(name, **options)
        if name == "file":
            path = tree / "folder" / "inner" / "file"
            path.unlink()
            path.symlink_to(tree.parent / "outside" / "secret")
        return info

    monkeypatch.setattr(os, "stat", swapping)
    with (
        open_folder(tree) as root,
        pytest.raises(InputError) as caught,
        open_regular("folder/inner/file", root=root),
    ):
        pass
    assert caught.value.code == "file-unreadable"


def test_fifo_swapped_in_after_the_look_does_not_hang(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_stat = os.stat
    path = tree / "folder" / "inner" / "file"

    def swapping(name: str, **options: Any) -> os.stat_result:  # noqa: ANN401 - passed through
        info = real_stat(name, **options)
        if str(name).endswith("file"):
            path.unlink()
            os.mkfifo(path)
        return info

    monkeypatch.setattr(os, "stat", swapping)
    with pytest.raises(InputError) as caught, open_regular(path):
        pass
    assert caught.value.code == "special-file"


def test_no_descriptor_is_left_open(tree: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with open_folder(tree) as root:
        for name in ("folder/inner/file", "link-to-folder/secret", "fifo", "folder/missing/x"):
            try:
                with open_regular(name, root=root):
                    pass
            except InputError:
                continue
        root.close()
    assert len(list(Path("/dev/fd").iterdir())) == before
