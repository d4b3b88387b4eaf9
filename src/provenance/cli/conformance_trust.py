"""What `verify` of the conformance protocol is told of trust: a policy and a memory of releases."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from provenance.trust import TrustPolicy

__all__ = ["copy_memory", "read_trust"]


def read_trust(
    path: str | None, keys: Sequence[str], updates: Sequence[str], now: datetime
) -> TrustPolicy | None:
    """Return the policy of a request.

    Args:
        path: The policy: a document, or a signed policy; `None` for none.
        keys: Public keys, one of which must have signed it.
        updates: Signed policies that follow it; the last one is the policy then.
        now: The verifier's clock.

    Raises:
        ProvenanceError: A policy cannot be used.
    """
    from provenance.canonical import MAX_SIGNED_POLICY_BYTES
    from provenance.digest import read_file
    from provenance.signing import PublicKey
    from provenance.trust import is_signed_policy, load_policy, load_signed_policy, update_policy

    if path is None:
        if keys or updates:
            raise UsageError(path="/policy", problem="keys or updates of a policy need one")
        return None

    def read(name: str) -> bytes:
        return read_file(name, max_bytes=MAX_SIGNED_POLICY_BYTES)

    data = read(path)
    if updates:
        return update_policy(data, [read(name) for name in updates], now=now).policy
    if is_signed_policy(data):
        trusted = [PublicKey.load(name) for name in keys]
        return load_signed_policy(data, trusted, now=now, allow_expired=True).policy
    return load_policy(path)


@contextmanager
def copy_memory(path: str | None, folder: str | None) -> Iterator[str | None]:
    """Give a copy of a memory, which a verification may write; the vector stays as it is.

    Raises:
        UsageError: The memory lies in the release.
    """
    if path is None:
        yield None
        return
    from provenance.digest.cache_places import check_outside

    if folder is not None:
        check_outside(path, folder, what="a memory of releases")
    with TemporaryDirectory() as place:
        copy = Path(place, "memory.json")
        if os.path.lexists(path):
            shutil.copyfile(path, copy)
        yield str(copy)
