"""References to bytes: single files, trees of files, code, supporting documents. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    Commit,
    Count,
    Digests,
    Document,
    FileRoot,
    Id,
    Licenses,
    Many,
    Name,
    Path,
    RequiredDigests,
    ShortText,
    Text,
    Timestamp,
    Uri,
)

__all__ = [
    "CodeReference",
    "FileEntry",
    "FileReference",
    "FileTree",
    "ReleasedFile",
    "Submodule",
    "SupportingDocument",
]


class FileReference(Document):
    """One file and the digests that bind it (`spec/manifest.md`, section "File references")."""

    name: Name | None = None
    """A name for people, e.g. the file name where the producer keeps it."""

    path: Path | None = None
    """Where it lies inside the manifest folder, if it does, e.g. `documents/invoice.pdf`."""

    size: Count | None = None
    """Its length in bytes."""

    digest: Digests | None = None
    """Digests of its bytes; `blake3` and `sha256` count."""

    media_type: ShortText | None = None
    """Its media type, e.g. `application/json`."""

    uri: Uri | None = None
    """Where it can be had."""


class FileEntry(Document):
    """One file of a tree."""

    path: Path
    """Relative to the root of the tree: POSIX, canonical (`spec/digests.md`, section "Names")."""

    size: Count
    """Its length in bytes."""

    digest: RequiredDigests
    """Digests of its bytes. A tree's leaf uses `blake3`."""


class ReleasedFile(FileEntry):
    """One file of the release."""

    role: (
        Literal[
            "weights",
            "configuration",
            "tokenizer",
            "chatTemplate",
            "card",
            "code",
            "license",
            "other",
        ]
        | None
    ) = None
    """What the file is for."""

    licenses: Licenses = ()
    """SPDX expressions, where the file is under other licences than the model."""


class FileTree(Document):
    """A tree of files, bound by its typed root and listed inline, in a file, or not at all."""

    files: FileRoot | None = None
    """The typed root (kind `file`) over the entries of the tree."""

    inventory: Many[FileEntry] = ()
    """The entries themselves, sorted by the bytes of their paths, where they are few."""

    inventory_file: FileReference | None = None
    """The inventory in a file of its own, where they are many."""

    salted: bool | None = None
    """Whether each leaf holds a salt that the producer keeps, so that no entry can be guessed."""


class Submodule(Document):
    """A Git submodule of the code."""

    path: Path
    """Where it lies in the repository."""

    repository: Uri | None = None
    """Where its repository can be had."""

    commit: Commit
    """Its full commit id."""


class CodeReference(FileTree):
    """The code that ran: where it is kept, which state of it, and its bytes."""

    repository: Uri | None = None
    """Where the repository can be had, without credentials."""

    commit: Commit | None = None
    """The full commit id. A branch or tag name is no version."""

    tree: Commit | None = None
    """The Git tree id of the commit."""

    branch: ShortText | None = None
    """The branch that was checked out, for people."""

    tag: ShortText | None = None
    """A tag that names the commit, for people."""

    path: Path | None = None
    """The script that ran, relative to the repository."""

    modified: bool | None = None
    """Whether tracked files differed from the commit; absent if that is not known."""

    modified_files: Many[Path] = ()
    """The tracked files that differed, relative to the repository."""

    untracked_files: Count | None = None
    """How many files lay in the repository's folder that the commit does not have."""

    imported_files: Many[FileReference] = ()
    """Modules that ran and that the commit does not have; each `name` is a path below it."""

    patch: FileReference | None = None
    """The differences from the commit."""

    script: FileReference | None = None
    """The bytes of the script that ran."""

    document: Id | None = None
    """A document that holds those bytes."""

    submodules: Many[Submodule] = ()
    """The submodules of the commit."""

    licenses: Licenses = ()
    """SPDX expressions of the code's licences."""


class SupportingDocument(FileReference):
    """A document that other parts refer to: a card, a report, an invoice, a configuration."""

    id: Id
    """Its name inside the manifest."""

    kind: Literal[
        "model-card",
        "data-card",
        "technical-report",
        "paper",
        "configuration",
        "guidelines",
        "invoice",
        "calculation",
        "results",
        "code",
        "lockfile",
        "log",
        "license",
        "other",
    ]
    """What it is."""

    title: ShortText | None = None
    """Its title."""

    description: Text | None = None
    """What is in it."""

    date: Timestamp | None = None
    """When it was made."""

    licenses: Licenses = ()
    """SPDX expressions of its licences."""

    contains: Many[ShortText] = ()
    """Kinds of documents that it contains, e.g. a model card that holds the data card."""
