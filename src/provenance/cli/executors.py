"""Options that say where a folder is hashed: processors of this machine, or a cluster."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["Hashing", "executor_options"]


@dataclass(frozen=True, slots=True)
class Hashing:
    """What was said about where to hash."""

    dask: str | None = None
    """Address of the scheduler of a Dask cluster."""

    ray: str | None = None
    """Address of a Ray cluster, or `auto`."""

    workers: int | None = None
    """Processors of this machine to use; nothing for all of them."""

    @property
    def is_cluster(self) -> bool:
        """Whether other machines are to read the folder."""
        return self.dask is not None or self.ray is not None

    @contextmanager
    def executor(self) -> Iterator[Executor | None]:
        """Connect to the cluster that was named, if there is one."""
        if self.dask is not None:
            from provenance.digest.clusters import dask_executor

            with dask_executor(self.dask) as executor:
                yield executor
        elif self.ray is not None:
            from provenance.digest.clusters import ray_cluster

            with ray_cluster(self.ray) as executor:
                yield executor
        else:
            yield None

    def check(self, *, is_folder: bool) -> None:
        """Refuse options that contradict each other or do not apply."""
        if self.dask is not None and self.ray is not None:
            raise UsageError(problem="--dask and --ray are two clusters; name one")
        if self.is_cluster and self.workers is not None:
            raise UsageError(
                problem="--workers is about this machine", remedy="a cluster has its own number"
            )
        if self.is_cluster and not is_folder:
            raise UsageError(problem="only a folder of this file system is hashed on a cluster")


def executor_options(command: F) -> F:
    """Add `--workers`, `--dask` and `--ray` to a command, which takes a `Hashing` as `hashing`."""

    @wraps(command)
    def call(
        *arguments: object, dask: str | None, ray: str | None, workers: int | None, **rest: object
    ) -> object:
        return command(*arguments, hashing=Hashing(dask, ray, workers), **rest)

    options = (
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Processors of this machine to use.  [default: all]",
        ),
        click.option(
            "--dask",
            metavar="ADDRESS",
            help="Hash the folder on a Dask cluster, which sees it at the same path.",
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Hash the folder on a Ray cluster, which sees it at the same path; `auto` finds "
            "the one this machine belongs to.",
        ),
    )
    made: Any = call
    for option in reversed(options):
        made = option(made)
    result: F = made
    return result
