"""Checksums of stores: only SHA-256 over all bytes is one."""

from __future__ import annotations

import base64
import sys
from hashlib import sha256

import pytest

from provenance.digest.remote.fsspec_adapter import FsspecFolder
from provenance.digest.remote.s3_checksums import decode_checksum, open_s3_checksums
from provenance.digest.remote.store import StoredObject
from provenance.digest.remote.urls import parse_url
from provenance.errors import InputError, MissingExtraError

DIGEST = sha256(b"hello")
IN_BASE64 = base64.b64encode(DIGEST.digest()).decode()


@pytest.mark.parametrize(
    "value",
    [None, "", 7, f"{IN_BASE64}-3", IN_BASE64[:-4], f"{IN_BASE64}AAAA", "é", DIGEST.hexdigest()],
)
def test_what_is_no_sha256_of_all_bytes_is_none(value: object) -> None:
    assert decode_checksum(value) is None


def test_sha256_in_base64_is_read() -> None:
    assert decode_checksum(IN_BASE64) == DIGEST.hexdigest()


class LfsSystem:
    """Says of one file what Hugging Face says of a Git LFS file."""

    def __init__(self, lfs: object) -> None:
        """Keep it."""
        self.lfs = lfs

    def info(self, path: str) -> dict[str, object]:
        """Describe the file."""
        return {"name": path, "size": 5, "type": "file", "blob_id": "1", "lfs": self.lfs}


@pytest.mark.parametrize("lfs", [None, {}, {"sha256": "00"}, {"sha256": 5}, {"oid": "a" * 64}])
def test_file_without_a_sound_lfs_name_has_no_claim(lfs: object) -> None:
    assert FsspecFolder(LfsSystem(lfs), "r").sha256(StoredObject("f", 5, "blob_id=1")) is None


def test_lfs_name_is_a_claim_about_that_version_only() -> None:
    folder = FsspecFolder(LfsSystem({"sha256": DIGEST.hexdigest()}), "r")
    assert folder.sha256(StoredObject("f", 5, "blob_id=1")) == DIGEST.hexdigest()
    with pytest.raises(InputError) as caught:
        folder.sha256(StoredObject("f", 5, "blob_id=0"))
    assert caught.value.code == "file-changed"


def test_missing_boto3_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match="boto3"):
        open_s3_checksums(parse_url("s3://bucket"), {})
