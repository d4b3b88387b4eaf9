"""The files of a model against an OMS statement: what is there, what is listed, what is left out.

Our own walker looks at the model: it follows no link and opens no special file. Source:
`spec/oms.md`, section "Files"; OpenSSF Model Signing 1.0, sections 6.1, 6.2 and 8.4.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.digest import Folder, TreeFault, printable_name, walk_folder
from provenance.digest.opening import is_link, unreadable
from provenance.envelope.oms import DEFAULT_EXCLUSIONS, SINGLE_FILE
from provenance.errors import shown
from provenance.findings import Finding
from provenance.verification.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.digest import FileDigest, FileJob
    from provenance.envelope.oms import OmsStatement
    from provenance.errors import ProvenanceError
    from provenance.verification.batches import Reading

__all__ = ["OmsPlace", "Placed", "find_files"]


# A link leads to what no rule about names has seen, so that none is left out by its name.
_NEVER_LEFT_OUT = frozenset({"link-found", "special-file"})


class OmsPlace(Struct, frozen=True):
    """Where the files of a model are."""

    root: Folder
    """The model's folder, or the one that its only file is in; open."""

    file: str | None = None
    """The name of the only file; `None` for a folder."""

    signature: str | None = None
    """The signature file that is verified, if it lies in the model: relative to it."""

    source: FolderSource | None = None
    """What looks at the folder in a way of its own, as at the cache of a hub; `None` walks it."""

    def hash(self, jobs: Sequence[FileJob], reading: Reading) -> list[FileDigest | ProvenanceError]:
        """Return the digests of files below the root, or why there are none, in their order."""
        if self.source is not None:
            return self.source.hash_many(jobs, reading)
        return reading.hash(self.root, jobs)


# Why a file is not covered, where it is the caller who wanted it so.
_ASKED = "you asked to leave it out"
_UNSIGNED = "nobody signed it, and you asked to ignore such files"


class Placed(Struct, frozen=True):
    """What a walk came to."""

    sources: Mapping[str, str]
    """By listed path, the regular file below the root that holds its bytes."""

    sizes: Mapping[str, int]
    """The sizes of those files, by listed path."""

    findings: tuple[Finding, ...]
    """What is missing, additional, or not covered."""

    missing: int = 0
    """Listed files that are not here."""

    extra: int = 0
    """Files that nobody signed, and that are refused for it."""

    left_out: int = 0
    """Files that are not covered."""

    asked_out: int = 0
    """Files and links that are not covered because the caller asked for it."""


def find_files(
    place: OmsPlace,
    statement: OmsStatement,
    *,
    ignored: tuple[str, ...] = (),
    ignore_unsigned: bool = False,
) -> Placed:
    """Find every listed file, and say what else is there.

    Args:
        place: Where the files are.
        statement: The list.
        ignored: Files and folders that the caller asks to leave out.
        ignore_unsigned: What is not listed is not covered, instead of refused.

    Raises:
        InputError: The root cannot be read.
    """
    sizes, faults = _walk(place)
    listed = _listed(place, statement, sizes)
    excluded = _exclusions(statement, frozenset(listed), ignored)
    links = _links(place, faults, listed) if statement.serialization.allow_symlinks else {}
    sources: dict[str, str] = {}
    findings: list[Finding] = []
    told = {fault.path for fault in faults}
    for name, path in listed.items():
        source = _resolve(name, sizes, links)
        if source is not None:
            sources[path] = source
        elif name not in told:
            message = f"{shown(name)} was signed, and is not here"
            findings.append(Finding("file-missing", printable_name(name), message))
    outside = Counter[tuple[str, str]]()
    extra = 0
    for name, size in sizes.items():
        if name in listed:
            continue
        if name == place.signature:
            continue  # no signature covers itself
        reason = _reason(name, excluded)
        if reason is None and statement.serialization.method == "shards" and size == 0:
            reason = (name, "an empty file has no shard, so that it is in no list")
        if reason is None and ignore_unsigned:
            reason = (name, _UNSIGNED)
        if reason is not None:
            outside[reason] += 1
            continue
        extra += 1
        message = f"{shown(name)} is not in the signed list"
        findings.append(Finding("file-extra", printable_name(name), message))
    # A link that leads nowhere, or in a circle, is a link and no file.
    resolved = frozenset(name for name in links if _resolve(name, sizes, links) is not None)
    told_of = list(_told(faults, listed, resolved, excluded, ignore_unsigned=ignore_unsigned))
    findings += told_of
    findings += _not_covered(outside)
    return Placed(
        sources=sources,
        sizes={path: sizes[name] for path, name in sources.items()},
        findings=tuple(findings),
        missing=len(listed) - len(sources),
        extra=extra,
        left_out=sum(outside.values()),
        asked_out=_asked_out(outside, told_of if ignore_unsigned else ()),
    )


