"""One process writes a run folder: the lock, and what decides where there are no locks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provenance.errors import InputError, RecordingError
from provenance.recording.folder_locks import LOCK_NAME, lock_folder

#: A process that holds a folder until its standard input closes.
HOLD = """
import sys
from pathlib import Path
from provenance.recording.folder_locks import lock_folder
lock = lock_folder(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def left(folder: Path, **who: object) -> None:
    known = {"host": socket.gethostname(), "pid": os.getpid(), "job": ""}
    (folder / LOCK_NAME).write_text(json.dumps(known | who), encoding="utf-8")


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_folder_of_a_living_process_is_refused_until_it_ends(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        with pytest.raises(RecordingError, match="another process records"):
            lock_folder(tmp_path)
        process.kill()
        process.wait()
    lock = lock_folder(tmp_path)
    assert lock.is_kept
    lock.release()
    assert not (tmp_path / LOCK_NAME).exists()


def test_second_run_of_one_process_is_refused(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    with pytest.raises(RecordingError, match="another process records"):
        lock_folder(tmp_path)
    lock.release()
    lock.release()
    lock_folder(tmp_path).release()


def test_forked_process_neither_holds_nor_releases(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / LOCK_NAME).exists()
    lock.release()


def test_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / LOCK_NAME).symlink_to(target)
    with pytest.raises(InputError, match="cannot be locked"):
        lock_folder(tmp_path)
    assert not target.exists()


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be locked"):
        lock_folder(tmp_path / "nowhere")


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize(
    "who",
    [{}, {"host": "another"}, {"pid": "7"}, {"pid": -1}, {"pid": 10**30}],
    ids=["living", "another machine", "no number", "negative", "huge"],
)
def test_without_locks_whoever_may_live_is_a_holder(tmp_path: Path, who: dict[str, object]) -> None:
    left(tmp_path, **who)
    with pytest.raises(RecordingError, match="another process records"):
        lock_folder(tmp_path, job="17")


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize(
    "text", ["{", "[]", "7", "x" * 10_000], ids=["torn", "list", "number", "long"]
)
def test_without_locks_a_file_that_says_nothing_is_a_holder(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(RecordingError, match="another process records"):
        lock_folder(tmp_path)


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_dead_process_and_the_same_job_are_no_holders(tmp_path: Path) -> None:
    left(tmp_path, pid=ended_process())
    lock = lock_folder(tmp_path)
    assert not lock.is_kept
    lock.release()
    left(tmp_path, host="another", job="17")
    lock_folder(tmp_path, job="17").release()


def test_a_relative_folder_is_the_same_one_after_the_script_has_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere" / "run").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    lock = lock_folder(Path("run"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    other = lock_folder(Path("run"))  # another folder of that name
    with pytest.raises(RecordingError, match="another process"):
        lock_folder(tmp_path / "run")
    lock.release()
    assert not (tmp_path / "run" / LOCK_NAME).exists()
    assert (tmp_path / "elsewhere" / "run" / LOCK_NAME).exists()
    other.release()
