"""The engine: many files to digests, as fast as the machine allows and as safely as one file.

- `jobs`: what is asked, and the watch over progress, deadline and cancellation
- `worker`: the loop over small files; self-contained, so that a bare process can run it too
- `small`: small files, here or in worker processes (`pool`)
- `large`: large files, in threads; `stream`: one file by several threads
- `mapped`: large files in a process that may die, by memory mapping
- `hashing`: puts them together

Whatever road a file takes, its result is that of `hash_file`. Source: `spec/digests.md`, section
"Reading files".
"""

from __future__ import annotations

from provenance.digest.engine.hashing import hash_files
from provenance.digest.engine.jobs import Consumer, FileJob

__all__ = ["Consumer", "FileJob", "hash_files"]
