"""Signing as an identity: the library `sigstore` asks the services for a certificate and an entry.

The services and the trusted root are those that the caller names; none is built in, and nothing is
looked up. The result is verified before it is handed out: a bundle that nobody accepts is worse
than an error.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.envelope import Bundle, parse_bundle
from provenance.errors import MissingExtraError, ProvenanceError, SigningError, UsageError, shown
from provenance.signing.certificates import identities
from provenance.signing.identities import IdentityPattern
from provenance.signing.keyless.checking import read_leaf
from provenance.signing.keyless.contents import signed_bundle
from provenance.signing.keyless.issuers import issuer_of
from provenance.signing.keyless.verifiers import KeylessVerifier
from provenance.signing.transparency import read_trusted_root

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeylessSigner"]

_CONFIGURATION = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


@dataclass(frozen=True, slots=True)
class KeylessSigner:
    """Signs as the identity of a token, with a key made for one signature (extra `sigstore`)."""

    identity_token: str = field(repr=False)
    """An OpenID Connect token for the audience `sigstore`: whoever has it signs as its owner."""

    signing_config: bytes = field(repr=False)
    """The services, a `signing_config.json` (v0.2)."""

    trusted_root: bytes = field(repr=False)
    """What vouches for their answers, a `trusted_root.json`."""

    @property
    def fingerprint(self) -> str:
        """None yet: every signature has a key of its own."""
        return ""

    @property
    def scheme(self) -> str:
        """The scheme of the library."""
        return "ecdsa-p256-sha256"

    def sign_bundle(self, payload: bytes, payload_type: str) -> Bundle:
        """Return a bundle with certificate, log entry and, if services give them, timestamps.

        Raises:
            MissingExtraError: The extra `sigstore` is not installed.
            SigningError: A service does not answer or refuses, the token has expired, or what came
                back does not verify.
            UsageError: The configuration or the trusted root cannot be used.
        """
        expected = "application/vnd.in-toto+json"
        if payload_type != expected:
            problem = f"only {expected} is signed like this, found {shown(payload_type)}"
            raise SigningError(problem=problem)
        root = read_trusted_root(self.trusted_root, path="trusted root")
        sign = _signer(self._configuration(), self.identity_token)
        try:
            bundle = parse_bundle(sign(payload).encode("utf-8"))
        except ProvenanceError as error:
            raise SigningError(problem=f"the library made no bundle: {error.problem}") from error
        if bundle.envelope.payload != payload:
            raise SigningError(problem="the library signed something else")
        leaf, _ = read_leaf(signed_bundle(bundle))
        names, issuer = identities(leaf), issuer_of(leaf)
        if not names or issuer is None:
            raise SigningError(problem="the certificate that came back names nobody")
        KeylessVerifier(IdentityPattern(names[0].value), issuer, root).verify(bundle)
        return bundle

    def _configuration(self) -> str:
        try:
            parts = {
                "mediaType": _CONFIGURATION,
                "trustedRoot": json.loads(self.trusted_root),
                "signingConfig": json.loads(self.signing_config),
            }
        except ValueError as error:
            raise UsageError(path="signing config", problem="not JSON") from error
        return json.dumps(parts)


def _signer(configuration: str, identity_token: str) -> Callable[[bytes], str]:
    """Return a function that signs a statement and returns the document of a bundle.

    Raises:
        MissingExtraError: The extra `sigstore` is not installed.
        SigningError: The token cannot be used.
        UsageError: The configuration cannot be used.
    """
    try:
        from sigstore.dsse import Statement  # noqa: PLC0415 - an extra
        from sigstore.models import ClientTrustConfig  # noqa: PLC0415
        from sigstore.oidc import IdentityToken  # noqa: PLC0415
        from sigstore.sign import SigningContext  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            problem="signing without a key of one's own needs the library `sigstore`",
            remedy="install `training-provenance[sigstore]`",
        ) from error
    try:
        context = SigningContext.from_trust_config(ClientTrustConfig.from_json(configuration))
    except Exception as error:  # whatever the library finds wrong with it
        problem = f"the services cannot be used: {shown(str(error))}"
        raise UsageError(path="signing config", problem=problem) from error

    def sign(payload: bytes) -> str:
        try:
            token: Any = IdentityToken(identity_token)
            with context.signer(token) as signer:
                return str(signer.sign_dsse(Statement(payload)).to_json())
        except Exception as error:  # whatever the library or a service refuses
            name = type(error).__name__
            raise SigningError(
                problem=f"the services made no signature: {name}: {shown(str(error))}",
                remedy="get a new identity token, and look whether the services can be reached",
            ) from error

    return sign
