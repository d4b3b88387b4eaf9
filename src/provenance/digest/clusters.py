"""Executors of clusters that run already: Dask and Ray, each an optional extra."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provenance.digest.ray_executor import RayExecutor, import_extra
from provenance.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

__all__ = ["dask_executor", "ray_cluster"]

#: Seconds that a cluster has to answer.
CONNECT_SECONDS = 30


_DASK_ADDRESS = re.compile(r"(tcp|tls|ucx|wss?)://[^\s/]+:\d{1,5}|inproc://\S+")


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster, give its executor, and disconnect.

    Args:
        address: Of the scheduler, e.g. `tcp://10.0.0.1:8786`.

    Raises:
        MissingExtraError: Dask is not installed.
        InputError: Nothing answers there.
    """
    distributed = import_extra("distributed", "dask", "Dask")
    if not _DASK_ADDRESS.fullmatch(address):  # its client would leave threads that never end
        error = ValueError("an address is like tcp://host:8786")
        raise _unreachable("Dask", address, error)
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError, AssertionError) as error:
        # Its last word, where its own event loop has not started in time, is an assertion.
        raise _unreachable("Dask", address, error) from error
    with client:
        # By default Dask takes calls with equal arguments for one, and answers from memory.
        yield client.get_executor(pure=False)


@contextmanager
def ray_cluster(address: str = "auto") -> Iterator[Executor]:
    """Connect to a Ray cluster, give an executor on it, and disconnect.

    Args:
        address: As `ray.init` takes it; `auto` finds the cluster that this machine belongs to,
            `local` starts one here.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: Nothing answers there.
    """
    ray = import_extra("ray", "ray", "Ray")
    executor = RayExecutor()
    if ray.is_initialized():
        yield executor  # the caller's own connection, which stays
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreachable("Ray", address, error) from error
    try:
        yield executor
    finally:
        ray.shutdown()


def _unreachable(engine: str, address: str, error: Exception) -> InputError:
    said = shown(str(error).strip().partition("\n")[0])
    return InputError(
        path=address,
        problem=f"no {engine} cluster answers: {said}",
        remedy="check the address, and that it runs",
        code="input-unreadable",
    )
