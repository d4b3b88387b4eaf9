"""`run.dataset(inventory=)`: a job never waits for the hashing of what was hashed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.digest import Inventory, hash_tree
from provenance.errors import DigestError, RecordingError
from provenance.recording import ProvenanceWarning, Run
from provenance.recording.assembly import captured_origins
from provenance.recording.content import BYTES_NOT_READ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    place.mkdir()
    for number in range(60):
        (place / f"{number}.txt").write_text(str(number), encoding="utf-8")
    return place


#: Inventory files that are refused.
BROKEN: dict[str, bytes | None] = {
    "not there": None,
    "empty": b"",
    "prose": b"hello\n",
    "cut off": b'{"digest":',
    "not canonical": b'{ "digest":{"blake3":"' + b"a" * 64 + b'"},"path":"a","size":1}\n',
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_inventory_is_a_gap_and_a_warning(
    case: str, new_run: Callable[..., Run], folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "bad.jsonl"
    if (data := BROKEN[case]) is not None:
        file.write_bytes(data)
    run = new_run(strict=False)
    with pytest.warns(ProvenanceWarning):
        assert run.dataset(folder, id="d", role="train", inventory=file) == "d"
    (found,) = run.record.datasets
    assert (found.files, found.roles) == (None, ("train",))
    assert any(gap.kind == "failed" for gap in run.record.gaps)
    assert all(gap.description != BYTES_NOT_READ for gap in run.record.gaps)


def test_a_bad_inventory_is_raised_in_a_strict_run(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"hello\n")
    with pytest.raises(DigestError):
        run.dataset("/data", inventory=file)
    with pytest.raises(RecordingError, match="empty"):
        run.dataset("/data", inventory=Inventory())


@pytest.mark.parametrize("kind", ["object", "file"])
def test_an_inventory_binds_without_a_byte_being_read(
    kind: str, run: Run, folder: Path, tmp_path: Path
) -> None:
    inventory = hash_tree(folder)
    file = tmp_path / "set.jsonl"
    file.write_bytes(inventory.to_bytes())
    for path in folder.iterdir():
        path.unlink()
    run.dataset(folder, id="d", inventory=inventory if kind == "object" else file)
    (found,) = run.record.datasets
    assert found.files == inventory.root
    assert found.bytes_ == inventory.total_bytes
    assert found.inventory_file is not None
    assert run.folder is not None
    assert (run.folder / "inventories" / "d.jsonl").read_bytes() == inventory.to_bytes()
    (gap,) = [gap for gap in run.record.gaps if gap.subject == "d"]
    assert (gap.kind, gap.description) == ("absent", BYTES_NOT_READ)


@pytest.mark.parametrize("path", [None, "s3://bucket/data"])
def test_nothing_needs_to_lie_here(path: str | None, run: Run, folder: Path) -> None:
    run.dataset(path, id="d", inventory=hash_tree(folder))
    (found,) = run.record.datasets
    assert found.files == hash_tree(folder).root
    assert "d" not in (run.record.locations or {})
    assert [source.uri for source in found.sources] == ([path] if path else [])


def test_what_was_read_already_is_the_same_dataset(run: Run, folder: Path) -> None:
    first = run.dataset(folder)
    assert run.dataset(folder, inventory=hash_tree(folder)) == first
    assert all(gap.subject != first for gap in run.record.gaps)


def test_the_digest_of_somebody_else_is_not_called_captured() -> None:
    datasets: list[dict[str, object]] = [{"id": name, "files": {}} for name in ("read", "given")]
    tree = {"datasets": datasets, "gaps": [{"subject": "given", "description": BYTES_NOT_READ}]}
    origins = captured_origins(tree, {"datasets": datasets})
    assert origins["/datasets/0/files"] == "captured"
    assert "/datasets/1/files" not in origins
