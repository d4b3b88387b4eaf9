"""The trust policy as a document: what a TOML or JSON file may say, one class per object. No I/O.

The classes are the schema (`spec/schema/policy-v1.schema.json`); what they mean together is checked
when a policy is compiled. Every limit carries its unit in its name: a bare number of anything is an
unknown field.

Source: `spec/trust-policy.md`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints

from provenance.canonical import (
    MAX_POLICY_REQUIREMENTS,
    MAX_POLICY_REVOCATIONS,
    MAX_POLICY_ROLES,
    MAX_POLICY_SIGNERS,
)
from provenance.manifest import PREDICATE_PREFIX, document_schema
from provenance.manifest.base import Document, Hash, Id, ShortText, Text, Timestamp, Uri
from provenance.manifest.faults import describe_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "POLICY_VERSION",
    "ROLES",
    "AncestorsDocument",
    "CertificateDocument",
    "KeylessDocument",
    "LogDocument",
    "PolicyDocument",
    "PolicySignersDocument",
    "RevokedArtifactDocument",
    "RevokedDocument",
    "RevokedKeyDocument",
    "RoleDocument",
    "Rung",
    "SignerDocument",
    "TimestampsDocument",
    "policy_schema",
]

#: The version of the document's format; a policy of another one is refused whole, because a rule
#: that is not understood cannot be kept.
POLICY_VERSION: Final = "1.0"

#: The roles, in the order in which a policy is explained.
ROLES: Final = ("trainer", "data", "evaluator", "reproducer", "auditor")

#: Longest model name or pattern of one, in characters.
_MAX_MODEL_CHARACTERS: Final = 1_000

Rung = Literal[
    "absent", "withheld", "sealed", "declared", "bound", "matched", "linked", "reproduced"
]
"""A rung of the evidence ladder (`spec/verification.md`)."""

Answer = Literal["met", "notMet"]
"""How a case counts that a requirement does not decide by itself."""

T = TypeVar("T")


def _frozen_table(table: dict[str, T]) -> Mapping[str, T]:
    return MappingProxyType(dict(table))


def _plain_table(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: item.to_tree() if isinstance(item, Document) else item for key, item in table.items()
    }


# A table by name: read once, then as unchangeable as every other value of a document.
_FROZEN = AfterValidator(_frozen_table)
_PLAIN = PlainSerializer(_plain_table)

_Models = Annotated[
    tuple[
        Annotated[
            str,
            StringConstraints(
                pattern=describe_pattern(
                    r"^[^*\u0000-\u001F\u007F-\u009F\u2028\u2029]+\*?$",
                    "a model name, or the beginning of one and `*` at its end",
                ),
                max_length=_MAX_MODEL_CHARACTERS,
            ),
        ],
        ...,
    ],
    Field(max_length=MAX_POLICY_SIGNERS),
]
_Names = Annotated[tuple[Id, ...], Field(max_length=MAX_POLICY_SIGNERS)]
_SomeNames = Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_POLICY_SIGNERS)]
_Texts = Annotated[tuple[ShortText, ...], Field(max_length=MAX_POLICY_SIGNERS)]
_Pattern = Annotated[
    str,
    StringConstraints(
        pattern=describe_pattern(
            r"^[A-Za-z][A-Za-z0-9]*(\[\*\])?(\.[A-Za-z][A-Za-z0-9]*(\[\*\])?)*$",
            "names of the manifest's fields joined by dots, `[*]` behind the name of a list",
        ),
        max_length=400,
    ),
]
_Requirements = Annotated[
    dict[_Pattern, Rung], Field(max_length=MAX_POLICY_REQUIREMENTS), _FROZEN, _PLAIN
]


class CertificateDocument(Document):
    """A signer known by a name in a certificate of a private authority."""

    authority: Text
    """The authority's certificates: PEM, or a file relative to the policy."""

    identity: ShortText
    """The name in the signer's certificate; `*` may stand for a part of it, not of the domain."""

    kind: Literal["email", "uri", "dns", "other"] | None = None
    """Which kind of name; any kind if absent."""


class KeylessDocument(Document):
    """A signer known by an identity that a Sigstore instance has vouched for."""

    identity: ShortText
    """The name in the certificate; `*` may stand for a part of it, never for the domain."""

    issuer: Uri
    """The OIDC issuer of that identity, compared exactly."""

    trusted_root: Text
    """The trusted root of the Sigstore instance: its JSON, or a file relative to the policy."""

    kind: Literal["email", "uri", "dns", "other"] | None = None
    """Which kind of name; any kind if absent."""


class SignerDocument(Document):
    """One signer, known by exactly one of `key`, `ssh`, `certificate` and `keyless`."""

    key: Text | None = None
    """A public key: PEM, or a file (PEM or DER) relative to the policy."""

    ssh: ShortText | None = None
    """A public key as OpenSSH writes it, one line."""

    certificate: CertificateDocument | None = None
    """A name in a certificate of a private authority."""

    keyless: KeylessDocument | None = None
    """An identity that Sigstore has vouched for."""

    trusted_root: Text | None = None
    """Beside `key`: the key's signatures must be in the log of this trusted root."""

    algorithms: _Texts = ()
    """Signature schemes that this signer may use; if absent, those of the policy."""

    not_before: Timestamp | None = None
    """Signatures made earlier do not count."""

    not_after: Timestamp | None = None
    """Signatures made later do not count."""

    description: Text | None = None
    """Who this is, for people."""


