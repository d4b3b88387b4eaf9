"""RFC 3161 timestamps: ask an authority for one, and verify those of a bundle (extra `timestamps`).

A timestamp proves that a signature existed at a time; it lets a certificate expire without taking
its signatures along, and a key be revoked without its older ones.
"""

from __future__ import annotations

from provenance.signing.timestamps.checking import (
    TrustedAuthority,
    TrustedTimestamps,
    read_timestamp_authorities,
)
from provenance.signing.timestamps.requesting import HttpTimestampAuthority

__all__ = [
    "HttpTimestampAuthority",
    "TrustedAuthority",
    "TrustedTimestamps",
    "read_timestamp_authorities",
]
