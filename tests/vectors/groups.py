"""The groups of vectors, each with the file of `spec/` that most of its vectors are about."""

from __future__ import annotations

from vectors.kit import Group

__all__ = [
    "CANONICAL",
    "CERTIFICATES",
    "DIGESTS",
    "ENVELOPE",
    "GROUPS",
    "KEYS",
    "LOGS",
    "MANIFEST",
    "OMS",
    "POLICY",
    "RELEASE",
    "STATEMENT",
]

CANONICAL = Group("canonical", spec="canonical-encoding.md")
DIGESTS = Group("digests", spec="digests.md")
ENVELOPE = Group("envelope", spec="envelope.md")
KEYS = Group("keys", spec="envelope.md")
CERTIFICATES = Group("certificates", spec="envelope.md", profile=2)
LOGS = Group("logs", spec="envelope.md", profile=2)
STATEMENT = Group("statement", spec="envelope.md")
MANIFEST = Group("manifest", spec="verification.md", profile=2)
RELEASE = Group("release", spec="verification.md")
POLICY = Group("policy", spec="trust-policy.md", profile=2)
OMS = Group("oms", spec="oms.md", profile=3)

#: Every group, in the order of `spec/vectors/README.md`.
GROUPS = (
    CANONICAL,
    DIGESTS,
    ENVELOPE,
    KEYS,
    CERTIFICATES,
    LOGS,
    STATEMENT,
    MANIFEST,
    RELEASE,
    POLICY,
    OMS,
)
