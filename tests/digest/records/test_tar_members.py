"""WebDataset shards: regular files alone, in memory alone, and every byte accounted for."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from provenance.digest.records.encoding import encode_record
from provenance.digest.records.sources import encoded_records
from provenance.digest.records.tar_members import read_members
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FILES = (("a/1.txt", b"one"), ("a/1.cls.json", b"{}"), ("a/2.txt", b""))


def archive(files: Sequence[tuple[str, bytes]], *, form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(kind: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("1.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    return buffer.getvalue()


def with_header(headers: dict[str, str], *, everywhere: bool = False) -> bytes:
    buffer = io.BytesIO()
    options = {"pax_headers": headers} if everywhere else {}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, **options) as tar:  # type: ignore[call-overload]  # one more argument
        info = tarfile.TarInfo("1.txt")
        info.pax_headers = {} if everywhere else headers
        tar.addfile(info)
    return buffer.getvalue()


def sum_changed() -> bytes:
    data = bytearray(archive(FILES))
    data[0] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: special(tarfile.SYMTYPE),
        lambda: special(tarfile.LNKTYPE),
        lambda: special(tarfile.FIFOTYPE),
        lambda: special(tarfile.CHRTYPE),
        lambda: special(tarfile.GNUTYPE_SPARSE),
        lambda: with_header({"linkpath": "x"}),
        lambda: with_header({"GNU.sparse.major": "1"}),
        lambda: with_header({"size": "-1"}),
        lambda: with_header({"size": "1" * 5000}),
        lambda: with_header({"path": "x"}, everywhere=True),
        lambda: archive(FILES)[:600],
        lambda: archive(FILES)[:512],
        lambda: archive(FILES)[: 512 * 5],
        lambda: archive(FILES) + b"more",
        lambda: archive(FILES) + archive(FILES),
        sum_changed,
        lambda: b"",
        lambda: b"no archive at all, but longer than a block" * 20,
        lambda: archive([("noextension", b"")]),
        lambda: archive([(".hidden", b"")]),
        lambda: archive([("1.txt", b""), ("1.txt", b"")]),
        lambda: archive([("1.__key__", b"")]),
        lambda: archive([("\udcff.txt", b"")]),
    ],
    ids=[
        "symbolic-link", "hard-link", "fifo", "device", "sparse", "link-in-header",
        "sparse-in-header", "size-in-header", "endless-size", "global-header",
        "cut-in-data", "cut-after-header", "cut-before-end", "bytes-after", "two-archives",
        "sum", "empty", "text", "no-extension", "no-key", "extension-twice",
        "extension-like-key", "not-utf8",
    ],
)  # fmt: skip
def test_refuses(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "a.tar").write_bytes(make())
    with pytest.raises(DigestError) as caught:
        list(encoded_records(tmp_path / "a.tar"))
    assert caught.value.code == "records-malformed"
    assert str(tmp_path / "a.tar") in caught.value.path


def test_refuses_a_member_that_is_too_large(tmp_path: Path) -> None:
    header = tarfile.TarInfo("1.bin")
    header.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(DigestError, match="has 1099511627776 bytes"):
        list(encoded_records(tmp_path / "a.tar"))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_what_others_write(form: int) -> None:
    files = [*FILES, ("d" * 90 + "/" + "n" * 60 + ".txt", b"long"), ("big.bin", bytes(2000))]
    if form != tarfile.USTAR_FORMAT:
        files.append(("ü" * 200 + ".txt", b"longer"))
    assert list(read_members(io.BytesIO(archive(files, form=form)), "a")) == files


def test_folders_are_skipped_and_samples_are_gathered(tmp_path: Path) -> None:
    buffer = io.BytesIO(archive(FILES))
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        info = tarfile.TarInfo("b")
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    assert list(encoded_records(tmp_path / "a.tar")) == [
        encode_record({"__key__": "a/1", "txt": b"one", "cls.json": b"{}"}),
        encode_record({"__key__": "a/2", "txt": b""}),
    ]
    assert list(encoded_records(tmp_path / "a.tar", columns=["txt"])) == [
        encode_record({"txt": b"one"}),
        encode_record({"txt": b""}),
    ]


def test_every_cut_and_every_flipped_header_bit_is_refused() -> None:
    good = archive([("1.txt", b"x" * 600)])
    end = 512 + 1024 + 512
    for at in range(0, end, 37):
        with pytest.raises(DigestError):
            list(read_members(io.BytesIO(good[:at]), "a"))
    for at in range(512):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        try:
            found = list(read_members(io.BytesIO(changed), "a"))
        except DigestError:
            continue
        # What ends the number of the sum, or is a blank or a zero after it, is no part of it.
        assert 148 <= at < 156
        assert found == [("1.txt", b"x" * 600)]
