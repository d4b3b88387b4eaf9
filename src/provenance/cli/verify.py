"""`provenance verify`: is this what was signed, by whom, and what is open on evidence."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.attest_options import attest_options, open_attester
from provenance.cli.cache_options import cache_option
from provenance.cli.output import format_option, in_colour, say, say_error, say_json
from provenance.cli.remote import LocalPath, refuse_url
from provenance.cli.sources import MANIFEST_FILE
from provenance.cli.trust_options import trust_options
from provenance.errors import ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.signing import SignatureVerifier
    from provenance.trust import Pin, TrustPolicy
    from provenance.verification import Report

__all__ = ["verify"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = LocalPath(path_type=Path, readable=False)


@click.command(
    short_help="Verify a model: the folder, or one file of it.",
    epilog="""
    \b
    Examples:
      provenance verify my-model --key publisher.pub --model my-model
      provenance verify my-model --policy policy.toml
      provenance verify my-model --format json > report.json
      provenance verify model.safetensors --manifest manifest.sigstore.json --key publisher.pub
      provenance verify --listing SHA256SUMS --manifest manifest.sigstore.json --key publisher.pub
      provenance verify my-model --key publisher.pub --only 'model-0000[12]*'
      provenance verify my-model --policy policy.toml --state ~/.local/state/models.json
      provenance verify my-model --policy policy.toml --attest gate.key --attest-output outcome
      provenance verify my-model --key publisher.pub --dataset train=data/train.csv --code checkout
    """,
)
@click.argument("path", type=_PATH, required=False)
@trust_options
@click.option(
    "--manifest",
    type=_PATH,
    metavar="BUNDLE",
    help="The signed manifest, if it is not in the folder.",
)
@click.option(
    "--listing",
    type=_PATH,
    metavar="FILE",
    help="Digests that you hold, as `sha256sum` prints them; no file is read.",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="ID=PATH",
    help="Data that you hold, to be compared with what was signed. May be repeated.",
)
@click.option(
    "--salts",
    type=_PATH,
    metavar="FILE",
    help="The producer's private file, for a --dataset whose inventory is private.",
)
@click.option("--code", type=_PATH, metavar="PATH", help="Code that you hold.")
@click.option("--documents", type=_PATH, metavar="PATH", help="Documents that you hold.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Look at these files only; the rest is not checked. May be repeated.",
)
@click.option(
    "--all-digests", is_flag=True, help="Recompute every recorded digest, not BLAKE3 alone."
)
@click.option(
    "--layout",
    type=click.Choice(["plain", "hf-cache"]),
    default="plain",
    show_default=True,
    help="hf-cache: a snapshot of the Hugging Face cache, whose links lead into its own blobs.",
)
@click.option(
    "--preset",
    "presets",
    multiple=True,
    metavar="NAME",
    help="Ignore the files that a tool adds to a download, e.g. hub. May be repeated.",
)
@click.option(
    "--oms",
    is_flag=True,
    help="Verify the OpenSSF Model Signing signature beside the manifest, model.sig, as well.",
)
@cache_option("The report says how many files were not read for that.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop reading after this time.",
)
@attest_options
@format_option
def verify(
    *,
    path: Path | None,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    manifest: Path | None,
    listing: Path | None,
    datasets: tuple[str, ...],
    salts: Path | None,
    code: Path | None,
    documents: Path | None,
    only: tuple[str, ...],
    all_digests: bool,
    layout: str,
    presets: tuple[str, ...],
    oms: bool,
    cache: Path | None,
    timeout: float | None,
    state: Path | None,
    attest: str | None,
    attest_output: Path | None,
    attest_password_file: Path | None,
    verifier_id: str | None,
    policy_uri: str | None,
    resource: str | None,
    output_format: str,
) -> int:
    """Verify the model in the folder PATH, or a single file of it.

    The first line of the report says in words what is proved. Exit codes: 0 PASS, 1 FAIL (something
    contradicts), 2 a wrong option, 3 INCOMPLETE (something required was not checked, e.g. no key
    was named), 4 ERROR (something could not be read).
    """
    request = {
        "datasets": _datasets(datasets),
        "salts": salts,
        "code": code,
        "documents": documents,
        "only": only,
        "all_digests": all_digests,
        "layout": layout,
        "presets": presets,
        "oms": oms,
        "cache": cache,
        "policy": policy,
        "state": state,
        "deadline": None if timeout is None else time.monotonic() + timeout,
    }
    if listing is not None:
        manifest = _bundle_for_listing(path, manifest)
    try:
        attester = open_attester(
            attest,
            attest_output,
            targets=(path, manifest, listing),
            policy=policy,
            presets=presets,
            password_file=attest_password_file,
            verifier_id=verifier_id,
            policy_uri=policy_uri,
            resource=resource,
        )
        if attester is not None:
            attester.clear()
            request["policy"] = _with_sha256(policy)
        report = _inspect(path, listing, manifest, keys=keys, model=model, **request)
        is_unsigned = attester is not None and not attester.write(report, policy)
    except UsageError:
        raise
    except ProvenanceError as error:
        say_error(str(error))  # the work could not be done: here that is ERROR, and never FAIL
        return 4
    _print(report, output_format)
    # Whoever asked for a signed outcome must not take silence for one.
    return 4 if is_unsigned and report.exit_code == 0 else report.exit_code


def _with_sha256(policy: TrustPolicy | None) -> TrustPolicy:
    """Return a policy with which the SHA-256 digests are compared that an outcome is about."""
    from provenance.trust import TrustPolicy

    return replace(TrustPolicy() if policy is None else policy, recompute_sha256=True)


def _inspect(
    path: Path | None,
    listing: Path | None,
    manifest: Path | None,
    *,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    **request: Any,  # noqa: ANN401 - options by name, checked by `inspect`
) -> Report:
    from provenance.cli.pinned import find_pins
    from provenance.render import show_progress
    from provenance.verification import inspect

    trusted: Sequence[Path | SignatureVerifier | Pin] = keys
    if not keys and (request["policy"] is None or not request["policy"].roles):
        trusted, model = find_pins(path, manifest, model=model, layout=request["layout"])
    with show_progress("Reading", sys.stderr, total=_total_of(path, listing)) as progress:
        return inspect(
            _target(path) if listing is None else _read_listing(listing),
            manifest=manifest,
            keys=trusted,
            model=model,
            progress=progress,
            **request,
        )


def _read_listing(path: Path) -> dict[str, tuple[int | None, Mapping[str, str]]]:
    from provenance.canonical import MAX_LISTING_BYTES
    from provenance.digest import read_file
    from provenance.verification import read_listing

    # The caller named this file, so a link to it is followed.
    return read_listing(read_file(os.path.realpath(path), max_bytes=MAX_LISTING_BYTES))


def _target(path: Path | None) -> Path:
    if path is None:
        raise UsageError(problem="expected a folder or file to verify, or --listing")
    return path


def _bundle_for_listing(path: Path | None, manifest: Path | None) -> Path:
    """Return the bundle that says what was signed, where the files are only a list of digests."""
    if manifest is not None:
        return manifest
    if path is None or not path.is_dir():
        raise UsageError(
            path="--listing",
            problem="digests alone do not say what was signed",
            remedy="add --manifest, or the folder that holds the manifest",
        )
    return path / MANIFEST_FILE


def _datasets(values: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for value in values:
        identifier, separator, path = value.partition("=")
        refuse_url(path)
        if not separator or not identifier or not path or identifier in found:
            raise UsageError(
                path="--dataset",
                problem=f"expected ID=PATH, each id once, found {shown(value)}",
                remedy="`provenance show` lists the ids",
            )
        found[identifier] = Path(path)
    return found


def _total_of(path: Path | None, listing: Path | None) -> Callable[[], int] | None:
    if path is None or listing is not None:
        return None
    from provenance.cli.totals import total_bytes

    return lambda: total_bytes(path)


def _print(report: Report, output_format: str) -> None:
    if output_format == "json":
        say_json(report.to_tree())
        return
    from provenance.render import render_report

    say(render_report(report, colour=in_colour()))
