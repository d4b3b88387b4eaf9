"""The digest cache: a hit only for the very state that was read, and never a failure."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from provenance.digest import DigestSet, cache, digest_bytes, hash_tree, open_cache
from provenance.digest.cache import MIN_CACHED_BYTES
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOTH = ("blake3", "sha256")
DATA = bytes(range(256)) * (MIN_CACHED_BYTES // 256)
DIGESTS = digest_bytes(DATA)
#: 2020-01-01, long before any test runs.
OLD = 1_577_836_800


class Info:
    """What `os.stat` returns, as far as the cache looks at it."""

    def __init__(self, **changes: int) -> None:
        """Be an old file, with changes."""
        self.st_dev = 7
        self.st_ino = 2**64 + 9  # ReFS has 128 bits
        self.st_size = MIN_CACHED_BYTES
        self.st_mtime_ns = self.st_ctime_ns = OLD * 10**9
        for name, value in changes.items():
            setattr(self, name, value)


def info(**changes: int) -> os.stat_result:
    return Info(**changes)  # type: ignore[return-value]  # the same fields


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "digests.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """Return a cache that holds the digests of one file."""
    with open_cache(path) as made:
        made.store(info(), DIGESTS)
        assert made.warnings == []
    return path


def assert_unused(path: Path, reason: str) -> None:
    """Check that a cache warns once, stores and finds nothing, and fails in no way."""
    with open_cache(path) as opened:
        assert opened.lookup(info(), BOTH) is None
        opened.store(info(), DIGESTS)
        assert opened.lookup(info(), BOTH) is None
    assert len(opened.warnings) == 1
    assert reason in opened.warnings[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"st_dev": 8},
        {"st_ino": 10},
        {"st_size": MIN_CACHED_BYTES + 1},
        {"st_mtime_ns": OLD * 10**9 + 1},
        {"st_ctime_ns": OLD * 10**9 + 1},
    ],
    ids=["device", "inode", "size", "mtime", "ctime"],
)
def test_miss_when_any_part_of_the_key_differs(filled: Path, changes: dict[str, int]) -> None:
    with open_cache(filled) as opened:
        assert opened.lookup(info(**changes), BOTH) is None
    assert opened.warnings == []


def test_miss_when_one_algorithm_is_not_known(path: Path) -> None:
    with open_cache(path) as made:
        made.store(info(), {"blake3": DIGESTS["blake3"]})
    with open_cache(path) as opened:
        assert opened.lookup(info(), BOTH) is None
        assert opened.lookup(info(), ("blake3",)) == DigestSet({"blake3": DIGESTS["blake3"]})


def test_small_files_bypass_the_cache(path: Path) -> None:
    small = info(st_size=MIN_CACHED_BYTES - 1)
    with open_cache(path) as opened:
        opened.store(small, DIGESTS)
        assert opened.lookup(small, BOTH) is None


@pytest.mark.parametrize("field", ["st_mtime_ns", "st_ctime_ns"])
@pytest.mark.parametrize("age", [1_999_999_999, 0, -(10**12)], ids=["fresh", "now", "future"])
def test_racy_file_is_not_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch, field: str, age: int
) -> None:
    now = (OLD + 100) * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: now)
    racy = info(**{field: now - age})
    with open_cache(path) as opened:
        opened.store(racy, DIGESTS)
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**15)
    with open_cache(path) as opened:
        assert opened.lookup(racy, BOTH) is None


def test_file_that_was_racy_when_its_reading_began_is_not_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = OLD * 10**9 + 1
    monkeypatch.setattr(time, "time_ns", lambda: now)
    with open_cache(path) as opened:
        assert opened.lookup(info(), BOTH) is None
        now += 60 * 10**9  # the reading took a minute
        opened.store(info(), DIGESTS)
        assert opened.lookup(info(), BOTH) is None


def test_entry_stored_while_the_file_was_racy_is_not_trusted(filled: Path) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute("UPDATE digests SET stored = ?", (OLD * 10**9 + 1,))
    connection.close()
    with open_cache(filled) as opened:
        assert opened.lookup(info(), BOTH) is None


@pytest.mark.parametrize(
    "data", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 8192], ids=["text", "header"]
)
def test_corrupted_file_is_a_miss_and_stays(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    path.chmod(0o600)
    assert_unused(path, "not used")
    assert path.read_bytes() == data


def test_damaged_page_is_a_miss(path: Path) -> None:
    with open_cache(path) as made:
        for number in range(500):
            made.store(info(st_ino=number), DIGESTS)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with open_cache(path) as opened:
        assert opened.lookup(info(st_ino=3), BOTH) is None
    assert len(opened.warnings) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE digests SET value = 'g' || substr(value, 2)",
        "UPDATE digests SET value = substr(value, 1, 63)",
        "UPDATE digests SET value = upper(value)",
        "UPDATE digests SET value = x'ff00'",
        "UPDATE digests SET value = hex(zeroblob(10000000))",
        "UPDATE digests SET value = zeroblob(10000000)",
        "UPDATE digests SET value = CAST(x'ff00' AS TEXT)",
        "UPDATE digests SET stored = 'soon'",
        "UPDATE digests SET algorithm = 'md-' || algorithm",
        "DROP TABLE digests",
        "ALTER TABLE digests ADD COLUMN more",
        "CREATE TRIGGER t AFTER INSERT ON digests BEGIN DELETE FROM digests; END",
        "CREATE TABLE other (x)",
        "PRAGMA application_id = 5",
        "PRAGMA user_version = 2",
    ],
)  # fmt: skip
def test_garbage_is_a_miss_with_one_warning(filled: Path, statement: str) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute(statement)
    connection.close()
    assert_unused(filled, "not used")


def test_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    path.chmod(0o600)
    before = path.read_bytes()
    assert_unused(path, "another program")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.mkdir(),
        lambda path: path.symlink_to(path.parent / "elsewhere"),
        os.mkfifo,
    ],
    ids=["folder", "link", "fifo"],
)
def test_what_is_no_regular_file_is_not_opened(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    assert_unused(path, "no regular file")
    assert not (path.parent / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_file_that_others_can_write_to_is_not_trusted(filled: Path, mode: int) -> None:
    filled.chmod(mode)
    assert_unused(filled, "others can write")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_file_that_others_can_read_is_not_used(filled: Path, mode: int) -> None:
    before = filled.read_bytes()
    filled.chmod(mode)
    assert_unused(filled, "others can read it")
    assert (filled.read_bytes(), stat.S_IMODE(filled.stat().st_mode)) == (before, mode)


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_empty_file_that_was_named_by_mistake_stays_empty(path: Path, mode: int) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode)
    path.chmod(mode)
    assert_unused(path, "an empty file that this library did not make")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"", mode)


def test_empty_file_for_the_owner_alone_becomes_a_cache(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)  # as `mktemp` makes one, or another process that is a moment ahead
    with open_cache(path) as made:
        made.store(info(), DIGESTS)
    assert made.warnings == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with open_cache(path) as opened:
        assert opened.lookup(info(), BOTH) == DIGESTS


def test_empty_path_is_no_path() -> None:
    with pytest.raises(UsageError, match="empty path"):
        open_cache("")


def test_folder_is_not_hashed_through_a_cache_in_it(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "a.bin").write_bytes(DATA)
    with (
        open_cache(root / "caches" / "digests.db") as inside,
        pytest.raises(UsageError, match="cannot lie in what is hashed"),
    ):
        hash_tree(root, cache=inside)
    with open_cache(root / "caches" / "digests.db") as inside:
        assert len(hash_tree(root, cache=inside, skip=["caches"])) == 1


@pytest.mark.parametrize("mode", [0o1777, 0o770], ids=["sticky", "group"])
def test_folder_that_others_can_write_to_is_not_trusted(filled: Path, mode: int) -> None:
    filled.parent.chmod(mode)  # a journal beside the file would be played into it
    assert_unused(filled, "others can write to its folder")


def test_path_that_cannot_be_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert_unused(tmp_path / "file" / "digests.db", "not used")
    assert_unused(tmp_path / "nul\0", "not used")


def test_folder_that_cannot_be_written_to_is_a_miss(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may write anywhere
    assert_unused(path, "Permission denied")


def test_cache_that_cannot_be_written_to_is_still_read(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda path, **options: connect(f"file:{path}?mode=ro", uri=True, **options),
    )
    with open_cache(filled) as opened:
        assert opened.lookup(info(), BOTH) == DIGESTS
        opened.store(info(st_ino=1), DIGESTS)
    assert len(opened.warnings) == 1
    assert "readonly" in opened.warnings[0]


def test_full_disk_keeps_what_was_there(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def limited(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]  # as given
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        with open_cache(filled) as opened:
            for number in range(500):
                opened.store(info(st_ino=number), DIGESTS)
        assert len(opened.warnings) == 1
        assert "full" in opened.warnings[0]
    with open_cache(filled) as opened:
        assert opened.lookup(info(), BOTH) == DIGESTS
        assert opened.lookup(info(st_ino=3), BOTH) is None


def test_locked_cache_is_a_miss(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert_unused(filled, "locked")
    other.execute("ROLLBACK")
    other.close()
    with open_cache(filled) as opened:
        assert opened.lookup(info(), BOTH) == DIGESTS


def test_python_without_sqlite_is_a_miss(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    assert_unused(path, "sqlite3")


def test_oldest_entries_are_dropped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_CACHE_ENTRIES", 4)
    for number in range(4):
        with open_cache(path) as opened:
            opened.store(info(st_ino=number), DIGESTS)
    with open_cache(path) as opened:
        kept = [n for n in range(4) if opened.lookup(info(st_ino=n), BOTH) is not None]
    assert kept == [2, 3]


def test_two_processes_on_one_cache_lose_nothing(path: Path) -> None:
    script = (
        "import os, sys\n"
        "from types import SimpleNamespace\n"
        "from provenance.digest import open_cache\n"
        "for number in range(25):\n"
        "    with open_cache(sys.argv[1]) as cache:\n"
        "        cache.store(SimpleNamespace(st_dev=int(sys.argv[2]), st_ino=number, "
        "st_size=10**6, st_mtime_ns=0, st_ctime_ns=0), {'sha256': '0' * 64})\n"
        "    assert cache.warnings == [], cache.warnings\n"
    )
    ran = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(device)])
        for device in (1, 2)
    ]
    assert [process.wait() for process in ran] == [0, 0]
    with open_cache(path) as opened:
        for device in (1, 2):
            for number in range(25):
                known = info(
                    st_dev=device, st_ino=number, st_size=10**6, st_mtime_ns=0, st_ctime_ns=0
                )
                assert opened.lookup(known, ("sha256",)) == DigestSet({"sha256": "0" * 64})


def test_threads_may_share_an_open_cache(path: Path) -> None:
    with open_cache(path) as opened:

        def work(start: int) -> None:
            for number in range(start, start + 50):
                opened.store(info(st_ino=number), DIGESTS)
                opened.lookup(info(st_ino=number), BOTH)

        threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 200, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with open_cache(path) as opened:
        assert all(opened.lookup(info(st_ino=n), BOTH) == DIGESTS for n in range(200))
    assert opened.warnings == []


def test_hit_returns_the_digests_that_were_asked_for(filled: Path) -> None:
    with open_cache(filled) as opened:
        assert opened.lookup(info(), BOTH) == DIGESTS
        assert opened.lookup(info(), ("sha256",)) == DigestSet({"sha256": DIGESTS["sha256"]})
        assert opened.lookup(info(st_ino=1), BOTH) is None
    assert opened.warnings == []
    assert opened.hits == 2


def test_what_is_stored_is_found_before_it_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_PENDING", 3)
    with open_cache(path) as opened:
        for number in range(4):
            opened.store(info(st_ino=number), DIGESTS)
            assert opened.lookup(info(st_ino=number), BOTH) == DIGESTS
        assert opened.lookup(info(st_ino=0, st_mtime_ns=1), BOTH) is None


def test_new_content_replaces_the_old(filled: Path) -> None:
    later = info(st_mtime_ns=OLD * 10**9 + 5)
    other = digest_bytes(b"other")
    with open_cache(filled) as opened:
        opened.store(later, other)
    with open_cache(filled) as opened:
        assert opened.lookup(later, BOTH) == other
        assert opened.lookup(info(), BOTH) is None


def test_real_file_is_found_until_it_is_touched(tmp_path: Path, path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(DATA)
    os.utime(file, (OLD, OLD))
    known = file.stat()
    late = known.st_ctime_ns + 10**10
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: late)
        with open_cache(path) as opened:
            opened.store(known, DIGESTS)
            assert opened.lookup(file.stat(), BOTH) == DIGESTS
            file.write_bytes(DATA[::-1])
            os.utime(file, (OLD, OLD))  # anybody can set this one, nobody the other
            assert opened.lookup(file.stat(), BOTH) is None


def test_file_and_folder_are_for_the_owner_alone(filled: Path) -> None:
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600
    assert stat.S_IMODE(filled.parent.stat().st_mode) == 0o700


def test_closed_cache_is_a_miss(filled: Path) -> None:
    opened = open_cache(filled)
    opened.close()
    opened.close()
    assert opened.lookup(info(), BOTH) is None
    opened.store(info(), DIGESTS)
    assert opened.warnings == []
