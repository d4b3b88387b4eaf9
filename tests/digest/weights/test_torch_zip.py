"""Files of `torch.save`: storages without unpickling, and every trick of zip files refused."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import torch_zip
from provenance.digest import hash_bytes, hash_tensors, hash_weights
from provenance.digest.weights.torch_zip import UNKNOWN_NAMES
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = {
    "data.pkl": b"\x80\x02}q\x00.",
    "byteorder": b"little",
    "data/0": bytes(range(24)),
    "data/1": b"",
    "data/10": b"abc",
    "data/2": b"xyz",
    "version": b"3\n",
}


@pytest.mark.parametrize("zip64", [True, False], ids=["zip64", "plain"])
@pytest.mark.parametrize("late", [True, False], ids=["late", "early"])
def test_storages_are_hashed_by_number(tmp_path: Path, *, zip64: bool, late: bool) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(torch_zip(MEMBERS, zip64=zip64, late=late))
    seen: list[int] = []
    found = hash_weights(path, progress=seen.append)
    assert (found.root, found.tensors, found.notes) == (None, (), (UNKNOWN_NAMES,))
    assert [(item.key, item.size) for item in found.storages] == [
        ("0", 24), ("1", 0), ("2", 3), ("10", 3),
    ]  # fmt: skip
    assert found.storages[0].blake3 == hash_bytes(MEMBERS["data/0"], "blake3")
    assert sum(seen) == 30
    with pytest.raises(DigestError, match="needs unpickling"):
        hash_tensors(path)


def test_zipfile_of_python_reads_what_the_tests_make(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(torch_zip(MEMBERS))
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        assert archive.testzip() is None
        assert archive.read("archive/data/0") == MEMBERS["data/0"]


def test_stored_zip_of_python_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name, data in MEMBERS.items():
            archive.writestr(f"m/{name}", data)
    assert len(hash_weights(tmp_path / "m.pt").storages) == 4


def test_big_endian_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(torch_zip({**MEMBERS, "byteorder": b"big"}))
    assert "big-endian" in hash_weights(tmp_path / "m.pt").notes[1]


def compressed() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(1000))
    return stream.getvalue()


GOOD = torch_zip(MEMBERS)
PLAIN = torch_zip(MEMBERS, zip64=False, late=False)
REFUSED = {
    "compressed": compressed(),
    "byte order": torch_zip({**MEMBERS, "byteorder": b"middle"}),
    "long byte order": torch_zip({**MEMBERS, "byteorder": b"little" * 10}),
    "storage without a number": torch_zip({**MEMBERS, "data/x": b""}),
    "leads out": torch_zip({**MEMBERS, "../x": b""}),
    "two pickles": torch_zip({**MEMBERS, "../other/data.pkl": b""}),
    "name twice": GOOD.replace(b"archive/data/2", b"archive/data/1"),
    "name in two ways": GOOD.replace(b"archive/data/2", b"archive/data/3", 1),
    "data before": b"PK\3\4" + PLAIN,
    "data after": GOOD + b"x",
    "comment": GOOD[:-2] + b"\1\0x",
    "size in two ways": PLAIN.replace(struct.pack("<2L", 24, 24), struct.pack("<2L", 23, 23), 1),
    "late size in two ways": GOOD.replace(b"PK\7\x08", b"PK\7\x09", 1),
    "two directories": GOOD[:-10] + struct.pack("<2LH", 1, 1, 0),
    "encrypted": PLAIN.replace(struct.pack("<2H", 0, 0x800), struct.pack("<2H", 0, 0x801)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "m.pt").write_bytes(REFUSED[name])
    with pytest.raises(DigestError) as caught:
        hash_weights(tmp_path / "m.pt")
    assert caught.value.code == "tensors-malformed"


@pytest.mark.parametrize("limit", ["MAX_TORCH_MEMBERS", "MAX_TORCH_DIRECTORY_BYTES"])
def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(f"provenance.digest.weights.zip_directory.{limit}", 6)
    (tmp_path / "m.pt").write_bytes(GOOD)
    with pytest.raises(DigestError, match="more than"):
        hash_weights(tmp_path / "m.pt")


def test_file_of_the_real_library_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.arange(6, dtype=torch.float32)}, tmp_path / "real.pt")
    (storage,) = hash_weights(tmp_path / "real.pt").storages
    assert storage.blake3 == hash_bytes(struct.pack("<6f", *range(6)), "blake3")


def test_wide_sizes_of_python_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02.")
        with archive.open("m/data/0", "w", force_zip64=True) as member:
            member.write(b"1234")
    found = hash_weights(tmp_path / "m.pt")
    assert [item.size for item in found.storages] == [4]
