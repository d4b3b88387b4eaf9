"""Tests of lists of SSH keys: which keys they name, and until when they count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.errors import SignatureError, TrustError
from provenance.signing import (
    SigningTimes,
    VerifiedTime,
    generate_private_key,
    sign_payload,
    verify_bundle,
)
from provenance.signing.ssh import read_allowed_signers, read_authorized_keys
from support.ssh_keys import public_line

KEY = generate_private_key("ed25519")
OTHER = generate_private_key("ecdsa-p384")
LINE = public_line(KEY.public_key)
BUNDLE = sign_payload(b"{}", KEY)

MALFORMED = {
    "no key": "me@example.org nothing here",
    "a key that is cut": "me@example.org ssh-ed25519 AAAA",
    "a DSA key": "me@example.org ssh-dss AAAAB3NzaC1kc3M=",
    "a security key": "me@example.org sk-ssh-ed25519@openssh.com AAAA",
    "a certificate": "me@example.org ssh-ed25519-cert-v01@openssh.com AAAA",
    "a certificate authority": f"*@example.org cert-authority {LINE}",
    "an option without an end": f'me@example.org namespaces="git {LINE}',
    "a time that is none": f'me@example.org valid-after="yesterday" {LINE}',
    "a month that is none": f'me@example.org valid-before="20261301" {LINE}',
    "an option twice": f'me@example.org valid-before="2026",valid-before="20270101" {LINE}',
    "no line at all": "# nothing\n\n",
    "only keys for another purpose": f'me@example.org namespaces="git,file" {LINE}',
    "a purpose that is taken out": f'me@example.org namespaces="*,!training-*" {LINE}',
    "a key inside of an option": f'me@example.org command="{LINE}"',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_line_that_cannot_be_honoured_is_refused(text: str) -> None:
    with pytest.raises(TrustError) as caught:
        read_allowed_signers(text.encode(), path="signers")
    assert caught.value.path.startswith("signers")


@pytest.mark.parametrize("data", [b"\xff", b"x" * (4 * 1024 * 1024 + 1)], ids=["latin", "large"])
def test_a_file_that_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        read_authorized_keys(data, path="keys")


def test_too_many_keys_are_refused() -> None:
    read_authorized_keys(f"{LINE}\n".encode() * 1_024)
    with pytest.raises(TrustError, match="more than 1024 keys"):
        read_authorized_keys(f"{LINE}\n".encode() * 1_025)


def test_allowed_signers_are_read() -> None:
    text = (
        "# the lab\n"
        f"me@example.org,*@lab.example {LINE} laptop of me\n"
        f'you@example.org namespaces="git,training-*" {public_line(OTHER.public_key)}\r\n'
    )
    first, second = read_allowed_signers(text.encode())
    assert first.key == KEY.public_key
    assert first.principals == ("me@example.org", "*@lab.example")
    assert first.comment == "laptop of me"
    assert second.key == OTHER.public_key
    (only,) = read_allowed_signers(text.encode(), principal="you@example.org")
    assert only.key == OTHER.public_key
    with pytest.raises(TrustError, match="no key that may sign"):
        read_allowed_signers(text.encode(), principal="mallory@example.org")


def test_authorized_keys_are_read() -> None:
    text = f'{LINE} me\nrestrict,from="10.0.0.0/8" {public_line(OTHER.public_key)}\n'
    first, second = read_authorized_keys(text.encode())
    assert (first.fingerprint, first.comment) == (KEY.fingerprint, "me")
    assert second.fingerprint == OTHER.fingerprint
    assert verify_bundle(BUNDLE, [second, first]).fingerprint == KEY.fingerprint
    with pytest.raises(SignatureError):
        verify_bundle(BUNDLE, [second])


@pytest.mark.parametrize(
    ("time", "good"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 1, tzinfo=UTC), True),
        (datetime(2026, 4, 1, 12, tzinfo=UTC), True),
        (datetime(2026, 4, 1, 12, 0, 1, tzinfo=UTC), False),
    ],
    ids=["second-before", "first", "last", "second-after"],
)
def test_a_key_counts_while_its_line_is_in_force(time: datetime, *, good: bool) -> None:
    options = 'valid-after="20260301Z",valid-before="202604011200Z"'
    (key,) = read_allowed_signers(f"me@example.org {options} {LINE}".encode())
    now = datetime(2030, 1, 1, tzinfo=UTC)
    stamp = VerifiedTime(time, "timestamp-authority", "SHA256:tsa")
    for times in (SigningTimes(time), SigningTimes(now, (stamp,))):
        if good:
            assert key.verify(BUNDLE, times).fingerprint == KEY.fingerprint
        else:
            with pytest.raises(SignatureError, match="its list does not allow") as caught:
                key.verify(BUNDLE, times)
            assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize(
    "option", ["restrict", 'from="10.0.0.0/8"', "no-such-option", "verify-required"]
)
def test_an_option_that_ssh_keygen_does_not_know_refuses_allowed_signers(option: str) -> None:
    with pytest.raises(TrustError, match="an option that is not known") as caught:
        read_allowed_signers(f"# mine\nme@example.org {option} {LINE}".encode(), path="list")
    assert caught.value.path == "list:2"
    assert read_authorized_keys(f"{option} {LINE}".encode())


@pytest.mark.parametrize("blanks", ["\t", "  ", " \t "])
def test_any_blanks_divide_principals_from_the_rest(blanks: str) -> None:
    (key,) = read_allowed_signers(f'"me@example.org"{blanks}namespaces="*"{blanks}{LINE}'.encode())
    assert key.key == KEY.public_key
    (key,) = read_allowed_signers(f"me@example.org{blanks}{LINE}".encode())
    assert key.principals == ("me@example.org",)


#: What a code host lists of a person: keys that sign manifests, and others.
HOST = {
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaA==": "a key of a security key (FIDO)",
    "ssh-dss AAAAB3NzaC1kc3M=": "not an OpenSSH public key that can be read",
    "ssh-ed25519-cert-v01@openssh.com AAAA": "a certificate of OpenSSH, which is not supported",
    f"cert-authority {LINE}": "a certificate authority of OpenSSH, which is not supported",
}


@pytest.mark.parametrize("line", HOST, ids=["sk", "dss", "cert", "authority"])
def test_an_unusable_key_among_others_is_passed_over_and_said(line: str) -> None:
    said: list[str] = []
    text = f"{line}\n{public_line(OTHER.public_key)}\n".encode()
    (found,) = read_authorized_keys(text, path="me.keys", skipped=said.append)
    assert found.key == OTHER.public_key
    (why,) = said
    assert why.startswith(f"me.keys:1: this key does not count: {HOST[line]}")
    allowed = b"".join(b"me@example.org " + row + b"\n" for row in text.splitlines())
    (found,) = read_allowed_signers(allowed, skipped=said.append)
    assert found.key == OTHER.public_key
    assert said[1].startswith("line 1: this key does not count: ")


def test_keys_that_do_not_count_are_named_if_none_is_left() -> None:
    text = "\n".join([*HOST, *HOST]).encode()
    with pytest.raises(TrustError, match=r"no key that may sign.*: line 1: a key of.*; 4 more"):
        read_authorized_keys(text, path="me.keys")


def test_keys_for_another_purpose_are_said_and_those_of_others_are_not() -> None:
    said: list[str] = []
    text = (
        f'me@example.org namespaces="git" {LINE}\nyou@example.org {LINE}\nme@example.org {LINE}\n'
    )
    read_allowed_signers(text.encode(), principal="me@example.org", skipped=said.append)
    assert said == [
        "line 1: this key does not count: its namespaces do not name training-provenance"
    ]


def test_whose_key_it_is_by_the_list_is_told() -> None:
    (key,) = read_allowed_signers(f"me@example.org,me@lab.example {LINE}".encode())
    signer = key.verify(BUNDLE)
    assert signer.listed_as == "me@example.org, me@lab.example"
    assert signer.identity is None
    assert signer.vote == KEY.fingerprint
    (key,) = read_authorized_keys(LINE.encode())
    assert key.verify(BUNDLE).listed_as is None


def test_authorized_keys_run_out() -> None:
    (key,) = read_authorized_keys(f'expiry-time="20260101" {LINE}'.encode())
    with pytest.raises(SignatureError, match="does not allow after 2026-01-01"):
        key.verify(BUNDLE)
