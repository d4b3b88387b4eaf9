"""Data that a script opens and nobody declares: listed, bounded, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.errors import UsageError
from provenance.manifest.training import UndeclaredInput
from provenance.recording import Run, record, release, undeclared
from provenance.recording.observing import parse_events, read_events
from provenance.recording.undeclared import Opened, undeclared_inputs
from support.releases import write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with files that are older than the clock's tick."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("one.csv", "two.csv", "three.csv"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    time.sleep(0.03)
    monkeypatch.chdir(folder)
    return folder


def paths(run: Run) -> list[str]:
    return [item.path for item in run.record.undeclared_inputs]


def read(*names: str | Path) -> None:
    for name in names:
        Path(name).read_bytes()


@pytest.mark.usefixtures("place")
class TestWhatCounts:
    """Which of the opened files are listed."""

    def test_what_was_opened_is_listed_once_with_size_and_digest(
        self, place: Path, new_run: Callable[..., Run]
    ) -> None:
        with new_run() as run:
            read("one.csv", place / "one.csv", "./one.csv")
        (found,) = run.record.undeclared_inputs
        assert (found.path, found.size) == ("one.csv", 8)
        assert found.digest is not None
        assert set(found.digest) == {"blake3"}

    def test_what_is_declared_is_not_listed(
        self, place: Path, new_run: Callable[..., Run], tmp_path: Path
    ) -> None:
        folder = place / "folder"
        (folder / "deep").mkdir(parents=True)
        for name in ("deep/a.txt", "b.txt"):
            (folder / name).write_text(name, encoding="utf-8")
        (tmp_path / "copy.csv").write_bytes((place / "two.csv").read_bytes())
        time.sleep(0.03)
        with new_run() as run:
            read("one.csv", "two.csv", "folder/b.txt", "folder/deep/a.txt", "three.csv")
            run.dataset("one.csv", id="one")
            run.dataset(tmp_path / "copy.csv", id="two")
            run.dataset("folder", id="folder")
            run.document("three.csv", kind="other")
        assert paths(run) == []

    @pytest.mark.parametrize("declare", ["checkpoint", "used"])
    def test_checkpoints_are_declared(self, new_run: Callable[..., Run], declare: str) -> None:
        with new_run() as run:
            read("one.csv")
            if declare == "checkpoint":
                run.checkpoint("one.csv", step=1)
            else:
                run.segment(from_step=0, resumed_from="one.csv")
        assert paths(run) == []

    def test_what_the_run_made_is_no_input(self, new_run: Callable[..., Run]) -> None:
        with new_run() as run:
            Path("new.csv").write_text("x", encoding="utf-8")
            read("new.csv")
            subprocess.run(["sh", "-c", "echo x > native.csv"], check=True)
            read("native.csv")
            with pytest.raises(FileNotFoundError):
                read("cache.csv")
            Path("cache.csv").write_text("x", encoding="utf-8")
        assert paths(run) == []

    def test_what_is_overwritten_later_was_an_input(self, new_run: Callable[..., Run]) -> None:
        with new_run() as run:
            read("one.csv")
            Path("one.csv").write_text("other, and longer", encoding="utf-8")
            with Path("two.csv").open("r+b") as file:
                file.write(b"x")
            with Path("three.csv").open("ab") as file:
                file.write(b"x")
        found = {item.path: item for item in run.record.undeclared_inputs}
        assert {name: item.size for name, item in found.items()} == {"one.csv": 8, "two.csv": 8}
        assert found["one.csv"].digest is None

    @pytest.mark.parametrize(
        "name",
        ["/proc/self/status", "/etc/hostname", os.__file__, pytest.__file__, __file__, "code.py"],
        ids=["proc", "etc", "stdlib", "site", "test", "code"],
    )
    def test_system_python_and_code_do_not_count(
        self, place: Path, new_run: Callable[..., Run], name: str
    ) -> None:
        (place / "code.py").write_text("pass", encoding="utf-8")
        time.sleep(0.03)
        with new_run() as run:
            if Path(name).exists():
                read(name)
        assert paths(run) == []

    def test_pipes_and_folders_do_not_count(self, place: Path, new_run: Callable[..., Run]) -> None:
        os.mkfifo(place / "pipe")
        time.sleep(0.03)
        with new_run() as run:
            os.close(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK))
            os.close(os.open(".", os.O_RDONLY))
        assert paths(run) == []

    def test_link_is_listed_by_what_it_leads_to(
        self, place: Path, new_run: Callable[..., Run]
    ) -> None:
        (place / "link.csv").symlink_to("one.csv")
        with new_run() as run:
            read("link.csv", "one.csv")
        assert paths(run) == ["one.csv"]

    def test_relative_names_follow_the_folder(
        self, place: Path, new_run: Callable[..., Run]
    ) -> None:
        (place / "sub").mkdir()
        (place / "sub" / "one.csv").write_text("other", encoding="utf-8")
        time.sleep(0.03)
        with new_run() as run:
            read("one.csv")
            os.chdir("sub")
            read("one.csv")
            os.chdir("..")
        assert paths(run) == ["one.csv", "sub/one.csv"]


@pytest.mark.usefixtures("place")
class TestInTheWay:
    """Observing never changes what a script does."""

    def test_odd_names_raise_what_they_always_raise(self, new_run: Callable[..., Run]) -> None:
        class Odd:
            __hash__ = None  # type: ignore[assignment]  # a path that no set can hold

            def __fspath__(self) -> str:
                return "one.csv"

        with new_run() as run:
            os.close(os.open(Odd(), os.O_RDONLY))
            for name in ("a\0b", "", "x" * 5000, b"\xff\xfe"):
                with pytest.raises((OSError, ValueError)):
                    open(name)  # noqa: PTH123, SIM115 - the very names
            with open(os.open("two.csv", os.O_RDONLY), encoding="utf-8") as file:  # noqa: PTH123
                file.read()
        assert "two.csv" in paths(run)

    def test_nothing_is_kept_outside_of_a_run(self, new_run: Callable[..., Run]) -> None:
        read("one.csv")
        with new_run() as run:
            read("two.csv")
        read("three.csv")
        assert paths(run) == ["two.csv"]

    def test_two_runs_each_see_their_own(self, new_run: Callable[..., Run]) -> None:
        first = new_run("first")
        read("one.csv")
        second = new_run("second")
        read("one.csv", "two.csv")
        second.finish()
        read("three.csv")
        first.finish()
        assert paths(second) == ["one.csv", "two.csv"]
        assert paths(first) == ["one.csv", "three.csv", "two.csv"]

    def test_forked_processes_are_seen(self, new_run: Callable[..., Run]) -> None:
        with new_run() as run:
            child = os.fork()
            if child == 0:
                try:
                    read("one.csv")
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
        assert paths(run) == ["one.csv"]

    def test_forked_process_that_gave_our_descriptor_away_writes_nothing(
        self, place: Path, new_run: Callable[..., Run]
    ) -> None:
        with new_run():
            child = os.fork()
            if child == 0:
                try:
                    os.closerange(3, 256)
                    for _ in range(40):
                        os.open("mine.bin", os.O_RDWR | os.O_CREAT)
                    read("one.csv", "two.csv")
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
        assert (place / "mine.bin").read_bytes() == b""

    def test_number_of_inputs_is_bounded(
        self, new_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(undeclared, "MAX_INPUTS", 1)
        with new_run() as run:
            read("one.csv", "two.csv", "three.csv")
        assert paths(run) == ["one.csv"]
        assert any(gap.description.startswith("2 more data files") for gap in run.record.gaps)

    def test_large_files_are_listed_without_digest(
        self, new_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(undeclared, "MAX_HASHED_BYTES", 8)
        with new_run() as run:
            read("one.csv", "three.csv")
        assert [item.digest is None for item in run.record.undeclared_inputs] == [False, True]

    @pytest.mark.parametrize(("mode", "count"), [("list", 1), ("ignore", 0)])
    def test_modes(self, project: Path, mode: str, count: int) -> None:
        with record("x", output=project, undeclared=mode, strict=True) as run:  # type: ignore[arg-type]  # one of three
            read("one.csv")
        assert [item.digest for item in run.record.undeclared_inputs] == [None] * count

    def test_unknown_mode_is_refused(self, project: Path) -> None:
        with pytest.raises(UsageError, match="write hash, list or ignore"):
            record("x", output=project, undeclared="maybe", strict=True)  # type: ignore[arg-type]  # that is tested

    def test_secret_in_a_name_is_taken_out(self, place: Path, new_run: Callable[..., Run]) -> None:
        secret = "hf_" + "aBcDeFgHiJ" * 4
        (place / f"{secret}.csv").write_text("x", encoding="utf-8")
        time.sleep(0.03)
        with new_run() as run:
            read(f"{secret}.csv")
        assert secret not in run.record.to_bytes().decode()
        assert len(paths(run)) == 1


class TestEvents:
    """What a log says."""

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", []),
            (b"\0\0", []),
            (b"r/a\0r/b", [("r", "/a")]),
            (b"r/\xff\0", [("r", "/\udcff")]),
            (b"\xffx\0", [("\ufffd", "x")]),
        ],
        ids=["empty", "nothing", "torn", "bytes", "no kind"],
    )
    def test_parsed(self, data: bytes, expected: list[tuple[str, str]]) -> None:
        assert parse_events(data) == expected

    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            ([("w", "/a"), ("r", "/a")], []),
            ([("r", "/a"), ("w", "/a")], [Opened("/a")]),
            ([("r", "/a"), ("o", "3:/a"), ("w", "/a")], [Opened("/a", 3)]),
            ([("o", "x:/a")], []),
            ([("o", "/a")], []),
            ([("z", "/a"), ("e", "")], []),
        ],
        ids=["made", "read", "overwritten", "size", "no size", "unknown"],
    )
    def test_read(self, events: list[tuple[str, str]], expected: list[Opened]) -> None:
        assert read_events(events) == expected


@pytest.mark.usefixtures("place")
class TestRelease:
    """`training.undeclaredInputs` of a manifest."""

    def test_what_another_run_declared_is_left_out(
        self, place: Path, new_run: Callable[..., Run], tmp_path: Path
    ) -> None:
        with new_run("prepare") as run:
            run.dataset("one.csv", id="raw", role="raw")
        with new_run("train") as run:
            read("one.csv", "two.csv")
            (place / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
            run.checkpoint("model.safetensors", step=1)
        assert [item["path"] for item in undeclared_inputs([run.record])] == ["one.csv", "two.csv"]
        description = tmp_path / "d.toml"
        description.write_text('[model]\nname = "m"\n[producer]\nname = "Lab"\n', encoding="utf-8")
        draft = release(tmp_path / "runs", tmp_path / "model", description=description)
        training = draft.manifest.training
        assert training is not None
        assert [item.path for item in training.undeclared_inputs] == ["two.csv"]
        origins = draft.manifest.origins
        assert origins is not None
        assert origins["/training/undeclaredInputs"] == "captured"

    def test_equal_inputs_of_two_runs_stand_once(self, new_run: Callable[..., Run]) -> None:
        runs = []
        for name in ("a", "b"):
            with new_run(name) as run:
                read("one.csv")
            runs.append(run.record)
        assert len(undeclared_inputs(runs)) == 1


def test_input_needs_a_path() -> None:
    with pytest.raises(Exception, match="path"):
        UndeclaredInput(size=1)  # type: ignore[call-arg]  # that is tested


def test_script_that_is_killed_by_sigterm_lists_without_hashing(place: Path) -> None:
    (place / "train.py").write_text(
        "import os, signal, provenance\n"
        "run = provenance.start('train', output='runs')\n"
        "open('one.csv').read()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "train.py"], cwd=place, check=False)
    (path,) = place.glob("runs/*/record.json")
    tree = json.loads(path.read_text(encoding="utf-8"))
    assert tree["status"] == "interrupted"
    assert tree["undeclaredInputs"] == [{"path": "one.csv", "size": 8}]
