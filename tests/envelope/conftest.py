"""Fixtures of the envelope room: a bundle as a JSON tree that tests damage in one place."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HINT = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def bundle_tree() -> dict[str, Any]:
    """Return the JSON tree of a well-formed bundle; its signature is 8 bytes of nothing."""
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": HINT}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(b"payload").decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(b"8 bytes.").decode(), "keyid": HINT}],
        },
    }


@pytest.fixture
def dump() -> Callable[[object], bytes]:
    """Return a function that writes a tree as a peer might: JSON with blanks."""
    return lambda tree: json.dumps(tree, indent=1).encode()
