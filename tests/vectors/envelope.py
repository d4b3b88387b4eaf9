"""Group `envelope`: what an attacker without a key can do to the bytes of a bundle."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas, signers
from vectors.groups import ENVELOPE
from vectors.kit import Case, base64, returns
from vectors.releases import BUNDLE, Signed, small

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.formulas import Tree


_ENVELOPE, _BUNDLE, _STATEMENT = "section Envelope", "section Reading a bundle", "section Statement"
_BASE64 = "section Conventions"

_Change = "Callable[[Tree], object]"


def _pae(kind: str, payload: bytes) -> Case:
    request = {"operation": "dsse-pae", "payloadType": kind, "payload": base64(payload)}
    return returns(request, base64(formulas.pae(kind.encode("utf-8"), payload)))


@ENVELOPE.vector(_ENVELOPE)
def pae_counts_bytes_of_the_type() -> Case:
    """A payload type that is not ASCII is counted in bytes, not in characters."""
    return _pae("application/schl\u00fcssel", b"x")


@ENVELOPE.vector(_ENVELOPE)
def pae_of_the_dsse_example() -> Case:
    """The example of the DSSE specification."""
    return _pae("http://example.com/HelloWorld", b"hello world")


@ENVELOPE.vector(_ENVELOPE)
def pae_of_nothing() -> Case:
    """Type and payload may be empty; the blanks stay."""
    return _pae("", b"")


@ENVELOPE.vector(_ENVELOPE)
def pae_of_bytes() -> Case:
    """A payload is bytes: NUL, line feeds and what is not UTF-8 stay as they are."""
    return _pae("application/octet-stream", b"\x00\xff\n 5 ")


def _changed(change: Callable[[Tree], object]) -> Signed:
    """Return a signed small release whose bundle was changed afterwards."""
    signed = small().sign()
    change(signed.tree)
    return signed.rewrite()


def _url_safe(text: str) -> str:
    return text.replace("+", "-").replace("/", "_")


def _with_both_characters() -> Signed:
    """Sign a payload whose base64 holds a plus sign and a slash."""
    for blanks in range(20):
        signed = small(gaps=[_gap("~~~~~~ ?????? \u00ff\u00fe" + " " * blanks)]).sign()
        if {"+", "/"} <= set(signed.tree["dsseEnvelope"]["payload"]):
            return signed
    raise AssertionError("no payload with both characters")


def _gap(text: str) -> Tree:
    return {"subject": "git", "kind": "absent", "description": text}


@ENVELOPE.vector(_BUNDLE)
def good() -> Case:
    """A release of two files, signed and complete."""
    return small().passes()


@ENVELOPE.vector(_BASE64)
def url_safe_payload() -> Case:
    """The payload is in the URL-safe alphabet, which every verifier must take."""
    signed = _with_both_characters()
    envelope = signed.tree["dsseEnvelope"]
    envelope["payload"] = _url_safe(envelope["payload"])
    return signed.rewrite().passes()


@ENVELOPE.vector(_BASE64)
def url_safe_signature() -> Case:
    """The signature is in the URL-safe alphabet."""

    def change(tree: Tree) -> None:
        signature = tree["dsseEnvelope"]["signatures"][0]
        signature["sig"] = _url_safe(signature["sig"])

    return _changed(change).passes()


@ENVELOPE.vector(_BUNDLE)
def media_type_of_version_1() -> Case:
    """Bundles of version 0.1 are read."""
    kind = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    return _changed(lambda tree: tree.update(mediaType=kind)).passes()


@ENVELOPE.vector(_BUNDLE)
def media_type_of_version_3_in_the_old_form() -> Case:
    """Bundles of version 0.3 are read by the older form of their type."""
    kind = "application/vnd.dev.sigstore.bundle+json;version=0.3"
    return _changed(lambda tree: tree.update(mediaType=kind)).passes()


@ENVELOPE.vector(_BUNDLE)
def members_in_another_order() -> Case:
    """A bundle that was written again with blanks and sorted members is the same bundle."""
    signed = small().sign()
    return signed.rewrite(json.dumps(signed.tree, indent=2, sort_keys=True).encode()).passes()


@ENVELOPE.vector(_BUNDLE)
def no_hint() -> Case:
    """A bundle need not say which key signed it."""

    def change(tree: Tree) -> None:
        tree["verificationMaterial"]["publicKey"] = {}
        del tree["dsseEnvelope"]["signatures"][0]["keyid"]

    return _changed(change).passes()


@ENVELOPE.vector(f"{_BUNDLE} [R-ENV-27]")
def hint_of_another_key() -> Case:
    """A hint decides nothing: under the trusted key the signature verifies."""

    def change(tree: Tree) -> None:
        tree["verificationMaterial"]["publicKey"]["hint"] = signers.OTHER.hint
        tree["dsseEnvelope"]["signatures"][0]["keyid"] = signers.OTHER.hint

    return _changed(change).passes()


@ENVELOPE.vector(_BUNDLE)
def log_entries_are_kept_unread() -> Case:
    """Entries of a transparency log may hold anything, numbers beyond 2^53 among it."""
    entry = {"logIndex": "25", "unknown": [12345678901234567890, 1e300, None]}
    return _changed(lambda tree: tree["verificationMaterial"].update(tlogEntries=[entry])).passes()


@ENVELOPE.vector(_BUNDLE)
def no_log_entries() -> Case:
    """A bundle without the list of log entries has none."""
    return _changed(lambda tree: tree["verificationMaterial"].pop("tlogEntries")).passes()


@ENVELOPE.vector("section Statement")
def bundle_elsewhere() -> Case:
    """The bundle lies beside the release, and the manifest folder is not there at all."""
    signed = small().sign()
    signed.files["detached.sigstore.json"] = signed.files.pop(BUNDLE)
    del signed.files["release/training-provenance/SHA256SUMS"]
    return signed.passes(bundle="detached.sigstore.json")


def _set(path: str, value: object) -> Callable[[Tree], None]:
    """Return the change that sets, or with `...` removes, what a JSON Pointer names."""

    def change(tree: Any) -> None:  # noqa: ANN401 - JSON
        *parents, last = path.split("/")[1:]
        for token in parents:
            tree = tree[int(token) if isinstance(tree, list) else token]
        if value is ...:
            del tree[last]
        else:
            tree[last] = value

    return change


_PAYLOAD, _TYPE = "/dsseEnvelope/payload", "/dsseEnvelope/payloadType"
_SIGNATURES, _SIG = "/dsseEnvelope/signatures", "/dsseEnvelope/signatures/0/sig"
_KEYID, _HINT = "/dsseEnvelope/signatures/0/keyid", "/verificationMaterial/publicKey/hint"
_MATERIAL = "/verificationMaterial"

#: The rule that a refusal follows, by its code; what is no strict JSON follows R-ENV-22.
_RULES = {
    "bundle-hint-mismatch": "R-ENV-26",
    "bundle-malformed": "R-ENV-24",
    "bundle-media-type": "R-ENV-23",
    "bundle-payload-type": "R-ENV-13",
    "bundle-signature-count": "R-ENV-12",
}

#: Name, description, section, the member that is set (or removed), its value, code, path of the finding.
_SETTINGS: tuple[tuple[str, str, str, str, object, str, str], ...] = (
    ("payload_type_upper_case", "The payload type is compared byte for byte.", _ENVELOPE, _TYPE, "application/vnd.IN-TOTO+json", "bundle-payload-type", _TYPE),
    ("payload_type_with_parameter", "The payload type has no parameter.", _ENVELOPE, _TYPE, "application/vnd.in-toto+json; charset=utf-8", "bundle-payload-type", _TYPE),
    ("payload_type_of_something_else", "The payload is said to be plain JSON.", _ENVELOPE, _TYPE, "application/json", "bundle-payload-type", _TYPE),
    ("payload_type_missing", "The payload has no type.", _ENVELOPE, _TYPE, ..., "bundle-payload-type", _TYPE),
    ("payload_missing", "There is no payload.", _ENVELOPE, _PAYLOAD, ..., "bundle-malformed", _PAYLOAD),
    ("payload_null", "The payload is null.", _ENVELOPE, _PAYLOAD, None, "bundle-malformed", _PAYLOAD),
    ("payload_object", "The payload stands there as JSON, not as base64.", _ENVELOPE, _PAYLOAD, {"_type": "https://in-toto.io/Statement/v1"}, "bundle-malformed", _PAYLOAD),
    ("signatures_missing", "There are no signatures.", _ENVELOPE, _SIGNATURES, ..., "bundle-malformed", _SIGNATURES),
    ("signatures_empty", "The list of signatures is empty.", _ENVELOPE, _SIGNATURES, [], "bundle-signature-count", _SIGNATURES),
    ("signatures_17", "There are more signatures than anybody looks at.", _ENVELOPE, _SIGNATURES, [{"sig": "AAAA"}] * 17, "bundle-signature-count", _SIGNATURES),
    ("signature_not_in_a_list", "The signature stands there without its list.", _ENVELOPE, _SIGNATURES, {"sig": "AAAA"}, "bundle-signature-count", _SIGNATURES),
    ("signature_empty", "The signature has no bytes.", _ENVELOPE, _SIG, "", "bundle-malformed", _SIG),
    ("signature_missing", "The signature is missing.", _ENVELOPE, _SIG, ..., "bundle-malformed", _SIG),
    ("signature_in_hexadecimal", "The signature is hexadecimal of odd length, which is no base64.", _BASE64, _SIG, "3045022", "bundle-malformed", _SIG),
    ("signature_unknown_member", "A signature brings its own certificate.", _ENVELOPE, "/dsseEnvelope/signatures/0/cert", "AAAA", "bundle-malformed", "/dsseEnvelope/signatures/0/cert"),
    ("key_id_not_text", "The key id is a number.", _ENVELOPE, _KEYID, 7, "bundle-malformed", _KEYID),
    ("key_id_too_long", "The key id is longer than 1,024 characters.", _ENVELOPE, _KEYID, "x" * 1025, "bundle-malformed", _KEYID),
    ("envelope_unknown_member", "The envelope has an unknown member.", _ENVELOPE, "/dsseEnvelope/extension", {}, "bundle-malformed", "/dsseEnvelope/extension"),
    ("envelope_missing", "There is no envelope.", _BUNDLE, "/dsseEnvelope", ..., "bundle-malformed", "/dsseEnvelope"),
    ("unknown_member", "The bundle has an unknown member.", _BUNDLE, "/comment", "hello", "bundle-malformed", "/comment"),
    ("media_type_unknown", "The bundle is of a version that nobody knows.", _BUNDLE, "/mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json", "bundle-media-type", "/mediaType"),
    ("media_type_missing", "The bundle has no media type.", _BUNDLE, "/mediaType", ..., "bundle-media-type", "/mediaType"),
    ("message_signature", "The bundle also signs the bytes of a file.", _BUNDLE, "/messageSignature", {"signature": "AAAA"}, "bundle-payload-type", "/messageSignature"),
    ("material_missing", "Nothing says how the bundle was signed.", _BUNDLE, _MATERIAL, ..., "bundle-malformed", _MATERIAL),
    ("material_of_no_kind", "Neither a key nor a certificate signed.", "section Verification material", f"{_MATERIAL}/publicKey", ..., "bundle-malformed", _MATERIAL),
    ("material_of_two_kinds", "A key and a certificate signed.", "section Verification material", f"{_MATERIAL}/certificate", {"rawBytes": "MAA="}, "bundle-malformed", _MATERIAL),
    ("material_unknown_member", "The material has an unknown member.", "section Verification material", f"{_MATERIAL}/trustedKeys", [], "bundle-malformed", f"{_MATERIAL}/trustedKeys"),
    ("material_brings_its_key", "A bundle never brings the key that vouches for it.", "section Verification material", f"{_MATERIAL}/publicKey/rawBytes", base64(signers.SIGNER.spki), "bundle-malformed", f"{_MATERIAL}/publicKey/rawBytes"),
    ("hint_and_key_id_differ", "Hint and key id name two keys.", _BUNDLE, _HINT, signers.OTHER.hint, "bundle-hint-mismatch", _HINT),
    ("hint_null", "The hint is null.", "section Verification material", _HINT, None, "bundle-malformed", _HINT),
    ("log_entries_33", "There are more log entries than anybody looks at.", "section Verification material", f"{_MATERIAL}/tlogEntries", [{}] * 33, "bundle-malformed", f"{_MATERIAL}/tlogEntries"),
    ("log_entry_not_an_object", "A log entry is text.", "section Verification material", f"{_MATERIAL}/tlogEntries", ["entry"], "bundle-malformed", f"{_MATERIAL}/tlogEntries/0"),
)  # fmt: skip


def _declare_settings() -> None:
    for name, description, section, member, value, code, path in _SETTINGS:

        def make(
            member: str = member, value: object = value, code: str = code, path: str = path
        ) -> Case:
            return _changed(_set(member, value)).fails((code, path))

        rule = "R-ENV-25" if name == "message_signature" else _RULES[code]
        ENVELOPE.add(name, description, f"{section} [{rule}]", make)


_declare_settings()


def _payload_text(change: Callable[[str], str]) -> Case:
    """Spell the base64 of the payload in another way that loose decoders take."""
    signed = small().sign()
    envelope = signed.tree["dsseEnvelope"]
    envelope["payload"] = change(envelope["payload"])
    return signed.rewrite().fails(("bundle-malformed", _PAYLOAD))


def _padded() -> Signed:
    """Sign a payload whose base64 ends in one padding character."""
    for blanks in range(3):
        signed = small(gaps=[_gap("x" * (blanks + 1))]).sign()
        text = signed.tree["dsseEnvelope"]["payload"]
        if text.endswith("=") and not text.endswith("=="):
            return signed
    raise AssertionError("no payload with one padding character")


@ENVELOPE.vector(_BASE64)
def base64_with_line_feeds() -> Case:
    """The payload is broken into lines, as MIME does."""
    return _payload_text(
        lambda text: "\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    )


@ENVELOPE.vector(_BASE64)
def base64_with_blank() -> Case:
    """A blank stands before the payload."""
    return _payload_text(lambda text: " " + text)


@ENVELOPE.vector(_BASE64)
def base64_without_padding() -> Case:
    """The padding of the payload is removed."""
    signed = _padded()
    envelope = signed.tree["dsseEnvelope"]
    envelope["payload"] = envelope["payload"].rstrip("=")
    return signed.rewrite().fails(("bundle-malformed", _PAYLOAD))


@ENVELOPE.vector(_BASE64)
def base64_with_other_trailing_bits() -> Case:
    """The unused bits of the last character are not zero."""
    signed = _padded()
    envelope = signed.tree["dsseEnvelope"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = envelope["payload"][-2]
    envelope["payload"] = envelope["payload"][:-2] + alphabet[alphabet.index(last) + 1] + "="
    return signed.rewrite().fails(("bundle-malformed", _PAYLOAD))


@ENVELOPE.vector(_BASE64)
def base64_after_padding() -> Case:
    """Text follows the padding of the payload; loose decoders stop there."""
    signed = _padded()
    signed.tree["dsseEnvelope"]["payload"] += "AAAA"
    return signed.rewrite().fails(("bundle-malformed", _PAYLOAD))


@ENVELOPE.vector(_BASE64)
def base64_of_both_alphabets() -> Case:
    """One value mixes the standard and the URL-safe alphabet."""
    signed = _with_both_characters()
    envelope = signed.tree["dsseEnvelope"]
    envelope["payload"] = envelope["payload"].replace("+", "-")
    return signed.rewrite().fails(("bundle-malformed", _PAYLOAD))


@ENVELOPE.vector(_BASE64)
def base64_with_foreign_character() -> Case:
    """A character of no alphabet stands in the payload."""
    return _payload_text(lambda text: text[:8] + "!" + text[8:])


def _signatures(make: Callable[[Tree], list[Tree]]) -> Case:
    def change(tree: Tree) -> None:
        envelope = tree["dsseEnvelope"]
        envelope["signatures"] = make(envelope["signatures"][0])

    return _changed(change).fails(("bundle-signature-count", _SIGNATURES))


@ENVELOPE.vector(f"{_ENVELOPE} [R-ENV-12]")
def signature_and_garbage() -> Case:
    """A second, worthless signature follows the good one."""
    return _signatures(lambda good: [good, {"sig": base64(b"garbage")}])


@ENVELOPE.vector(f"{_ENVELOPE} [R-ENV-12]")
def garbage_and_signature() -> Case:
    """A worthless signature stands before the good one."""
    return _signatures(lambda good: [{"sig": base64(b"garbage")}, good])


@ENVELOPE.vector(f"{_ENVELOPE} [R-ENV-12]")
def signature_twice() -> Case:
    """The good signature stands there twice: one key never counts for two."""
    return _signatures(lambda good: [good, good])


def _bytes(change: Callable[[bytes], bytes], code: str, path: str = "") -> Case:
    signed = small().sign()
    return signed.rewrite(change(signed.files[BUNDLE])).fails((code, path))


def _before(data: bytes, member: bytes, extra: bytes) -> bytes:
    """Put something before a member of the bundle."""
    assert data.count(member) == 1
    return data.replace(member, extra + member)


#: Name, description, change of the file's bytes, code, path.
_BYTES: tuple[tuple[str, str, Callable[[bytes], bytes], str, str], ...] = (
    ("file_empty", "The bundle is an empty file.", lambda _: b"", "json-syntax", ""),
    ("file_cut_off", "The bundle is cut off.", lambda data: data[:-10], "json-syntax", ""),
    ("text_after_the_end", "Text follows the bundle.", lambda data: data + b"x", "json-syntax", ""),
    ("two_bundles", "Two bundles stand in one file.", lambda data: data + b"\n" + data, "json-syntax", ""),
    ("byte_order_mark", "The bundle begins with a byte order mark.", lambda data: b"\xef\xbb\xbf" + data, "json-encoding", ""),
    ("utf16", "The bundle is UTF-16.", lambda data: data.decode().encode("utf-16"), "json-encoding", ""),
    ("not_utf8", "A string of the bundle is not UTF-8.", lambda data: _before(data, b'"dsseEnvelope"', b'"x":"\xff",'), "json-encoding", ""),
    ("payload_twice", "The payload stands there twice, the good one last.", lambda data: _before(data, b'"payload"', b'"payload":"e30=",'), "json-duplicate-key", _PAYLOAD),
    ("payload_twice_by_escape", "Two spellings of one key hold two payloads.", lambda data: _before(data, b'"payload"', rb'"pay\u006coad":"e30=",'), "json-duplicate-key", _PAYLOAD),
    ("nested_10000_deep", "10,000 arrays are nested in an unknown member.", lambda data: _before(data, b'"dsseEnvelope"', b'"x":' + b"[" * 10_000 + b"]" * 10_000 + b","), "json-depth", ""),
    ("lone_surrogate", "A key id holds half of a surrogate pair.", lambda data: data.replace(b'"keyid":"', rb'"keyid":"\ud800'), "json-surrogate", _KEYID),
    ("nan_in_a_log_entry", "A log entry holds NaN.", lambda data: data.replace(b'"tlogEntries":[]', b'"tlogEntries":[{"a":NaN}]'), "json-number", f"{_MATERIAL}/tlogEntries/0/a"),
    ("not_an_object", "The bundle is a JSON array.", lambda data: b"[" + data + b"]", "bundle-malformed", ""),
    ("bare_envelope", "A bare envelope is no bundle.", lambda data: formulas.compact(json.loads(data)["dsseEnvelope"]), "bundle-media-type", "/mediaType"),
)  # fmt: skip


def _declare_bytes() -> None:
    for name, description, change, code, path in _BYTES:
        section = f"{_BUNDLE} [{_RULES.get(code, 'R-ENV-22')}]"
        ENVELOPE.add(name, description, section, partial(_bytes, change, code, path))


_declare_bytes()


@ENVELOPE.vector(f"{_ENVELOPE} [R-ENV-14]")
def payload_with_a_blank_more() -> Case:
    """One byte was added to the payload, and its JSON says the same."""
    signed = small().sign()
    payload = small().payload.replace(b",", b", ", 1)
    signed.tree["dsseEnvelope"]["payload"] = base64(payload)
    return signed.rewrite().fails(("signature-invalid", ""))


@ENVELOPE.vector(_ENVELOPE)
def payload_of_another_manifest() -> Case:
    """The payload was exchanged for another one of the same signer."""
    signed = small().sign()
    other = small(producer={"name": "Mallory"})
    signed.tree["dsseEnvelope"]["payload"] = base64(other.payload)
    return signed.rewrite().fails(("signature-invalid", ""))


@ENVELOPE.vector(_ENVELOPE)
def payload_empty() -> Case:
    """The payload is empty; the signature is over another one."""
    return _changed(_set(_PAYLOAD, "")).fails(("signature-invalid", ""))


def _signed_instead(message: Callable[[bytes], bytes]) -> Case:
    """Sign something that is not the PAE of type and payload."""
    payload = small().payload
    signature = signers.SIGNER.sign(message(payload))
    signed = small().sign()
    signed.tree = signers.bundle(payload, signature=signature)
    return signed.rewrite().fails(("signature-invalid", ""))


@ENVELOPE.vector(_ENVELOPE)
def signed_without_type() -> Case:
    """The bare payload was signed, not its pre-authentication encoding."""
    return _signed_instead(lambda payload: payload)


@ENVELOPE.vector(_ENVELOPE)
def signed_as_another_type() -> Case:
    """The signature is over the same payload with another type."""
    return _signed_instead(lambda payload: formulas.pae(b"application/json", payload))


@ENVELOPE.vector(_ENVELOPE)
def signed_the_base64() -> Case:
    """The signature is over the base64 of the payload."""
    kind = signers.PAYLOAD_TYPE.encode()
    return _signed_instead(lambda payload: formulas.pae(kind, base64(payload).encode()))


@ENVELOPE.vector(_ENVELOPE)
def signed_the_version_0_encoding() -> Case:
    """The signature is over an older encoding with binary lengths."""
    kind = signers.PAYLOAD_TYPE.encode()

    def message(payload: bytes) -> bytes:
        parts = (b"DSSEv1", kind, payload)
        return b"".join(len(part).to_bytes(8, "little") + part for part in parts)

    return _signed_instead(message)


@ENVELOPE.vector("section Keys [R-ENV-34]")
def signed_by_another_key() -> Case:
    """A key that nobody named made the signature."""
    signed = small().sign(signer=signers.OTHER)
    signed.files["signer.pub"] = signers.SIGNER.pem
    return signed.fails(("signature-invalid", ""))


@ENVELOPE.vector(f"{_BUNDLE} [R-ENV-27]")
def signed_by_another_key_under_the_hint_of_the_trusted_one() -> Case:
    """The hint names the trusted key, and another one made the signature."""
    signed = small().sign(signer=signers.OTHER)
    signed.files["signer.pub"] = signers.SIGNER.pem
    signed.tree["verificationMaterial"]["publicKey"]["hint"] = signers.SIGNER.hint
    signed.tree["dsseEnvelope"]["signatures"][0]["keyid"] = signers.SIGNER.hint
    return signed.rewrite().fails(("signature-invalid", ""))


@ENVELOPE.vector("section Keys [R-ENV-34]")
def signed_with_a_certificate() -> Case:
    """A certificate signed, and the caller named a bare key."""

    def change(tree: Tree) -> None:
        tree["verificationMaterial"]["certificate"] = {"rawBytes": base64(b"0\x03\x02\x01\x07")}
        del tree["verificationMaterial"]["publicKey"]
        del tree["dsseEnvelope"]["signatures"][0]["keyid"]

    return _changed(change).fails(("signature-unsupported", ""))


@ENVELOPE.vector("step 3", spec="verification.md")
def no_key_named() -> Case:
    """The caller named no key, so nobody is known to have signed."""
    return (
        small()
        .sign()
        .case("INCOMPLETE", ("signer-unknown", ""), ("required-not-checked", ""), keys=[])
    )
