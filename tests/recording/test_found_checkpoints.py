"""`provenance run --checkpoint`: files of a given name are recorded as checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.errors import UsageError
from provenance.recording import found_checkpoints as found_checkpoints_module
from provenance.recording import read_project, release, sign_release
from provenance.recording.found_checkpoints import find_checkpoints, read_patterns, step_of
from provenance.recording.wrapped import record_command
from provenance.recording.wrapped_command import read_command
from provenance.signing import generate_private_key
from provenance.verification import inspect
from support.releases import write_safetensors
from support.wrapping import PYTHON, wrapped, write

if TYPE_CHECKING:
    from provenance.recording.records import Record

ABOUT = {"producer": {"name": "Lab"}, "model": {"name": "toy"}}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a script that copies a file of weights to the names it is given."""
    (tmp_path / "weights").write_bytes(write_safetensors({"w": [1.0, 2.0]}))
    write(
        tmp_path,
        "import pathlib, sys\n"
        "data = bytearray(open('weights', 'rb').read())\n"
        "for name in sys.argv[1:]:\n"
        "    data[-1] ^= 1 + len(name)\n"
        "    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)\n"
        "    pathlib.Path(name).write_bytes(bytes(data))\n",
    )
    return tmp_path


def record_of(place: Path) -> Record:
    (found,) = read_project(place / "runs")
    return found.record


def told(record: Record) -> str:
    return "\n".join(gap.description for gap in record.gaps)


@pytest.mark.parametrize(
    "pattern", ["", "/out/*", "../out/*", "out/../../*", "a/" * 70], ids=lambda it: it[:8] or "none"
)
def test_pattern_that_leads_out_of_the_folder_is_refused(place: Path, pattern: str) -> None:
    with pytest.raises(UsageError):
        read_patterns([pattern])
    done = wrapped(place, PYTHON, "train.py", "ran", options=("--checkpoint", pattern))
    assert (done.returncode, (place / "ran").exists()) == (2, False)
    assert not (place / "runs").exists()


def test_checkpoint_without_digests_is_refused(place: Path) -> None:
    options = ("--checkpoint", "*.pt", "--no-digests")
    done = wrapped(place, PYTHON, "train.py", "1.pt", options=options)
    assert done.returncode == 2
    assert "bound by its digests" in done.stderr


def test_nothing_of_that_name_is_a_warning_and_a_gap(place: Path) -> None:
    done = wrapped(place, PYTHON, "train.py", "out/1.bin", options=("--checkpoint", "out/*.pt"))
    assert done.returncode == 0
    assert "no file that is new or changed" in done.stderr
    record = record_of(place)
    assert (record.checkpoints, record.segments) == ((), ())
    assert "no file that is new or changed" in told(record)


def test_file_that_was_there_before_is_no_checkpoint_of_this_run(place: Path) -> None:
    (place / "1.pt").write_bytes(b"old")
    wrapped(place, PYTHON, "train.py", "2.pt", options=("--checkpoint", "*.pt"))
    assert [it.step for it in record_of(place).checkpoints] == [2]


def test_damaged_weights_are_files_all_the_same(place: Path) -> None:
    write(place, "open('step-1.safetensors', 'w').write('{')\n")
    done = wrapped(place, PYTHON, "train.py", options=("--checkpoint", "*.safetensors"))
    assert done.returncode == 0
    (saved,) = record_of(place).checkpoints
    assert saved.tensors is None
    assert saved.files is not None


def test_link_is_not_followed(place: Path) -> None:
    write(place, "import os; os.mkdir('step-1'); os.symlink('/etc/hostname', 'step-1/w.bin')\n")
    done = wrapped(place, PYTHON, "train.py", options=("--checkpoint", "step-*"))
    assert done.returncode == 0
    assert record_of(place).checkpoints == ()


def test_failed_command_has_its_checkpoints(place: Path) -> None:
    text = (place / "train.py").read_text(encoding="utf-8")
    write(place, f"{text}sys.exit(3)\n")
    done = wrapped(place, PYTHON, "train.py", "step-5.pt", options=("--checkpoint", "*.pt"))
    assert done.returncode == 3
    record = record_of(place)
    assert [it.step for it in record.checkpoints] == [5]
    assert [it.status for it in record.segments] == ["failed"]


def test_very_many_are_counted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_checkpoints_module, "MAX_FOUND", 2)
    monkeypatch.chdir(place)
    command = read_command([PYTHON, "train.py", "1.pt", "2.pt", "10.pt"])
    record_command(command, name="train", output="runs", checkpoints=["*.pt"])
    record = record_of(place)
    assert [it.step for it in record.checkpoints] == [2, 10]
    assert "of 3 checkpoints only the last 2" in told(record)


