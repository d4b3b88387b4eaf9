"""Every field of a bundle that is good, removed or changed: refused in words, or without effect."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import ProvenanceError, SignatureError
from provenance.signing import IdentityPattern, KeylessVerifier, read_trusted_root, verify_artifact
from provenance.signing.certificates import CertificatePool
from provenance.signing.timestamps import TrustedAuthority, TrustedTimestamps
from provenance.signing.transparency import LogEntry, LoggedContent
from provenance.signing.transparency.bodies import check_body
from support.keyless import ARTIFACT, IDENTITY, ISSUER, STATEMENT, Instance, pae_of
from support.logs import b64, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

#: What may be missing from the bundle of each test without any loss: all of it is stated twice.
NEEDLESS = {
    "first": {
        ("messageSignature", "messageDigest"),
        ("messageSignature", "messageDigest", "algorithm"),  # it compares with nothing then
        ("verificationMaterial", "timestampVerificationData"),
        ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"),
        ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0),
        # The time is proven by the timestamp then.
        ("verificationMaterial", "tlogEntries", 0, "inclusionPromise"),
        ("verificationMaterial", "tlogEntries", 0, "inclusionPromise", "signedEntryTimestamp"),
    },
    "second": {("verificationMaterial", "tlogEntries", 0, "logIndex")},
}
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    "",
    "!",
    "\N{SNOWMAN}",
    [],
    [[]],
    {},
    {"": 0},
    "0" * 5_000,
)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield where each field and element of a tree stands."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def parent(tree: Any, path: Path) -> Any:  # noqa: ANN401 - JSON
    for step in path[:-1]:
        tree = tree[step]
    return tree


def made(instance: Instance, kind: str) -> dict[str, Any]:
    second = kind == "second"
    signing = instance.sign(message=not second)
    return instance.bundle(signing, [instance.entry(signing, second=second)], stamps=1)


def accepted(instance: Instance, tree: dict[str, Any]) -> bool:
    root = read_trusted_root(json.dumps(instance.trusted_root()).encode())
    verifier = KeylessVerifier(IdentityPattern(IDENTITY), ISSUER, root)
    try:
        verify_artifact(json.dumps(tree).encode(), ARTIFACT, verifier)
    except ProvenanceError:
        return False
    return True


@pytest.mark.parametrize("kind", ["first", "second"])
def test_nothing_may_be_missing(kind: str, instance: Instance) -> None:
    good = json.dumps(made(instance, kind))
    assert accepted(instance, json.loads(good))
    needless = set()
    for path in paths(json.loads(good)):
        tree = json.loads(good)
        del parent(tree, path)[path[-1]]
        if accepted(instance, tree):
            needless.add(path)
    assert needless == NEEDLESS[kind]


@pytest.mark.parametrize("kind", ["first", "second"])
def test_nothing_may_be_something_else(kind: str, instance: Instance) -> None:
    good = json.dumps(made(instance, kind))
    without_effect = set()
    for path in paths(json.loads(good)):
        for junk in JUNK:
            tree = json.loads(good)
            parent(tree, path)[path[-1]] = junk
            # `null` stands for an absent field, `[]` and `{}` and `""` for an empty one.
            empty = junk in (None, "", [], {})
            if accepted(instance, tree) and not empty:
                without_effect.add((path, str(junk)))
    assert without_effect == set()


@pytest.mark.parametrize("kind", ["first", "second"])
def test_no_byte_may_change(kind: str, instance: Instance) -> None:
    good = json.dumps(made(instance, kind))
    for path in paths(json.loads(good)):
        if path[-1] == "signedTimestamp":
            continue  # parts of it are signed by nobody; see below
        tree = json.loads(good)
        text = parent(tree, path)[path[-1]]
        try:
            data = bytearray(b64decode(text, validate=True)) if isinstance(text, str) else b""
        except ValueError:
            continue
        for place in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1}) if data else ():
            changed = bytearray(data)
            changed[place] ^= 1
            parent(tree, path)[path[-1]] = b64(bytes(changed))
            assert not accepted(instance, tree), (path, place)


KINDS = ["hashedrekord/0.0.1", "hashedrekord/0.0.2", "dsse/0.0.1", "dsse/0.0.2", "intoto/0.0.2"]
#: What nobody can check, and what repeats the envelope.
FREE = {"envelopeHash", "payloadType"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_of_an_entry_is_about_the_bundle_in_every_field(
    kind: str, instance: Instance
) -> None:
    name, _, version = kind.partition("/")
    signing = instance.sign(message=name == "hashedrekord")
    signed = ARTIFACT if signing.message else pae_of(STATEMENT)
    content = LoggedContent(
        signature=signing.signature,
        verifier=signing.der,
        is_certificate=True,
        scheme="ecdsa-p256-sha256",
        digests={"sha256": hashlib.sha256(signed).digest()},
        payload=None if signing.message else STATEMENT,
    )
    good = encoded(signing.body(kind))

    def check(body: bytes) -> None:
        check_body(LogEntry(b"", 0, name, version, 0, None, None, body), content)

    check(good)
    for path in paths(json.loads(good)):
        for junk in JUNK:
            tree = json.loads(good)
            parent(tree, path)[path[-1]] = junk
            if FREE & set(path):
                check(encoded(tree))
                continue
            with pytest.raises(SignatureError) as caught:
                check(encoded(tree))
            assert caught.value.code == "log-entry-invalid"


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_a_timestamp_with_a_changed_bit_is_refused_or_says_the_same(
    bit: int, instance: Instance
) -> None:
    """Versions and certificates inside it are signed by nobody; the time and imprint always are."""
    stamp = instance.stamps.stamp(b"signature")
    root = read_trusted_root(json.dumps(instance.trusted_root()).encode())
    authority = root.timestamp_authorities[0]
    trusted = TrustedTimestamps(
        (TrustedAuthority(CertificatePool(authority.chain[1:]), authority.chain[0]),)
    )
    good = trusted.verify(b"signature", [stamp])
    for place in range(len(stamp)):
        changed = bytearray(stamp)
        changed[place] ^= bit
        try:
            times = trusted.verify(b"signature", [bytes(changed)])
        except ProvenanceError:
            continue
        assert times in {good, ()}, place


@pytest.mark.parametrize("cut", range(0, 60, 4))
def test_half_a_bundle_is_none(cut: int, instance: Instance) -> None:
    document = json.dumps(made(instance, "second")).encode()
    root = read_trusted_root(json.dumps(instance.trusted_root()).encode())
    verifier = KeylessVerifier(IdentityPattern(IDENTITY), ISSUER, root)
    with pytest.raises(ProvenanceError):
        verify_artifact(document[: len(document) * cut // 60], ARTIFACT, verifier)
