"""Walking and hashing trees: everything is seen, nothing special is touched, order is no matter."""

from __future__ import annotations

import errno
import os
import socket
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.digest import (
    FoundFile,
    InventoryDigest,
    TreeFault,
    hash_bytes,
    hash_tree,
    open_cache,
    opening,
    tree,
    walk_tree,
    walking,
)
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def build(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


FILES = {"b": b"2", "a/z": b"1", "a/é": b"22", "a.txt": b"", "A": b"x" * 100, ".hidden": b"h"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return build(tmp_path / "root", FILES)


@pytest.fixture(params=["descriptors", "paths"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test as on POSIX, and as where nothing can be opened below a descriptor."""
    if request.param == "paths":
        monkeypatch.setattr(opening, "_HAS_DESCRIPTORS", False)
    return str(request.param)


def make_socket(path: Path) -> None:
    # The path may be too long to bind by.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def make_device(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    try:
        os.mknod(path, 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")


#: What must not be in a tree: how it is made, its name, the code, the path in the report.
INTRUDERS: dict[str, tuple[Callable[[Path], object], str | bytes, str, str]] = {
    "link to a file": (lambda path: path.symlink_to("b"), "link", "link-found", "link"),
    "link to /": (lambda path: path.symlink_to("/"), "link", "link-found", "link"),
    "link loop": (lambda path: path.symlink_to(path.name), "link", "link-found", "link"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "a/link", "link-found", "a/link"),
    "FIFO": (os.mkfifo, "fifo", "special-file", "fifo"),
    "socket": (make_socket, "socket", "special-file", "socket"),
    "device": (make_device, "zero", "special-file", "zero"),
    "line feed in a name": (Path.touch, "a\nb", "name-unsafe", "a\\nb"),
    "escape sequence in a name": (Path.touch, "\x1b[31m", "name-unsafe", "\\x1b[31m"),
    "backslash in a name": (Path.touch, "a\\b", "name-unsafe", "a\\b"),
    "name that is not UTF-8": (Path.touch, b"\xff", "name-unsafe", "\\udcff"),
    "folder that is not UTF-8": (Path.mkdir, b"\xff", "name-unsafe", "\\udcff"),
    "C1 control character": (Path.touch, "\x9b", "name-unsafe", "\\x9b"),
}


@pytest.mark.parametrize("name", INTRUDERS)
def test_intruder_is_a_fault_and_the_rest_is_still_seen(root: Path, means: str, name: str) -> None:
    make, intruder, code, path = INTRUDERS[name]
    try:
        make(root / os.fsdecode(intruder))
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error.strerror}")
    found = walk_tree(root)
    assert [(fault.code, fault.path) for fault in found.faults] == [(code, path)]
    assert [file.path for file in found.files] == sorted(FILES)
    with pytest.raises(DigestError) as caught:
        hash_tree(root)
    assert (caught.value.code, caught.value.path) == (code, path)
    assert means


def test_files_are_sorted_by_the_bytes_of_their_names(root: Path, means: str) -> None:
    found = walk_tree(root)
    assert [file.path.encode() for file in found.files] == sorted(map(str.encode, FILES))
    assert FoundFile("A", 100) in found.files
    assert found.faults == ()
    assert means


def test_empty_folders_are_named_and_no_part_of_the_tree(root: Path) -> None:
    before = hash_tree(root).root
    (root / "empty").mkdir()
    (root / "a" / "outer" / "inner").mkdir(parents=True)
    assert walk_tree(root).empty_folders == ("a/outer/inner", "empty")
    assert hash_tree(root).root == before


def test_skipped_names_are_those_directly_below_the_root(root: Path) -> None:
    build(root, {"training-provenance/x": b"", "a/training-provenance/x": b""})
    found = walk_tree(root, skip={"training-provenance", "A"})
    assert {file.path for file in found.files} == {*FILES, "a/training-provenance/x"} - {"A"}
    assert len(hash_tree(root, skip={"a"})) == 5


def test_root_that_is_missing_or_a_file_is_an_error(root: Path, means: str) -> None:
    for path in (root / "missing", root / "b"):
        with pytest.raises(InputError) as caught:
            walk_tree(path)
        assert caught.value.code == "file-unreadable"
    assert means


def test_root_that_is_a_link_is_the_callers_word(root: Path) -> None:
    (root.parent / "alias").symlink_to(root)
    assert hash_tree(root.parent / "alias") == hash_tree(root)


def test_too_many_entries_stop_the_walk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_TREE_ENTRIES", 3)
    found = walk_tree(root)
    assert [fault.code for fault in found.faults] == ["tree-limit"]
    assert len(found.files) <= 3
    monkeypatch.setattr(walking, "MAX_TREE_ENTRIES", len(FILES) + 1)
    assert walk_tree(root).faults == ()


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Return a tree whose path is longer than any system call takes."""
    here = Path.cwd()
    (tmp_path / "deep").mkdir()
    os.chdir(tmp_path / "deep")
    for _ in range(300):
        Path("d" * 30).mkdir()
        os.chdir("d" * 30)
    os.chdir(here)
    return tmp_path / "deep"


def test_tree_that_is_too_deep_is_a_fault_not_a_crash(deep: Path) -> None:
    found = walk_tree(deep)
    assert [fault.code for fault in found.faults] in (["tree-limit"], ["name-unsafe"])
    assert found.files == ()


def test_file_too_deep_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_TREE_DEPTH", 3)
    build(tmp_path, {"a/b/c": b"", "a/b/d/e": b"", "x/y/z/deep": b""})
    found = walk_tree(tmp_path)
    assert [(fault.code, fault.path) for fault in found.faults] == [
        ("tree-limit", "a/b/d/e"),
        ("tree-limit", "x/y/z/deep"),
    ]
    assert [file.path for file in found.files] == ["a/b/c"]


@pytest.fixture
def as_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give up the rights of root, inside the tree; nobody can reach it by its whole path."""
    monkeypatch.chdir(root)
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("as_nobody")
def test_unreadable_folder_is_a_fault() -> None:
    # Made unreadable by root first, so that nobody has no rights there.
    euid = os.geteuid()
    os.seteuid(os.getuid())
    Path("a").chmod(0)
    os.seteuid(euid)
    found = walk_tree(".")
    assert [(fault.code, fault.path) for fault in found.faults] == [("file-unreadable", "a")]
    assert "b" in {file.path for file in found.files}
    with pytest.raises(InputError) as caught:
        hash_tree(".")
    assert caught.value.code == "file-unreadable"
    os.seteuid(os.getuid())
    Path("a").chmod(0o755)


@pytest.mark.usefixtures("as_nobody")
def test_unreadable_file_is_an_error_of_ours() -> None:
    euid = os.geteuid()
    os.seteuid(os.getuid())
    Path("b").chmod(0)
    os.seteuid(euid)
    with pytest.raises(InputError) as caught:
        hash_tree(".")
    assert (caught.value.code, caught.value.path) == ("file-unreadable", "b")


@dataclass
class Entry:
    """Stands for a directory entry that cannot be looked at."""

    name: str
    error: OSError

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        assert not follow_symlinks
        raise self.error

    def is_file(self, *, follow_symlinks: bool) -> bool:
        assert not follow_symlinks
        raise self.error


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOENT, "file-changed"), (errno.EIO, "file-unreadable")]
)
def test_entry_that_vanishes_or_fails_is_a_fault(
    root: Path, number: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry("x", OSError(number, os.strerror(number)))
    monkeypatch.setattr(opening.Folder, "scan", lambda _: iter([entry]))
    assert [(fault.code, fault.path) for fault in walk_tree(root).faults] == [(code, "x")]
    with pytest.raises(InputError, match="x:"):
        hash_tree(root)


def test_folder_that_fails_while_it_is_listed_is_a_fault(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_scan = opening.Folder.scan

    def failing(folder: opening.Folder) -> Iterator[os.DirEntry[str]]:
        if folder.path.endswith("a"):
            raise InputError(path="a", problem="cannot be read: EIO", code="file-unreadable")
        yield from real_scan(folder)

    monkeypatch.setattr(opening.Folder, "scan", failing)
    found = walk_tree(root)
    assert [(fault.code, fault.path) for fault in found.faults] == [("file-unreadable", "a")]
    assert len(found.files) == 4


def test_file_that_changes_between_walk_and_reading_is_recorded_as_it_was_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_check = tree._require_no_faults

    def check_then_grow(faults: list[TreeFault]) -> None:
        real_check(faults)
        (root / "b").write_bytes(b"grown")

    monkeypatch.setattr(tree, "_require_no_faults", check_then_grow)
    with open_cache(root.parent / "cache") as cache:
        for entry in (hash_tree(root).find("b"), hash_tree(root, cache=cache).find("b")):
            assert entry is not None
            assert entry.size == len(b"grown")
            assert entry.digest.blake3 == hash_bytes(b"grown", "blake3")


def test_file_that_vanishes_between_walk_and_reading_is_an_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_check = tree._require_no_faults

    def check_then_remove(faults: list[TreeFault]) -> None:
        real_check(faults)
        (root / "b").unlink()

    monkeypatch.setattr(tree, "_require_no_faults", check_then_remove)
    with pytest.raises(InputError) as caught:
        hash_tree(root)
    assert (caught.value.code, caught.value.path) == ("file-unreadable", "b")


def test_several_faults_are_counted(root: Path) -> None:
    (root / "l1").symlink_to("b")
    (root / "l2").symlink_to("b")
    with pytest.raises(DigestError, match="and 1 more fault"):
        hash_tree(root)


def test_inventory_holds_every_file_with_its_digests(root: Path) -> None:
    seen: list[int] = []
    made = hash_tree(root, progress=seen.append)
    assert {entry.path: entry.size for entry in made} == {
        name: len(data) for name, data in FILES.items()
    }
    for entry in made:
        data = FILES[entry.path]
        expected = InventoryDigest(hash_bytes(data, "blake3"), hash_bytes(data, "sha256"))
        assert entry.digest == expected
    assert sum(seen) == made.total_bytes


def test_tree_digest_does_not_depend_on_the_recorded_algorithms(root: Path) -> None:
    light = hash_tree(root, algorithms=["blake3"])
    assert all(entry.digest.sha256 is None for entry in light)
    assert light.root == hash_tree(root).root


@pytest.mark.parametrize("algorithms", [["sha256"], [], ["blake3", "sha512"]])
def test_inventory_needs_blake3_and_takes_sha256_besides(root: Path, algorithms: list[str]) -> None:
    with pytest.raises(DigestError) as caught:
        hash_tree(root, algorithms=algorithms)
    assert caught.value.code == "digest-algorithm"


def test_passed_deadline_stops_the_work(root: Path) -> None:
    with pytest.raises(InputError) as caught:
        hash_tree(root, deadline=0.0)
    assert caught.value.code == "deadline"


def test_threads_and_processes_give_the_same_inventory(root: Path) -> None:
    expected = hash_tree(root)
    seen: list[int] = []
    with ThreadPoolExecutor(2) as threads:
        assert hash_tree(root, executor=threads, progress=seen.append) == expected
        assert hash_tree(root, executor=threads) == expected
    assert sum(seen) == expected.total_bytes
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert hash_tree(root, executor=processes) == expected
        with pytest.raises(InputError) as caught:
            hash_tree(root, executor=processes, deadline=0.0)
    assert caught.value.code == "deadline"


def test_copy_of_a_tree_has_the_same_digest_whatever_was_written_first(tmp_path: Path) -> None:
    one = build(tmp_path / "one", FILES)
    other = build(tmp_path / "other", dict(reversed(FILES.items())))
    assert hash_tree(one) == hash_tree(other)


@pytest.mark.property
class TestTreeDigest:
    """Law: two trees have one digest only if they have the same files."""

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["a", "b", "c/d", "c/e"]), st.binary(max_size=2), max_size=4
            ),
            min_size=2,
            max_size=2,
        )
    )
    def test_digests_are_equal_exactly_if_the_files_are(
        self, tmp_path_factory: pytest.TempPathFactory, contents: list[dict[str, bytes]]
    ) -> None:
        base = tmp_path_factory.mktemp("trees")
        roots = []
        for number, files in enumerate(contents):
            (base / str(number)).mkdir()
            roots.append(hash_tree(build(base / str(number), files)).root)
        assert (roots[0] == roots[1]) == (contents[0] == contents[1])