def _asked_out(outside: Counter[tuple[str, str]], told: Sequence[Finding]) -> int:
    """Return how many files and links are left out because the caller asked for it."""
    files = sum(count for (_, why), count in outside.items() if why in {_ASKED, _UNSIGNED})
    return files + sum(it.code == "oms-not-covered" for it in told)


def _walk(place: OmsPlace) -> tuple[dict[str, int], tuple[TreeFault, ...]]:
    if place.source is not None:
        tree = place.source.find(())
        return {name: size or 0 for name, size in tree.sizes.items()}, tree.faults
    if place.file is None:
        found = walk_folder(place.root)
        return {file.path: file.size for file in found.files}, found.faults
    path = os.path.join(place.root.path, place.file)  # noqa: PTH118 - text path
    try:
        info = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - text path
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if is_link(info):
        message = "is a link, and links are not followed"
        return {}, (TreeFault("link-found", printable_name(place.file), message),)
    if not stat.S_ISREG(info.st_mode):
        message = "is neither a file nor a folder"
        return {}, (TreeFault("special-file", printable_name(place.file), message),)
    return {place.file: info.st_size}, ()


def _listed(place: OmsPlace, statement: OmsStatement, sizes: Mapping[str, int]) -> dict[str, str]:
    """Return the listed paths by the names that they have here."""
    paths = dict.fromkeys(item.path for item in statement.resources)
    if SINGLE_FILE not in paths:
        return {path: path for path in paths}
    # A model that is a file: it may lie here under any name, alone in a folder too.
    names = [place.file] if place.file is not None else list(sizes)
    names = [name for name in names if name and name != place.signature]
    names = [name for name in names if name.partition("/")[0] not in DEFAULT_EXCLUSIONS]
    return {names[0]: SINGLE_FILE} if len(names) == 1 else {SINGLE_FILE: SINGLE_FILE}


def _exclusions(
    statement: OmsStatement, listed: frozenset[str], ignored: tuple[str, ...]
) -> dict[str, str]:
    """Return what is left out, a file or a whole folder, and why."""
    excluded: dict[str, str] = {}
    tops = {name.partition("/")[0] for name in listed}
    # Whoever signed files of `.git` has not left it out.
    for name in DEFAULT_EXCLUSIONS:
        if name not in tops:
            excluded[name] = "OMS leaves it out"
    for name in statement.serialization.ignore_paths:
        excluded[name] = "the signer left it out"
    for name in ignored:
        excluded[name] = _ASKED
    return excluded


def _reason(name: str, excluded: Mapping[str, str]) -> tuple[str, str] | None:
    parts = name.split("/")
    for length in range(1, len(parts) + 1):
        above = "/".join(parts[:length])
        if above in excluded:
            return above, excluded[above]
    return None


def _links(
    place: OmsPlace, faults: tuple[TreeFault, ...], listed: Mapping[str, str]
) -> dict[str, str]:
    """Return where listed links lead, by their text, for links that stay inside the model.

    No link is followed: its text names a file of the walk, and that one is read by its own name.
    """
    found = {}
    for fault in faults:
        if fault.code != "link-found" or fault.path not in listed:
            continue
        try:
            text = os.readlink(os.path.join(place.root.path, fault.path))  # noqa: PTH115, PTH118 - text path
        except OSError:
            continue
        folder = posixpath.dirname(fault.path)
        if not posixpath.isabs(text):
            found[fault.path] = posixpath.normpath(posixpath.join(folder, text))
    return found


def _resolve(name: str, sizes: Mapping[str, int], links: Mapping[str, str]) -> str | None:
    """Return the regular file that a name means; `None` if there is none."""
    seen: set[str] = set()
    while name in links and name not in seen:
        seen.add(name)
        name = links[name]
    return name if name in sizes else None


def _told(
    faults: tuple[TreeFault, ...],
    listed: Mapping[str, str],
    resolved: frozenset[str],
    excluded: Mapping[str, str],
    *,
    ignore_unsigned: bool,
) -> Iterator[Finding]:
    for fault in faults:
        if fault.path in resolved:
            continue
        reason = _reason(fault.path, excluded)
        is_bound = fault.code in _NEVER_LEFT_OUT or fault.path in listed
        if reason is not None and not is_bound:
            yield Finding("oms-not-covered", fault.path, f"{fault.message}; {reason[1]}")
        # What cannot be read may hide files; a link or a device that nobody signed hides none.
        elif (
            ignore_unsigned
            and fault.path not in listed
            and fault.code in {*_NEVER_LEFT_OUT, "name-unsafe"}
        ):
            yield Finding("oms-not-covered", fault.path, f"{fault.message}, and was not looked at")
        else:
            yield Finding(fault.code, fault.path, fault.message)


def _not_covered(outside: Counter[tuple[str, str]]) -> Iterator[Finding]:
    for (name, reason), count in sorted(outside.items()):
        files = "1 file" if count == 1 else f"{count} files"
        message = f"{files} not covered by the signature: {reason}"
        yield Finding("oms-not-covered", printable_name(name), message)
