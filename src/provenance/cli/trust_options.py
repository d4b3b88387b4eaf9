"""The options that say whom to trust, the same for every command that verifies a signature."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.cli.named_trust import gather_trust
from provenance.cli.remote import LocalPath
from provenance.cli.signing_options import RSA_SCHEMES
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["signer_options", "trust_options"]

_F = TypeVar("_F", bound="Callable[..., Any]")

# What cannot be read is no wrong option: whoever reads it says so.
_PATH = LocalPath(path_type=Path, readable=False)

# In the order in which the help prints them.
_OPTIONS = (
    click.option(
        "--key",
        "keys",
        type=_PATH,
        multiple=True,
        metavar="FILE",
        help="Public key, any of which may have signed. May be repeated. Where nobody is named, "
        "the keys that you have pinned count.",
    ),
    click.option("--model", metavar="NAME", help="The name that the model must have."),
    click.option(
        "--scheme", type=click.Choice(RSA_SCHEMES), help="How RSA keys sign.  [default: PSS]"
    ),
    click.option(
        "--allowed-signers",
        type=_PATH,
        metavar="FILE",
        help="SSH keys that may have signed, as `ssh-keygen -Y` lists them.",
    ),
    click.option(
        "--principal", metavar="NAME", help="Whose keys of --allowed-signers count.  [default: all]"
    ),
    click.option(
        "--authorized-keys",
        type=_PATH,
        metavar="FILE",
        help="SSH keys that may have signed, as a server or a code host lists them.",
    ),
    click.option(
        "--ca",
        "--certificate-chain",
        "ca",
        type=_PATH,
        metavar="FILE",
        help="Certificate authority that vouches for --identity; may hold intermediates too.",
    ),
    click.option(
        "--identity",
        metavar="NAME",
        help="Name in the signer's certificate; `*` stands for a part of it, never of the domain.",
    ),
    click.option(
        "--identity-kind",
        type=click.Choice(["email", "uri", "dns", "other"]),
        help="Which kind of name --identity is.  [default: any]",
    ),
    click.option(
        "--certificate-identity",
        metavar="NAME",
        help="Who may have signed without a key of their own (Sigstore): the name in the "
        "certificate.",
    ),
    click.option(
        "--certificate-oidc-issuer",
        "--issuer",
        "certificate_oidc_issuer",
        metavar="URL",
        help="Who vouches for --certificate-identity; both are needed.",
    ),
    click.option(
        "--trusted-root",
        type=_PATH,
        metavar="FILE",
        help="The authorities and logs of Sigstore that count; nothing is fetched.",
    ),
    click.option(
        "--tsa",
        type=_PATH,
        multiple=True,
        metavar="FILE",
        help="Certificates of a timestamp authority whose times count. May be repeated.",
    ),
    click.option(
        "--policy",
        type=_PATH,
        metavar="FILE",
        help="Trust policy (TOML or JSON): who may sign what, and what is required.",
    ),
    click.option(
        "--policy-key",
        "policy_keys",
        multiple=True,
        metavar="KEY",
        help="Who may have signed the policy: a public key, or the fingerprint SHA256:… of one "
        "that it lists. May be repeated.",
    ),
)
# What the command gets none of: it is gathered into `keys` and `policy`.
_GATHERED = (
    "scheme",
    "allowed_signers",
    "principal",
    "authorized_keys",
    "ca",
    "identity",
    "identity_kind",
    "certificate_identity",
    "certificate_oidc_issuer",
    "trusted_root",
    "tsa",
    "policy",
    "policy_keys",
)
# Of each option what a command gets it as, in their order.
_NAMES = ("keys", "model", *_GATHERED)
# Arguments of commands that hold what is to be verified.
_TARGETS = ("path", "release", "manifest", "listing", "proof", "file")


# What says more than who has signed: the model, and the policy with its keys.
_OF_MANIFESTS = ("model", "policy", "policy_keys")


def signer_options(command: _F) -> _F:
    """Add the options that say whose signature counts, and nothing else, to a command.

    The command gets them by name, as `gather_trust` takes them.
    """
    decorated: Any = command
    for option, name in reversed(list(zip(_OPTIONS, _NAMES, strict=True))):
        if name not in _OF_MANIFESTS:
            decorated = option(decorated)
    wrapped: _F = decorated
    return wrapped


def trust_options(command: _F) -> _F:
    """Add the options that say whom to trust to a command that verifies a signature.

    The command gets `keys` (files, and whatever else verifies signatures), `model`, and `policy` (a
    `TrustPolicy`, or `None` if no option needs one).
    """

    @wraps(command)
    def trusting(**values: Any) -> Any:  # noqa: ANN401 - the options of the command, whatever they are
        named = {name: values.pop(name) for name in _GATHERED}
        _keep_apart(named["policy"], *(values.get(name) for name in _TARGETS))
        keys, policy = gather_trust(values.pop("keys"), **named)
        return command(**values, keys=keys, policy=policy)

    decorated: Any = trusting
    for option in reversed(_OPTIONS):  # the decorator next to a function adds the last option
        decorated = option(decorated)
    wrapped: _F = decorated
    return wrapped


def _keep_apart(policy: Path | None, *targets: object) -> None:
    """Refuse a policy in the folder that it is to judge.

    Raises:
        UsageError: It lies there: whoever can change the model could change the policy with it.
    """
    if policy is None:
        return
    from provenance.verification.surroundings import lies_within, surroundings_of

    if lies_within(policy, surroundings_of(*targets)):
        raise UsageError(
            path=str(policy),
            problem="the policy lies in the folder that it is to judge",
            remedy="keep it where the publisher of the model cannot write",
        )
