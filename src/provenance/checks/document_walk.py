"""Where a manifest refers to files: every file reference and every tree, with its JSON Pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import join_pointer
from provenance.manifest import Document, FileReference, FileTree

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["file_references", "file_trees", "walk_documents"]


def file_references(document: Document) -> Iterator[tuple[str, FileReference]]:
    """Yield every file reference inside a document, with its JSON Pointer."""
    for path, item in walk_documents(document):
        if isinstance(item, FileReference):
            yield path, item


def file_trees(document: Document) -> Iterator[tuple[str, FileTree]]:
    """Yield every tree of files inside a document (datasets, code, checkpoints, …)."""
    for path, item in walk_documents(document):
        if isinstance(item, FileTree):
            yield path, item


def walk_documents(document: Document, path: str = "") -> Iterator[tuple[str, Document]]:
    """Yield a document and every document inside it, with their JSON Pointers.

    The recursion is as deep as the classes nest, which no input can change.
    """
    yield path, document
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        where = path + join_pointer(field.alias or name)
        if isinstance(value, Document):
            yield from walk_documents(value, where)
        elif isinstance(value, tuple) and value and isinstance(value[0], Document):
            for index, item in enumerate(value):
                yield from walk_documents(item, f"{where}/{index}")
