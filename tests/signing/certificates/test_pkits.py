"""PKITS, NIST's suite for path validation: every test that does not need a revocation list.

Source: NIST, Public Key Interoperability Test Suite, version of 2011, as the package
`cryptography_vectors` carries it (`x509/PKITS_data`). Each signed message there holds the
certificates of one test, the leaf last; the tests' settings and outcomes are from its document,
sections 4.1 to 4.16. Its certificates have no extended key usage, so the purpose here asks for
none. Every chain is looked for twice: among its own certificates, and among all of the suite.
"""

from __future__ import annotations

import email
import re
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from provenance.errors import SignatureError
from provenance.signing.certificates import (
    CertificatePool,
    Purpose,
    ValidatedChain,
    read_certificates,
    validate_chain,
)
from provenance.signing.certificates.validating import find_chain

if TYPE_CHECKING:
    from cryptography import x509

DATA = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
AT = datetime(2015, 6, 1, tzinfo=UTC)
ANY = Purpose("anything")
EXPLICIT = replace(ANY, explicit_policy=True)

#: Tests that are not run, with the reason.
SKIPPED: dict[str, str] = {
    **dict.fromkeys(
        [
            "InvalidBadCRLIssuerNameTest5",
            "InvalidBadCRLSignatureTest4",
            "InvalidBasicSelfIssuedCRLSigningKeyTest7",
            "InvalidBasicSelfIssuedNewWithOldTest5",
            "InvalidBasicSelfIssuedOldWithNewTest2",
            "InvalidIDPwithindirectCRLTest23",
            "InvalidIDPwithindirectCRLTest26",
            "InvalidLongSerialNumberTest18",
            "InvalidNegativeSerialNumberTest15",
            "InvalidOldCRLnextUpdateTest11",
            "InvalidRevokedCATest2",
            "InvalidRevokedEETest3",
            "InvalidSeparateCertificateandCRLKeysTest20",
            "InvalidSeparateCertificateandCRLKeysTest21",
            "InvalidUnknownCRLEntryExtensionTest8",
            "InvalidUnknownCRLExtensionTest10",
            "InvalidUnknownCRLExtensionTest9",
            "InvalidWrongCRLTest6",
            "InvalidcRLIssuerTest27",
            "InvalidcRLIssuerTest31",
            "InvalidcRLIssuerTest32",
            "InvalidcRLIssuerTest34",
            "InvalidcRLIssuerTest35",
            "InvaliddeltaCRLIndicatorNoBaseTest1",
            "InvaliddeltaCRLTest10",
            "InvaliddeltaCRLTest3",
            "InvaliddeltaCRLTest4",
            "InvaliddeltaCRLTest6",
            "InvaliddeltaCRLTest9",
            "InvaliddistributionPointTest2",
            "InvaliddistributionPointTest3",
            "InvaliddistributionPointTest6",
            "InvaliddistributionPointTest8",
            "InvaliddistributionPointTest9",
            "InvalidkeyUsageCriticalcRLSignFalseTest4",
            "InvalidkeyUsageNotCriticalcRLSignFalseTest5",
            "InvalidonlyContainsAttributeCertsTest14",
            "InvalidonlyContainsCACertsCRLTest12",
            "InvalidonlyContainsUserCertsCRLTest11",
            "InvalidonlySomeReasonsTest15",
            "InvalidonlySomeReasonsTest16",
            "InvalidonlySomeReasonsTest17",
            "InvalidonlySomeReasonsTest20",
            "InvalidonlySomeReasonsTest21",
            "Invalidpre2000CRLnextUpdateTest12",
            "MissingCRLTest1",
        ],
        "its chain is good but for a revocation list, and we read none (4.4, 4.5, 4.7, 4.14, 4.15)",
    ),
    **dict.fromkeys(
        ["ValidDSASignaturesTest4", "ValidDSAParameterInheritanceTest5"],
        "DSA is no algorithm in use; the chain is refused (4.1.4, 4.1.5)",
    ),
}

#: Tests whose leaf is the certificate of an authority: the chain holds, the signer is refused.
AUTHORITY_LEAVES = frozenset(
    {
        "OverlappingPoliciesTest6",
        "ValidonlyContainsCACertsCRLTest13",
        "ValidpathLenConstraintTest14",
        "ValidpathLenConstraintTest8",
    }
)

