"""Processes of the engine: they may die, they get nothing, and what they say is checked."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.digest import FileDigest, FileJob, hash_file, hash_files, hash_tree, open_folder
from provenance.digest.engine import large, mapped, mapper, pool, processes, small, worker
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not processes.HAS_PROCESSES, reason="there are no bare processes")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for number in range(40):
        (root / f"d{number % 4}").mkdir(parents=True, exist_ok=True)
        (root / f"d{number % 4}" / f"f{number}").write_bytes(b"x" * number)
    return root


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "POOL_FILES", 2)
    monkeypatch.setattr(small, "_LIST_FILES", 3)
    monkeypatch.setattr(large, "MAPPED_BYTES", 1)
    monkeypatch.setattr(large, "MAPPED_FILE_BYTES", 1)


def replace_program(
    monkeypatch: pytest.MonkeyPatch, module: object, tmp_path: Path, code: str
) -> None:
    """Let a bare process run other code after the real module."""
    source = Path(worker.FILE if module is pool else mapper.FILE).read_text(encoding="utf-8")
    path = tmp_path / "program.py"
    path.write_text(source + "\n" + code, encoding="utf-8")
    monkeypatch.setattr(module, "FILE", str(path))


#: Programs in the place of a worker; each takes a list and does not do its work.
BAD_WORKERS = {
    "dies at once": "def hash_lists(*numbers):\n    raise SystemExit(1)",
    "is killed midway": (
        "def hash_lists(*numbers):\n    os.read(numbers[2], 16)\n"
        "    os.write(1, FRAME.pack(0, 1000) + b'half')\n    os.kill(os.getpid(), 9)"
    ),
    "answers nonsense": (
        "def hash_lists(*numbers):\n    os.read(numbers[2], 16)\n    os.write(1, b'?' * 5000)"
    ),
    "answers too little": (
        "def hash_lists(*numbers):\n"
        "    n = os.read(numbers[2], 16)\n    os.write(1, n[:4] + b'\\0' * 4)"
    ),
    "answers what nobody asked": (
        "def hash_lists(*numbers):\n    os.read(numbers[2], 16)\n"
        "    os.write(1, FRAME.pack(9999, 0))"
    ),
}


@pytest.mark.parametrize("bad", BAD_WORKERS)
def test_what_a_dead_or_broken_worker_leaves_is_done_here(
    root: Path, tmp_path: Path, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = hash_tree(root, workers=1)
    replace_program(monkeypatch, pool, tmp_path, BAD_WORKERS[bad])
    assert hash_tree(root, workers=3) == wanted


def test_workers_do_take_part(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    real = worker.unpack_results

    def counting(data: bytes, mask: int) -> list[tuple[int, int, int, bytes]]:
        taken.append(len(data))
        return real(data, mask)

    # This process is slow, so that a worker gets its share.
    real_hash = worker.SmallFiles.hash
    monkeypatch.setattr(pool, "unpack_results", counting)

    def slow(self: worker.SmallFiles, *args: object, **options: object) -> object:
        time.sleep(0.1)
        return real_hash(self, *args, **options)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(worker.SmallFiles, "hash", slow)
    made = hash_tree(root, workers=2)
    assert taken
    assert {entry.path: entry.size for entry in made} == {
        f"d{number % 4}/f{number}": number for number in range(40)
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda patch: patch.setattr(sys, "frozen", True, raising=False),
        lambda patch: patch.setattr(sys, "executable", ""),
        lambda patch: patch.setattr(sys, "executable", "/nowhere/python3"),
        lambda patch: patch.setattr(sys, "executable", "/usr/bin/app"),
        lambda patch: patch.setattr(pool, "FILE", "/nowhere/worker.py"),
    ],
    ids=["frozen", "no interpreter", "missing interpreter", "other program", "no file"],
)
def test_without_processes_everything_is_done_here(
    root: Path, spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = hash_tree(root, workers=1)
    spoil(monkeypatch)
    assert hash_tree(root, workers=2) == wanted


SPY = """
def {name}(*numbers):
    import json, sys
    found = dict(
        env=sorted(os.environ), cwd=os.getcwd(), path=sys.path, numbers=numbers,
        flags=[sys.flags.isolated, sys.flags.no_site],
        fds=sorted(int(n) for n in os.listdir('/proc/self/fd')),
        modules=sorted(n for n in sys.modules if n.startswith('provenance')),
    )
    os.write(1, json.dumps(found).encode())
