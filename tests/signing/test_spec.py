"""The example and the rules of `spec/envelope.md`, against the code."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from provenance.canonical import (
    MAX_BUNDLE_BYTES,
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_SIGNATURE_BYTES,
)
from provenance.canonical.limits import (
    MAX_CERTIFICATE_FILE_BYTES,
    MAX_CERTIFICATE_FILE_ENTRIES,
    MAX_CHAIN_CERTIFICATES,
    MAX_CHAIN_PATHS,
    MAX_CHAIN_STEPS,
    MAX_SIGNED_MESSAGE_BYTES,
    MAX_TRUSTED_ROOT_BYTES,
)
from provenance.digest import DigestSet, format_listing, hash_bytes
from provenance.envelope import (
    MEDIA_TYPES,
    PAYLOAD_TYPE,
    Subject,
    dsse,
    manifest_digest,
    material,
    pae,
    parse_bundle,
    parse_statement,
    statement,
    write_bundle,
    write_statement,
)
from provenance.manifest.predicates import MANIFEST_V1
from provenance.signing import (
    SCHEMES,
    PrivateKey,
    PublicKey,
    containers,
    sign_payload,
    verify_bundle,
)
from provenance.signing import identities as patterns
from provenance.signing.ssh import agent, key_lists
from provenance.signing.timestamps import checking
from provenance.signing.transparency import entries, signed_notes, trusted_roots

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "spec" / "envelope.md").read_text(encoding="utf-8")
#: The private key of RFC 6979, appendix A.2.5.
SCALAR = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
KEY = PrivateKey.from_handle(ec.derive_private_key(SCALAR, ec.SECP256R1()), deterministic=True)
FILES = {"config.json": b"{}\n", "model.safetensors": (2).to_bytes(8, "little") + b"{}"}


def blocks(language: str = "") -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)\n```$", TEXT, re.DOTALL | re.MULTILINE)
    return [text for name, text in fences if name == language]


def test_the_example_is_made_again_byte_for_byte() -> None:
    listing = format_listing((name, hash_bytes(data, "sha256")) for name, data in FILES.items())
    assert listing.decode().removesuffix("\n") in blocks()
    subject = Subject("tiny", DigestSet({"sha256": hash_bytes(listing, "sha256")}))
    payload = write_statement([subject], MANIFEST_V1, {"manifestVersion": "1.0"})
    bundle = sign_payload(payload, KEY)
    (example,) = blocks("json")
    one_line = json.dumps(json.loads(example), separators=(",", ":"))
    assert write_bundle(bundle).decode() == one_line


def test_the_example_verifies_and_its_values_are_those_of_the_text() -> None:
    bundle = parse_bundle(blocks("json")[0].encode())
    pem = next(block for block in blocks() if block.startswith("-----BEGIN PUBLIC KEY"))
    key = PublicKey.from_pem(pem.encode())
    payload = verify_bundle(bundle, [key]).payload
    assert parse_statement(payload).predicate == {"manifestVersion": "1.0"}
    message = pae(PAYLOAD_TYPE, payload)
    for block in (payload.decode(), message.decode(), key.spki.hex()):
        assert block in blocks()
    assert bundle.envelope.signatures[0].sig.hex() in blocks()
    for value in (
        str(len(payload)),
        f"`{manifest_digest(payload)}`",
        f"`{hashlib.sha256(message).hexdigest()}`",
        f"`{key.fingerprint}`",
    ):
        assert f"| {value} |" in TEXT
    assert key == KEY.public_key


def test_lengths_in_the_text_count_bytes() -> None:
    assert f"`{pae('application/schlüssel', b'x').decode()}`" in TEXT


def test_every_scheme_and_media_type_is_in_the_text() -> None:
    for row in SCHEMES.values():
        assert f"`{row.scheme}`" in TEXT
    for media_type in MEDIA_TYPES:
        assert media_type in TEXT or f"`…;{media_type.partition(';')[2]}`" in TEXT


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("bundle, bare envelope", (MAX_BUNDLE_BYTES,)),
        ("payload", (MAX_DOCUMENT_BYTES,)),
        ("signature", (MAX_SIGNATURE_BYTES,)),
        (
            "key id, hint, payload type, media type, name, predicate type",
            (dsse.MAX_KEY_ID_CHARACTERS,),
        ),
        ("subjects", (statement.MAX_SUBJECTS,)),
        ("certificates; bytes of one", (material.MAX_CERTIFICATES, material.MAX_CERTIFICATE_BYTES)),
        ("log entries", (material.MAX_LOG_ENTRIES,)),
        ("timestamps; bytes of one", (material.MAX_TIMESTAMPS, material.MAX_TIMESTAMP_BYTES)),
        ("nesting of JSON", (MAX_DEPTH,)),
        ("key file", (containers.MAX_KEY_FILE_BYTES,)),
        (
            "list of SSH keys; keys in it",
            (key_lists.MAX_KEY_LIST_BYTES, key_lists.MAX_LISTED_KEYS),
        ),
        ("message to an ssh-agent", (agent.MAX_AGENT_MESSAGE_BYTES,)),
        (
            "file of certificates; certificates in it",
            (MAX_CERTIFICATE_FILE_BYTES, MAX_CERTIFICATE_FILE_ENTRIES),
        ),
        (
            "certificates of a chain; chains that are validated; issuers that are tried",
            (MAX_CHAIN_CERTIFICATES, MAX_CHAIN_PATHS, MAX_CHAIN_STEPS),
        ),
        ("certificates inside a timestamp", (checking.MAX_EMBEDDED_CERTIFICATES,)),
        (
            "identity or pattern; wildcards in it",
            (patterns.MAX_IDENTITY_CHARACTERS, patterns.MAX_WILDCARDS),
        ),
        (
            "trusted root; instances of one kind; certificates of a chain in it",
            (MAX_TRUSTED_ROOT_BYTES, trusted_roots.MAX_INSTANCES, trusted_roots.MAX_CHAIN),
        ),
        (
            "tree head; signatures under it",
            (signed_notes.MAX_NOTE_BYTES, signed_notes.MAX_NOTE_SIGNATURES),
        ),
        (
            "body of a log entry; hashes of its proof",
            (entries.MAX_BODY_BYTES, entries.MAX_PROOF_HASHES),
        ),
        (
            "file whose signature covers its bytes and not their digest",
            (MAX_SIGNED_MESSAGE_BYTES,),
        ),
    ],
)
def test_limits_of_the_text_are_those_of_the_code(name: str, limits: tuple[int, ...]) -> None:
    row = re.search(rf"^\| {re.escape(name)} \| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert row
    numbers = [int(text.replace(",", "")) for text in re.findall(r"[\d,]*\d", row[1])]
    assert tuple(numbers) == limits


#: Which test of these rooms shows each rule; the rules of other rooms are shown there.
SHOWN = {
    "R-ENV-1": "test_a_statement_is_written_as_exact_canonical_bytes",
    "R-ENV-2": "test_nothing_is_written_that_would_not_be_read",
    "R-ENV-3": "test_several_subjects_keep_their_order",
    "R-ENV-4": "test_nothing_is_written_that_would_not_be_read",
    "R-ENV-5": "test_sign_write_read_verify_parse",
    "R-ENV-6": "test_json_that_two_readers_read_differently_is_refused",
    "R-ENV-7": "test_a_fault_has_its_code_and_its_place",
    "R-ENV-8": None,
    "R-ENV-9": None,
    "R-ENV-10": "test_the_manifest_digest_is_the_sha256_of_the_payload",
    "R-ENV-11": "test_nothing_is_written_that_would_not_be_read",
    "R-ENV-12": "test_a_fault_has_its_code_and_its_place",
    "R-ENV-13": "test_bytes_that_are_signed_as_something_else_are_no_payload",
    "R-ENV-14": "test_an_independent_verifier_agrees",
    "R-ENV-15": "test_every_version_is_read_and_v03_is_written",
    "R-ENV-16": "test_hint_and_key_id_are_equal_and_computed",
    "R-ENV-17": "test_a_certificate_bundle_is_written_as_one_exact_line",
    "R-ENV-18": "test_defaults_are_written_and_a_chain_is_not",
    "R-ENV-19": "test_a_bundle_is_written_as_one_exact_line",
    "R-ENV-20": None,
    "R-ENV-21": "test_an_oversized_bundle_is_refused_before_it_is_looked_at",
    "R-ENV-22": "test_what_is_no_strict_json_is_refused",
    "R-ENV-23": "test_a_fault_has_its_code_and_its_place",
    "R-ENV-24": "test_a_fault_has_its_place",
    "R-ENV-25": "test_a_bundle_over_the_bytes_of_a_file_is_refused_in_words",
    "R-ENV-26": "test_hint_and_key_id_may_be_absent_but_not_differ",
    "R-ENV-27": "test_the_hint_never_decides",
    "R-ENV-28": "test_a_keyless_bundle_is_read_with_all_its_parts",
    "R-ENV-29": "test_another_key_does_not_verify",
    "R-ENV-30": "test_ecdsa_signatures_that_are_not_der_are_refused",
    "R-ENV-31": "test_every_low_order_key_is_refused_in_every_container",
    "R-ENV-32": "test_a_compressed_point_is_the_same_key",
    "R-ENV-33": "test_wrong_files_are_refused_in_words",
    "R-ENV-34": "test_a_certificate_bundle_is_unsupported",
    "R-ENV-35": "test_the_openssl_program_verifies_our_signatures",
    "R-ENV-36": "test_a_private_key_is_0600_whatever_the_umask",
    "R-ENV-37": None,
    "R-ENV-38": None,
    "R-ENV-39": None,
    "R-ENV-40": "test_malformed_notes_are_refused_before_any_key_is_asked",
    "R-ENV-41": "test_opens_what_go_opens",
    "R-ENV-42": "test_malformed_tree_heads_are_refused",
    "R-ENV-43": "test_reads_every_media_type",
    "R-ENV-44": None,
    "R-ENV-45": "test_windows_include_their_ends",
    "R-ENV-46": "test_a_chain_ends_at_its_last_certificate",
    "R-ENV-47": "test_accepts",
    "R-ENV-48": "test_refuses",
    "R-ENV-49": "test_refuses",
    "R-ENV-50": "test_refuses",
    "R-ENV-51": "test_refuses",
    "R-ENV-52": "test_refuses",
    "R-ENV-53": "test_refuses",
    "R-ENV-54": "test_a_log_without_time_counts_at_present",
    "R-ENV-55": "test_refuses",
    "R-ENV-56": "test_refuses",
    "R-ENV-57": "test_refuses",
    "R-ENV-58": "test_compares_the_issuer_exactly",
    "R-ENV-59": "test_other_key",
    "R-ENV-60": "test_an_rsa_key_of_an_agent_is_refused",
    "R-ENV-61": "test_an_agent_that_signs_with_another_key",
    "R-ENV-62": "test_a_key_counts_while_its_line_is_in_force",
    "R-ENV-63": "test_a_line_that_cannot_be_honoured_is_refused",
    "R-ENV-64": "test_a_token_signs_and_its_exported_key_verifies",
    "R-ENV-65": None,
    "R-ENV-66": None,
    "R-ENV-67": "test_over_other_bytes_it_does_not_hold",
    "R-ENV-68": "test_a_certificate_that_is_not_for_timestamps",
    "R-ENV-69": "test_too_many_and_repeated_timestamps",
    "R-ENV-70": "test_an_authority_that_nobody_named_proves_nothing",
    "R-ENV-71": "test_every_time_has_to_hold",
    "R-ENV-72": "test_a_verifier_without_an_authority_is_a_usage_error",
    "R-ENV-73": "test_verdict_is_the_one_of_the_suite",
    "R-ENV-74": "test_what_a_certificate_is_for",
    "R-ENV-75": "test_weak_key_is_refused",
    "R-ENV-76": "test_every_code_of_certificates_is_shown_here_or_beside",
    "R-ENV-77": "test_a_certificate_of_another_key_is_refused_when_signing",
    "R-ENV-78": "test_a_name_that_was_not_asked_for_does_not_match",
    "R-ENV-79": "test_a_pattern_that_would_trust_too_many_is_refused",
    "R-ENV-80": "test_another_name_under_the_same_authority_is_refused",
    "R-ENV-81": "test_a_new_key_of_the_same_identity_is_no_second_vote",
}


def test_every_rule_has_an_anchor_of_its_own_and_a_test() -> None:
    anchors = re.findall(r"\[(R-ENV-\d+)\]", TEXT)
    assert anchors == list(SHOWN)
    names = {
        node.name
        for room in ("envelope", "signing")
        for file in (ROOT / "tests" / room).rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name for name in SHOWN.values() if name} <= names
