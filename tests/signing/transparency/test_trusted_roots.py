"""Trusted roots: what is read, what is refused, and that windows include their ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.errors import InputError, TrustError
from provenance.signing.keyless import TrustedRoot, load_trusted_root, read_trusted_root
from provenance.signing.transparency.instances import Window
from support.keyless import Instance
from support.logs import Log, b64

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return Instance(tmp_path_factory.mktemp("instance"))


def read(tree: dict[str, Any]) -> TrustedRoot:
    return read_trusted_root(json.dumps(tree).encode(), path="root.json")


DEFECTS: dict[str, Change] = {
    "no media type": lambda it: it.pop("mediaType"),
    "other media type": lambda it: it.update(mediaType="application/json"),
    "logs no list": lambda it: it.update(tlogs={}),
    "log no object": lambda it: it.update(tlogs=[1]),
    "key no base64": lambda it: it["tlogs"][0]["publicKey"].update(rawBytes="!"),
    "hash no text": lambda it: it["tlogs"][0].update(hashAlgorithm={}),
    "hash true": lambda it: it["tlogs"][0].update(hashAlgorithm=True),
    "certificates no list": lambda it: it["certificateAuthorities"][0]["certChain"].update(
        certificates={}
    ),
    "time no time": lambda it: it["certificateAuthorities"][0]["validFor"].update(end="tomorrow"),
    "time no such day": lambda it: it["tlogs"][0]["publicKey"]["validFor"].update(
        end="2026-02-30T00:00:00Z"
    ),
    "time without zone": lambda it: it["tlogs"][0]["publicKey"]["validFor"].update(
        end="2026-02-20T00:00:00"
    ),
    "zone no zone": lambda it: it["tlogs"][0]["publicKey"]["validFor"].update(
        end="2026-02-20T00:00:00+24:00"
    ),
    "time before all times": lambda it: it["tlogs"][0]["publicKey"]["validFor"].update(
        start="0001-01-01T00:00:00+01:00"
    ),
    "address no address": lambda it: it["tlogs"][0].update(baseUrl="https://[::1"),
}
#: What makes one instance of no use, and what is said of it.
UNUSABLE: dict[str, tuple[Change, str]] = {
    "no key": (lambda it: it["tlogs"][0].pop("publicKey"), "/tlogs/0: "),
    "empty key": (lambda it: it["tlogs"][0]["publicKey"].update(rawBytes=""), "/tlogs/0: "),
    "key no key": (lambda it: it["tlogs"][0]["publicKey"].update(rawBytes="AAAA"), "/tlogs/0: "),
    "rsa key no key": (
        lambda it: it["tlogs"][0]["publicKey"].update(
            rawBytes="AAAA", keyDetails="PKCS1_RSA_PKCS1V5"
        ),
        "/tlogs/0: ",
    ),
    "scheme of another kind": (
        lambda it: it["tlogs"][0]["publicKey"].update(keyDetails="PKIX_ECDSA_P384_SHA_256"),
        "/tlogs/0: ",
    ),
    "other hash": (lambda it: it["tlogs"][0].update(hashAlgorithm="SHA2_512"), "/tlogs/0: "),
    "number of another hash": (lambda it: it["ctlogs"][0].update(hashAlgorithm=3), "/ctlogs/0: "),
    "no chain": (
        lambda it: it["certificateAuthorities"][0].pop("certChain"),
        "/certificateAuthorities/0: ",
    ),
    "empty chain": (
        lambda it: it["certificateAuthorities"][0]["certChain"].update(certificates=[]),
        "/certificateAuthorities/0: ",
    ),
    "certificate no certificate": (
        lambda it: it["certificateAuthorities"][0]["certChain"].update(
            certificates=[{"rawBytes": "AAAA"}]
        ),
        "/certificateAuthorities/0: ",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_leaves_out_what_is_of_no_use_and_says_it(name: str, instance: Instance) -> None:
    whole = read(instance.trusted_root(authority=False))
    tree = instance.trusted_root(authority=False)
    change, place = UNUSABLE[name]
    change(tree)
    root = read(tree)
    (said,) = root.unusable
    assert said.startswith(place)
    left = (root.logs, root.certificate_logs, root.certificate_authorities)
    all_of_them = (whole.logs, whole.certificate_logs, whole.certificate_authorities)
    assert sum(map(len, left)) == sum(map(len, all_of_them)) - 1


def test_a_log_without_an_id_has_that_of_its_key(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    for log in (tree["ctlogs"][0], tree["tlogs"][0]):
        del log["logId"]
    root = read(tree)
    assert root.certificate_logs[0].log_id == instance.published.log_id
    assert root.logs[0].log_id == instance.first.log_id


@pytest.mark.parametrize("algorithm", [1, 0, "HASH_ALGORITHM_UNSPECIFIED"])
def test_a_hash_may_be_a_number(algorithm: object, instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    tree["tlogs"][0]["hashAlgorithm"] = algorithm
    assert read(tree).unusable == ()


@pytest.mark.parametrize(
    ("curve", "details", "scheme"),
    [
        (ec.SECP384R1(), "PKIX_ECDSA_P384_SHA_256", "ecdsa-p384-sha256"),
        (ec.SECP384R1(), 19, "ecdsa-p384-sha256"),
        (ec.SECP384R1(), "PKIX_ECDSA_P384_SHA_384", "ecdsa-p384-sha384"),
        (ec.SECP384R1(), 12, "ecdsa-p384-sha384"),
        (ec.SECP521R1(), 20, "ecdsa-p521-sha256"),
    ],
)
def test_a_log_signs_as_its_trusted_root_says(
    curve: ec.EllipticCurve, details: object, scheme: str, instance: Instance
) -> None:
    key = ec.generate_private_key(curve).public_key()
    tree = instance.trusted_root(authority=False)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tree["tlogs"][0]["publicKey"].update(rawBytes=b64(der), keyDetails=details)
    assert read(tree).logs[0].key.scheme == scheme


def test_a_time_may_have_a_zone(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    end = "2026-02-20T00:00:00.5-01:30"
    tree["tlogs"][0]["publicKey"]["validFor"]["end"] = end
    expected = datetime(2026, 2, 20, 1, 30, 0, 500_000, tzinfo=UTC)
    assert read(tree).logs[0].window.end == expected


@pytest.mark.parametrize("name", DEFECTS)
def test_refuses(name: str, instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    DEFECTS[name](tree)
    with pytest.raises(TrustError) as caught:
        read(tree)
    assert caught.value.code == "trusted-root-invalid"
    assert caught.value.path.startswith("root.json#/")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"mediaType":1}', b"\xff"])
def test_refuses_what_is_no_such_document(data: bytes) -> None:
    with pytest.raises(TrustError):
        read_trusted_root(data)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "application/vnd.dev.sigstore.trustedroot.v0.1+json",
        "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    ],
)
def test_reads_every_media_type(media_type: str, instance: Instance) -> None:
    root = read({**instance.trusted_root(authority=False), "mediaType": media_type})
    assert [log.host for log in root.logs] == ["rekor.example.org", "log2025.example.org"]
    assert len(root.certificate_authorities[0].chain) == 2
    assert root.timestamp_authorities == ()


def test_reads_keys_in_their_oldest_form(instance: Instance) -> None:
    key = rsa.generate_private_key(65_537, 2_048).public_key()
    tree = instance.trusted_root(authority=False)
    tree["ctlogs"][0]["publicKey"].update(
        rawBytes=b64(key.public_bytes(Encoding.DER, PublicFormat.PKCS1)),
        keyDetails="PKCS1_RSA_PKCS1V5",
    )
    (log,) = read(tree).certificate_logs
    assert log.key.scheme == "rsa-pkcs1v15-sha256"


def test_a_log_may_have_another_id_for_its_tree_heads(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    tree["tlogs"][1]["checkpointKeyId"] = {"keyId": b64(b"1234")}
    key = read(tree).logs[1].note_keys[0]
    assert b"1234" in key.ids
    tree["tlogs"][1]["checkpointKeyId"] = {"keyId": b64(b"123")}  # too short to be an id
    assert b"123" not in read(tree).logs[1].note_keys[0].ids


def test_a_chain_ends_at_its_last_certificate(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    tree["certificateAuthorities"][0]["certChain"]["certificates"].pop()  # no root, and no need
    (authority,) = read(tree).certificate_authorities
    assert authority.pool.anchors == (instance.issuing.certificate,)
    assert authority.pool.intermediates == ()


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://log.example.org", ["log.example.org"]),
        ("https://log.example.org/", ["log.example.org"]),
        ("http://log.example.org:3000/a", ["log.example.org:3000/a", "log.example.org"]),
        ("log.example.org", ["log.example.org"]),
        ("", []),
    ],
    ids=["host", "slash", "port and path", "no scheme", "none"],
)
def test_a_log_signs_under_its_address_or_its_host(url: str, names: list[str]) -> None:
    log = Log("log.example.org", ec.generate_private_key(ec.SECP256R1()))
    tree = {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{**log.instance, "baseUrl": url}],
    }
    (found,) = read(tree).logs
    assert [key.name for key in found.note_keys] == names


def test_windows_include_their_ends() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    moment = timedelta(microseconds=1)
    window = Window(start, end)
    assert [window.holds(time) for time in (start - moment, start, end, end + moment)] == [
        *(False, True, True, False)
    ]
    assert Window().holds(start)
    assert Window(start=start).holds(end)
    assert Window(end=end).holds(start)


def test_null_stands_for_an_absent_field(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    tree["timestampAuthorities"] = None
    tree["certificateAuthorities"][0]["validFor"] = None
    tree["tlogs"][0]["publicKey"]["validFor"]["end"] = None
    root = read(tree)
    assert root.timestamp_authorities == ()
    assert root.certificate_authorities[0].window == Window()
    assert root.logs[0].window.end is None


def test_an_end_to_the_nanosecond_includes_it(instance: Instance) -> None:
    tree = instance.trusted_root(authority=False)
    tree["tlogs"][0]["publicKey"]["validFor"] = {"end": "2026-01-01T00:00:00.999999999Z"}
    window = read(tree).logs[0].window
    assert window.holds(datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC))
    assert not window.holds(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))


def test_reads_the_roots_that_come_with_the_library() -> None:
    sigstore = pytest.importorskip("sigstore")
    folder = Path(str(sigstore.__file__)).parent / "_store"
    paths = sorted(folder.glob("*/trusted_root.json"))
    assert paths
    for path in paths:
        root = load_trusted_root(path)
        assert {log.key.kind for log in root.logs} == {"ecdsa-p256", "ed25519"}
        assert root.certificate_logs
        assert root.timestamp_authorities


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_trusted_root(tmp_path / "none")
