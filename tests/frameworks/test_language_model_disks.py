"""Full and read-only disks: the model is the one that trains without the recorder."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project
from provenance.recording.recovery import recover
from support.disks import drop_override, small_disk
from support.language_model import (
    SMALL,
    add_data,
    environment,
    gaps_in_draft,
    run_script,
    train_plainly,
    weights_of,
    with_fault,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return train_plainly(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return add_data(tmp_path)


@pytest.fixture
def disk(place: Path) -> Iterator[Path]:
    with small_disk(place / "runs", size="1m") as folder:
        yield folder


def test_disk_that_was_full_for_a_while(place: Path, disk: Path, expected: dict[str, str]) -> None:
    fault = "happen = lambda step: fill() if step == 5 else step == 11 and os.remove('runs/filler')"
    done = run_script(with_fault(place, fault), *SMALL, folder=place)
    assert weights_of(place / "checkpoints") == expected
    assert "not recorded" in done.stderr
    (found,) = read_project(disk)
    assert found.record.status == "completed"
    assert "No space left on device" in gaps_in_draft(place)


def test_disk_that_stays_full(place: Path, disk: Path, expected: dict[str, str]) -> None:
    fault = "happen = lambda step: step == 6 and fill()"
    done = run_script(with_fault(place, fault), *SMALL, folder=place)
    assert weights_of(place / "checkpoints") == expected
    assert "not recorded" in done.stderr
    (disk / "filler").unlink()
    recover(disk)
    assert "crashed the process was killed" in gaps_in_draft(place)


def test_disk_that_is_full_from_the_beginning(
    place: Path, disk: Path, expected: dict[str, str]
) -> None:
    done = run_script(with_fault(place, "fill()"), *SMALL, folder=place)
    assert weights_of(place / "checkpoints") == expected
    assert "No space left on device" in done.stderr
    (disk / "filler").unlink()
    assert [it.outcome for it in recover(disk)] == ["recovered"]
    (found,) = read_project(disk)
    assert any("killed before its first record" in it.description for it in found.record.gaps)


@pytest.mark.parametrize("moment", ["from the beginning", "from the middle"])
def test_output_that_is_read_only(place: Path, expected: dict[str, str], moment: str) -> None:
    output = place / "runs"
    output.mkdir()
    lock = "[os.chmod(it, 0o555) for it in ('runs', *(f.path for f in os.scandir('runs')))]"
    middle = moment == "from the middle"
    fault = f"happen = lambda step: step == 6 and {lock}" if middle else lock
    done = subprocess.run(
        [sys.executable, with_fault(place, fault), *SMALL],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=drop_override,
    )
    assert done.returncode == 0, done.stderr
    assert weights_of(place / "checkpoints") == expected
    assert "not recorded" in done.stderr
    assert "Traceback" not in done.stderr
    for path in (output, *output.iterdir()):
        path.chmod(0o755)
    if middle:
        recover(output)
        assert "crashed the process was killed" in gaps_in_draft(place)
    else:
        assert list(output.iterdir()) == []
