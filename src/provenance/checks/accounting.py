"""Step 10: every file is accounted for, in both directions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provenance.checks.evidence import OMS_FILE
from provenance.digest import printable_name
from provenance.errors import shown
from provenance.findings import Finding
from provenance.trust import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_every_file_found", "check_every_file_listed"]


def check_every_file_listed(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 10: nothing is there that nobody signed.

    `model.sig` at the top is named in step 24. What the caller asked to ignore is "not checked".

    Codes: `file-extra`, `file-ignored`, `folder-empty`.
    """
    # Without the list, which step 13 misses, nothing can be said of any file.
    has_list = bool(evidence.listed) or evidence.manifest.release.inventory_file is None
    for name in evidence.found if has_list else ():
        if name not in evidence.listed_names and name != OMS_FILE:
            message = f"{shown(name)} is not in the signed inventory{_preset_for(name)}"
            yield Finding("file-extra", printable_name(name), message)
    for (place, preset), count in _ignored_by_place(evidence).items():
        message = f"{count} files were not checked: the preset {preset!r} ignores them"
        yield Finding("file-ignored", printable_name(place), message)
    for name in evidence.empty_folders:
        yield Finding("folder-empty", printable_name(name), f"{shown(name)} is an empty folder")


def check_every_file_found(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 10: everything that was signed is there.

    Codes: `file-missing`, `file-type`, `file-not-selected`, `pattern-unmatched`, `bytes-not-read`.
    """
    for pattern in evidence.unmatched:
        yield Finding("pattern-unmatched", "", f"no file matches the pattern {shown(pattern)}")
    if evidence.source in {"draft", "bundle"}:
        return
    for entry in evidence.listed:
        name = entry.path
        if not evidence.is_selected(name):
            yield Finding(
                "file-not-selected", printable_name(name), f"{shown(name)} was not asked for"
            )
        elif name in evidence.found or evidence.is_unseen(name):
            continue
        elif name in evidence.folders:
            yield Finding(
                "file-type", printable_name(name), f"{shown(name)} is a folder, signed was a file"
            )
        else:
            message = f"{shown(name)} was signed with {entry.size} bytes and is not here"
            yield Finding("file-missing", printable_name(name), message)
    if evidence.source == "digests":
        message = (
            f"the caller supplied the digests of {len(evidence.found)} files; no byte was read"
        )
        yield Finding("bytes-not-read", "", message)


def _preset_for(name: str) -> str:
    """Return which preset would ignore an extra file: what download tools leave is no attack."""
    preset = next((preset for preset in PRESETS.values() if preset.covers(name)), None)
    return "" if preset is None else f"; the preset {preset.name!r} ignores it"


def _ignored_by_place(evidence: Evidence) -> Counter[tuple[str, str]]:
    """Count the ignored files by the folder that a preset names, or by their own name."""
    counts: Counter[tuple[str, str]] = Counter()
    for name, preset in evidence.ignored.items():
        folders = PRESETS[preset].folders
        place = next((folder for folder in folders if name.startswith(f"{folder}/")), name)
        counts[place, preset] += 1
    return counts