def test_files_and_folders_are_recorded_with_their_tensors(place: Path) -> None:
    names = ("out/checkpoint-20/model.safetensors", "out/checkpoint-20/optimizer.bin")
    more = ("out/checkpoint-5/model.safetensors", "final.safetensors", "other.txt")
    options = ("--checkpoint", "out/checkpoint-*", "--checkpoint", "*.safetensors")
    done = wrapped(place, PYTHON, "train.py", *names, *more, options=options)
    assert (done.returncode, done.stderr) == (0, "")
    record = record_of(place)
    assert [(it.id, it.step) for it in record.checkpoints] == [
        ("step-5", 5),
        ("step-20", 20),
        ("final", 20),
    ]
    assert all(it.tensors is not None and not it.parents for it in record.checkpoints)
    assert {it.segment for it in record.checkpoints} == {record.segments[0].id}
    (segment,) = record.segments
    assert (segment.from_step, segment.to_step, segment.status) == (0, 20, "completed")
    written = {it.path: it.digest for it in record.written_files}
    assert len(written) == 5
    assert None not in written.values()
    text = told(record)
    assert "their steps are the numbers in their names" in text
    assert "no number in its name" in text


def test_command_becomes_a_release(place: Path) -> None:
    options = ("--checkpoint", "out/step-*.safetensors")
    names = ("out/step-1.safetensors", "out/step-2.safetensors")
    wrapped(place, PYTHON, "train.py", *names, options=options)
    draft = release(place / "runs", place / "toy", description=ABOUT)
    assert (place / "toy" / "model.safetensors").read_bytes() == (
        place / "out" / "step-2.safetensors"
    ).read_bytes()
    key = generate_private_key()
    sign_release(draft, key)
    report = inspect(place / "toy", keys=[key.public_key], model="toy", all_digests=True)
    assert report.verdict == "PASS"
    assert draft.manifest.training is not None
    (segment,) = draft.manifest.training.segments
    assert segment.command[-2:] == names
    rungs = {part.id: part.rung for part in report.parts}
    assert rungs["hyperparameters"] == "absent"
    assert rungs["training-log"] == "absent"


def test_script_that_records_itself_keeps_its_own_checkpoints(place: Path) -> None:
    write(
        place,
        "import provenance\n"
        "with provenance.record('mine', output='runs') as run:\n"
        "    open('step-1.pt', 'w').write('w')\n"
        "    run.checkpoint('step-1.pt', step=7)\n",
    )
    wrapped(place, PYTHON, "train.py", options=("--checkpoint", "*.pt"))
    assert [it.step for it in record_of(place).checkpoints] == [7]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("epoch=3-step=1200.ckpt", 1200),
        ("step_000100.safetensors", 100),
        ("global_step7", 7),
        ("model_iter40_ema.pt", 40),
        ("7.pt", 7),
        ("model-12.safetensors", 12),
        ("resnet50.safetensors", None),
        ("best.safetensors", None),
        ("v1.5.safetensors", None),
        ("step-9999999999999999", None),
        ("", None),
    ],
)
def test_step_is_the_number_in_the_name(name: str, step: int | None) -> None:
    assert step_of(name) == step


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["/w/a.pt", "/w/out"]),
        ("*.pt", ["/w/a.pt"]),
        ("**/*.pt", ["/w/a.pt", "/w/out/b.pt", "/w/out/deep/c.pt"]),
        ("out/*", ["/w/out/b.pt", "/w/out/deep"]),
        ("out/[ab].pt", ["/w/out/b.pt"]),
        ("./out/?.pt", ["/w/out/b.pt"]),
        ("A.pt", []),
        ("w/a.pt", []),
    ],
)
def test_patterns_match_below_the_folder(pattern: str, found: list[str]) -> None:
    changed = ["/w/a.pt", "/w/out/b.pt", "/w/out/deep/c.pt", "/elsewhere/a.pt"]
    matched = find_checkpoints(read_patterns([pattern]), changed, Path("/w"))
    assert [str(it) for it in matched] == found


def test_many_stars_take_no_time() -> None:
    pattern = "/".join(["**", "*"] * 30)
    path = "/w/" + "/".join("a" * 60) + "/b.pt"
    assert find_checkpoints(read_patterns([pattern]), [path], Path("/w"))
