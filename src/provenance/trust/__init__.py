"""What a verifier trusts: policies, pinned keys, and presets of files that need not be checked.

The library reads no ambient configuration: a policy is an argument, and the file of pins is named
by whoever calls. Rules for several signers, revocation and trusted time join here later.
"""

from __future__ import annotations

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
from provenance.trust.presets import PRESETS, Preset, is_ignored

__all__ = [
    "PRESETS",
    "Pin",
    "Preset",
    "TrustPolicy",
    "add_pin",
    "is_ignored",
    "parse_pins",
    "pins_for",
    "read_pins",
    "remove_pin",
    "with_pin",
    "without_pin",
    "write_pins",
]
