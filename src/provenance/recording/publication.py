"""Rules of publication, applied to a release that is being drafted.

Facts are taken out of the manifest, and files of the manifest folder that nothing names any more
are taken out of the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.checks import LISTING_FILE, MANIFEST_FOLDER
from provenance.digest import walk_tree
from provenance.errors import CanonicalError, RecordingError
from provenance.recording.private_trees import TELLING, make_private
from provenance.recording.publication_rules import Rules
from provenance.recording.reviewing import decide_texts, published_paths, read_published
from provenance.recording.withholding import apply_rules, refuse_forbidden, refuse_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provenance.recording.drafts import Sealed

__all__ = [
    "NO_RULES",
    "Published",
    "publish_only",
    "refuse_texts",
    "still_published",
    "still_there",
    "without_inventories",
    "without_private",
]

#: Files that were not looked at for the same reason, and are named in a warning.
MAX_NAMED_FILES: Final = 5
#: Nothing is withheld.
NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Published:
    """What a manifest says after the rules, and what the producer keeps."""

    tree: dict[str, Any]
    """The tree."""

    sealed: tuple[Sealed, ...]
    """What opens the commitments."""

    secrets: Mapping[str, bytes]
    """What the salts of private trees are derived from, by the dataset's id."""

    warnings: tuple[str, ...]
    """What its maker should know."""


def publish_only(tree: dict[str, Any], rules: Rules, manifest_folder: Path) -> Published:
    """Apply rules to a manifest's tree and to its folder.

    Raises:
        RecordingError: A rule cannot be followed, or forbids what the manifest says.
        DigestError: An inventory breaks its format.
        InputError: Something cannot be read or written.
    """
    before = published_paths(tree)
    private = make_private(tree, rules, manifest_folder)
    applied = apply_rules(private.tree, rules)
    refuse_forbidden(applied.decisions, rules)
    dropped = before - published_paths(applied.tree) - {LISTING_FILE}
    if dropped:
        # Only what lies there: a name in a manifest is no place to delete at.
        for file in walk_tree(manifest_folder).files:
            if file.path in dropped:
                place = manifest_folder / file.path
                place.unlink()
                _remove_empty(place.parent, manifest_folder)
    moved = [it for it in applied.decisions if it.action != "forbid" and it.pointer != it.target]
    warnings = tuple(
        dict.fromkeys(f"{it.target} is left out as a whole: rule {it.rule}" for it in moved)
    )
    return Published(applied.tree, applied.sealed, private.secrets, warnings)


def refuse_texts(
    rules: Rules, released: Path, manifest_folder: Path, skip: Sequence[str]
) -> tuple[str, ...]:
    """Refuse a release in whose texts stands what is not to be published.

    Returns:
        What its maker should know: files of which not all was looked at.

    Raises:
        RecordingError: A text holds what a rule forbids, or would withhold.
        InputError: A folder cannot be read.
    """
    if all(rule.action == "keep" or rule.pointer is not None for rule in rules.rules):
        return ()
    found = {it.name: it for it in read_published(released, skip=skip)}
    if manifest_folder.parent != released or manifest_folder.name in skip:
        inside = read_published(manifest_folder)
        found |= {f"{MANIFEST_FOLDER}/{it.name}": it for it in inside}
    texts = {name: it.text for name, it in found.items() if it.text}
    decisions = tuple(decide_texts(texts, rules))
    refuse_forbidden(decisions, rules)
    refuse_problems(decisions, rules)
    unseen: dict[str, list[str]] = {}
    for name, it in sorted(found.items()):
        if it.fault:
            unseen.setdefault(it.fault, []).append(name)
    return tuple(f"{_first(names)}: the rules: {fault}" for fault, names in unseen.items())


def _first(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - MAX_NAMED_FILES
    return ", ".join(names[:MAX_NAMED_FILES]) + (f" and {more:,} more" if more > 0 else "")


def without_private(tree: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return what the card may say of a manifest's tree; nothing of it is kept.

    Raises:
        RecordingError: A rule cannot be followed.
    """
    return apply_rules(without_inventories(tree, rules), rules).tree


def without_inventories(tree: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return a manifest's tree without what tells of private datasets."""
    named = {private.dataset for private in rules.private}
    datasets = [
        {name: item for name, item in dataset.items() if name not in TELLING}
        if dataset.get("id") in named
        else dataset
        for dataset in tree.get("datasets") or ()
    ]
    return {**tree, "datasets": datasets} if datasets else dict(tree)


def still_published(
    texts: Mapping[str, str], tree: Mapping[str, Any], rules: Rules
) -> dict[str, str]:
    """Return the texts of a draft without those of the manifest folder that rules take out."""
    try:
        after = published_paths(without_private(tree, rules))
    except RecordingError:  # a rule cannot be followed, which is said elsewhere
        return dict(texts)
    gone = {f"{MANIFEST_FOLDER}/{path}" for path in published_paths(dict(tree)) - after}
    return {name: text for name, text in texts.items() if name not in gone}


def still_there(tree: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, str]:
    """Return the origins of what the manifest still states."""
    return {pointer: origin for pointer, origin in origins.items() if _is_there(tree, pointer)}


def _is_there(tree: Mapping[str, Any], pointer: str) -> bool:
    try:
        canonical.resolve_pointer(dict(tree), pointer)
    except CanonicalError:
        return False
    return True


def _remove_empty(folder: Path, stop: Path) -> None:
    while folder != stop and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
