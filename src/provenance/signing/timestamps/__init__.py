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
from provenance.signing.timestamps.stating import StatedTime, stated_times

__all__ = [
    "HttpTimestampAuthority",
    "StatedTime",
    "TrustedAuthority",
    "TrustedTimestamps",
    "read_timestamp_authorities",
    "stated_times",
]
