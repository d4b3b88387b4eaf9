"""A real S3 server on this machine: the same digests as a folder, and what only stores can hold."""

from __future__ import annotations

import hashlib
import resource
import secrets
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.digest import hash_tree
from provenance.digest.remote import (
    hash_remote_file,
    hash_remote_tree,
    is_remote_file,
    read_store_claims,
)
from provenance.errors import DigestError, InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from digest.remote.conftest import Bucket

SHA256_OF_HELLO = hashlib.sha256(b"hello").hexdigest()

SEGMENTS = st.sampled_from(["a", "B", "ä", "x y", "p%20q", "c+d", "#", "?", "e=f&g", "~", "'"])
TREES = st.dictionaries(
    st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join),
    st.binary(max_size=2000),
    min_size=1,
    max_size=6,
).filter(lambda tree: not any(other.startswith(f"{name}/") for name in tree for other in tree))


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("name-unsafe", ["t/a//b"]),
        ("name-unsafe", ["t/../b"]),
        ("name-unsafe", ["t/a\\b"]),
        ("name-unsafe", ["t/a\x01b"]),
        ("name-collision", ["t/a", "t/a/b"]),
        ("name-duplicate", ["t/a", "t/a/"]),
    ],
)
def test_keys_that_no_folder_could_hold_are_refused(
    bucket: Bucket, code: str, keys: list[str]
) -> None:
    bucket.put(dict.fromkeys(keys, b""))
    with pytest.raises(DigestError) as caught:
        hash_remote_tree(f"{bucket.url}/t", storage_options=bucket.options)
    assert caught.value.code == code


@pytest.mark.parametrize("path", ["/t", "/t/", "", "/T/a"])
def test_place_without_objects_is_an_error(bucket: Bucket, path: str) -> None:
    if path:
        bucket.put({"tt/a": b"near by"})
    with pytest.raises(InputError) as caught:
        hash_remote_tree(bucket.url + path, storage_options=bucket.options)
    assert caught.value.code == "file-unreadable"


def test_bucket_that_is_not_there_is_an_error(bucket: Bucket) -> None:
    with pytest.raises(InputError):
        hash_remote_tree("s3://no-such-bucket", storage_options=bucket.options)


def test_options_that_are_refused_are_named_without_their_values(bucket: Bucket) -> None:
    with pytest.raises(UsageError, match="bogus") as caught:
        hash_remote_tree(bucket.url, storage_options={**bucket.options, "bogus": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("connections", [0, 65])
def test_number_of_connections_is_bounded(bucket: Bucket, connections: int) -> None:
    with pytest.raises(UsageError):
        hash_remote_tree(bucket.url, storage_options=bucket.options, connections=connections)


@pytest.mark.parametrize("algorithms", [("sha256",), ("blake3", "md5")])
def test_inventory_has_blake3_and_nothing_weak(bucket: Bucket, algorithms: tuple[str, ...]) -> None:
    with pytest.raises(DigestError):
        hash_remote_tree(bucket.url, algorithms=algorithms)


def test_object_that_changes_after_the_listing_is_an_error(bucket: Bucket) -> None:
    bucket.put({"a": b"first", "b": bytes(9 << 20)})

    def change(count: int) -> None:
        assert count
        bucket.put({"b": bytes(9 << 20) + b"!"})

    with pytest.raises(InputError) as caught:
        hash_remote_tree(bucket.url, storage_options=bucket.options, connections=1, progress=change)
    assert caught.value.code == "file-changed"


def test_markers_of_folders_are_no_files_and_empty_objects_are(bucket: Bucket) -> None:
    bucket.put(dict.fromkeys(["t/", "t/sub/", "t/only-a-marker/", "t/empty", "t/sub/empty"], b""))
    found = hash_remote_tree(f"{bucket.url}/t", storage_options=bucket.options)
    assert [entry.path for entry in found] == ["empty", "sub/empty"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=TREES, data=st.data())
@pytest.mark.property
def test_tree_has_the_digests_that_it_has_in_a_folder(
    bucket: Bucket, tmp_path: Path, tree: dict[str, bytes], data: st.DataObject
) -> None:
    place = secrets.token_hex(8)
    bucket.put({f"{place}/{name}": content for name, content in tree.items()})
    for name, content in tree.items():
        file = tmp_path / place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    algorithms = data.draw(st.sampled_from([("blake3",), ("blake3", "sha256")]))
    expected = hash_tree(tmp_path / place, algorithms=algorithms)
    found = hash_remote_tree(
        f"{bucket.url}/{place}",
        algorithms=algorithms,
        storage_options=bucket.options,
        connections=data.draw(st.integers(1, 4)),
    )
    assert found == expected


def test_large_object_is_read_in_bounded_memory(bucket: Bucket) -> None:
    content = secrets.token_bytes(1 << 20) * 64
    bucket.put({"large": content})
    options = bucket.options
    seen: list[int] = []
    hash_remote_file(f"{bucket.url}/large", storage_options=options, connections=2)  # warms up
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = hash_remote_file(
        f"{bucket.url}/large",
        algorithms=("sha256",),
        storage_options=options,
        connections=2,
        progress=seen.append,
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.digest["sha256"] == hashlib.sha256(content).hexdigest()
    assert found.size == sum(seen) == len(content)
    assert max(seen) == 8 << 20
    unit = 1 if sys.platform == "darwin" else 1024
    # The server shares this process; it, too, holds the object for a moment for each request.
    assert grown * unit < 192 << 20


def test_url_is_a_file_if_an_object_has_that_very_key(bucket: Bucket) -> None:
    bucket.put({"t/a b%20": b"hello"})
    options = bucket.options
    assert is_remote_file(f"{bucket.url}/t/a b%20", storage_options=options)
    assert not is_remote_file(f"{bucket.url}/t", storage_options=options)
    assert not is_remote_file(f"{bucket.url}/t/a b%20/", storage_options=options)
    found = hash_remote_file(f"{bucket.url}/t/a b%20", storage_options=options)
    assert found.digest["sha256"] == SHA256_OF_HELLO
    with pytest.raises(InputError, match="not in the store"):
        hash_remote_file(f"{bucket.url}/t", storage_options=options)
    with pytest.raises(UsageError):
        hash_remote_file(f"{bucket.url}/t/", storage_options=options)


def test_nothing_but_sha256_counts_as_a_claim(bucket: Bucket) -> None:
    bucket.put({"t/plain": b"hello"})
    bucket.put({"t/crc": b"hello"}, ChecksumAlgorithm="CRC32")
    bucket.put({"t/sha1": b"hello"}, ChecksumAlgorithm="SHA1")
    bucket.put({"t/sha256": b"hello"}, ChecksumAlgorithm="SHA256")
    claims = read_store_claims(f"{bucket.url}/t", storage_options=bucket.options)
    assert {claim.path: dict(claim.digests) for claim in claims} == {
        "crc": {},
        "plain": {},
        "sha1": {},
        "sha256": {"sha256": SHA256_OF_HELLO},
    }
    assert claims.source == f"{bucket.url}/t"
    computed = hash_remote_tree(
        f"{bucket.url}/t", algorithms=("blake3", "sha256"), storage_options=bucket.options
    )
    assert [result.path for result in claims.check(computed)] == ["crc", "plain", "sha1"]
