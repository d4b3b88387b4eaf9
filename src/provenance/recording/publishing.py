"""From a project folder, or a model that is already trained, to a released folder and its draft."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import walk_tree
from provenance.manifest.base import parse_timestamp
from provenance.recording.assembly import add_model_facts, join_description
from provenance.recording.card import write_card
from provenance.recording.completion import Content, complete
from provenance.recording.description import read_description
from provenance.recording.drafts import Draft, draft_folder, keep_old_salts
from provenance.recording.kept_runs import keep_runs
from provenance.recording.layout import refuse_occupied, stage, swap_in, write_into
from provenance.recording.merging import merge_runs
from provenance.recording.near_ids import warn_of_near_ids
from provenance.recording.placement import place_released
from provenance.recording.projects import read_project
from provenance.recording.publication import without_private
from provenance.recording.publication_rules import read_rules
from provenance.recording.state import now
from provenance.recording.weights import Weights, describe_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["release", "release_existing"]

#: Name of the card that is written where the author has none.
CARD_NAME = "README.md"


def release(
    project: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    checkpoint: str = "last",
    metric: str | None = None,
    higher_is_better: bool | None = None,
    files: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]] = (),
    description: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    runs: Sequence[str] | None = None,
    unfinished: bool = False,
    link: bool = False,
    overwrite: bool = False,
    created_at: str | None = None,
    blocks: int | None = None,
    oms: bool = False,
    public: str | os.PathLike[str] | Mapping[str, Any] | None = None,
) -> Draft:
    """Lay out a released folder from a project, and draft the manifest that is to be signed.

    The runs that lead to the checkpoint are joined by digest; runs that do not belong to it are
    left out, and the draft's warnings say so. Nothing appears under the output's name before all
    is done.

    Args:
        project: The folder that the scripts recorded into.
        output: The folder to make. The draft goes beside it, into `<output>.draft`.
        checkpoint: `last`, `best`, or a checkpoint's id.
        metric: The name of the metric for `best`.
        higher_is_better: Which way is better; otherwise what evaluations say, or the name suggests.
        files: More files to release, by their own names or under the names of a mapping; a folder
            is copied whole. If weights are among them, they are released instead of the
            checkpoint's.
        description: What the author has to say: a TOML file, or its content as a mapping.
        runs: Names or folder names of the only runs that may be used.
        unfinished: Use runs that failed, were interrupted or killed like completed ones.
        link: Make hard links instead of copies where the file system can.
        overwrite: Replace a folder that is a release of ours.
        created_at: The time that the manifest claims, RFC 3339 in UTC; otherwise now.
        blocks: Record the digests of the blocks of this size, in bytes, of every larger file.
        oms: Name the root of an OMS signature as a subject, so that `sign_oms` can be used.
        public: Rules that withhold, seal or forbid facts: a TOML file, or its content as a mapping.

    Returns:
        The draft; `sign_release` signs it.

    Raises:
        RecordingError: There is no such checkpoint, its files changed, a description contradicts a
            record, or a rule cannot be followed or forbids what would be published.
        ManifestError: A part breaks a rule of the format, e.g. nobody is named as producer.
        InputError: Something cannot be read or written.
        UsageError: The output is taken.
    """
    target, drafted = _targets(output, overwrite=overwrite)
    created = _time(created_at)
    described = read_description(description)
    rules = read_rules(public)
    kept = keep_runs(
        read_project(project),
        wanted=checkpoint,
        metric=metric,
        higher_is_better=higher_is_better,
        runs=runs,
        unfinished=unfinished,
    )
    merged = merge_runs(kept)
    rules = rules.with_private(merged.private)
    tree = join_description(merged.tree, described)
    with ExitStack() as stack:
        staging = stack.enter_context(stage(target))
        drafting = stack.enter_context(stage(drafted))
        placed = place_released(merged, files, staging.folder, link=link)
        weights = _weights_in(staging.folder)
        tree = add_model_facts(tree, weights)
        if not (staging.folder / CARD_NAME).exists():
            card = write_card(without_private(tree, rules), has_log=bool(merged.logs))
            write_into(staging.folder, CARD_NAME, card.encode("utf-8"))
        content = Content(tree, merged.tree, described, merged, placed, weights)
        done = complete(
            content,
            released=staging.folder,
            manifest_folder=staging.folder / MANIFEST_FOLDER,
            draft=drafting.folder,
            created_at=created,
            block_size=blocks,
            oms=oms,
            rules=rules,
        )
        keep_old_salts(drafted, drafting.folder)
        swap_in(drafting, staging)
    near = warn_of_near_ids(merged.tree, described.tree)
    warnings = (*kept.warnings, *near, *done.warnings)
    return Draft(drafted, target, done.manifest, done.payload, warnings)


def release_existing(
    folder: str | os.PathLike[str],
    description: str | os.PathLike[str] | Mapping[str, Any],
    *,
    overwrite: bool = False,
    created_at: str | None = None,
    blocks: int | None = None,
    oms: bool = False,
    public: str | os.PathLike[str] | Mapping[str, Any] | None = None,
) -> Draft:
    """Draft the manifest of a model that is already trained, in the folder where it lies.

    No released file is moved or changed; `training-provenance/` is added to the folder, and the
    draft goes beside it.

    Args:
        folder: The folder of the model.
        description: What the author has to say: the TOML file that `describe_existing` began.
        overwrite: Replace a manifest folder and draft that are there.
        created_at: The time that the manifest claims, RFC 3339 in UTC; otherwise now.
        blocks: Record the digests of the blocks of this size, in bytes, of every larger file.
        oms: Name the root of an OMS signature as a subject, so that `sign_oms` can be used.
        public: Rules that withhold, seal or forbid facts: a TOML file, or its content as a mapping.

    Raises:
        RecordingError: The folder holds no file, or a rule cannot be followed or forbids something.
        ManifestError: A part breaks a rule of the format.
        InputError: Something cannot be read or written.
        UsageError: A manifest folder or a draft is there already.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100 - a link that the caller names stays one
    drafted = draft_folder(target)
    refuse_occupied(target / MANIFEST_FOLDER, overwrite=overwrite)
    refuse_occupied(drafted, overwrite=overwrite)
    described = read_description(description)
    rules = read_rules(public)
    with ExitStack() as stack:
        staging = stack.enter_context(stage(target / MANIFEST_FOLDER))
        drafting = stack.enter_context(stage(drafted))
        skip = (MANIFEST_FOLDER, OMS_FILE, staging.folder.name)
        weights = _weights_in(target, skip)
        tree = add_model_facts(join_description({}, described), weights)
        done = complete(
            Content(tree, {}, described, weights=weights),
            released=target,
            manifest_folder=staging.folder,
            draft=drafting.folder,
            created_at=_time(created_at),
            skip=skip,
            block_size=blocks,
            oms=oms,
            rules=rules,
        )
        keep_old_salts(drafted, drafting.folder)
        swap_in(drafting, staging)
    return Draft(drafted, target, done.manifest, done.payload, done.warnings)


def _targets(output: str | os.PathLike[str], *, overwrite: bool) -> tuple[Path, Path]:
    target = Path(os.path.abspath(output))  # noqa: PTH100 - a link there must be seen, not followed
    drafted = draft_folder(target)
    refuse_occupied(target, overwrite=overwrite)
    # A draft that was left behind by a release that is gone is refused as well: it holds salts.
    refuse_occupied(drafted, overwrite=overwrite)
    return target, drafted


def _weights_in(folder: Path, skip: Sequence[str] = ()) -> Weights:
    return describe_weights(folder, [file.path for file in walk_tree(folder, skip=skip).files])


def _time(created_at: str | None) -> str:
    if created_at is None:
        return now()
    parse_timestamp(created_at)
    return created_at