#: Why a test called `Invalid…` is refused.
CODES = {
    r"SignatureTest": "certificate-chain-signature",
    r"notBefore": "certificate-not-yet-valid",
    r"notAfter": "certificate-expired",
    r"NameChaining": "certificate-untrusted",
    r"MissingbasicConstraints|cAFalse|keyCertSignFalse|CRLSigningKey": "certificate-not-authority",
    r"pathLenConstraint": "certificate-path-length",
    r"Policy|Mapping": "certificate-policy",
    r"nameConstraints": "certificate-name-constraints",
    r"UnknownCritical": "certificate-critical-extension",
}


def policies(text: str) -> frozenset[str]:
    """Return the policies of the suite by their numbers; `0` is `anyPolicy`."""
    numbered = {number: f"2.16.840.1.101.3.2.1.48.{number}" for number in text.split()}
    return frozenset("2.5.29.32.0" if number == "0" else oid for number, oid in numbered.items())


def asking(text: str, purpose: Purpose = ANY) -> Purpose:
    """Return the purpose with these acceptable policies (user-initial-policy-set)."""
    return replace(purpose, acceptable_policies=policies(text))


NO_MAPPING = replace(ANY, inhibit_policy_mapping=True)

#: Sections 4.8, 4.10 and 4.12.3: the settings of each part, and the policies that hold (numbers),
#: or `None` if the chain is refused.
POLICY_TESTS: list[tuple[str, Purpose, str | None]] = [
    ("AllCertificatesSamePolicyTest1", EXPLICIT, "1"),
    ("AllCertificatesSamePolicyTest1", asking("1", EXPLICIT), "1"),
    ("AllCertificatesSamePolicyTest1", asking("2", EXPLICIT), None),
    ("AllCertificatesSamePolicyTest1", asking("1 2", EXPLICIT), "1"),
    ("AllCertificatesNoPoliciesTest2", ANY, ""),
    ("AllCertificatesNoPoliciesTest2", EXPLICIT, None),
    ("DifferentPoliciesTest3", ANY, ""),
    ("DifferentPoliciesTest3", EXPLICIT, None),
    ("DifferentPoliciesTest3", asking("1 2", EXPLICIT), None),
    ("DifferentPoliciesTest4", ANY, None),
    ("DifferentPoliciesTest5", ANY, None),
    ("OverlappingPoliciesTest6", ANY, "1"),
    ("OverlappingPoliciesTest6", asking("1"), "1"),
    ("OverlappingPoliciesTest6", asking("2"), None),
    ("DifferentPoliciesTest7", ANY, None),
    ("DifferentPoliciesTest8", ANY, None),
    ("DifferentPoliciesTest9", ANY, None),
    ("AllCertificatesSamePoliciesTest10", ANY, "1 2"),
    ("AllCertificatesSamePoliciesTest10", asking("1"), "1"),
    ("AllCertificatesSamePoliciesTest10", asking("2"), "2"),
    ("AllCertificatesAnyPolicyTest11", ANY, "0"),
    ("AllCertificatesAnyPolicyTest11", asking("1"), "1"),
    ("DifferentPoliciesTest12", ANY, None),
    ("AllCertificatesSamePoliciesTest13", asking("1"), "1"),
    ("AllCertificatesSamePoliciesTest13", asking("2"), "2"),
    ("AllCertificatesSamePoliciesTest13", asking("3"), "3"),
    ("AnyPolicyTest14", asking("1"), "1"),
    ("AnyPolicyTest14", asking("2"), None),
    ("UserNoticeQualifierTest15", ANY, "1"),
    ("UserNoticeQualifierTest16", ANY, "1"),
    ("UserNoticeQualifierTest17", ANY, "1"),
    ("UserNoticeQualifierTest18", asking("1"), "1"),
    ("UserNoticeQualifierTest18", asking("2"), "2"),
    ("UserNoticeQualifierTest19", ANY, "1"),
    ("CPSPointerQualifierTest20", EXPLICIT, "1"),
    ("ValidPolicyMappingTest1", asking("1"), "1"),
    ("ValidPolicyMappingTest1", asking("2"), None),
    ("ValidPolicyMappingTest1", NO_MAPPING, None),
    ("InvalidPolicyMappingTest2", ANY, None),
    ("InvalidPolicyMappingTest2", NO_MAPPING, None),
    ("ValidPolicyMappingTest3", asking("1"), None),
    ("ValidPolicyMappingTest3", asking("2"), "2"),
    ("ValidPolicyMappingTest5", asking("1"), "1"),
    ("ValidPolicyMappingTest5", asking("6"), None),
    ("ValidPolicyMappingTest6", asking("1"), "1"),
    ("ValidPolicyMappingTest6", asking("6"), None),
    ("ValidPolicyMappingTest12", asking("1"), "1"),
    ("ValidPolicyMappingTest12", asking("2"), "2"),
    ("inhibitAnyPolicyTest3", ANY, "1"),
    ("inhibitAnyPolicyTest3", replace(ANY, inhibit_any_policy=True), None),
]

