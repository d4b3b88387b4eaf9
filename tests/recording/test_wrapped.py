"""`provenance run`: a command behaves as it does by itself, and its record is honest."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from provenance.recording import read_project
from provenance.recording.wrapped_command import read_command
from support.wrapping import PROVENANCE, PYTHON, plain, wrapped, write

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

SECRET = "hf_" + "aBcDeFgHiJ" * 4


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text("1,2\n", encoding="utf-8")
    return tmp_path


def record_of(place: Path) -> Record:
    (found,) = read_project(place / "runs")
    return found.record


def inputs_of(place: Path) -> list[str]:
    return [item.path for item in record_of(place).undeclared_inputs]


def test_module_of_the_folder_is_never_ours(place: Path) -> None:
    # A folder full of traps: names that the launcher or the recorder could import.
    for name in ("json", "atexit", "runpy", "provenance", "typing", "_provenance_wrapped_child"):
        write(place, f"open('trap-{name}', 'w')\n", f"{name}.py")
    write(place, "print('fine')\n")
    done = wrapped(place, PYTHON, "train.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
    assert not list(place.glob("trap-*"))


def test_record_says_what_was_seen_and_that_this_is_all(place: Path) -> None:
    write(
        place,
        "open('data.csv').read()\n"
        "open('model.bin', 'w').write('weights')\n"
        "open('model.bin').read()\n"
        "try:\n    open('absent.csv')\nexcept OSError:\n    open('absent.csv', 'w').close()\n",
    )
    done = wrapped(place, PYTHON, "train.py", "--token", SECRET, "--lr", "3e-4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    record = record_of(place)
    assert (record.status, record.exit_code, record.name) == ("completed", 0, "train")
    assert record.command[1:] == ("train.py", "--token", "[redacted]", "--lr", "3e-4")
    assert record.code is not None
    assert record.code.script is not None
    assert record.compute is not None
    assert record.compute.peak_memory_bytes
    assert record.environment is not None
    assert record.environment.packages
    (found,) = record.undeclared_inputs
    assert (found.path, found.size) == ("data.csv", 4)
    assert found.digest is not None
    assert [item.path for item in record.written_files] == ["absent.csv", "model.bin"]
    assert any("from outside" in gap.description for gap in record.gaps)


def test_no_secret_is_in_any_file(place: Path) -> None:
    write(place, f"open('data-{SECRET}.csv').read(); open('out-{SECRET}.csv', 'w')\n")
    (place / f"data-{SECRET}.csv").write_text("x", encoding="utf-8")
    done = wrapped(place, PYTHON, "train.py", f"--token={SECRET}", options=("--name", "x"))
    for path in (place / "runs").rglob("record.json"):
        assert SECRET not in path.read_text(encoding="utf-8")
    assert SECRET not in done.stdout + done.stderr


def test_failure_and_signal_are_recorded(place: Path) -> None:
    write(place, "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    assert wrapped(place, PYTHON, "train.py").returncode == -signal.SIGTERM
    record = record_of(place)
    assert (record.status, record.exit_code) == ("interrupted", 143)
    assert record.failure is not None
    assert "SIGTERM" in record.failure


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGHUP"])
def test_signals_reach_the_script(place: Path, name: str) -> None:
    write(
        place,
        "import signal, sys, time\n"
        f"signal.signal(signal.{name}, lambda *_: sys.exit(21))\n"
        "print('ready', flush=True)\ntime.sleep(30)\n",
    )
    process = subprocess.Popen(
        [PROVENANCE, "run", "--", PYTHON, "train.py"],
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=30)
    assert process.returncode == 21
    assert record_of(place).exit_code == 21


def test_ignored_signal_stays_ignored(place: Path) -> None:
    write(place, "import signal; print(signal.getsignal(signal.SIGHUP))\n")
    done = plain(place, "sh", "-c", f"trap '' HUP; {PROVENANCE} run -- {PYTHON} train.py")
    assert done.stdout == "1\n" or "SIG_IGN" in done.stdout


def test_script_that_records_itself_has_one_record(place: Path) -> None:
    write(
        place,
        "open('early.csv').read()\n"
        "import provenance\n"
        "with provenance.record('mine', output='runs') as run:\n"
        "    run.dataset('data.csv', id='d', role='train')\n"
        "    run.log({'loss': 1.0}, step=1)\n"
        "    open('data.csv').read(); open('more.csv').read()\n",
    )
    for name in ("early.csv", "more.csv"):
        (place / name).write_text(name, encoding="utf-8")
    done = wrapped(place, PYTHON, "train.py")
    assert (done.returncode, done.stderr) == (0, "")
    record = record_of(place)
    assert record.name == "mine"
    assert record.last_step == 1
    assert record.metric_names == ("loss",)
    assert record.command[1:] == ("train.py",)
    assert inputs_of(place) == ["early.csv", "more.csv"]


def test_script_that_wants_no_list_has_none(place: Path) -> None:
    write(
        place,
        "import provenance\n"
        "with provenance.record('mine', output='runs', undeclared='ignore'):\n"
        "    open('data.csv').read()\n",
    )
    assert wrapped(place, PYTHON, "train.py").returncode == 0
    assert inputs_of(place) == []


def test_forked_processes_are_seen(place: Path) -> None:
    write(
        place,
        "import multiprocessing\n"
        "def work(name): return len(open(name).read())\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "        print(sum(pool.map(work, ['data.csv', 'more.csv'])))\n",
    )
    (place / "more.csv").write_text("12345", encoding="utf-8")
    assert wrapped(place, PYTHON, "train.py").stdout == "9\n"
    assert inputs_of(place) == ["data.csv", "more.csv"]


def test_spawned_processes_work(place: Path) -> None:
    write(
        place,
        "import multiprocessing\n"
        "def work(number): return number + 1\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work, [1]))\n",
    )
    done = wrapped(place, PYTHON, "train.py")
    assert (done.stdout, done.stderr) == ("[2]\n", "")


def test_command_that_is_no_python_says_so(place: Path) -> None:
    done = wrapped(place, "sh", "-c", "cat data.csv > out.csv; exit 3")
    assert done.returncode == 3
    record = record_of(place)
    assert [item.path for item in record.written_files] == ["out.csv"]
    assert record.undeclared_inputs == ()
    assert record.environment is not None
    assert record.environment.packages == ()
    assert any("no Python script" in gap.description for gap in record.gaps)


@pytest.mark.parametrize(
    ("words", "code"), [(("no-such-command",), 127), (("./data.csv",), 127)], ids=["absent", "data"]
)
def test_command_that_cannot_be_started(place: Path, words: tuple[str, ...], code: int) -> None:
    done = wrapped(place, *words)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not list((place / "runs").glob("*")) if (place / "runs").exists() else True


def test_no_command_is_a_usage_error(place: Path) -> None:
    assert wrapped(place).returncode == 2


def test_output_that_cannot_be_made_does_not_stop_the_command(place: Path) -> None:
    (place / "runs").write_text("a file", encoding="utf-8")
    write(place, "print('fine')\n")
    done = wrapped(place, PYTHON, "train.py")
    assert (done.returncode, done.stdout) == (0, "fine\n")
    assert done.stderr.count("warning: ") == 1
    strict = wrapped(place, PYTHON, "train.py", options=("--strict",))
    assert strict.returncode == 4
    assert strict.stdout == ""


def test_killed_recorder_leaves_a_readable_record(place: Path) -> None:
    write(place, "import time; print('ready', flush=True); time.sleep(2)\n")
    process = subprocess.Popen(
        [PROVENANCE, "run", "--", PYTHON, "train.py"],
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert record_of(place).status == "running"


def test_watched_folder_and_digests_are_options(place: Path) -> None:
    (place / "out").mkdir()
    write(place, "open('out/a', 'w').write('x'); open('data.csv').read()\n")
    options = ("--watch", "out", "--no-digests", "--output", "kept", "--name", "n")
    assert wrapped(place, PYTHON, "train.py", options=options).returncode == 0
    (found,) = read_project(place / "kept")
    tree: dict[str, Any] = json.loads((found.folder / "record.json").read_text(encoding="utf-8"))
    assert tree["name"] == "n"
    assert tree["undeclaredInputs"] == [{"path": "data.csv", "size": 4}]
    assert tree["writtenFiles"] == [{"path": "out/a", "size": 1}]


@pytest.mark.parametrize("answer", ["exit 1", "echo no", "sleep 0; kill -9 $$", "echo yes yes"])
def test_interpreter_that_is_too_old_runs_without_us(place: Path, answer: str) -> None:
    program = place / "python"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = -I ]; then\n{answer}\nelse echo ran "$@"; fi\n', encoding="utf-8"
    )
    program.chmod(0o755)
    write(place, "")
    done = wrapped(place, "./python", "train.py")
    assert (done.returncode, done.stdout) == (0, "ran train.py\n")
    assert any("no Python script" in gap.description for gap in record_of(place).gaps)


class TestReadingCommands:
    """`read_command`: where the script begins."""

    @pytest.mark.parametrize(
        "words",
        [
            ("python",),
            ("python", "-"),
            ("python", "-c", "pass"),
            ("python", "-i", "train.py"),
            ("python", "-x", "train.py"),
            ("python", "-V"),
            ("python", "-m"),
            ("python", "--help", "train.py"),
            ("python", "-Wd"),
            ("sh", "train.py"),
            ("pythonic", "train.py"),
        ],
        ids=" ".join,
    )
    def test_what_is_not_watched(
        self, words: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(place, "")
        monkeypatch.chdir(place)
        assert read_command(words).position is None

    @pytest.mark.parametrize(
        ("words", "position"),
        [
            (("python", "train.py"), 1),
            (("python3.11", "-uB", "-W", "error", "-Xdev", "train.py", "-m", "x"), 5),
            (("/usr/bin/python3", "-m", "train", "-c"), 1),
            (("python", "--check-hash-based-pycs", "always", "train.py"), 3),
        ],
        ids=["script", "options", "module", "long"],
    )
    def test_what_is_watched(
        self,
        words: tuple[str, ...],
        position: int,
        place: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        write(place, "")
        monkeypatch.setattr(shutil, "which", lambda _: PYTHON)
        monkeypatch.chdir(place)
        found = read_command(words)
        assert found.position == position
        assert found.script == (place / "train.py").resolve()