"""


def test_bare_process_gets_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "spy.py"
    path.write_text("import os\n" + SPY.format(name="spy"), encoding="utf-8")
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)  # noqa: FBT003 - the system's signature
    given = os.open(tmp_path, os.O_RDONLY)
    try:
        with processes.start_bare(str(path), "spy", [7], [given]) as process:
            assert process is not None
            found = json.loads(process.communicate(timeout=60)[0])
    finally:
        os.close(leak)
        os.close(given)
    assert set(found["env"]) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE"}
    assert found["cwd"] == "/"
    assert found["flags"] == [1, 1]
    assert found["modules"] == []
    assert found["numbers"] == [7]
    assert given in found["fds"]
    assert leak not in found["fds"]
    assert str(tmp_path) not in found["path"]


def test_worker_program_hashes_what_the_pipe_says(root: Path) -> None:
    names = ["d0/f0", "d1/f1", "missing"]
    packed = worker.pack_names(names, [0, worker.ANY_SIZE, 5], 3, look=True)
    assert worker.unpack_names(packed) == (names, (0, -1, 5), 3, True)
    with open_folder(root) as folder:
        assert folder.descriptor is not None
        results = worker.SmallFiles(folder.descriptor, 100, 2).hash(names, [0, -1, 5], 3, look=True)
    assert [status for status, *_ in results] == [worker.DONE, worker.DONE, worker.AGAIN]
    data = worker.pack_results(results, 3)
    assert len(data) == worker.packed_bytes(3, 3)
    assert [row[:3] for row in worker.unpack_results(data, 3)] == [row[:3] for row in results]


def test_deadline_ends_workers_that_do_not_answer(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_program(
        monkeypatch,
        pool,
        tmp_path,
        "def hash_lists(*numbers):\n    os.read(numbers[2], 16)\n    import time; time.sleep(600)",
    )
    # The worker must get its list before this process has done them all.
    real_hash = worker.SmallFiles.hash

    def slow(self: worker.SmallFiles, *args: object, **options: object) -> object:
        time.sleep(0.05)
        return real_hash(self, *args, **options)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(worker.SmallFiles, "hash", slow)
    with open_folder(root) as folder:
        jobs = [FileJob(f"d{number % 4}/f{number}", number) for number in range(40)]
        results = hash_files(folder, jobs, workers=2, deadline=time.monotonic() + 1.5)
    codes = {result.code for result in results if isinstance(result, ProvenanceError)}
    assert codes == {"deadline"}


@pytest.fixture
def big(tmp_path: Path) -> Path:
    root = tmp_path / "big"
    root.mkdir()
    for number in range(3):
        (root / f"f{number}").write_bytes(bytes([number]) * (2 * 1024 * 1024 + number))
    return root


def hash_mapped_files(root: Path, **options: object) -> list[FileDigest | str]:
    names = sorted(path.name for path in root.iterdir())
    with open_folder(root) as folder:
        jobs = [FileJob(name, (root / name).stat().st_size, ("blake3",)) for name in names]
        results = hash_files(folder, jobs, in_child=True, **options)  # type: ignore[arg-type]  # passed through
    return [result.code if isinstance(result, ProvenanceError) else result for result in results]


def plain(root: Path) -> list[FileDigest | str]:
    return [hash_file(path, algorithms=["blake3"]) for path in sorted(root.iterdir())]


#: Programs in the place of the mapping process.
BAD_MAPPERS = {
    "dies at once": "def map_files(*files):\n    raise SystemExit(1)",
    "is killed by SIGBUS after a slice": (
        "def map_files(*files):\n    os.write(1, b'.')\n    os.kill(os.getpid(), 7)"
    ),
    "stops in the middle of a digest": "def map_files(*files):\n    os.write(1, b'=1234')",
}


@pytest.mark.parametrize("bad", BAD_MAPPERS)
def test_files_whose_mapping_process_dies_are_read(
    big: Path, tmp_path: Path, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = plain(big)
    replace_program(monkeypatch, mapped, tmp_path, BAD_MAPPERS[bad])
    seen: list[int] = []
    assert hash_mapped_files(big, progress=seen.append) == wanted
    assert sum(seen) == sum(path.stat().st_size for path in big.iterdir())


def test_truncation_under_the_mapping_kills_only_the_child(
    big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = plain(big)
    shortened = (
        "_real = map_files\n"
        "def map_files(*files):\n"
        "    for descriptor, size in zip(files[::2], files[1::2]):\n"
        f"        if size == {2 * 1024 * 1024 + 1}:\n"
        "            with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapped:\n"
        f"                os.truncate({str(big / 'f1')!r}, 4096)\n"
        "                blake3().update(mapped)\n"
        "            os.write(1, b'=' + bytes(32))  # it lives\n"
        "        _real(descriptor, size)\n"
    )
    replace_program(monkeypatch, mapped, tmp_path, shortened)
    assert hash_mapped_files(big) == [wanted[0], "file-changed", wanted[2]]


def test_mapping_is_what_hashes_large_files(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = plain(big)
    monkeypatch.setattr(large, "_run_threads", None)
    monkeypatch.setattr(large, "hash_streamed", None)
    assert hash_mapped_files(big) == wanted


def test_file_that_changes_while_it_is_mapped_is_an_error(
    big: Path,
) -> None:
    def touch(_: int) -> None:
        for path in big.iterdir():
            os.utime(path, ns=(1, 1))

    assert hash_mapped_files(big, progress=touch) == ["file-changed"] * 3


def test_mapping_program_writes_slices_and_digests(
    big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapper, "SLICE_BYTES", 1024 * 1024)
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: written.append(data))
    with (big / "f1").open("rb") as handle:
        mapper.map_files(handle.fileno(), 2 * 1024 * 1024 + 1)
    found = plain(big)[1]
    assert isinstance(found, FileDigest)
    assert b"".join(written) == b"..." + b"=" + bytes.fromhex(found.digest["blake3"])
