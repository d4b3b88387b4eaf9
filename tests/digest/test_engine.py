"""Whatever road a file takes through the engine, its result is that of `hash_file`."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.digest import (
    FileDigest,
    FileJob,
    files,
    hash_file,
    hash_files,
    hash_tree,
    open_cache,
    open_folder,
    opening,
)
from provenance.digest.engine import hashing, large, mapped, small, stream, worker
from provenance.digest.engine.jobs import Watch
from provenance.errors import ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Sizes around every border: the buffer, what is small, the chunks of large files.
SIZES = [0, 1, 8192, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 1]
BIG = 5 * 1024 * 1024 + 3


def content(size: int, seed: int = 0) -> bytes:
    return (bytes((byte + seed) % 256 for byte in range(251)) * (size // 251 + 1))[:size]


@pytest.fixture(params=["in memory", "on disk"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a tree with a file of each size, some of them deep."""
    if request.param == "on disk":
        monkeypatch.setattr(worker.SmallFiles, "_are_cached", lambda *_: False)
    for number, size in enumerate([*SIZES, BIG, BIG]):
        folder = tmp_path / "root" / ("" if number % 3 == 0 else f"a/b{number % 2}/c")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(content(size, number))
    return tmp_path / "root"


def names_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def jobs_below(root: Path, algorithms: Sequence[str] = ("blake3", "sha256")) -> list[FileJob]:
    return [
        FileJob(name, (root / name).stat().st_size, tuple(algorithms)) for name in names_below(root)
    ]


def open_descriptors() -> int:
    """Return how many descriptors this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def run(root: Path, jobs: Sequence[FileJob], **options: object) -> list[FileDigest | str]:
    """Hash and return results, or the codes of errors; no descriptor and no child is left."""
    before = open_descriptors()
    with open_folder(root) as folder:
        results = hash_files(folder, jobs, **options)  # type: ignore[arg-type]  # passed through
    # Fewer is no leak: what other tests left to the garbage collector may go meanwhile.
    assert open_descriptors() <= before
    return [result.code if isinstance(result, ProvenanceError) else result for result in results]


def expected(root: Path, jobs: Sequence[FileJob]) -> list[FileDigest | str]:
    with open_folder(root) as folder:
        return [hash_file(job.path, root=folder, algorithms=job.algorithms) for job in jobs]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few files count as many, so that workers and the mapping process are started."""
    monkeypatch.setattr(small, "POOL_FILES", 2)
    monkeypatch.setattr(small, "_LIST_FILES", 2)
    monkeypatch.setattr(large, "MAPPED_BYTES", 1)
    monkeypatch.setattr(large, "MAPPED_FILE_BYTES", 1)
    monkeypatch.setattr(mapped, "_FILES", 2)


ALGORITHMS = [("blake3",), ("sha256",), ("sha256", "blake3"), ("blake3", "sha256", "md5"), ("md5",)]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("algorithms", ALGORITHMS, ids="+".join)
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("in_child", [False, True], ids=["read", "mapped"])
def test_every_road_gives_the_digests_of_hash_file(
    root: Path, algorithms: tuple[str, ...], workers: int, *, in_child: bool
) -> None:
    jobs = jobs_below(root, algorithms)
    seen: list[int] = []
    assert run(root, jobs, workers=workers, in_child=in_child, progress=seen.append) == expected(
        root, jobs
    )
    assert sum(seen) == sum(job.size or 0 for job in jobs)


@pytest.mark.usefixtures("many")
def test_sizes_need_not_be_known_and_algorithms_may_differ(root: Path) -> None:
    jobs = [
        FileJob(name, None, ALGORITHMS[number % len(ALGORITHMS)])
        for number, name in enumerate(names_below(root))
    ]
    assert run(root, jobs, workers=2) == expected(root, jobs)


