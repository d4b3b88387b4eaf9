"""`provenance prove` and `provenance check-proof`: that one file stands in a signed tree."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from provenance.cli.inventories import root_token
from provenance.cli.output import format_option, say, say_error, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.cli.sources import MANIFEST_FILE
from provenance.cli.trust_options import trust_options
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.render import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.digest import ProofFile, TreeKind, TypedRoot
    from provenance.signing import SignatureVerifier
    from provenance.trust import Pin, TrustPolicy
    from provenance.verification import ProofReport

__all__ = ["check_proof", "prove"]

#: Digits of the largest size that a document can state.
MAX_SIZE_DIGITS = 16

# What cannot be read is no wrong option: the command itself says so.
_PATH = LocalPath(path_type=Path, readable=False)


@click.command(
    short_help="Prove that one file stands in a signed tree.",
    epilog="""
    \b
    Examples:
      provenance prove my-model model.safetensors -o model.proof.json
      provenance prove my-model --tensor layers.0.weight -o weight.proof.json
      provenance prove my-model images/7.png --dataset train -o image.proof.json
      provenance prove data.inventory.jsonl images/7.png -o image.proof.json
      provenance prove shards.jsonl images/7.png --part part-3.inventory.jsonl -o image.proof.json
    """,
)
@click.argument("source", type=_PATH)
@click.argument("name", required=False)
@click.option("--dataset", metavar="ID", help="The dataset of the manifest that has the file.")
@click.option("--tensor", metavar="TENSOR", help="A tensor of the released weights, not a file.")
@click.option(
    "--part",
    "parts",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="An index of shards, or inventory, on the way to the file, the topmost first. May be "
    "repeated.",
)
@click.option(
    "--salts",
    type=_PATH,
    metavar="FILE",
    help="The private file of the draft, for a --dataset whose inventory is private and is given "
    "as --part.",
)
@click.option("-o", "--output", type=_PATH, metavar="FILE", help="Write the proof file here.")
@format_option
def prove(
    *,
    source: Path,
    name: str | None,
    dataset: str | None,
    tensor: str | None,
    parts: tuple[Path, ...],
    salts: Path | None,
    output: Path | None,
    output_format: str,
) -> None:
    """Prove that the file NAME stands in the signed tree of SOURCE.

    SOURCE is a release folder, an inventory file, or an index of shards. The proof is a small file
    that `check-proof` checks with the signed manifest and the one file alone: nobody needs the
    other files. Nothing is verified here. Without -o the proof is printed.
    """
    from provenance.digest import write_atomic
    from provenance.verification import prove_file

    _check_source(source)
    made = prove_file(source, name, dataset=dataset, tensor=tensor, parts=parts, salts=salts)
    data = made.to_bytes()
    if output is None:
        # Canonical JSON and nothing else, so that it can go straight into a file.
        say(data.decode("utf-8"))
        return
    write_atomic(output, data)
    say_note(f"Wrote {output}")
    if output_format == "json":
        say_json({"bytes": len(data), "path": str(output), "root": made.root.to_tree()})
        return
    say(_described(made, len(data)))


def _check_source(source: Path) -> None:
    """Refuse a folder of data, which has no tree yet.

    Raises:
        UsageError: It holds no manifest, and is not the manifest folder of a release.
    """
    if not source.is_dir() or (source / MANIFEST_FILE).exists():
        return
    if (source / MANIFEST_FILE.name).exists():
        return
    raise UsageError(
        path=str(source),
        problem=f"is no release: it holds no {MANIFEST_FILE.as_posix()}",
        remedy=f"make an inventory (provenance digest {source} --inventory data.inventory.jsonl), "
        "and prove from that",
    )


def _described(proof: ProofFile, size: int) -> str:
    from provenance.render import format_count

    root = proof.root
    return (
        f"proof    {escape(proof.name)} ({format_count(size)} bytes)\n"
        f"root     {root_token(root)}\n"
        f"pointer  {escape(proof.pointer or 'none: the proof names no manifest')}"
    )


@click.command(
    "check-proof",
    short_help="Check that one file stands in a signed tree.",
    epilog="""
    \b
    Examples:
      provenance check-proof model.proof.json model.safetensors \\
          --manifest manifest.sigstore.json --key publisher.pub
      provenance check-proof model.proof.json download.tmp --name model.safetensors \\
          --manifest manifest.sigstore.json --key publisher.pub
      provenance check-proof weight.proof.json model.safetensors --tensor layers.0.weight \\
          --manifest manifest.sigstore.json --key publisher.pub
      provenance check-proof image.proof.json images/7.png --dataset train \\
          --manifest manifest.sigstore.json --key publisher.pub
      provenance check-proof image.proof.json images/7.png --root file:3:65dce0…
      provenance check-proof image.proof.json 7.png --root shard:2:65dce0… --part images
    """,
)
@click.argument("proof", type=_PATH)
@click.argument("file", type=_PATH, required=False)
@click.option("--manifest", type=_PATH, metavar="BUNDLE", help="The signed manifest.")
@trust_options
@click.option(
    "--name",
    metavar="PATH",
    help="The file that you mean, by its whole path in the release or dataset. Needed where FILE "
    "could be more than one of them.  [default: the one whose path FILE ends with]",
)
@click.option("--tensor", metavar="TENSOR", help="You mean this tensor of the released weights.")
@click.option("--dataset", metavar="ID", help="You mean something in this dataset.")
@click.option("--checkpoint", metavar="ID", help="You mean a file or tensor of this checkpoint.")
@click.option(
    "--kind",
    type=click.Choice(["file", "tensor", "block", "record", "shard"]),
    help="What you mean. A block is the one --index of the file --name, a record is the one "
    "--index and a shard the one --name in the dataset --dataset.  [default: file, or what the "
    "tree of --root is of]",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="SHARD",
    help="What you mean stands in the shard of this name. Needed where the tree is one of shards; "
    "repeated, the topmost first, where there are two levels.",
)
@click.option(
    "--index",
    type=click.IntRange(min=0),
    metavar="N",
    help="You mean the block or record with this index, from 0. Needed for both.",
)
@click.option(
    "--root",
    metavar="TREE:SIZE:HEX",
    help="A root that you trust, instead of a manifest, as `inventory root` prints it; or its "
    "hexadecimal digits alone, with --size.",
)
@click.option("--size", type=int, metavar="N", help="How many entries the tree of --root has.")
@click.option(
    "--tree",
    type=click.Choice(["file", "tensor", "block", "record", "shard"]),
    help="The kind of the tree of --root, if it is digits alone.  [default: file]",
)
@format_option
def check_proof(
    *,
    proof: Path,
    file: Path | None,
    manifest: Path | None,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    root: str | None,
    size: int | None,
    tree: TreeKind | None,
    output_format: str,
    **asked: Any,  # noqa: ANN401 - options by name, checked by `check_proof`
) -> int:
    """Check that FILE is the entry of PROOF, and that the entry stands in a signed tree.

    You say what you mean, not PROOF: the file of the release that FILE is called like, unless an
    option asks for something else. A proof of anything else is refused. The first line says in
    words what is proved. Exit codes: 0 PASS, 1 FAIL (something contradicts), 2 a wrong option,
    3 INCOMPLETE (no key was named, or no FILE), 4 ERROR (something could not be read, or PROOF is
    no proof file).
    """
    trusted = _root(root, size, tree)
    if file is not None and output_format == "text" and not file.exists():
        # Said before anybody says that it is called otherwise than the entry.
        say(f"ERROR: {escape(str(file))}: cannot be read: there is no such file.")
        return 4
    try:
        report = _check(
            proof, file, manifest, trusted, keys=keys, model=model, policy=policy, **asked
        )
    except UsageError:
        raise
    except ProvenanceError as error:
        say_error(str(error))  # the work could not be done: here that is ERROR, and never FAIL
        return 4
    if output_format == "json":
        say_json(report.to_tree())
    else:
        _print(report)
    codes = {finding.code for finding in report.findings}
    if "digest-format" in codes and size is not None and tree is None:
        say_note("--root was taken for that of a tree of files; say --tree, or give TREE:SIZE:HEX")
    return report.exit_code


def _check(
    proof: Path,
    file: Path | None,
    manifest: Path | None,
    root: TypedRoot | None,
    *,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    **asked: Any,  # noqa: ANN401 - options by name, checked by `check_proof`
) -> ProofReport:
    from provenance.cli.pinned import find_pins
    from provenance.render import show_progress
    from provenance.verification import check_proof as check

    trusted: Sequence[Path | SignatureVerifier | Pin] = keys
    if not keys and manifest is not None and (policy is None or not policy.roles):
        trusted, model = find_pins(None, manifest, model=model, layout="plain")
    with show_progress("Reading", sys.stderr, total=None) as progress:
        return check(
            proof,
            file=file,
            manifest=manifest,
            root=root,
            keys=trusted,
            model=model,
            policy=policy,
            progress=progress,
            **asked,
        )


def _root(root: str | None, size: int | None, tree: TreeKind | None) -> TypedRoot | None:
    from provenance.digest import TypedRoot

    text = root or ""
    if text.count(":") == 2:  # noqa: PLR2004 - a kind, a size and digits
        if size is not None or tree is not None:
            raise UsageError(path="--root", problem="it says its --tree and --size itself")
        kind, count, text = text.split(":")
        tree = cast("TreeKind", kind)  # checked when the root is made
        if not (count.isascii() and count.isdigit() and len(count) <= MAX_SIZE_DIGITS):
            raise UsageError(path="--root", problem=f"{shown(count)} is not a number of entries")
        size = int(count)
    if (root is None) != (size is None):
        raise UsageError(
            path="--root",
            problem="a root is trusted with its size, and a size with its root",
            remedy="give --root and --size together, and --tree unless it is a tree of files; or "
            "all three as TREE:SIZE:HEX",
        )
    if root is None or size is None:
        return None
    try:
        return TypedRoot(tree or "file", size, text)
    except ProvenanceError as error:
        raise UsageError(path="--root", problem=error.problem) from error


def _print(report: ProofReport) -> None:
    say(escape(report.summary))
    for finding in report.findings:
        where = f"{finding.path}: " if finding.path else ""
        say(escape(f"  {finding.code}: {where}{finding.message}"))
