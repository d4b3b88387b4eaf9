"""`provenance show` and `provenance diff`: what manifests say, before anybody believes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath
from provenance.errors import ManifestError

if TYPE_CHECKING:
    from provenance.canonical import JsonValue
    from provenance.cli.sources import LoadedStatement
    from provenance.render import Change

__all__ = ["diff", "show"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = LocalPath(path_type=Path, readable=False)
_LOCAL = LocalPath(path_type=Path, readable=False)


@click.command(
    epilog="""
    \b
    Examples:
      provenance show my-model
      provenance show my-model.draft --review
      provenance show my-model --payload raw | sha256sum
    """
)
@click.argument("source", type=_PATH, metavar="RELEASE|BUNDLE|DRAFT")
@click.option(
    "--payload",
    type=click.Choice(["raw", "pretty"]),
    help="Print the signed bytes instead: exactly as they are, or indented.",
)
@click.option(
    "--review",
    is_flag=True,
    help="List what becomes public: hosts, users, addresses, paths, file names, packages.",
)
@format_option
def show(*, source: Path, payload: str | None, review: bool, output_format: str) -> None:
    """Show what a manifest says. Nothing is verified.

    RELEASE is a folder with a manifest in it, BUNDLE a file such as manifest.sigstore.json, DRAFT
    the folder of a draft that was not signed yet.
    """
    from provenance.cli.sources import load_statement

    loaded = load_statement(source)
    if payload == "raw":
        _write_raw(loaded.payload)
    elif payload == "pretty":
        say_json(_parse_any(loaded))
    elif review:
        _print_review(loaded, output_format)
    elif output_format == "json":
        say_json(_tree(loaded))
    else:
        from provenance.envelope import manifest_digest
        from provenance.render import render_manifest

        text = render_manifest(
            loaded.statement.predicate,
            digest=manifest_digest(loaded.payload),
            hint=loaded.hint,
            kind=loaded.kind,
        )
        say(text)


def _print_review(loaded: LoadedStatement, output_format: str) -> None:
    from provenance.render import render_review, review_manifest

    review = review_manifest(loaded.statement.predicate)
    if output_format == "json":
        say_json(dict(review.groups()))
    else:
        say(render_review(review))


@click.command(
    epilog="""
    \b
    Examples:
      provenance diff my-model-1.0 my-model-1.1
      provenance diff step-1000.safetensors step-2000.safetensors
      provenance diff step-1000/ model.gguf --format json
      provenance diff monday.inventory.jsonl friday.inventory.jsonl
    """
)
@click.argument("before", type=_LOCAL, metavar="A")
@click.argument("after", type=_LOCAL, metavar="B")
@format_option
def diff(*, before: Path, after: Path, output_format: str) -> int:
    """Show what differs between two manifests, or the tensors of two models. Nothing is verified.

    A and B are releases, bundles or drafts. A line begins with + (only in B), - (only in A) or ~
    (both, with another value).

    A and B may also be weights: safetensors files, indexes or folders of their shards, GGUF, ONNX.
    The tensors of other files, such as those of torch.save, cannot be compared. Beside weights, a
    release stands for the weights in it.

    A and B may also be inventories, as `provenance digest FOLDER --inventory FILE` writes them:
    then the names are listed of files that are in one only, or have another size or digest.

    The exit code is 0 if both say the same, 1 if they differ, 2 if they are nothing that diff
    takes, 3 if they cannot be compared, 4 if one cannot be read.
    """
    from provenance.cli.comparing import NOT_COMPARABLE, faults_are_no_difference
    from provenance.cli.inventory_diff import diff_inventories, is_inventory
    from provenance.cli.output import say_error
    from provenance.cli.weights import find_opaque, find_weights
    from provenance.cli.weights_diff import diff_weights, pair_weights

    if is_inventory(before) and is_inventory(after):
        with faults_are_no_difference():
            return diff_inventories(before, after, output_format)
    weights = pair_weights((before, after), (find_weights(before), find_weights(after)))
    for place in (before, after):
        if problem := find_opaque(place):
            say_error(f"{place}: {problem}")
            return NOT_COMPARABLE
    with faults_are_no_difference():
        if any(weights):
            return diff_weights(*weights, (before, after), output_format)
        first, second = _load(before), _load(after)
        changes = _changes(first, second)
    if output_format == "json":
        say_json(
            {
                "a": str(before),
                "b": str(after),
                "changes": [_change_tree(change) for change in changes],
                "equal": not changes,
                "verified": False,
            }
        )
    else:
        _print_changes(changes, before, after)
    return 1 if changes else 0


def _load(place: Path) -> LoadedStatement:
    """Load a side of `diff`; what is another kind of document is a wrong argument."""
    from provenance.cli.sources import load_statement
    from provenance.cli.weights import no_such_kind

    try:
        return load_statement(place)
    except ManifestError as error:
        raise no_such_kind(place, error.problem) from error


def _changes(first: LoadedStatement, second: LoadedStatement) -> tuple[Change, ...]:
    from provenance.render import find_changes

    one, other = first.statement, second.statement
    outside = find_changes(
        {"predicateType": one.predicate_type, "subject": _subjects(first)},
        {"predicateType": other.predicate_type, "subject": _subjects(second)},
        path="statement:",
    )
    return outside + find_changes(one.predicate, other.predicate)


def _subjects(loaded: LoadedStatement) -> tuple[JsonValue, ...]:
    return tuple(
        {"name": subject.name, "digest": {**subject.digest}}
        for subject in loaded.statement.subjects
    )


def _print_changes(changes: tuple[Change, ...], before: Path, after: Path) -> None:
    from provenance.render import escape, format_count, render_changes

    names = f"{escape(str(before))} and {escape(str(after))}"
    if not changes:
        say(f"No difference between {names} (neither was verified).")
        return
    plural = "" if len(changes) == 1 else "s"
    say(f"{format_count(len(changes))} difference{plural} between {names} (neither was verified):")
    say("\n".join(render_changes(changes)))


def _change_tree(change: Change) -> dict[str, object]:
    tree: dict[str, object] = {"kind": change.kind, "path": change.path}
    if change.kind != "added":
        tree["before"] = change.before
    if change.kind != "removed":
        tree["after"] = change.after
    return tree


def _tree(loaded: LoadedStatement) -> dict[str, object]:
    from provenance.envelope import manifest_digest

    statement = loaded.statement
    return {
        "kind": loaded.kind,
        "keyHint": loaded.hint or None,
        "manifestDigest": manifest_digest(loaded.payload),
        "path": str(loaded.path),
        "predicate": statement.predicate,
        "predicateType": statement.predicate_type,
        "subject": _subjects(loaded),
        "verified": False,
    }


def _parse_any(loaded: LoadedStatement) -> object:
    from provenance import canonical

    return canonical.parse(
        loaded.payload, source=str(loaded.path), max_bytes=canonical.MAX_BUNDLE_BYTES, foreign=True
    )


def _write_raw(payload: bytes) -> None:
    if sys.stdout.isatty():
        from provenance.render import escape

        # A terminal would obey what stands in the text; a file or a program gets the bytes.
        say(escape(payload.decode("utf-8", "surrogateescape")))
        return
    sys.stdout.buffer.write(payload)
