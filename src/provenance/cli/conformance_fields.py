"""The operations of the conformance protocol and the members of their requests: tables alone.

Source: `spec/conformance.md`, section "Operations".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELDS", "NEEDED", "PATH_FIELDS"]

#: The members of a request by operation, beside `id` and `operation`, and the type of each.
FIELDS: Mapping[str, Mapping[str, type]] = {
    "verify": {
        "folder": str,
        "file": str,
        "listing": str,
        "bundle": str,
        "keys": tuple,
        "policy": str,
        "policyKeys": tuple,
        "policyUpdates": tuple,
        "state": str,
        "model": str,
        "only": tuple,
        "allDigests": bool,
        "layout": str,
        "presets": tuple,
        "datasets": dict,
        "code": str,
        "documents": str,
        "now": str,
    },
    "verify-oms": {
        "folder": str,
        "file": str,
        "bundle": str,
        "keys": tuple,
        "authorities": tuple,
        "identity": str,
        "ignored": tuple,
        "ignoreUnsigned": bool,
        "legacy": bool,
        "now": str,
    },
    "canonicalize": {"input": str, "file": str, "foreign": bool},
    "number": {"text": str, "wire": object},
    "tree-digest": {"folder": str, "inventory": str, "shards": str, "parts": dict},
    "tensor-digest": {"files": tuple},
    "record-digest": {"files": tuple, "container": str, "columns": tuple},
    "block-digest": {"file": str, "blockSize": int},
    "block-list": {"list": str, "root": dict, "size": int, "blockSize": int, "file": str},
    "claims": {"file": str, "format": str, "folder": str},
    "worker-answer": {"question": dict, "answers": tuple},
    "inclusion": {"root": dict, "entry": str, "proof": dict},
    "proof-file": {"root": dict, "file": str},
    "opening": {"statement": str, "file": str},
    "salted-root": {"inventory": str, "secret": str},
    "dsse-pae": {"payloadType": str, "payload": str},
    "verify-bundle": {
        "bundle": str,
        "keys": tuple,
        "scheme": str,
        "authorities": tuple,
        "intermediates": tuple,
        "identity": str,
        "issuer": str,
        "trustedRoot": str,
        "now": str,
    },
}

#: Members without which there is nothing to do.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "verify-oms": ("bundle",),
    "block-digest": ("file", "blockSize"),
    "block-list": ("list", "root", "size", "blockSize"),
    "claims": ("file",),
    "worker-answer": ("question", "answers"),
    "proof-file": ("root", "file"),
    "opening": ("statement", "file"),
    "salted-root": ("inventory", "secret"),
    "dsse-pae": ("payloadType",),
    "verify-bundle": ("bundle", "now"),
}

#: Members that hold a path, a list of paths, or an object of paths.
PATH_FIELDS = frozenset(
    {
        "folder",
        "file",
        "listing",
        "bundle",
        "keys",
        "policy",
        "policyKeys",
        "policyUpdates",
        "state",
        "datasets",
        "code",
        "documents",
        "inventory",
        "shards",
        "parts",
        "files",
        "list",
        "statement",
        "authorities",
        "intermediates",
        "trustedRoot",
    }
)