MESSAGES = {
    path.stem.removeprefix("Signed"): path for path in sorted((DATA / "smime").glob("*.eml"))
}
PLAIN = [test for test in MESSAGES if test.startswith(("Valid", "Invalid")) and test not in SKIPPED]


def chain_of(test: str) -> list[x509.Certificate]:
    """Return the certificates of a signed message, the leaf last."""
    message = email.message_from_bytes(MESSAGES[test].read_bytes())
    part = list(message.walk())[-1]
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one test has a negative serial number
        return pkcs7.load_der_pkcs7_certificates(data)


@cache
def all_certificates() -> tuple[x509.Certificate, ...]:
    """Return every certificate of the suite but two that cannot be read (DSA parameters)."""
    found: list[x509.Certificate] = []
    for path in sorted((DATA / "certs").iterdir()):
        if "DSAParameter" not in path.name:
            found += read_certificates(path.read_bytes(), path=path.name)
    return tuple(found)


def pool() -> CertificatePool:
    anchor = (DATA / "certs" / "TrustAnchorRootCertificate.crt").read_bytes()
    return CertificatePool(read_certificates(anchor, path="anchor"))


def find(test: str, purpose: Purpose, *, everything: bool) -> ValidatedChain:
    *others, leaf = chain_of(test)
    extra = all_certificates() if everything else others
    return find_chain(leaf, pool=pool(), extra=extra, at=AT, purpose=purpose)


def expected_code(test: str) -> str:
    [code] = {code for words, code in CODES.items() if re.search(words, test)} or {""}
    return code


@pytest.mark.parametrize("everything", [False, True], ids=["own", "all"])
@pytest.mark.parametrize("test", PLAIN)
def test_verdict_is_the_one_of_the_suite(test: str, *, everything: bool) -> None:
    if test.startswith("Valid"):
        assert find(test, ANY, everything=everything).certificates[0] == chain_of(test)[-1]
        return
    with pytest.raises(SignatureError) as caught:
        find(test, ANY, everything=everything)
    code = "certificate-weak-key" if "DSA" in test else expected_code(test)
    assert caught.value.code == code


@pytest.mark.parametrize("everything", [False, True], ids=["own", "all"])
@pytest.mark.parametrize(
    ("test", "purpose", "held"),
    POLICY_TESTS,
    ids=[f"{test}-{number}" for number, (test, _, _) in enumerate(POLICY_TESTS, 1)],
)
def test_policies_are_those_of_the_suite(
    test: str, purpose: Purpose, held: str | None, *, everything: bool
) -> None:
    if held is not None:
        assert find(test, purpose, everything=everything).policies == policies(held)
        return
    with pytest.raises(SignatureError) as caught:
        find(test, purpose, everything=everything)
    assert caught.value.code == "certificate-policy"


@pytest.mark.parametrize("test", [test for test in MESSAGES if test not in SKIPPED])
def test_leaf_is_a_signer_unless_it_is_an_authority(test: str) -> None:
    *others, leaf = chain_of(test)
    try:
        chain = find_chain(leaf, pool=pool(), extra=others, at=AT, purpose=ANY)
    except SignatureError:
        chain = None
    if test in AUTHORITY_LEAVES:
        assert chain is not None
        with pytest.raises(SignatureError) as caught:
            validate_chain(leaf, pool=pool(), extra=others, at=AT, purpose=ANY)
        assert caught.value.code == "certificate-is-authority"
    elif chain is not None:
        assert validate_chain(leaf, pool=pool(), extra=others, at=AT, purpose=ANY) == chain


def test_every_test_of_the_suite_is_run_or_skipped_for_a_reason() -> None:
    policy_tests = {test for test, _, _ in POLICY_TESTS}
    assert set(PLAIN) | set(SKIPPED) | policy_tests == set(MESSAGES)
    assert len(MESSAGES) == 224


@pytest.mark.parametrize("test", sorted(set(SKIPPED) - {"ValidDSAParameterInheritanceTest5"}))
def test_skipped_test_is_skipped_for_that_reason_alone(test: str) -> None:
    if "DSA" in test:
        with pytest.raises(SignatureError) as caught:
            find(test, ANY, everything=False)
        assert caught.value.code == "certificate-weak-key"
    else:
        assert find(test, ANY, everything=False).anchor == pool().anchors[0]
