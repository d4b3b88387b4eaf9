"""What a verifier trusts: policies, pinned keys, and presets of files that need not be checked.

The library reads no ambient configuration: a policy is an argument, and the file of pins is named
by whoever calls. A policy is read strictly from a document (`documents`, `policy_reading`),
compiled (`compiling`) into the frozen `TrustPolicy`, and asked which signatures count (`standing`,
`votes`).
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.trust.compiling import compile_policy, load_policy
    from provenance.trust.documents import PolicyDocument, policy_schema
    from provenance.trust.field_patterns import to_pointer_pattern
    from provenance.trust.pin_format import Pin, parse_pins, write_pins
    from provenance.trust.pins import (
        add_pin,
        pins_for,
        read_pins,
        remove_pin,
        with_pin,
        without_pin,
    )
    from provenance.trust.policy import TrustPolicy
    from provenance.trust.policy_reading import read_policy
    from provenance.trust.policy_signing import (
        POLICY_V1,
        SignedPolicy,
        add_policy_signature,
        is_signed_policy,
        load_signed_policy,
        policy_document,
        sign_policy,
        update_policy,
    )
    from provenance.trust.policy_templates import TEMPLATES
    from provenance.trust.presets import PRESETS, Preset, is_ignored
    from provenance.trust.published_keys import PublishedKey, read_published_keys
    from provenance.trust.resolver import TrustResolver, namespace_of, resolve_trust
    from provenance.trust.rules import (
        AncestorRules,
        Requirement,
        RevokedArtifact,
        RevokedKey,
        Role,
        TrustedSigner,
    )
    from provenance.trust.standing import find_faults
    from provenance.trust.state import Seen, compare_seen, read_state, remember
    from provenance.trust.votes import count_votes

__all__ = [
    "POLICY_V1",
    "PRESETS",
    "TEMPLATES",
    "AncestorRules",
    "Pin",
    "PolicyDocument",
    "Preset",
    "PublishedKey",
    "Requirement",
    "RevokedArtifact",
    "RevokedKey",
    "Role",
    "Seen",
    "SignedPolicy",
    "TrustPolicy",
    "TrustResolver",
    "TrustedSigner",
    "add_pin",
    "add_policy_signature",
    "compare_seen",
    "compile_policy",
    "count_votes",
    "find_faults",
    "is_ignored",
    "is_signed_policy",
    "load_policy",
    "load_signed_policy",
    "namespace_of",
    "parse_pins",
    "pins_for",
    "policy_document",
    "policy_schema",
    "read_pins",
    "read_policy",
    "read_published_keys",
    "read_state",
    "remember",
    "remove_pin",
    "resolve_trust",
    "sign_policy",
    "to_pointer_pattern",
    "update_policy",
    "with_pin",
    "without_pin",
    "write_pins",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.trust.compiling": (
            "compile_policy",
            "load_policy",
        ),
        "provenance.trust.documents": (
            "PolicyDocument",
            "policy_schema",
        ),
        "provenance.trust.field_patterns": ("to_pointer_pattern",),
        "provenance.trust.pin_format": (
            "Pin",
            "parse_pins",
            "write_pins",
        ),
        "provenance.trust.pins": (
            "add_pin",
            "pins_for",
            "read_pins",
            "remove_pin",
            "with_pin",
            "without_pin",
        ),
        "provenance.trust.policy": ("TrustPolicy",),
        "provenance.trust.policy_reading": ("read_policy",),
        "provenance.trust.policy_templates": ("TEMPLATES",),
        "provenance.trust.policy_signing": (
            "POLICY_V1",
            "SignedPolicy",
            "add_policy_signature",
            "is_signed_policy",
            "load_signed_policy",
            "policy_document",
            "sign_policy",
            "update_policy",
        ),
        "provenance.trust.presets": (
            "PRESETS",
            "Preset",
            "is_ignored",
        ),
        "provenance.trust.published_keys": ("PublishedKey", "read_published_keys"),
        "provenance.trust.resolver": ("TrustResolver", "namespace_of", "resolve_trust"),
        "provenance.trust.rules": (
            "AncestorRules",
            "Requirement",
            "RevokedArtifact",
            "RevokedKey",
            "Role",
            "TrustedSigner",
        ),
        "provenance.trust.standing": ("find_faults",),
        "provenance.trust.state": ("Seen", "compare_seen", "read_state", "remember"),
        "provenance.trust.votes": ("count_votes",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
