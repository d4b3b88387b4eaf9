"""The texts that are published with a manifest, read for the review before signing.

Documents, scripts, requirements and logs lie in the manifest folder, cards and configurations among
the released files. Links are not followed, and what is read is bounded: a review helps a person
to look, and says what it has not looked at.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import open_folder, open_regular, walk_tree
from provenance.digest.files import read_exactly
from provenance.errors import ProvenanceError
from provenance.recording.publication_rules import Rules, matches_glob
from provenance.recording.withholding import Decision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from provenance.digest import Folder
__all__ = ["PublishedText", "decide_texts", "published_paths", "read_published"]

#: Most bytes of one text that are looked at.
MAX_TEXT_BYTES: Final = 1024 * 1024

#: Most bytes of all texts together.
MAX_ALL_BYTES: Final = 64 * 1024 * 1024

#: Most files whose text is looked at.
MAX_TEXTS: Final = 10_000

_CUT: Final = f"only its first {MAX_TEXT_BYTES:,} bytes were looked at"

#: Most words of a text that a value pattern is compared with.
MAX_WORDS: Final = 200_000

_NO_TEXT: Final = "not looked at: it is no text"

# What the format itself puts there, without words of the producer's.
_OURS: Final = frozenset({"SHA256SUMS", "manifest.sigstore.json"})


@dataclass(frozen=True, slots=True)
class PublishedText:
    """The text of a file that is published, or why it was not looked at."""

    name: str
    """Its path in the release."""

    text: str = ""
    """What was read of it."""

    fault: str = ""
    """Why not all of it was looked at; empty if it was."""


def read_published(release: Path, *, skip: Collection[str] = ()) -> Iterator[PublishedText]:
    """Yield the texts below a released folder, as far as they are looked at, and what is not.

    Args:
        release: The folder that is published.
        skip: Names directly below it that are not published.

    Raises:
        InputError: The folder cannot be read.
    """
    found = walk_tree(release, skip=(OMS_FILE, *skip)).files
    left = MAX_ALL_BYTES
    with open_folder(release) as root:
        for number, file in enumerate(found):
            name = file.path
            if name.rpartition("/")[2] in _OURS and name.startswith(f"{MANIFEST_FOLDER}/"):
                continue
            if number >= MAX_TEXTS or left <= 0:
                yield PublishedText(name, fault="not looked at: there is too much")
                continue
            try:
                data = _beginning(root, name, min(file.size, MAX_TEXT_BYTES))
            except ProvenanceError as error:
                yield PublishedText(name, fault=f"not looked at: {error.problem}")
                continue
            left -= len(data)
            text = _decoded(data, whole=len(data) == file.size)
            if text:
                long = file.size > len(data)
                yield PublishedText(name, text, _CUT if long else "")
            elif data:
                # Names of columns and people stand in pickles and headers of weights as well.
                yield PublishedText(name, fault=_NO_TEXT)


def published_paths(tree: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return every `path` of a file in the manifest folder that a manifest's tree names."""
    found: set[str] = set()
    if hasattr(tree, "items"):
        path = tree.get("path")
        if isinstance(path, str):
            found.add(path)
        for item in tree.values():
            found |= published_paths(item)
    elif isinstance(tree, list | tuple):
        for item in tree:
            found |= published_paths(item)
    return found


def decide_texts(texts: Mapping[str, str], rules: Rules) -> Iterator[Decision]:
    """Yield what rules say of published files, each rule once a file.

    A file is published as it is: what a rule would withhold in it is a problem, as nothing is taken
    out of it. A rule with a pointer is about the manifest alone.

    Args:
        texts: What was read, by path in the release.
        rules: The rules.
    """
    wanted = [rule for rule in rules.rules if rule.pointer is None]
    if all(rule.action == "keep" for rule in wanted):
        return
    for name, text in texts.items():
        pieces = dict.fromkeys((name, *text.splitlines(), *text.split()[:MAX_WORDS]))
        hit: set[int] = set()
        for piece in pieces:
            first = next((it for it in wanted if matches_glob(it.value or "", piece)), None)
            if first is not None and first.action != "keep" and first.number not in hit:
                hit.add(first.number)
                problem = "" if first.action == "forbid" else "a file is published as it is"
                yield Decision(first.action, name, name, first.number, first.reason, problem)


def _beginning(root: Folder, name: str, size: int) -> bytes:
    with open_regular(name, root=root) as descriptor:
        return read_exactly(descriptor, size, path=name)


def _decoded(data: bytes, *, whole: bool) -> str:
    """Return bytes as text; empty if they are none."""
    if b"\0" in data:
        return ""
    try:
        # The beginning of a file may end within a character.
        return getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return ""
