"""One law over all roads: whichever way a tree is read, it has the digests of the formulas.

Clusters of Dask and Ray take the same trees in `test_clusters.py`.
"""

from __future__ import annotations

import io
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provenance.digest import (
    BlockDigests,
    FileDigest,
    FileJob,
    FoundFile,
    Inventory,
    InventoryDigest,
    InventoryEntry,
    VerifyingReader,
    executing,
    hash_file,
    hash_file_and_blocks,
    hash_files,
    hash_tree,
    open_cache,
    open_folder,
    walk_tree,
)
from provenance.digest.engine import hashing, large, processes, small
from provenance.digest.remote import hash_remote_tree
from provenance.errors import DigestError
from provenance.verification import inspect
from support.crafted import CraftedRelease, fixed_clock, public_key, write_tree
from support.trees import (
    CHANGES,
    change_tree,
    expected_root,
    expected_rows,
    random_files,
    rows_of,
    trees,
    write_anew,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Road = Callable[[Path], Inventory]

LAW = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

#: Bytes of a block; the streamed files have none, one and many.
BLOCK = 64 * 1024

#: A tree whose files lie on both sides of every bound, so that each road is taken for certain.
WHOLE = random_files(0, {"a": 0, "b/a": 200_000, "b/c/a": 65_536, "b/c/b": 1, "b.x": 1025, "z": 64})


@pytest.fixture(autouse=True)
def _every_road_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small trees take the roads of large ones; let a cache look at them a minute later."""
    monkeypatch.setattr(small, "POOL_FILES", 2)
    monkeypatch.setattr(small, "_LIST_FILES", 2)
    monkeypatch.setattr(large, "MAPPED_BYTES", 1)
    monkeypatch.setattr(large, "MAPPED_FILE_BYTES", 1)
    monkeypatch.setattr(executing, "BATCH_FILES", 2)
    for module in (hashing, small):
        monkeypatch.setattr(module, "SMALL_BYTES", 100_000)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 60 * 10**9)


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Return processes that begin from nothing."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        yield executor


def hash_one_by_one(root: Path) -> Inventory:
    """Go file by file, as `hash_file` does."""
    with open_folder(root) as folder:
        return made_of({file.path: hash_file(file.path, root=folder) for file in walk(root)})


def hash_in_child(root: Path) -> Inventory:
    """Map every file in a process that may die; SHA-256 is read beside it."""
    jobs = [FileJob(file.path, file.size, ("blake3",)) for file in walk(root)]
    with open_folder(root) as folder:
        mapped = hash_files(folder, jobs, in_child=True)
        read = hash_files(folder, [FileJob(job.path, None, ("sha256",)) for job in jobs])
    found = {}
    for job, one, other in zip(jobs, mapped, read, strict=True):
        assert isinstance(one, FileDigest)
        assert isinstance(other, FileDigest)
        both = {**one.digest, **other.digest}
        entry = InventoryDigest(both["blake3"], both["sha256"])
        found[job.path] = InventoryEntry(entry, job.path, one.size)
    return Inventory(tuple(found[name] for name in sorted(found)))


def hash_streamed(root: Path) -> Inventory:
    """Read each file as a stream that is checked block by block, and hash what comes out."""
    found = {}
    with open_folder(root) as folder:
        for file in walk(root):
            whole, blocks = hash_file_and_blocks(file.path, BLOCK, root=folder)
            raw = io.BytesIO((root / file.path).read_bytes())
            kept = BlockDigests.from_bytes(blocks.to_bytes(), size=blocks.size, block_size=BLOCK)
            assert VerifyingReader(raw, kept).readall() == raw.getvalue()
            found[file.path] = whole
    return made_of(found)


def hash_in_memory_store(root: Path) -> Inventory:
    """Put the tree into an object store and read it from there."""
    fsspec = pytest.importorskip("fsspec", reason="needs the extra `remote`")
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    system.pipe({f"/t/{file.path}": (root / file.path).read_bytes() for file in walk(root)})
    try:
        return hash_remote_tree("memory://t", algorithms=("blake3", "sha256"))
    finally:
        system.store.clear()


def walk(root: Path) -> list[FoundFile]:
    return list(walk_tree(root).files)


def made_of(found: dict[str, FileDigest]) -> Inventory:
    return Inventory(
        tuple(
            InventoryEntry(
                InventoryDigest(one.digest["blake3"], one.digest["sha256"]), name, one.size
            )
            for name, one in sorted(found.items())
        )
    )


def roads(pool: ProcessPoolExecutor, store: Path) -> dict[str, Road]:
    """Return every road by name; `store` is where the cache lies."""

    def cached(root: Path) -> Inventory:
        with open_cache(store) as cache:
            made = hash_tree(root, cache=cache, workers=1)
            assert not cache.warnings
        return made

    def on_threads(root: Path) -> Inventory:
        with ThreadPoolExecutor(2) as executor:
            return hash_tree(root, executor=executor)

    own: dict[str, Road] = {
        "one by one": hash_one_by_one,
        "inline": lambda root: hash_tree(root, workers=1),
        "workers": lambda root: hash_tree(root, workers=2),
        "mapped in a child": hash_in_child,
        "threads of others": on_threads,
        "processes of others": lambda root: hash_tree(root, executor=pool),
        "cache": cached,
        "cache again": cached,
        "stream with blocks": hash_streamed,
        "object store": hash_in_memory_store,
    }
    if not processes.HAS_PROCESSES:
        del own["mapped in a child"]
    return own


@pytest.mark.property
@LAW
@given(trees(), st.sampled_from(CHANGES), st.integers(0, 10**6))
@example(WHOLE, "flip", 100_001)
@example(WHOLE, "rename", 1)
@example(WHOLE, "swap", 1)
def test_every_road_leads_to_the_same_digests_and_sees_every_change(
    tmp_path_factory: pytest.TempPathFactory,
    pool: ProcessPoolExecutor,
    files: dict[str, bytes],
    change: str,
    place: int,
) -> None:
    top = tmp_path_factory.mktemp("roads")
    root = write_tree(top / "tree", files)
    changed = change_tree(files, change, place)
    before, after = expected_root(files), expected_root(changed)
    assert before != after
    # Every road before and after: a cache, a pool or a store that remembers would be found out.
    ways = roads(pool, top / "caches" / "digests.db")
    for name, road in ways.items():
        made = road(root)
        assert (made.root, rows_of(made)) == (before, expected_rows(files)), name
    write_anew(root, changed)
    for name, road in ways.items():
        made = road(root)
        assert (made.root, rows_of(made)) == (after, expected_rows(changed)), name


@pytest.mark.property
@LAW
@given(trees(), st.sampled_from(CHANGES), st.integers(0, 10**6), st.booleans())
@example(WHOLE, "flip", 100_001, True)  # noqa: FBT003 - an example
def test_the_verifier_passes_the_tree_and_fails_every_change(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, bytes],
    change: str,
    place: int,
    with_cache: bool,  # noqa: FBT001 - an example
) -> None:
    top = tmp_path_factory.mktemp("verified")
    cache = top / "caches" / "digests.db" if with_cache else None
    folder = CraftedRelease(files=dict(files)).write(top / "model")
    options: dict[str, Any] = {"keys": public_key(), "clock": fixed_clock, "cache": cache}
    for _ in range(2):  # the second time a cache is warm
        report = inspect(folder, **options)
        assert report.verdict == "PASS", report.summary
        assert report.files is not None
        assert report.files.matched == len(files)
    inside = {
        f"training-provenance/{path.relative_to(folder / 'training-provenance').as_posix()}": (
            path.read_bytes()
        )
        for path in (folder / "training-provenance").rglob("*")
        if path.is_file()
    }
    write_anew(folder, {**change_tree(files, change, place), **inside})
    report = inspect(folder, **options)
    assert report.verdict == "FAIL", report.summary


@pytest.mark.property
@LAW
@given(
    st.sampled_from([1, BLOCK - 1, BLOCK, BLOCK + 1, 200_000]), st.integers(0, 10**6), st.booleans()
)
def test_a_stream_gives_out_nothing_of_a_changed_block(size: int, place: int, cut: bool) -> None:  # noqa: FBT001 - an example
    data = random_files(place % 7, {"a": size})["a"]
    changed = change_tree({"a": data}, "cut" if cut else "flip", place)["a"]
    blocks = b"".join(blake3(data[at : at + BLOCK]).digest() for at in range(0, size, BLOCK))
    signed = BlockDigests.from_bytes(blocks, size=size, block_size=BLOCK)
    reader = VerifyingReader(io.BytesIO(changed), signed)
    given_out = bytearray()

    def read_all() -> None:
        while part := reader.read_block():
            given_out.extend(part)

    with pytest.raises(DigestError) as caught:
        read_all()
    assert caught.value.code in {"digest-mismatch", "size-mismatch"}
    assert data.startswith(given_out)
    assert len(given_out) in {*range(0, size, BLOCK), size}
