"""From a signer of a policy document to whatever verifies its signatures. Reads key files only.

The kinds that need more than a key are imported when a policy has one.

Source: `spec/trust-policy.md`, section "Signers".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.digest import read_file
from provenance.errors import MissingExtraError, ProvenanceError, shown
from provenance.signing import SCHEMES, IdentityPattern, PublicKey
from provenance.trust.policy_reading import is_document, is_placed, refuse

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.signing import SignatureVerifier, TimestampVerifier
    from provenance.signing.timestamps import TrustedAuthority
    from provenance.trust.documents import (
        CertificateDocument,
        KeylessDocument,
        SignerDocument,
        TimestampsDocument,
    )

__all__ = ["SignerCompiler"]

#: Largest file that a policy names: a trusted root, or a bundle of certificates.
MAX_NAMED_FILE_BYTES = 4 * 1024 * 1024

_PEM = "-----BEGIN "
_SSH = ("ssh-", "ecdsa-sha2-", "sk-")
_KINDS = ("key", "ssh", "certificate", "keyless")


class SignerCompiler:
    """Makes the verifiers of one policy; knows where its files lie and what it is called."""

    def __init__(self, path: str, base: Path | None) -> None:
        """Begin.

        Args:
            path: What the policy is called in messages.
            base: The folder that file names in it are relative to; `None` refuses file names.
        """
        self._path = path
        self._base = base

    def verifier(
        self, signer: SignerDocument, pointer: str, algorithms: tuple[str, ...]
    ) -> SignatureVerifier:
        """Return what verifies the signatures of one signer.

        Args:
            signer: The signer.
            pointer: JSON Pointer of it in the policy.
            algorithms: Names of the schemes that it may use; empty for the defaults.

        Raises:
            UsageError: It is not known by exactly one kind of name, or that cannot be used.
        """
        named = [kind for kind in _KINDS if getattr(signer, kind) is not None]
        if len(named) != 1:
            found = " and ".join(named) if named else "none"
            refuse(self._path, pointer, f"expected one of {', '.join(_KINDS)}, found {found}")
        if signer.trusted_root is not None and signer.key is None:
            place = f"{pointer}/trustedRoot"
            refuse(self._path, place, "stands only beside key", "keyless has one of its own")
        place = f"{pointer}/{named[0]}"
        try:
            return self._make(signer, place, algorithms)
        except MissingExtraError:
            raise
        except ProvenanceError as error:
            if is_placed(error, self._path):
                raise
            where = f"{error.path}: " if error.path else ""
            refuse(self._path, place, f"{where}{error.problem}", error.remedy)

    def timestamps(self, document: TimestampsDocument, pointer: str) -> TimestampVerifier:
        """Return what checks the timestamps of signatures.

        Raises:
            MissingExtraError: What timestamps are read with is not installed.
            UsageError: A file of authorities cannot be used.
        """
        from provenance.signing.timestamps import (  # noqa: PLC0415 - most policies have none
            TrustedTimestamps,
            read_timestamp_authorities,
        )
        from provenance.signing.timestamps.library import (  # noqa: PLC0415 - the same
            rfc3161,
        )

        rfc3161()  # better said now than once a timestamp is found
        authorities: list[TrustedAuthority] = []
        for index, name in enumerate(document.authorities):
            place = f"{pointer}/authorities/{index}"
            data = self._read(name, place)
            where = "" if is_document(name) else name
            try:
                authorities += read_timestamp_authorities(data, path=where).authorities
            except ProvenanceError as error:
                refuse(self._path, place, error.problem, error.remedy)
        return TrustedTimestamps(tuple(authorities))

    def _make(
        self, signer: SignerDocument, place: str, algorithms: tuple[str, ...]
    ) -> SignatureVerifier:
        if signer.key is not None:
            key = self._key(signer.key, place, algorithms)
            if signer.trusted_root is None:
                return key
            return self._logged(key, signer.trusted_root, place)
        if signer.ssh is not None:
            return self._ssh(signer.ssh, place, algorithms)
        if signer.certificate is not None:
            return self._certificate(signer.certificate, place, algorithms)
        assert signer.keyless is not None  # noqa: S101 - one of the four was counted
        return self._keyless(signer.keyless, place)

    def _key(self, text: str, place: str, algorithms: tuple[str, ...]) -> PublicKey:
        if text.startswith(_SSH):
            refuse(self._path, place, "is a line of OpenSSH", "write it as ssh = …")
        data = self._read(text, place)
        is_pem = _PEM.encode("ascii") in data
        key = PublicKey.from_pem(data) if is_pem else PublicKey.from_der(data)
        return self._with_scheme(key, place, algorithms)

    def _ssh(self, line: str, place: str, algorithms: tuple[str, ...]) -> PublicKey:
        kind = line.split(" ", 1)[0]
        if "-cert-" in kind:
            refuse(self._path, place, "is a certificate of OpenSSH", "name the key itself")
        if kind.startswith("sk-"):
            refuse(self._path, place, "is a key that signs other bytes than a message")
        if not kind.startswith(_SSH):
            remedy = "a PEM document and the name of a file go into key"
            refuse(self._path, place, "is no line of OpenSSH", remedy)
        return self._with_scheme(PublicKey.from_pem(line.encode("utf-8")), place, algorithms)

    def _with_scheme(self, key: PublicKey, place: str, algorithms: tuple[str, ...]) -> PublicKey:
        """Return the key with the scheme that the policy names for its kind."""
        fitting = [name for name in algorithms if SCHEMES[name].key == key.kind]
        if not algorithms or key.scheme in fitting:
            return key
        if not fitting:
            problem = f"a key of kind {key.kind} signs with none of {', '.join(algorithms)}"
            refuse(self._path, place, problem, f"add {key.scheme} to algorithms")
        return PublicKey.from_der(key.spki, scheme=fitting[0])

    def _certificate(
        self, document: CertificateDocument, place: str, algorithms: tuple[str, ...]
    ) -> SignatureVerifier:
        from provenance.signing.certificates import (  # noqa: PLC0415 - rarely needed
            CertificatePool,
            CertificateVerifier,
            read_certificates,
        )

        text, inner = document.authority, f"{place}/authority"
        data = self._read(text, inner)
        certificates = read_certificates(data, path="")
        # As `openssl verify -CAfile`: what signed itself is trusted, the rest helps to reach it.
        roots = tuple(one for one in certificates if one.subject == one.issuer)
        anchors = roots or certificates[-1:]
        others = tuple(one for one in certificates if one not in anchors)
        pool = CertificatePool(anchors=anchors, intermediates=others)
        identity = IdentityPattern(document.identity, document.kind)
        rsa = [name for name in algorithms if SCHEMES[name].key == "rsa"]
        return CertificateVerifier(pool, identity, rsa_scheme=rsa[0] if rsa else None)

    def _keyless(self, document: KeylessDocument, place: str) -> SignatureVerifier:
        from provenance.signing.keyless import (  # noqa: PLC0415 - rarely needed
            KeylessVerifier,
            read_trusted_root,
        )

        root = read_trusted_root(self._read(document.trusted_root, f"{place}/trustedRoot"))
        identity = IdentityPattern(document.identity, document.kind)
        return KeylessVerifier(identity, document.issuer, root)

    def _logged(self, key: PublicKey, name: str, place: str) -> SignatureVerifier:
        from provenance.signing.keyless import (  # noqa: PLC0415 - rarely needed
            LoggedKeyVerifier,
            read_trusted_root,
        )

        pointer = place.removesuffix("key") + "trustedRoot"
        return LoggedKeyVerifier(key, read_trusted_root(self._read(name, pointer)))

    def _read(self, name: str, place: str) -> bytes:
        """Return what stands here itself, or in a file named relative to the policy's folder."""
        if is_document(name):
            return name.encode("utf-8")
        if self._base is None:
            problem = "names a file, and the policy lies in no folder"
            refuse(self._path, place, problem, "put the document itself here")
        try:
            # Whoever wrote the policy named this file, so a link to it is followed.
            path = os.path.realpath(self._base / name)
            return read_file(path, max_bytes=MAX_NAMED_FILE_BYTES)
        except (ProvenanceError, ValueError) as error:
            problem = error.problem if isinstance(error, ProvenanceError) else str(error)
            said = f"{shown(name)}: {problem}"
            refuse(self._path, place, said, "name a file relative to the policy")
