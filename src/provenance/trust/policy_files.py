"""The files that a policy names: which are missing, and a policy that holds them itself.

A policy for many machines has to stand by itself; one for this machine may name key files. Reading
those files is the only I/O.

Source: `spec/trust-policy.md`, sections "Signer" and "Signed policies".
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance import canonical
from provenance.canonical import MAX_POLICY_BYTES
from provenance.digest import read_file
from provenance.errors import ProvenanceError, shown
from provenance.trust.policy_reading import (
    is_document,
    placeholders,
    read_policy,
    read_tree,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.manifest.faults import Place

__all__ = ["embed_files", "find_gaps"]


def find_gaps(data: bytes, *, path: str, base: Path) -> tuple[str, ...]:
    """Return everything that is left to fill in: placeholders, and files that are not there.

    Args:
        data: The policy.
        path: What messages call it.
        base: The folder that file names in it are relative to.

    Returns:
        One sentence for each, with its place; empty if nothing is left, or it is no policy at all.
    """
    try:
        tree = read_tree(data, path=path)
    except ProvenanceError:
        return ()
    open_places = dict(placeholders(tree))
    gaps = [
        f"{path}#{place}: {shown(text)} is a placeholder; fill it in"
        for place, text in open_places.items()
    ]
    for place, name in _named_files(tree):
        pointer = canonical.join_pointer(*place)
        if pointer not in open_places and not _exists(base, name):
            gaps.append(
                f"{path}#{pointer}: {shown(name)}: there is no such file; "
                "name a file relative to the policy"
            )
    return tuple(gaps)


def embed_files(data: bytes, *, path: str, base: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return a policy that names no files: what they hold stands in it. And the names of the files.

    Args:
        data: The policy.
        path: What messages call it.
        base: The folder that file names in it are relative to.

    Returns:
        The very same bytes if it names no files; else canonical JSON, the same for the same files.

    Raises:
        UsageError: It is no policy, or a file cannot be read.
    """
    read_policy(data, path=path)
    tree = read_tree(data, path=path)
    files = dict(_named_files(tree))
    if not files:
        return data, ()
    texts = {
        place: _text_of(base, name, path, canonical.join_pointer(*place))
        for place, name in files.items()
    }
    return canonical.write(_replaced(tree, texts, ())), tuple(dict.fromkeys(files.values()))


def _named_files(tree: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield every place of a policy that names a file, with the name."""
    for place, value in _places(tree):
        if isinstance(value, str) and not is_document(value):
            yield place, value


def _places(tree: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Yield every value that may be a file name or what such a file holds."""
    signers = tree.get("signers")
    for name, signer in signers.items() if isinstance(signers, Mapping) else ():
        if not isinstance(signer, Mapping):
            continue
        for field in ("key", "trustedRoot"):
            yield ("signers", name, field), signer.get(field)
        for kind, field in (("certificate", "authority"), ("keyless", "trustedRoot")):
            inner = signer.get(kind)
            if isinstance(inner, Mapping):
                yield ("signers", name, kind, field), inner.get(field)
    stamps = tree.get("timestamps")
    authorities = stamps.get("authorities") if isinstance(stamps, Mapping) else None
    for index, name in enumerate(authorities if isinstance(authorities, tuple | list) else ()):
        yield ("timestamps", "authorities", index), name


def _exists(base: Path, name: str) -> bool:
    try:
        return os.path.exists(base / name)  # noqa: PTH110 - a name with U+0000 raises
    except ValueError:
        return False


def _text_of(base: Path, name: str, path: str, pointer: str) -> str:
    """Return what a file holds as text: as it is, or as PEM if it is DER."""
    try:
        # Whoever wrote the policy named this file, so a link to it is followed.
        data = read_file(os.path.realpath(base / name), max_bytes=MAX_POLICY_BYTES)
    except (ProvenanceError, ValueError) as error:
        problem = error.problem if isinstance(error, ProvenanceError) else str(error)
        refuse(path, pointer, f"{shown(name)}: {problem}", "name a file relative to the policy")
    if data[:1] == b"\x30":
        label = "PUBLIC KEY" if pointer.endswith("/key") else "CERTIFICATE"
        text = b64encode(data).decode("ascii")
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        refuse(path, pointer, f"{shown(name)} is neither text nor DER")
    if not is_document(text):
        refuse(path, pointer, f"{shown(name)} is neither PEM nor JSON", "write its key as PEM")
    return text


def _replaced(value: Any, texts: Mapping[Place, str], place: Place) -> Any:  # noqa: ANN401 - a JSON tree
    if place in texts:
        return texts[place]
    if isinstance(value, Mapping):
        return {key: _replaced(item, texts, (*place, key)) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_replaced(item, texts, (*place, index)) for index, item in enumerate(value)]
    return value
