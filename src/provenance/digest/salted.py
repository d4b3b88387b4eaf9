"""Private trees of files: a salt in each leaf, so that nobody can find an entry by guessing.

The salts of a tree are derived from one secret, so that a producer has 32 bytes to keep and not an
inventory. Source: `spec/digests.md`, section "Trees". No I/O.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from provenance.digest.inventory import file_entry
from provenance.digest.merkle import TypedRoot, typed_root
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.digest.inventory import Inventory

__all__ = ["SALT_BYTES", "TREE_SECRET_BYTES", "derive_salt", "salted_entries", "salted_root"]

#: Length of the salt of a leaf: 128 bits cannot be guessed.
SALT_BYTES: Final = 16

#: Length of the secret that the salts of one tree are derived from.
TREE_SECRET_BYTES: Final = 32

_PREAMBLE: Final = b"training-provenance/v1/salt\n"


def derive_salt(secret: bytes, path: str) -> bytes:
    """Return the 16-byte salt of one file of a private tree.

    Args:
        secret: The 32 random bytes of the tree.
        path: The name of the file.

    Raises:
        DigestError: The secret has another length (code `digest-format`).

    Source: `spec/digests.md`, section "Trees".
    """
    if len(secret) != TREE_SECRET_BYTES:
        raise DigestError(
            problem=f"the secret of a tree has {TREE_SECRET_BYTES} bytes, not {len(secret)}",
            remedy="draw it with `secrets.token_bytes(32)`",
            code="digest-format",
        )
    # salt = the first 16 bytes of HMAC-SHA-256(secret, "training-provenance/v1/salt" || LF || path)
    # Who is shown one salt learns nothing of the others: the secret does not follow from it.
    message = _PREAMBLE + path.encode("utf-8", "surrogateescape")
    return hmac.digest(secret, message, "sha256")[:SALT_BYTES]


def salted_root(inventory: Inventory, secret: bytes) -> TypedRoot:
    """Return the typed root of kind `file` over the entries of an inventory, each behind its salt.

    Raises:
        DigestError: The secret has not 32 bytes.
    """
    return typed_root("file", salted_entries(inventory, secret))


def salted_entries(inventory: Inventory, secret: bytes) -> Iterator[bytes]:
    """Yield the leaf data of a private tree, without its preamble.

    Raises:
        DigestError: The secret has not 32 bytes.
    """
    # leaf data = preamble || salt || entry;  the entry is the one of an open tree.
    return (
        derive_salt(secret, it.path) + file_entry(it.path, it.size, it.digest.blake3)
        for it in inventory
    )
