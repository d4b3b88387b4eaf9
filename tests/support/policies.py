"""Trust policies for tests: a small document as a tree, and its TOML or JSON."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.signing import PublicKey

__all__ = ["policy_bytes", "policy_tree"]


def policy_tree(keys: Mapping[str, PublicKey], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a policy whose role `trainer` is filled by all of some keys, with fields changed.

    Args:
        keys: Names of signers with their keys.
        **changes: Fields of the document, by their names on the wire; `None` leaves one out.
    """
    tree: dict[str, Any] = {
        "policyVersion": "1.0",
        "name": "test",
        "signers": {name: {"key": key.to_pem().decode("ascii")} for name, key in keys.items()},
        "roles": {"trainer": {"signers": list(keys)}},
        **deepcopy(changes),
    }
    return {name: value for name, value in tree.items() if value is not None}


def policy_bytes(keys: Mapping[str, PublicKey], **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the same as JSON."""
    return json.dumps(policy_tree(keys, **changes)).encode("utf-8")
