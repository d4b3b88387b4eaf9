"""Code that the caller holds, compared with the code references of a manifest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.checks import walk_documents
from provenance.errors import DigestError
from provenance.manifest import CodeReference
from provenance.verification.held import hash_held, hash_held_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.digest import FileDigest
    from provenance.manifest import FileEntry, Manifest
    from provenance.verification.held import Held
    from provenance.verification.options import Options, PathLike

__all__ = ["compare_code"]


def compare_code(held: Held, options: Options, manifest: Manifest, path: PathLike) -> None:
    """Compare a folder or file of code with every code reference that binds bytes.

    Only the files that the manifest names are read: a checkout holds much else. A file is looked
    for under its path in the repository, then under its bare name.
    """
    references = list(_references(manifest))
    if not references:
        held.say("code", "", "unknown", "code: the manifest refers to no code")
    is_folder = os.path.isdir(path)  # noqa: PTH112 - text or path object
    if not is_folder:
        hash_held(held, options, path)  # so that a path that leads nowhere is not passed over
    before = len(held.supplied)
    for where, code in references:
        if code.files is None and not code.inventory and code.script is None:
            message = f"code of {where}: the manifest binds no bytes of it"
            held.say("code", where, "unbound", message)
        if code.script is not None:
            _compare_script(held, options, where, code, path)
        if code.inventory and is_folder:
            _compare_tree(held, options, where, code, path)
    if references and len(held.supplied) == before:
        held.say("code", "", "unbound", "code: the manifest names none of these files")


def _references(manifest: Manifest) -> Iterator[tuple[str, CodeReference]]:
    for where, document in walk_documents(manifest):
        if isinstance(document, CodeReference):
            yield where, document


def _compare_script(
    held: Held, options: Options, where: str, code: CodeReference, path: PathLike
) -> None:
    signed = code.script.digest if code.script is not None else None
    if signed is None or not signed.counted:
        held.say("code", where, "unbound", f"code of {where}: the script has no digest that counts")
        return
    found = _find_script(held, options, code, path)
    if any(_is_same(made, signed) for made in found):
        held.say("code", where, "matched", f"code of {where}: the script is what was signed")
    elif found:
        held.say(
            "code", where, "mismatch", f"code of {where}: the script has other bytes than signed"
        )


def _is_same(made: FileDigest, signed: Mapping[str, str]) -> bool:
    """Return whether every digest that both sides have is the same, and there is one."""
    both = made.digest.keys() & signed.keys()
    return bool(both) and all(made.digest[name] == signed[name] for name in both)


def _find_script(
    held: Held, options: Options, code: CodeReference, path: PathLike
) -> list[FileDigest]:
    names = [text for text in (code.path, code.script and code.script.name) if text]
    bare = [name.rpartition("/")[2] for name in names]
    if not os.path.isdir(path):  # noqa: PTH112 - text or path object
        named = os.path.basename(path) in bare or not bare  # noqa: PTH119 - text or path object
        return [hash_held(held, options, path)] if named else []
    found = []
    for name in dict.fromkeys((*names, *bare)):
        try:
            made = hash_held_below(held, options, path, name)
        except DigestError:
            continue  # no name below a folder, e.g. with `..`: nothing there to compare
        if made is not None:
            found.append(made)
    return found


def _hash_entry(
    held: Held, options: Options, path: PathLike, entry: FileEntry
) -> FileDigest | None:
    """Return what a file of the tree hashes to; `None` if it is not here or has another size."""
    try:
        return hash_held_below(held, options, path, entry.path, size=entry.size)
    except DigestError as error:
        if error.code == "size-mismatch":
            return None  # then no byte of it has to be read
        raise


def _compare_tree(
    held: Held, options: Options, where: str, code: CodeReference, path: PathLike
) -> None:
    differing = []
    for entry in code.inventory:
        made = _hash_entry(held, options, path, entry)
        if made is None or not _is_same(made, entry.digest):
            differing.append(entry.path)
    if differing:
        message = f"code of {where}: {len(differing)} of {len(code.inventory)} files differ"
        held.say("code", where, "mismatch", message)
        return
    if code.files is not None:
        held.roots.add(code.files)
    held.say(
        "code",
        where,
        "matched",
        f"code of {where}: {len(code.inventory)} files are what was signed",
    )
