"""`provenance digest URL`: the digests of what lies in a store."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from provenance.cli.output import say, say_json, say_note, say_warning
from provenance.errors import InputError, ProvenanceError, UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, TypeVar

    from provenance.digest import Inventory

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "LocalPath",
    "PathOrUrl",
    "check_local",
    "digest_url",
    "entries_tree",
    "named_url",
    "parse_options",
    "refuse_url",
    "remote_options",
    "storage_option",
]


class PathOrUrl(click.Path):
    """A path, as a `Path`, or a URL, as the text that it is: a path would lose a slash of it."""

    def convert(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - the signature of click
        """Return a URL unchanged, and leave all else to click."""
        if isinstance(value, str) and "://" in value:
            from provenance.digest.remote.urls import is_url

            if is_url(value):
                return value
        return super().convert(value, param, ctx)


class LocalPath(click.Path):
    """A path, for commands that take no URL: it would lose a slash, and name no file."""

    def convert(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - the signature of click
        """Return a path, and refuse a URL."""
        if isinstance(value, str):
            refuse_url(value)
        return super().convert(value, param, ctx)


def refuse_url(text: str) -> None:
    """Refuse a URL where a path is meant; what may be a secret in it is not repeated.

    Raises:
        UsageError: It is one.
    """
    if "://" not in text:
        return
    from provenance.digest.remote.urls import is_url, redact_url

    if is_url(text):
        raise UsageError(
            path=redact_url(text),
            problem="this command takes no URL here",
            remedy="download it first (curl -fLO URL), and name the file",
        )


def remote_options(command: F) -> F:
    """Add the options that only a URL takes."""
    command = click.option(
        "--trust-store",
        is_flag=True,
        help="Compute nothing: print the SHA-256 that the store at the URL claims.",
    )(command)
    return storage_option(command)


def storage_option(command: F) -> F:
    """Add `--storage-option`, whose texts `parse_options` reads."""
    return click.option(
        "--storage-option",
        "storage_options",
        multiple=True,
        metavar="KEY=VALUE",
        help="Option for the library that reads the URL (endpoint, region, ...). May be repeated.",
    )(command)


def check_local(storage_options: Sequence[str], *, trust_store: bool) -> None:
    """Refuse, for a path, the options that only a URL takes.

    Raises:
        UsageError: One is given.
    """
    if storage_options or trust_store:
        raise UsageError(problem="--storage-option and --trust-store are for URLs only")


def entries_tree(listed: Inventory) -> list[dict[str, object]]:
    """Return the entries of an inventory as JSON."""
    return [
        {"digest": dict(entry.digest.digest_set), "path": entry.path, "size": entry.size}
        for entry in listed
    ]


def digest_url(
    url: str,
    *,
    algorithms: Sequence[str],
    inventory: Path | None,
    full: bool,
    storage_options: Sequence[str],
    trust_store: bool,
    output_format: str,
) -> dict[str, object] | None:
    """Hash what lies at a URL; return what `digest` prints, or `None` if all is printed already.

    Args:
        url: An object, or a folder of objects.
        algorithms: Digests to compute.
        inventory: Where to write the inventory of a folder.
        full: Whether the entries are a member of what is returned.
        storage_options: Texts `KEY=VALUE`.
        trust_store: Print what the store claims, and compute nothing.
        output_format: `text` or `json`.
    """
    from provenance.digest.remote.urls import parse_url

    options = parse_options(storage_options)
    with named_url(url):
        shown_url = str(parse_url(url))
        if trust_store:
            if inventory is not None:
                raise UsageError(problem="what a store claims is no inventory: nobody computed it")
            _print_claims(url, options, output_format)
            return None
        found = _hash(url, shown_url, algorithms, inventory, options)
        if not full:
            found.pop("inventory", None)
        return found


@contextmanager
def named_url(url: str) -> Iterator[None]:
    """Put the URL, without what is secret in it, before the name that an error is about."""
    from provenance.digest.remote.urls import redact_url

    try:
        yield
    except ProvenanceError as error:
        place = redact_url(url)
        if "://" in error.path:
            raise
        if error.path and not place.endswith(f"/{error.path}"):
            place = f"{place.rstrip('/')}/{error.path}"
        raise type(error)(
            path=place, problem=error.problem, remedy=error.remedy, code=error.code
        ) from error


def _hash(
    url: str,
    shown_url: str,
    algorithms: Sequence[str],
    inventory: Path | None,
    options: Mapping[str, str],
) -> dict[str, object]:
    from provenance.digest.remote import hash_remote_file, is_remote_file
    from provenance.render import show_progress

    with show_progress("Hashing", sys.stderr) as progress:
        if not is_remote_file(url, storage_options=options):
            if url.lower().startswith(("http:", "https:")) and not url.endswith("/"):
                raise InputError(
                    path=shown_url,
                    problem="the server has no such file (status 404)",
                    remedy="check the URL",
                    code="file-unreadable",
                )
            return _tree(url, shown_url, algorithms, inventory, options, progress)
        if inventory is not None:
            raise UsageError(path=shown_url, problem="only a folder has an inventory")
        made = hash_remote_file(
            url, algorithms=algorithms, storage_options=options, progress=progress
        )
    return {"digest": dict(made.digest), "path": shown_url, "size": made.size}


def _tree(  # noqa: PLR0917 - one call, above
    url: str,
    shown_url: str,
    algorithms: Sequence[str],
    output: Path | None,
    options: Mapping[str, str],
    progress: Callable[[int], None] | None,
) -> dict[str, object]:
    from provenance.digest import write_atomic
    from provenance.digest.remote import hash_remote_tree

    chosen = tuple(dict.fromkeys(("blake3", *algorithms)))
    listed = hash_remote_tree(url, algorithms=chosen, storage_options=options, progress=progress)
    if output is not None:
        write_atomic(output, listed.to_bytes())
        say_note(f"Wrote {output}")
    return {
        "files": listed.root.to_tree(),
        "inventory": entries_tree(listed),
        "path": shown_url,
        "size": listed.total_bytes,
    }


def _print_claims(url: str, options: Mapping[str, str], output_format: str) -> None:
    from provenance.digest.remote import read_store_claims
    from provenance.render import escape

    claims = read_store_claims(url, storage_options=options)
    rows = [(claim.path, claim.size, claim.digests.get("sha256")) for claim in claims]
    if output_format == "json":
        say_json(
            {
                "claimedByStore": [
                    {"path": path, "sha256": sha256, "size": size} for path, size, sha256 in rows
                ],
                "path": claims.source,
            }
        )
        return
    say(f"{escape(claims.source)}: SHA-256 claimed by the store, not computed")
    for path, _, sha256 in rows:
        say(f"{sha256 or 'no SHA-256':<64}  {escape(path)}")
    without = sum(sha256 is None for _, _, sha256 in rows)
    if without:
        say_warning(f"the store holds no SHA-256 of {without} objects")


def parse_options(texts: Sequence[str]) -> dict[str, str]:
    """Return the options by name; an error repeats no value, which may be a secret."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(
                problem="--storage-option takes KEY=VALUE; the one given has no key or no `=`"
            )
        options[name] = value
    return options
