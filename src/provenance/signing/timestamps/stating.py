"""What timestamps say of themselves: to tell a person what was made, never to decide anything.

Source: RFC 3161, section 2.4.2. No I/O.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.errors import MissingExtraError, SignatureError, shown
from provenance.signing.certificates import read_der_certificate
from provenance.signing.timestamps.library import decode_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["StatedTime", "stated_times"]


@dataclass(frozen=True, slots=True)
class StatedTime:
    """What one timestamp states; nobody has vouched for it."""

    at: datetime
    """The time."""

    authority: str
    """Who says to have made it: the subject of its certificate, or who issued that."""


def stated_times(timestamps: Iterable[bytes]) -> tuple[StatedTime, ...]:
    """Return what timestamps state, in their order; those that cannot be read are left out."""
    found = []
    for data in timestamps:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever is odd and harmless in a certificate inside
            try:
                response = decode_timestamp(data)
                signed = response.signed_data
                maker = next(iter(signed.signer_infos))
                at = response.tst_info.gen_time
                name = maker.issuer
                for der in signed.certificates:
                    one = read_der_certificate(der, path="")
                    if (one.issuer, one.serial_number) == (maker.issuer, maker.serial_number):
                        name = one.subject
            except MissingExtraError:
                return ()
            except (SignatureError, ValueError, TypeError, KeyError, StopIteration):
                continue
            found.append(StatedTime(at, shown(name.rfc4514_string())))
    return tuple(found)
