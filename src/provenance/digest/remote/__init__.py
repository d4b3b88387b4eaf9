"""Digests of what lies in object stores, without downloading it to disk.

- `urls`: which URLs are taken, and what of them is shown
- `store`: what is asked of a store; `obstore_adapter`, `fsspec_adapter`: who speaks to it
- `listing`, `fetching`, `window`: names checked, broken reads taken up, pieces fetched ahead
- `reading`: one object as a stream
- `hashing`: inventories and digests; `claims`: SHA-256 that the store holds, not computed here

The libraries come with the extra `remote`. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

from provenance.digest.remote.claims import read_store_claims
from provenance.digest.remote.hashing import hash_remote_file, hash_remote_tree, is_remote_file
from provenance.digest.remote.urls import is_url

__all__ = [
    "hash_remote_file",
    "hash_remote_tree",
    "is_remote_file",
    "is_url",
    "read_store_claims",
]