class RoleDocument(Document):
    """Who may sign what, and how many of them have to."""

    signers: _SomeNames
    """Names of signers; each of them may act in this role."""

    threshold: Annotated[int, Field(ge=1, le=MAX_POLICY_SIGNERS)] = 1
    """How many different signers are needed, counted by person and by key material."""

    required: bool = True
    """Whether the signatures of this role are needed; if not, they are only allowed."""

    predicate_types: Annotated[tuple[Uri, ...], Field(max_length=16)] = ()
    """Predicate types that the role may sign; if absent, those that belong to it."""

    models: _Models = ()
    """Names of the models that it may sign for, `*` at the end for any ending; if absent, all."""


class TimestampsDocument(Document):
    """Witnesses of time (RFC 3161)."""

    authorities: Annotated[tuple[Text, ...], Field(min_length=1, max_length=64)]
    """The certificates of the authorities: PEM, or files relative to the policy."""

    required: bool = False
    """Whether a signature counts only with a timestamp of one of them."""


class LogDocument(Document):
    """Transparency logs."""

    required: bool = False
    """Whether a signature counts only with a time proven by a log."""


class AncestorsDocument(Document):
    """What holds for the models that this one was made from."""

    bound: bool = False
    """Whether each of them must be bound by the digest of its own manifest or release."""

    signers: _Names = ()
    """Names of the signers who may have signed their manifests."""

    require: _Requirements | None = None
    """What their manifests must show, like `require`."""


class RevokedKeyDocument(Document):
    """A key that is no longer trusted."""

    fingerprint: ShortText
    """The key: `SHA256:` and 43 characters of base64, or 64 hexadecimal characters."""

    from_: Annotated[Timestamp | None, Field(alias="from")] = None
    """From when; signatures that are proven to be older stay good. If absent, none is good."""

    reason: Text | None = None
    """Why, for people."""


class RevokedArtifactDocument(Document):
    """Something that was signed and is no longer trusted, whoever signed it."""

    sha256: Hash
    """SHA-256 of a manifest, of a release's `SHA256SUMS`, or of a file."""

    reason: Text | None = None
    """Why, for people."""


class RevokedDocument(Document):
    """What is no longer trusted."""

    keys: Annotated[tuple[RevokedKeyDocument, ...], Field(max_length=MAX_POLICY_REVOCATIONS)] = ()
    """Keys."""

    artifacts: Annotated[
        tuple[RevokedArtifactDocument, ...], Field(max_length=MAX_POLICY_REVOCATIONS)
    ] = ()
    """Manifests, releases and files."""


class PolicySignersDocument(Document):
    """Who may sign the next version of this policy."""

    signers: _SomeNames
    """Names of signers."""

    threshold: Annotated[int, Field(ge=1, le=MAX_POLICY_SIGNERS)] = 1
    """How many of them are needed."""


class PolicyDocument(Document):
    """One trust policy."""

    policy_version: Literal["1.0"]
    """Version of this format: `1.0`."""

    name: ShortText
    """What its author calls it."""

    version: Annotated[int, Field(ge=1, lt=2**53)] = 1
    """The version of the policy itself; the next one is higher."""

    expires: Timestamp | None = None
    """When the policy is no longer to be used."""

    description: Text | None = None
    """What it is for, for people."""

    signers: Annotated[
        dict[Id, SignerDocument],
        Field(min_length=1, max_length=MAX_POLICY_SIGNERS),
        _FROZEN,
        _PLAIN,
    ]
    """Signers by name."""

    roles: Annotated[
        dict[Literal["trainer", "data", "evaluator", "reproducer", "auditor"], RoleDocument],
        Field(min_length=1, max_length=MAX_POLICY_ROLES),
        _FROZEN,
        _PLAIN,
    ]
    """Roles by name; at least one of them signs the manifest."""

    policy_signers: PolicySignersDocument | None = None
    """Who may sign the next version of this policy."""

    algorithms: _Texts = ()
    """Signature schemes that count; if absent, the default scheme of each kind of key."""

    timestamps: TimestampsDocument | None = None
    """Witnesses of time."""

    log: LogDocument | None = None
    """Transparency logs."""

    max_age_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Oldest manifest that is accepted, in days since its `createdAt`."""

    clock_skew_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """How far the signer's clock may be ahead of the verifier's; 300 if absent."""

    digests: Literal["blake3", "all"] = "blake3"
    """Which recorded digests are recomputed."""

    require: _Requirements | None = None
    """The lowest rung of facts of the manifest, by pattern."""

    require_parts: (
        Annotated[
            dict[Id, Rung],
            Field(max_length=MAX_POLICY_REQUIREMENTS),
            _FROZEN,
            _PLAIN,
        ]
        | None
    ) = None
    """The lowest rung of whole parts of open training, by id (`spec/registry/parts.json`)."""

    require_empty: Answer = "notMet"
    """Whether a requirement is met that matches nothing."""

    require_not_applicable: Answer = "notMet"
    """Whether a requirement is met by a fact that the producer says does not apply."""

    ignore: Annotated[tuple[ShortText, ...], Field(max_length=64)] = ()
    """Presets of files that need not be checked."""

    ancestors: AncestorsDocument | None = None
    """What holds for the models that this one was made from."""

    revoked: RevokedDocument | None = None
    """What is no longer trusted."""


def policy_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a policy (`spec/schema/policy-v1.schema.json`)."""
    schema = document_schema(PolicyDocument, f"{PREDICATE_PREFIX}schema/policy-v1.schema.json")
    _close(schema)
    return schema


def _close(schema: Any) -> None:  # noqa: ANN401 - a JSON tree
    """Refuse names that fit no pattern, which pydantic's schema leaves open."""
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    elif isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for item in schema.values():
            _close(item)
