"""Transparency logs: what a log entry of a bundle proves, checked offline against a trusted root.

Written on `cryptography` alone: no library checks entries of bundles that a managed key signed, and
the sizes of tree heads are compared here for every bundle.
"""

from __future__ import annotations

from provenance.signing.transparency.entries import LogEntry, read_log_entry
from provenance.signing.transparency.instances import (
    AuthorityInstance,
    LogInstance,
    TrustedRoot,
)
from provenance.signing.transparency.logged import LoggedContent, verify_log_entries
from provenance.signing.transparency.signed_notes import NoteKey, SignedNote, parse_note
from provenance.signing.transparency.trusted_roots import load_trusted_root, read_trusted_root

__all__ = [
    "AuthorityInstance",
    "LogEntry",
    "LogInstance",
    "LoggedContent",
    "NoteKey",
    "SignedNote",
    "TrustedRoot",
    "load_trusted_root",
    "parse_note",
    "read_log_entry",
    "read_trusted_root",
    "verify_log_entries",
]
