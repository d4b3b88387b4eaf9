"""The operations of the conformance protocol that are about sealed facts and private trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_DOCUMENT_BYTES, MAX_INVENTORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.canonical import JsonValue

__all__ = ["check", "salted"]


def check(request: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Check an opening against a statement, which need not be signed."""
    from provenance.digest import read_file
    from provenance.envelope import parse_statement
    from provenance.manifest import Opening, parse_manifest
    from provenance.verification.openings import check_sealed

    payload = read_file(str(request["statement"]), max_bytes=MAX_DOCUMENT_BYTES)
    opening = Opening.from_bytes(read_file(str(request["file"]), max_bytes=MAX_DOCUMENT_BYTES))
    check_sealed(opening, payload, parse_manifest(parse_statement(payload).predicate).document)
    return {"output": True}


def salted(request: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the root of a private tree, from its inventory and its secret in hexadecimal."""
    from provenance.digest import Inventory, read_file, salted_root
    from provenance.errors import DigestError

    data = read_file(str(request["inventory"]), max_bytes=MAX_INVENTORY_BYTES)
    try:
        secret = bytes.fromhex(str(request["secret"]))
    except ValueError as error:
        raise DigestError(
            path="/secret", problem="is not hexadecimal", code="digest-format"
        ) from error
    return {"output": salted_root(Inventory.from_bytes(data), secret).to_tree()}