@pytest.mark.parametrize("size", [0, 1, 4 * 1024 * 1024, 13 * 1024 * 1024 + 7])
@pytest.mark.parametrize("algorithms", ALGORITHMS, ids="+".join)
def test_one_file_by_two_threads_is_hashed_like_any(
    tmp_path: Path, size: int, algorithms: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_bytes(content(size))
    job = FileJob("file", size, algorithms)
    with open_folder(tmp_path) as folder:
        found, _ = stream.hash_streamed(folder, job, Watch())
    assert [found] == expected(tmp_path, [job])


def test_without_descriptors_the_results_are_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_below(root)
    wanted = run(root, jobs)
    monkeypatch.setattr(opening, "_HAS_DESCRIPTORS", False)
    assert run(root, jobs) == wanted
    monkeypatch.undo()
    monkeypatch.setattr(hashing, "_HAS_LOOP", False)
    monkeypatch.setattr(small, "HAS_PROCESSES", False)
    assert run(root, jobs) == wanted


def make_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_folder(path: Path) -> None:
    path.parent.rename(path.parent.parent / "moved")
    path.parent.symlink_to("moved")


def make_device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")


#: What lies in the place of a file, and the code that its job gets.
SWAPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (make_link, "link-found"),
    "link in the place of its folder": (link_folder, "link-found"),
    "FIFO": (make_fifo, "special-file"),
    "device": (make_device, "special-file"),
    "folder": (make_folder, "file-type"),
    "nothing": (Path.unlink, "file-unreadable"),
    "longer file": (lambda path: path.write_bytes(b"x" * 7_000_000), "size-mismatch"),
    "empty file": (lambda path: os.truncate(path, 0), "size-mismatch"),
}


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("number", [1, 8], ids=["small", "large"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("in_child", [False, True], ids=["read", "mapped"])
def test_what_lies_in_the_place_of_a_file_is_refused_and_the_rest_is_hashed(
    root: Path, swap: str, number: int, workers: int, *, in_child: bool
) -> None:
    (path,) = root.rglob(f"f{number}")
    jobs = jobs_below(root, ["blake3"])
    wanted = expected(root, jobs)
    make, code = SWAPS[swap]
    make(path)
    found = run(root, jobs, workers=workers, in_child=in_child)
    for job, result, was in zip(jobs, found, wanted, strict=True):
        is_hit = (root / job.path) == path or (
            swap == "link in the place of its folder"
            and (root / job.path).parent == path.parent
            and path.parent != root
        )
        assert result == (code if is_hit else was), job.path


@pytest.mark.parametrize("name", ["../out", "/etc/hostname", "a//f1", "", "a\\b", "a/./f"])
def test_unsafe_name_is_refused(root: Path, name: str) -> None:
    (root.parent / "out").write_bytes(b"outside")
    job = FileJob("f0", 0)
    assert run(root, [FileJob(name), job]) == ["name-unsafe", *expected(root, [job])]


def test_unknown_algorithm_is_refused(root: Path) -> None:
    assert run(root, [FileJob("f0", 0, ("sha9",))]) == ["digest-algorithm"]


@pytest.mark.parametrize("workers", [0, -1])
def test_nonsense_number_of_workers_is_a_usage_error(root: Path, workers: int) -> None:
    with open_folder(root) as folder, pytest.raises(UsageError):
        hash_files(folder, [], workers=workers)


CHANGES: dict[str, Callable[[Path], object]] = {
    "grow": lambda path: path.write_bytes(content(path.stat().st_size + 1)),
    "shrink": lambda path: os.truncate(path, path.stat().st_size // 2),
    "touch": lambda path: os.utime(path, ns=(1, 1)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("number", [2, 5, 8], ids=["8 KiB", "257 KiB", "5 MiB"])
def test_file_that_changes_while_it_is_read_is_an_error(
    root: Path, change: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = root.rglob(f"f{number}")
    real_readv = os.readv
    state: list[int] = []

    def interfering(descriptor: int, buffers: list[memoryview]) -> int:
        count = real_readv(descriptor, buffers)
        if not state and count:
            state.append(count)
            CHANGES[change](path)
        return count

    monkeypatch.setattr(os, "readv", interfering)
    jobs = [FileJob(str(path.relative_to(root)), None)]
    assert run(root, jobs) == ["file-changed"]


@pytest.mark.parametrize("number", [2, 5, 8], ids=["8 KiB", "257 KiB", "5 MiB"])
@pytest.mark.parametrize("after", [0, 1])
def test_error_of_the_disk_is_ours(
    root: Path, number: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = root.rglob(f"f{number}")
    real_readv = os.readv
    state: list[int] = []

    def failing(descriptor: int, buffers: list[memoryview]) -> int:
        if len(state) == (0 if number == 2 else after):
            raise OSError(errno.EIO, "Input/output error")
        state.append(1)
        return real_readv(descriptor, buffers)

    monkeypatch.setattr(os, "readv", failing)
    jobs = [FileJob(str(path.relative_to(root)), None)]
    assert run(root, jobs) == ["file-unreadable"]


def test_short_reads_are_joined(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_below(root, ["blake3"])[:4]
    wanted = expected(root, jobs)
    real_readv = os.readv
    monkeypatch.setattr(os, "readv", lambda fd, buffers: real_readv(fd, [buffers[0][:4097]]))
    assert run(root, jobs) == wanted


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("in_child", [False, True], ids=["read", "mapped"])
@pytest.mark.parametrize("workers", [1, 2])
def test_passed_deadline_and_cancellation_stop_everything(
    root: Path, workers: int, *, in_child: bool
) -> None:
    jobs = jobs_below(root, ["blake3"])
    late = run(root, jobs, workers=workers, in_child=in_child, deadline=0.0)
    assert late == ["deadline"] * len(jobs)
    stopped = run(root, jobs, workers=workers, in_child=in_child, cancelled=lambda: True)
    assert stopped == ["cancelled"] * len(jobs)


@pytest.mark.parametrize("count", [1, 2], ids=["one", "two"])
def test_deadline_stops_the_reading_of_sparse_files(tmp_path: Path, count: int) -> None:
    for number in range(count):
        with (tmp_path / f"sparse{number}").open("wb") as handle:
            handle.truncate(1 << 40)
    jobs = [FileJob(f"sparse{number}", 1 << 40, ("blake3",)) for number in range(count)]
    assert run(tmp_path, jobs, deadline=time.monotonic() + 0.05) == ["deadline"] * count


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("in_child", [False, True], ids=["read", "mapped"])
@pytest.mark.parametrize("size", [100, BIG])
def test_error_of_the_callers_progress_comes_through_and_leaves_nothing_open(
    tmp_path: Path, size: int, *, in_child: bool
) -> None:
    for number in range(5):
        (tmp_path / f"f{number}").write_bytes(content(size))

    def failing(_: int) -> None:
        raise KeyboardInterrupt

    jobs = jobs_below(tmp_path, ["blake3"])
    before = open_descriptors()
    with open_folder(tmp_path) as folder, pytest.raises(KeyboardInterrupt):
        hash_files(folder, jobs, workers=2, in_child=in_child, progress=failing)
    # Fewer is no leak: what other tests left to the garbage collector may go meanwhile.
    assert open_descriptors() <= before


def test_unexpected_error_of_a_thread_comes_through(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(files, "_readv", failing)
    jobs = [job for job in jobs_below(root) if job.size == BIG]
    for part in (jobs, jobs[:1]):
        with open_folder(root) as folder, pytest.raises(MemoryError):
            hash_files(folder, part, workers=2)


def test_hasher_that_fails_in_the_second_thread_does_not_hang(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def update(self, _: object) -> None:
            raise MemoryError

        def hexdigest(self) -> str:
            return ""

    monkeypatch.setattr(stream, "new_hasher", lambda _: Broken())
    job = next(job for job in jobs_below(root, ["sha256", "md5"]) if job.size == BIG)
    with open_folder(root) as folder, pytest.raises(MemoryError):
        hash_files(folder, [job], workers=2)


def test_only_larger_files_are_looked_up_in_a_cache(root: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    class Recorder:
        def __init__(self) -> None:
            self.kept: dict[int, object] = {}

        def lookup(self, info: os.stat_result, algorithms: Sequence[str], /) -> None:
            assert algorithms
            asked.append(info.st_size)

        def store(self, info: os.stat_result, digests: object, /) -> None:
            self.kept[info.st_ino] = digests

    recorder = Recorder()
    jobs = jobs_below(root)
    assert run(root, jobs, cache=recorder) == expected(root, jobs)
    assert sorted(asked) == sorted(
        job.size for job in jobs if job.size is not None and job.size >= 65536
    )
    assert len(recorder.kept) == len(asked)
    with open_cache(tmp_path / "cache") as cache:
        for _ in range(2):
            assert hash_tree(root, cache=cache) == hash_tree(root)


def test_what_a_cache_knows_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [job for job in jobs_below(root) if job.size == BIG]
    wanted = expected(root, jobs)
    known = wanted[0]
    assert isinstance(known, FileDigest)
    digests = known.digest

    class Knowing:
        def lookup(self, info: os.stat_result, _: Sequence[str], /) -> object:
            assert info.st_size == BIG
            return digests

        def store(self, *_: object) -> None:
            raise AssertionError

    monkeypatch.setattr(stream, "read_chunks", None)
    seen: list[int] = []
    found = run(root, jobs[:1], cache=Knowing(), progress=seen.append)
    assert found == wanted[:1]
    assert sum(seen) == BIG


def test_window_of_open_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        (tmp_path / f"f{number:03}").write_bytes(b"x")
    most = 0
    real_readv = os.readv

    def counting(descriptor: int, buffers: list[memoryview]) -> int:
        nonlocal most
        most = max(most, open_descriptors())
        return real_readv(descriptor, buffers)

    before = open_descriptors()
    monkeypatch.setattr(os, "readv", counting)
    monkeypatch.setattr(small, "_AHEAD", 48)
    run(tmp_path, jobs_below(tmp_path))
    assert most - before <= 8  # they are in memory
    monkeypatch.setattr(worker.SmallFiles, "_are_cached", lambda *_: False)
    run(tmp_path, jobs_below(tmp_path))
    assert 48 <= most - before <= 48 + 8
    assert small._ahead() <= 48


@pytest.mark.parametrize("in_child", [False, True], ids=["read", "mapped"])
@pytest.mark.parametrize("count", [1, 3])
def test_memory_does_not_grow_with_files(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch, *, in_child: bool
) -> None:
    monkeypatch.setattr(large, "MAPPED_BYTES", 1)
    monkeypatch.setattr(large, "MAPPED_FILE_BYTES", 1)
    for number in range(count):
        with (tmp_path / f"f{number}").open("wb") as handle:
            handle.truncate(64 * 1024 * 1024)
    jobs = jobs_below(tmp_path, ["blake3"])
    tracemalloc.start()
    try:
        run(tmp_path, jobs, workers=2, in_child=in_child)
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


class TestDigests:
    """Law: however many workers, and whatever is hashed beside it, a file has its digests."""

    @settings(max_examples=15, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(["a", "b/a", "b/c/a", "b/c/b", "b.x", "d/e", "é/f"]),
            st.integers(0, 300_000),
        ),
        st.integers(1, 3),
    )
    def test_results_do_not_depend_on_workers(
        self, tmp_path_factory: pytest.TempPathFactory, sizes: dict[str, int], workers: int
    ) -> None:
        root = tmp_path_factory.mktemp("tree")
        for name, size in sizes.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content(size, len(name)))
        jobs = [FileJob(name) for name in sizes]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(small, "POOL_FILES", 2)
            patch.setattr(small, "_LIST_FILES", 2)
            assert run(root, jobs, workers=workers) == expected(root, jobs)
