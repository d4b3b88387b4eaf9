"""`provenance review`: everything that becomes public, before a signature makes it final."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.output import format_option, say, say_error, say_json
from provenance.cli.sources import DRAFT_SUFFIX, MANIFEST_FILE, STATEMENT_FILE
from provenance.errors import ProvenanceError, UsageError

if TYPE_CHECKING:
    from provenance.cli.sources import LoadedStatement
    from provenance.recording.publication_rules import Rules
    from provenance.recording.withholding import Decision
    from provenance.render import Review

__all__ = ["load_review", "review"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = click.Path(path_type=Path, readable=False)

#: Decisions that are shown.
MAX_SHOWN_DECISIONS = 200

#: The exit code where a rule forbids something, or cannot be followed.
FORBIDDEN = 1


@click.command(
    short_help="List everything that becomes public.",
    epilog="""
    \b
    Examples:
      provenance review my-model.draft
      provenance review my-model --public rules.toml
      provenance review my-model.draft --format json
    """,
)
@click.argument("path", type=_PATH, metavar="DRAFT|RELEASE")
@click.option(
    "--public",
    type=_PATH,
    metavar="FILE",
    help="Rules (TOML) that withhold, seal or forbid facts: show what they would do.",
)
@format_option
def review(*, path: Path, public: Path | None, output_format: str) -> int:
    """List every host, user, path, file name, package, argument and text that becomes public.

    Said of each is who states it, what was captured or the author, and where. The texts that are
    published beside the manifest are searched too, up to 1 MiB each. Nothing is changed: rules are
    applied by `provenance release --public`.

    Exit codes: 0 reviewed, 1 a rule forbids something or cannot be followed, 2 a wrong option or
    rule, 4 something could not be read.
    """
    rules = _read_rules(public)
    try:
        loaded, found, texts = load_review(path)
        decisions = _decide(loaded, texts, rules)
    except UsageError:
        raise
    except ProvenanceError as error:
        say_error(str(error))
        return 4
    if output_format == "json":
        private = [item.dataset for item in rules.private]
        say_json({**_tree(loaded, found, decisions), "private": private})
    else:
        _print(found, decisions, rules)
    refused = any(item.action == "forbid" or item.problem for item in decisions)
    return FORBIDDEN if refused else 0


def load_review(path: Path) -> tuple[LoadedStatement, Review, dict[str, str]]:
    """Return the statement that a path means, what becomes public with it, and the texts read.

    Raises:
        ProvenanceError: There is none, or it cannot be read.
    """
    from provenance.cli.sources import load_statement
    from provenance.recording.reviewing import read_published
    from provenance.render import review_manifest

    loaded = load_statement(path)
    folder = _released_folder(loaded.path)
    published = tuple(read_published(folder)) if folder is not None else ()
    texts = {item.name: item.text for item in published if item.text}
    faults = tuple((item.name, item.fault) for item in published if item.fault)
    found = review_manifest(loaded.statement.predicate, texts, not_looked_at=faults)
    return loaded, found, texts


def _released_folder(statement: Path) -> Path | None:
    """Return the folder that is published with a statement, if there is one."""
    whole = statement.absolute()
    parts = MANIFEST_FILE.parts
    if whole.parts[-len(parts) :] == parts:
        return whole.parents[len(parts) - 1]
    draft = whole.parent
    if whole.name == STATEMENT_FILE and draft.name.endswith(DRAFT_SUFFIX):
        release = draft.with_name(draft.name.removesuffix(DRAFT_SUFFIX))
        return release if release.is_dir() else None
    return None


def _read_rules(public: Path | None) -> Rules:
    from provenance.errors import RecordingError
    from provenance.recording.publication_rules import read_rules

    try:
        return read_rules(public)
    except RecordingError as error:
        raise UsageError(path=error.path, problem=error.problem, remedy=error.remedy) from error


def _decide(loaded: LoadedStatement, texts: dict[str, str], rules: Rules) -> tuple[Decision, ...]:
    from provenance.recording.publication import still_published, without_inventories
    from provenance.recording.reviewing import decide_texts
    from provenance.recording.withholding import decide

    tree = without_inventories(loaded.statement.predicate, rules)
    published = still_published(texts, loaded.statement.predicate, rules)
    return (*decide(tree, rules), *decide_texts(published, rules))


def _print(found: Review, decisions: tuple[Decision, ...], rules: Rules) -> None:
    from provenance.render import escape, render_review

    say(render_review(found, places=True))
    for item in rules.private:
        say(escape(f"private: the inventory of dataset {item.dataset}"))
    for decision in decisions[:MAX_SHOWN_DECISIONS]:
        say(escape(_say_decision(decision)))
    if len(decisions) > MAX_SHOWN_DECISIONS:
        say(f"… and {len(decisions) - MAX_SHOWN_DECISIONS} more")


def _say_decision(item: Decision) -> str:
    whole = f" (with all of {item.target})" if item.target != item.pointer else ""
    line = f"{item.action}: {item.pointer}{whole}: rule {item.rule}"
    return f"{line} cannot be followed: {item.problem}" if item.problem else line


def _tree(
    loaded: LoadedStatement, found: Review, decisions: tuple[Decision, ...]
) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {kind: [] for kind, _ in found.groups()}
    for (kind, value), mentions in sorted(found.places().items()):
        places = [
            {"file": it.file, "origin": it.origin}
            if it.file
            else {"origin": it.origin, "pointer": it.pointer}
            for it in mentions
        ]
        groups[kind].append({"places": places, "value": value})
    return {
        "found": groups,
        "notLookedAt": [{"file": name, "reason": why} for name, why in found.not_looked_at],
        "path": str(loaded.path),
        "rules": [
            {
                "action": item.action,
                "pointer": item.pointer,
                "problem": item.problem or None,
                "reason": item.reason or None,
                "rule": item.rule,
                "target": item.target,
            }
            for item in decisions
        ],
    }
