"""The option that names a digest cache, the same for every command that hashes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import say_warning
from provenance.cli.remote import LocalPath

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from provenance.digest import DigestCache

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["cache_option", "opened_cache"]


class _CacheFile(LocalPath):
    """A path that is not empty: `--cache ""` is a variable that was not set, not a wish."""

    def convert(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - the signature of click
        """Return the path."""
        if not value:
            self.fail("expected a file, found an empty text", param, ctx)
        return super().convert(value, param, ctx)


def cache_option(said: str) -> Callable[[F], F]:
    """Return a decorator that adds `--cache` to a command.

    Args:
        said: One sentence: how the command says which files were not read.
    """
    return click.option(
        "--cache",
        type=_CacheFile(path_type=Path, readable=False),
        metavar="FILE",
        help="Take the digests of large files (from 64 KiB on) that have not changed since they "
        "were read from this cache, and keep new ones there; it lies outside of what is read. "
        f"{said}",
    )


@contextmanager
def opened_cache(path: Path | None, root: Path) -> Iterator[DigestCache | None]:
    """Open the cache that was named, if one was; at the end say what is wrong with it.

    Raises:
        UsageError: It lies in the folder that is hashed; nothing was made there.
    """
    if path is None:
        yield None
        return
    from provenance.digest import open_cache
    from provenance.digest.cache_places import check_outside

    check_outside(path, root)
    with open_cache(path) as cache:
        yield cache
    for warning in cache.warnings:
        say_warning(f"{path}: {warning}")
