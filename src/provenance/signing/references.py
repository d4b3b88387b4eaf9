"""One text that names a signing key, wherever it is: a file, an agent, a token, a plug-in.

A URI scheme that is not ours is looked up among the entry points of the group
`provenance.signers`; the plug-in is loaded when such a key is asked for, and never while verifying.

Source: `spec/envelope.md`, section "Where keys are"; the packaging specification of entry points.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from provenance.errors import SigningError, UsageError, shown
from provenance.signing.fingerprints import parse_fingerprint
from provenance.signing.private_keys import load_private_key
from provenance.signing.protocols import BundleSigner, Signer
from provenance.signing.public_keys import PublicKey

if TYPE_CHECKING:
    from os import PathLike

    from provenance.signing.containers import Password

__all__ = ["SIGNER_GROUP", "open_signer"]

#: The group of entry points by which other packages bring signers.
SIGNER_GROUP = "provenance.signers"

# Two characters at least: `C:\keys` is a file.
_URI = re.compile(r"([a-z][a-z0-9+.-]+):(?!//?$)(.*)", re.DOTALL)


def open_signer(
    reference: str | PathLike[str],
    *,
    password: Password = None,
    scheme: str | None = None,
    agent: str | PathLike[str] | None = None,
) -> Signer | BundleSigner:
    """Return the signer that a text names.

    Args:
        reference: A key file; `ssh-agent:` with a fingerprint (`SHA256:…`, ours or the one that
            `ssh-add -l` shows) or the file of a public key; `pkcs11:` with the rest of an RFC 7512
            URI; or a URI that a plug-in knows.
        password: The password of a file, or the PIN of a token.
        scheme: The scheme to sign by, where the kind of key has several (files only).
        agent: The socket of the ssh-agent, which the caller knows from `SSH_AUTH_SOCK`.

    Raises:
        InputError: A file cannot be read.
        MissingExtraError: What the key needs is not installed.
        SigningError: The key cannot be used.
        UsageError: The reference makes no sense, or nothing installed knows it.
    """
    if not isinstance(reference, str):
        return load_private_key(reference, password, scheme=scheme)
    found = _URI.fullmatch(reference)
    if found is None or os.path.lexists(reference):
        return load_private_key(reference, password, scheme=scheme)
    if scheme is not None:
        raise UsageError(path="scheme", problem="a scheme is chosen for key files only")
    kind, rest = found[1], found[2]
    if kind == "ssh-agent":
        return _open_agent(rest, agent)
    if kind == "pkcs11":
        # Both rooms load more than a key file needs.
        from provenance.signing.tokens import TokenSigner  # noqa: PLC0415

        return TokenSigner.open(reference, password)
    return _open_plug_in(kind, reference)


def _open_agent(name: str, agent: str | PathLike[str] | None) -> Signer:
    from provenance.signing.ssh.agent import SshAgentSigner  # noqa: PLC0415

    if agent is None or not os.fspath(agent):
        raise UsageError(
            path="ssh-agent",
            problem="no ssh-agent is known",
            remedy="start one: `eval $(ssh-agent)`, then `ssh-add FILE`",
        )
    key = parse_fingerprint(name) if name.startswith("SHA256:") else PublicKey.load(name)
    return SshAgentSigner.connect(key, socket_path=agent)


def _open_plug_in(kind: str, reference: str) -> Signer | BundleSigner:
    points = sorted(entry_points(group=SIGNER_GROUP, name=kind), key=lambda point: point.value)
    if len(points) != 1:
        # Of two that answer to one name, whichever came first would get the payload.
        found = f"{len(points)} plug-ins know" if points else "no plug-in knows"
        known = ", ".join(sorted({f"{it.name}:" for it in entry_points(group=SIGNER_GROUP)}))
        raise UsageError(
            path=f"{kind}:",
            problem=f"{found} keys of {shown(kind)}",
            remedy=f"installed: {known or 'none'}; a key file needs no scheme",
        )
    try:
        signer = points[0].load()(reference)
    except Exception as error:
        raise SigningError(
            path=f"{kind}:",
            problem=f"the plug-in {points[0].value} failed: {type(error).__name__}: {error}",
        ) from error
    if not isinstance(signer, Signer | BundleSigner):
        problem = f"the plug-in {points[0].value} returned no signer"
        raise SigningError(path=f"{kind}:", problem=problem)
    return signer
