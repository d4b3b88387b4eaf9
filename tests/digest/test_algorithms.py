"""Digests have one spelling, and only two algorithms count."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest
from blake3 import blake3

from provenance.digest import (
    COUNTED,
    HEX_LENGTHS,
    Digest,
    DigestSet,
    check_digest,
    digest_bytes,
    hash_bytes,
)
from provenance.errors import DigestError

HEX = "0123456789abcdef" * 4

#: Digests that are refused, and the code.
REFUSED: dict[str, tuple[object, object, str]] = {
    "capital hexadecimal": ("sha256", HEX.upper(), "digest-format"),
    "truncated": ("sha256", HEX[:32], "digest-format"),
    "one too long": ("blake3", HEX + "0", "digest-format"),
    "base64": ("sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "digest-format"),
    "line feed at the end": ("sha256", HEX[:63] + "\n", "digest-format"),
    "blanks": ("sha256", HEX[:62] + "  ", "digest-format"),
    "full-width digits": ("sha256", "０" * 64, "digest-format"),  # noqa: RUF001 - on purpose
    "no text": ("sha256", None, "digest-format"),
    "bytes": ("sha256", HEX.encode(), "digest-format"),
    "prefix of the algorithm": ("sha256", "sha256:" + HEX[:57], "digest-format"),
    "git commit of 50 characters": ("gitCommit", HEX[:50], "digest-format"),
    "value of an unknown algorithm with a control character": ("new1", "a\x1b", "digest-format"),
    "value of an unknown algorithm that is empty": ("new1", "", "digest-format"),
    "value of an unknown algorithm that is huge": ("new1", "a" * 513, "digest-format"),
    "empty name": ("", HEX, "digest-algorithm"),
    "name with a blank": ("sha 256", HEX, "digest-algorithm"),
    "name that is too long": ("a" * 65, HEX, "digest-algorithm"),
    "name that is no text": (256, HEX, "digest-algorithm"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_digest_is_refused(name: str) -> None:
    algorithm, value, code = REFUSED[name]
    with pytest.raises(DigestError) as caught:
        check_digest(algorithm, value)
    assert caught.value.code == code
    with pytest.raises(DigestError):
        DigestSet([(algorithm, value)])  # type: ignore[list-item]  # what documents get wrong


@pytest.mark.parametrize("algorithm", ["sha9", "SHA256", "gitCommit", "crc32", "shake_128", ""])
def test_algorithm_that_hashes_no_bytes_is_refused(algorithm: str) -> None:
    with pytest.raises(DigestError) as caught:
        hash_bytes(b"", algorithm)
    assert caught.value.code == "digest-algorithm"


def test_too_many_digests_are_refused() -> None:
    with pytest.raises(DigestError) as caught:
        DigestSet({f"new{index}": "a" for index in range(33)})
    assert caught.value.code == "digest-algorithm"


def test_weak_and_unknown_algorithms_are_kept_and_never_count() -> None:
    digests = DigestSet({"md5": HEX[:32], "sha1": HEX[:40], "new1": "h1:+/=", "sha256": HEX})
    assert digests.counted == {"sha256": HEX}
    assert DigestSet({"md5": HEX[:32]}).counted == {}
    assert DigestSet().counted == {}


def test_counted_digests_come_in_one_order() -> None:
    assert tuple(DigestSet({"sha256": HEX, "blake3": HEX}).counted) == COUNTED


def test_set_is_a_hashable_mapping_whatever_the_order() -> None:
    one, other = (
        DigestSet({"sha256": HEX, "blake3": HEX}),
        DigestSet({"blake3": HEX, "sha256": HEX}),
    )
    assert one == other == {"blake3": HEX, "sha256": HEX}
    assert len({one, other}) == 1
    assert (len(one), list(one), one["blake3"]) == (2, ["blake3", "sha256"], HEX)
    assert eval(repr(one)) == one  # noqa: S307 - our own text


def test_set_cannot_be_changed() -> None:
    items = {"sha256": HEX}
    digests = DigestSet(items)
    items["sha256"] = "x"
    assert digests["sha256"] == HEX
    with pytest.raises(TypeError):
        digests["sha256"] = HEX  # type: ignore[index]  # it has no __setitem__


def test_set_can_be_copied_and_pickled() -> None:
    digests = DigestSet({"sha256": HEX})
    assert copy.deepcopy(digests) == digests
    assert pickle.loads(pickle.dumps(digests)) == digests  # noqa: S301 - our own bytes


def test_digests_are_those_of_the_algorithms() -> None:
    assert digest_bytes(b"abc") == {
        "blake3": blake3(b"abc").hexdigest(),
        "sha256": hashlib.sha256(b"abc").hexdigest(),
    }
    for algorithm, lengths in HEX_LENGTHS.items():
        if not algorithm.startswith("git"):
            assert len(hash_bytes(b"", algorithm)) in lengths


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "digest-format"),
        ("0" * 64, "digest-format"),
        ("blake3", "digest-format"),
        ("blake3:", "digest-format"),
        (f"blake3:{'0' * 63}", "digest-format"),
        (f"blake3:{'A' * 64}", "digest-format"),
        (f"blake3: {'0' * 64}", "digest-format"),
        (f":{'0' * 64}", "digest-algorithm"),
        (f"bl\nake3:{'0' * 64}", "digest-algorithm"),
    ],
)
def test_text_that_is_no_digest_is_refused(text: str, code: str) -> None:
    with pytest.raises(DigestError) as caught:
        Digest.parse(text)
    assert caught.value.code == code


def test_one_digest_is_read_and_written_in_one_form() -> None:
    text = f"sha256:{hash_bytes(b'', 'sha256')}"
    digest = Digest.parse(text)
    assert str(digest) == text
    assert digest == Digest("sha256", hash_bytes(b"", "sha256"))
    assert Digest.parse("later:a:b").value == "a:b"


def test_computed_set_is_like_any_other() -> None:
    digests = {"blake3": "0" * 64}
    assert DigestSet.computed(digests) == DigestSet(digests)
    assert hash(DigestSet.computed(digests)) == hash(DigestSet(digests))
