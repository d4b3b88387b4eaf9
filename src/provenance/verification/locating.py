"""Step 1: find the bundle of the manifest, and the source of the files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import DigestSet, printable_name, read_file
from provenance.errors import InputError, ProvenanceError, UsageError, shown
from provenance.findings import Finding
from provenance.verification.gathering import MANIFEST_FILE
from provenance.verification.loading import finding_of
from provenance.verification.sources import (
    BundleSource,
    DigestsSource,
    FileSource,
    FolderSource,
    Source,
)

if TYPE_CHECKING:
    from contextlib import ExitStack

    from provenance.verification.options import Options, PathLike

__all__ = ["Located", "bundle_of", "locate"]

#: What the name of a bundle ends with.
BUNDLE_SUFFIX = ".sigstore.json"
#: What stands behind the name of a release in the name of its draft's folder.
DRAFT_SUFFIX = ".draft"
#: How many folders above a released file its manifest is looked for, to name it in a message.
MAX_FOLDERS_ABOVE = 4
#: The unsigned statement of a draft.
DRAFT_FILE = "statement.json"


class Located(Struct, frozen=True):
    """The bundle and the files, as far as they were found."""

    source: Source | None = None
    """Where the files are; `None` if nothing could be opened."""

    bundle: bytes | None = None
    """The bytes of the bundle; `None` if there is none, and a finding says so."""

    findings: tuple[Finding, ...] = ()
    """Why there is none."""


def locate(options: Options, stack: ExitStack) -> Located:
    """Return the bundle of the manifest and the source of the files.

    Args:
        options: What the caller asks for.
        stack: Takes what must be closed.

    Raises:
        UsageError: The target and the layout, or the digests supplied, make no sense.
    """
    target = options.target
    if isinstance(target, Mapping):
        return _with_bundle(options, DigestsSource(_checked(target)))
    path = os.fspath(target)
    try:
        if options.layout == "hf-cache":
            from provenance.verification.hub_cache import (  # noqa: PLC0415 - for this layout alone
                HubCacheSource,
            )

            source: Source = stack.enter_context(HubCacheSource(path))
        elif os.path.isdir(path):  # noqa: PTH112 - text path
            source = stack.enter_context(FolderSource(path))
        else:
            return _locate_file(options, path)
    except InputError as error:
        return Located(findings=(finding_of(error, "input-unreadable"),))
    return _with_bundle(options, source)


def _locate_file(options: Options, path: str) -> Located:
    if options.manifest is None and path.endswith(BUNDLE_SUFFIX):
        return _read_bundle(BundleSource(), path)
    return _with_bundle(options, FileSource(path))


def _with_bundle(options: Options, source: Source) -> Located:
    if isinstance(options.manifest, bytes):
        return Located(source, options.manifest)
    if options.manifest is not None:
        return _read_bundle(source, options.manifest)
    if isinstance(source, FolderSource):
        return _usual_place(source)
    if isinstance(source, FileSource) and _is_nowhere(source.path):
        message = f"there is no file or folder {shown(source.path)}"
    else:
        beside = _bundle_above(source.path) if isinstance(source, FileSource) else None
        which = "the bundle of the manifest" if beside is None else printable_name(beside)
        message = f"no manifest was named; name {which}"
    return Located(source, findings=(Finding("manifest-missing", "", message),))


def _bundle_above(path: str) -> str | None:
    """Return where the manifest of a file's release lies, for a message: nothing is read there."""
    folder = os.path.dirname(path)  # noqa: PTH120 - text path
    for _ in range(MAX_FOLDERS_ABOVE):
        bundle = os.path.join(folder, MANIFEST_FOLDER, MANIFEST_FILE)  # noqa: PTH118 - text path
        if os.path.isfile(bundle):  # noqa: PTH113 - text path
            return bundle
        folder = os.path.join(folder, os.pardir)  # noqa: PTH118 - text path
    return None


def _is_nowhere(path: str) -> bool:
    try:
        return not os.path.lexists(path)
    except ValueError:  # a name with U+0000 in it
        return True


def _usual_place(source: FolderSource) -> Located:
    name = f"{MANIFEST_FOLDER}/{MANIFEST_FILE}"
    if source.exists(name):
        try:
            data = source.read(name, max_bytes=MAX_BUNDLE_BYTES)
        except ProvenanceError as error:
            return Located(source, findings=(_unreadable(error, name),))
        return Located(source, data)
    draft = os.path.join(os.path.abspath(source.path) + DRAFT_SUFFIX, DRAFT_FILE)  # noqa: PTH100, PTH118 - text path
    if os.path.lexists(draft):
        message = (
            f"{printable_name(os.path.basename(os.path.dirname(draft)))}/{DRAFT_FILE} is not signed"  # noqa: PTH119, PTH120 - text path
        )
        return Located(source, findings=(Finding("draft-unsigned", name, message),))
    if source.exists(OMS_FILE):
        message = f"{OMS_FILE} is here, and {name} is not"
        return Located(source, findings=(Finding("oms-only", OMS_FILE, message),))
    return Located(source, findings=(Finding("manifest-missing", name, f"{name} is not here"),))


def _read_bundle(source: Source, path: PathLike) -> Located:
    try:
        # The caller named this file, so a link to it is followed.
        data = read_file(bundle_of(path), max_bytes=MAX_BUNDLE_BYTES)
    except ValueError:  # a name with U+0000 in it
        fault = Finding("input-unreadable", printable_name(os.fspath(path)), "it is no path")
        return Located(source, findings=(fault,))
    except ProvenanceError as error:
        return Located(source, findings=(_unreadable(error, os.fspath(path)),))
    return Located(source, data)


def bundle_of(named: PathLike) -> str:
    """Return the bundle that a path means: itself, or the one in a release or manifest folder.

    Links are followed as far as the caller named them.
    """
    try:
        path = os.path.realpath(named)
    except ValueError:  # a name with U+0000 in it, which the reader refuses in words
        return os.fspath(named)
    for inside in ((MANIFEST_FOLDER, MANIFEST_FILE), (MANIFEST_FILE,)):
        bundle = os.path.join(path, *inside)  # noqa: PTH118 - text path
        if os.path.isdir(path) and os.path.lexists(bundle):  # noqa: PTH112 - text path
            return bundle
    return path


def _unreadable(error: ProvenanceError, name: str) -> Finding:
    # A folder where a file was named is a wrong argument, and no sign of tampering.
    codes = {
        "json-size": "bundle-size",
        "file-unreadable": "input-unreadable",
        "file-type": "input-unreadable",
    }
    code = codes.get(error.code, error.code or "input-unreadable")
    return Finding(code, printable_name(name), error.problem)


def _checked(
    digests: Mapping[str, tuple[int | None, Mapping[str, str]]],
) -> Mapping[str, tuple[int | None, Mapping[str, str]]]:
    """Return a checked copy of the digests that the caller supplies.

    Raises:
        UsageError: An entry is not (size, digests).
    """
    checked = {}
    for name, entry in digests.items():
        try:
            checked[name] = _checked_entry(name, entry)
        except (TypeError, ValueError, ProvenanceError) as error:
            raise UsageError(
                path=printable_name(str(name)),
                problem=f"expected a size or None and digests, found {shown(entry)}",
            ) from error
    return MappingProxyType(checked)


def _checked_entry(name: object, entry: Any) -> tuple[int | None, DigestSet]:  # noqa: ANN401 - the caller's
    size, found = entry
    if not isinstance(name, str) or not (size is None or (type(size) is int and size >= 0)):
        message = "a name is text, a size a whole number"
        raise TypeError(message)
    return size, DigestSet(found)
