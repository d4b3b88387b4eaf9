"""Path validation: one chain for every reason to refuse one, and the boundaries on both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.errors import SignatureError, UsageError
from provenance.findings import CODES, Severity
from provenance.signing.certificates import (
    DOCUMENT_SIGNING,
    CertificatePool,
    read_der_certificate,
    validate_chain,
)
from provenance.signing.certificates.validating import validate_path
from support.certificates import (
    CODE_USAGE,
    DAY,
    NOW,
    SIGNER,
    Issued,
    authority,
    holds,
    issue,
    key_usage,
    policies,
    private_key,
    signer,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = timedelta(seconds=1)
LEAF_BASIC = x509.BasicConstraints(ca=False, path_length=None)
NAMES = x509.SubjectAlternativeName([SIGNER])
TLS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


@pytest.fixture(scope="module")
def root() -> Issued:
    return authority(None, "root")


@pytest.fixture(scope="module")
def middle(root: Issued) -> Issued:
    return authority(root, "intermediate")


def refusal(leaf: Issued, anchor: Issued, *between: Issued, at: datetime = NOW) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        validate(leaf, anchor, *between, at=at)
    assert CODES[caught.value.code].severity is Severity.ERROR
    return caught.value


# --- what a chain is refused for ------------------------------------------------------------------


def expired_long_ago() -> tuple[Issued, ...]:
    root = authority(None, "root", start=NOW - 2000 * DAY)
    start, end = NOW - 1200 * DAY, NOW - 1100 * DAY
    return signer(root, start=start, end=end), root


def expired_intermediate() -> tuple[Issued, ...]:
    root = authority(None, "root")
    middle = authority(root, "intermediate", end=NOW - SECOND)
    return signer(middle), root, middle


def expired_anchor() -> tuple[Issued, ...]:
    root = authority(None, "root", end=NOW - SECOND)
    return signer(root), root


def leaf_of_tomorrow() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return signer(root, start=NOW + SECOND), root


def anchor_of_tomorrow() -> tuple[Issued, ...]:
    root = authority(None, "root", start=NOW + SECOND)
    return signer(root), root


def tls_leaf() -> tuple[Issued, ...]:
    root = authority(None, "root")
    usual = [LEAF_BASIC, key_usage("digital_signature"), NAMES]
    return issue(root, "a server", [*usual, TLS]), root


def leaf_for_anything() -> tuple[Issued, ...]:
    root = authority(None, "root")
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    usual = [LEAF_BASIC, key_usage("digital_signature"), NAMES]
    return issue(root, "a signer", [*usual, anything]), root


def leaf_without_purpose() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return issue(root, "a signer", [LEAF_BASIC, key_usage("digital_signature"), NAMES]), root


def leaf_that_encrypts() -> tuple[Issued, ...]:
    root = authority(None, "root")
    usual = [LEAF_BASIC, key_usage("key_encipherment"), NAMES, CODE_USAGE]
    return issue(root, "a signer", usual), root


def intermediate_for_tls() -> tuple[Issued, ...]:
    root = authority(None, "root")
    middle = authority(root, "intermediate", TLS)
    return signer(middle), root, middle


def anchor_for_tls() -> tuple[Issued, ...]:
    root = authority(None, "root", TLS)
    return signer(root), root


def authority_as_leaf() -> tuple[Issued, ...]:
    root = authority(None, "root")
    usual = [key_usage("digital_signature", "key_cert_sign"), NAMES, CODE_USAGE]
    basic = x509.BasicConstraints(ca=True, path_length=0)
    return issue(root, "a signer", [(basic, True), *usual]), root


def anchor_as_leaf() -> tuple[Issued, ...]:
    usage = key_usage("digital_signature", "key_cert_sign")
    basic = x509.BasicConstraints(ca=True, path_length=None)
    root = issue(None, "root", [(basic, True), usage, NAMES, CODE_USAGE])
    return root, root


def self_signed_leaf() -> tuple[Issued, ...]:
    own = signer(None)
    return own, authority(None, "root"), own


def self_signed_leaf_as_anchor() -> tuple[Issued, ...]:
    own = signer(None)
    return own, own


def signer_issues() -> tuple[Issued, ...]:
    root = authority(None, "root")
    first = signer(root)
    return signer(first), root, first


def issuer_without_constraints() -> tuple[Issued, ...]:
    root = authority(None, "root")
    middle = issue(root, "intermediate", [key_usage("key_cert_sign")])
    return signer(middle), root, middle


def issuer_without_usage() -> tuple[Issued, ...]:
    root = authority(None, "root")
    basic = x509.BasicConstraints(ca=True, path_length=None)
    middle = issue(root, "intermediate", [(basic, True), key_usage("crl_sign")])
    return signer(middle), root, middle


def anchor_without_constraints() -> tuple[Issued, ...]:
    root = issue(None, "root", [])
    return signer(root), root


def short_root() -> tuple[Issued, ...]:
    root = authority(None, "root", key=private_key("rsa1024"))
    return signer(root), root


def root_on_another_curve() -> tuple[Issued, ...]:
    root = authority(None, "root", key=private_key("k256"))
    return signer(root), root


def short_leaf() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return signer(root, key=private_key("rsa1024")), root


def leaf_on_another_curve() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return signer(root, key=private_key("k256")), root


def short_intermediate() -> tuple[Issued, ...]:
    root = authority(None, "root")
    middle = authority(root, "intermediate", key=private_key("rsa1024"))
    return signer(middle), root, middle


def weak_hash() -> tuple[Issued, ...]:
    root = authority(None, "root", key=private_key("rsa2048"))
    usual = [LEAF_BASIC, key_usage("digital_signature"), NAMES, CODE_USAGE]
    return issue(root, "a signer", usual, digest=hashes.SHA224()), root


def root_of_the_same_name() -> tuple[Issued, ...]:
    return signer(authority(None, "root")), authority(None, "root")


def another_root() -> tuple[Issued, ...]:
    return signer(authority(None, "root")), authority(None, "another root")


def missing_intermediate() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return signer(authority(root, "intermediate")), root


def one_intermediate_too_many() -> tuple[Issued, ...]:
    root = authority(None, "root", length=0)
    middle = authority(root, "intermediate")
    return signer(middle), root, middle


def two_where_one_is_allowed() -> tuple[Issued, ...]:
    root = authority(None, "root")
    upper = authority(root, "upper", length=0)
    lower = authority(upper, "lower", length=5)
    return signer(lower), root, upper, lower


def critical_unknown_leaf() -> tuple[Issued, ...]:
    root = authority(None, "root")
    return signer(root, extra=[(UNKNOWN, True)]), root


def critical_unknown_anchor() -> tuple[Issued, ...]:
    root = authority(None, "root", (UNKNOWN, True))
    return signer(root), root


def name_outside() -> tuple[Issued, ...]:
    limit = x509.NameConstraints([x509.RFC822Name("example.org")], None)
    root = authority(None, "root", (limit, True))
    return signer(root, x509.RFC822Name("mallory@evil.example")), root


REASONS: dict[Callable[[], tuple[Issued, ...]], str] = {
    expired_long_ago: "certificate-expired",
    expired_intermediate: "certificate-expired",
    expired_anchor: "certificate-expired",
    leaf_of_tomorrow: "certificate-not-yet-valid",
    anchor_of_tomorrow: "certificate-not-yet-valid",
    tls_leaf: "certificate-usage",
    leaf_for_anything: "certificate-usage",
    leaf_without_purpose: "certificate-usage",
    leaf_that_encrypts: "certificate-usage",
    intermediate_for_tls: "certificate-usage",
    anchor_for_tls: "certificate-usage",
    authority_as_leaf: "certificate-is-authority",
    anchor_as_leaf: "certificate-is-authority",
    self_signed_leaf: "certificate-untrusted",
    self_signed_leaf_as_anchor: "certificate-not-authority",
    signer_issues: "certificate-not-authority",
    issuer_without_constraints: "certificate-not-authority",
    issuer_without_usage: "certificate-not-authority",
    anchor_without_constraints: "certificate-not-authority",
    short_root: "certificate-weak-root",
    root_on_another_curve: "certificate-weak-root",
    short_leaf: "certificate-weak-key",
    leaf_on_another_curve: "certificate-weak-key",
    short_intermediate: "certificate-weak-key",
    weak_hash: "certificate-weak-key",
    root_of_the_same_name: "certificate-chain-signature",
    another_root: "certificate-untrusted",
    missing_intermediate: "certificate-untrusted",
    one_intermediate_too_many: "certificate-path-length",
    two_where_one_is_allowed: "certificate-path-length",
    critical_unknown_leaf: "certificate-critical-extension",
    critical_unknown_anchor: "certificate-critical-extension",
    name_outside: "certificate-name-constraints",
}


@pytest.mark.parametrize("made", REASONS, ids=lambda made: made.__name__)
def test_chain_is_refused_for_its_reason(made: Callable[[], tuple[Issued, ...]]) -> None:
    leaf, anchor, *between = made()
    assert refusal(leaf, anchor, *between).code == REASONS[made]


def test_root_of_the_same_name_and_another_key_identifier_is_simply_not_the_issuer() -> None:
    one, other = (
        authority(None, "root", x509.SubjectKeyIdentifier(bytes([number]) * 20), key=key)
        for number, key in enumerate((private_key("p256"), private_key("p384")))
    )
    hint = x509.AuthorityKeyIdentifier(bytes(20), None, None)
    leaf = signer(one, extra=[hint])
    assert validate(leaf, one).anchor == one.certificate
    assert refusal(leaf, other).code == "certificate-untrusted"


def test_changed_certificate_is_refused(root: Issued) -> None:
    certificate = signer(root).certificate
    data = bytearray(certificate.public_bytes(Encoding.DER))
    data[-1] ^= 1
    broken = Issued(x509.load_der_x509_certificate(bytes(data)), root.key)
    assert refusal(broken, root).code == "certificate-chain-signature"


def test_path_whose_names_do_not_chain_is_refused(root: Issued) -> None:
    # The search never builds it; the validation does not rely on that.
    basic = x509.BasicConstraints(ca=True, path_length=None)
    renamed = issue(None, "other root", [(basic, True)], key=root.key)
    path = (signer(root).certificate, renamed.certificate)
    with pytest.raises(SignatureError) as caught:
        validate_path(path, at=NOW, purpose=DOCUMENT_SIGNING)
    assert caught.value.code == "certificate-untrusted"


def test_time_without_a_zone_is_a_usage_error(root: Issued) -> None:
    with pytest.raises(UsageError, match="no zone"):
        validate(signer(root), root, at=NOW.replace(tzinfo=None))


def test_no_anchors_trust_nobody(root: Issued) -> None:
    own = signer(root).certificate
    pool = CertificatePool((), (root.certificate,))
    with pytest.raises(SignatureError) as caught:
        validate_chain(own, pool=pool, at=NOW, purpose=DOCUMENT_SIGNING)
    assert caught.value.code == "certificate-untrusted"


# --- what holds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "ed25519", "rsa2048"])
def test_chain_holds_with_keys_of_every_kind(kind: str) -> None:
    root = authority(None, "root", key=private_key(kind))
    leaf = signer(root, key=private_key(kind))
    chain = validate(leaf, root)
    assert chain.certificates == (leaf.certificate, root.certificate)
    assert (chain.leaf, chain.anchor, chain.at) == (leaf.certificate, root.certificate, NOW)


def test_chain_holds_over_intermediates_from_either_source(root: Issued, middle: Issued) -> None:
    lower = authority(middle, "lower")
    leaf = signer(lower)
    chain = validate(leaf, root, middle, extra=[lower.certificate, root.certificate])
    expected = [one.certificate for one in (leaf, lower, middle, root)]
    assert list(chain.certificates) == expected


def test_intermediate_may_be_the_anchor(root: Issued, middle: Issued) -> None:
    leaf = signer(middle)
    chain = validate(leaf, middle, root)
    assert chain.certificates == (leaf.certificate, middle.certificate)


def test_path_length_counts_intermediates_only() -> None:
    root = authority(None, "root", length=1)
    middle = authority(root, "intermediate", length=0)
    assert holds(signer(middle), root, middle)
    deeper = authority(middle, "deeper")
    assert refusal(signer(deeper), root, middle, deeper).code == "certificate-path-length"


def test_authorities_for_anything_or_for_signing_may_issue_signers() -> None:
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    root = authority(None, "root", anything)
    middle = authority(root, "intermediate", CODE_USAGE)
    assert holds(signer(middle), root, middle)


def test_extension_that_is_not_critical_is_passed_over(root: Issued) -> None:
    assert holds(signer(root, extra=[(UNKNOWN, False)]), root)


def test_documents_are_signed_without_a_purpose_but_not_without_any_usage(root: Issued) -> None:
    bare = issue(root, "a signer", [key_usage("digital_signature"), NAMES])
    assert holds(bare, root, purpose=DOCUMENT_SIGNING)
    assert holds(signer(root), root, purpose=DOCUMENT_SIGNING)
    for extensions in ([NAMES], [NAMES, TLS, key_usage("digital_signature")]):
        with pytest.raises(SignatureError) as caught:
            validate(issue(root, "a signer", extensions), root, purpose=DOCUMENT_SIGNING)
        assert caught.value.code == "certificate-usage"


# --- the clock ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["leaf", "intermediate", "anchor"])
@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (-DAY - SECOND, "certificate-not-yet-valid"),
        (-DAY - timedelta(microseconds=1), "certificate-not-yet-valid"),
        (-DAY, ""),
        (DAY, ""),
        (DAY + timedelta(microseconds=1), "certificate-expired"),
        (DAY + SECOND, "certificate-expired"),
    ],
    ids=["second-before", "just-before", "first", "last", "just-after", "second-after"],
)
def test_first_and_last_second_are_within(part: str, offset: timedelta, code: str) -> None:
    days = {one: DAY if one == part else 9 * DAY for one in ("leaf", "intermediate", "anchor")}
    spans = {one: (NOW - span, NOW + span) for one, span in days.items()}
    (first, last), (start, end) = spans["anchor"], spans["intermediate"]
    root = authority(None, "root", start=first, end=last)
    middle = authority(root, "intermediate", start=start, end=end)
    leaf = signer(middle, start=spans["leaf"][0], end=spans["leaf"][1])
    if code:
        assert refusal(leaf, root, middle, at=NOW + offset).code == code
    else:
        assert validate(leaf, root, middle, at=NOW + offset).at == NOW + offset


def test_time_of_another_zone_is_the_same_time(root: Issued) -> None:
    east = (NOW + DAY).astimezone(timezone(timedelta(hours=9)))
    assert holds(signer(root), root, at=east)
    assert holds(signer(root), root, at=datetime(2026, 11, 2, 12, tzinfo=UTC))


def test_every_code_of_certificates_is_shown_here_or_beside() -> None:
    # Policies, limits, malformed certificates and logs of certificates have files of their own.
    beside = {
        "certificate-policy",
        "certificate-limit",
        "certificate-malformed",
        "certificate-not-published",
    }
    registered = {code for code in CODES if code.startswith("certificate-")}
    assert registered == set(REASONS.values()) | beside


def test_changed_bytes_give_no_error_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the signatures nearly every change would end there; what lies behind is meant here.
    for module in ("building", "validating"):
        target = f"provenance.signing.certificates.{module}.check_issued"
        monkeypatch.setattr(target, lambda *_, **__: None)
    limits = x509.NameConstraints([SIGNER, x509.DNSName("example.org")], [x509.RFC822Name("a@b.c")])
    policy = x509.PolicyConstraints(require_explicit_policy=3, inhibit_policy_mapping=1)
    root = authority(None, "root", (limits, True), policy)
    chain = [signer(root, SIGNER, x509.DNSName("a.example.org"), extra=[policies("1.2.3")]), root]
    random = Random(5280)  # noqa: S311  # which bytes change is no secret
    codes = set()
    for number in range(2000):
        changed = [bytearray(one.certificate.public_bytes(Encoding.DER)) for one in chain]
        data = changed[number % 2]
        data[random.randrange(len(data))] = random.randrange(256)
        try:
            leaf, anchor = (read_der_certificate(bytes(one), path="") for one in changed)
            pool = CertificatePool((anchor,))
            validate_chain(leaf, pool=pool, at=NOW, purpose=DOCUMENT_SIGNING)
        except SignatureError as error:
            codes.add(error.code)
    assert {"certificate-malformed", "certificate-untrusted", "certificate-weak-root"} <= codes
    assert codes <= set(CODES)
