"""Clusters of Dask and Ray: they find what we find, also when a worker dies or a file changes."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from provenance.digest import executing, hash_tree
from provenance.digest.clusters import dask_executor, ray_cluster
from provenance.digest.ray_executor import RayExecutor
from provenance.errors import InputError, MissingExtraError
from support.crafted import write_tree
from support.trees import (
    CHANGES,
    change_tree,
    expected_root,
    expected_rows,
    random_files,
    rows_of,
    write_anew,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

#: Parts of engines that may not be installed, so that no type is known.
Value: TypeAlias = Any

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is an extra"
)
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is an extra")

# Both engines leave sockets and files to the end of the process, and use what is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:distributed"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for number in range(200):
        file = folder / f"{number % 7}" / f"{number:03}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(range(256)) * number)
    return folder


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "BATCH_FILES", 5)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    found = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        found.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 1024 * 1024,
            _node_ip_address="127.0.0.1",
            log_to_driver=False,
            configure_logging=False,
        )
        yield found
        found.shutdown()


def check_engine(executor: Executor, root: Path) -> None:
    expected = hash_tree(root)
    assert hash_tree(root, executor=executor) == expected
    # The same name, size and call: an engine that remembers answers would give the old digest.
    (root / "3/003").write_bytes(b"\1" * 768)
    assert hash_tree(root, executor=executor) == hash_tree(root) != expected


def check_law(executor: Executor, root: Path) -> None:
    """Hash a tree and all that can become of it, as `test_all_roads.py` does on other roads."""
    sizes = {"a": 0, "b/a": 200_000, "b/c/a": 65_536, "b/c/b": 1, "b.x": 1025, "é/f": 64}
    files = random_files(0, sizes)
    write_tree(root, files)
    for place, change in enumerate(("", *CHANGES)):
        changed = change_tree(files, change, place) if change else files
        write_anew(root, changed)
        made = hash_tree(root, executor=executor)
        assert (made.root, rows_of(made)) == (expected_root(changed), expected_rows(changed))


def check_killed(executor: Executor, root: Path) -> None:
    """Kill the worker that a task of ours runs on, while batches are out."""
    victim = executor.submit(os.getpid).result(timeout=60)
    assert victim != os.getpid()
    timer = threading.Timer(0.02, os.kill, (victim, signal.SIGKILL))
    timer.start()
    assert hash_tree(root, executor=executor) == hash_tree(root)
    timer.join()


@pytest.mark.parametrize(
    ("module", "connect"),
    [
        pytest.param("distributed", lambda: dask_executor("tcp://127.0.0.1:1"), id="dask"),
        pytest.param("ray", ray_cluster, id="ray"),
    ],
)
def test_a_missing_extra_is_named(
    module: str, connect: Value, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"training-provenance\[(dask|ray)\]"), connect():
        pass


def test_the_ray_executor_needs_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="Ray is not installed"):
        RayExecutor()


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put something in the place of Ray that knows one address; return what was done with it."""
    done: list[str] = []

    def init(address: str, **_: object) -> None:
        if address != "here":
            message = f"Could not find {address}\nand more"
            raise ConnectionError(message)
        done.append("init")

    fake = SimpleNamespace(
        init=init, shutdown=lambda: done.append("shutdown"), is_initialized=lambda: False
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    return done


def test_a_ray_cluster_is_connected_to_and_left(fake_ray: list[str]) -> None:
    with ray_cluster("here") as executor:
        assert isinstance(executor, RayExecutor)
        assert fake_ray == ["init"]
    assert fake_ray == ["init", "shutdown"]


def test_a_ray_cluster_that_is_not_there_is_said(fake_ray: list[str]) -> None:
    with pytest.raises(InputError, match="no Ray cluster answers: 'Could not find there'"):  # noqa: SIM117 - what is entered raises
        with ray_cluster("there"):
            pass
    assert fake_ray == []


@needs_dask
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address", "tcp://127.0.0.1:port"])
def test_a_scheduler_that_is_not_there_is_said(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.clusters.CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match="no Dask cluster answers"), dask_executor(address):
        pass


@needs_dask
@pytest.mark.slow
def test_dask_finds_what_one_process_finds(scheduler: Value, root: Path) -> None:
    with dask_executor(scheduler.scheduler_address) as executor:
        check_engine(executor, root)


@needs_dask
@pytest.mark.slow
def test_dask_sees_every_change_of_a_random_tree(scheduler: Value, tmp_path: Path) -> None:
    with dask_executor(scheduler.scheduler_address) as executor:
        check_law(executor, tmp_path / "tree")


@needs_dask
@pytest.mark.slow
def test_a_killed_dask_worker_loses_nothing(scheduler: Value, root: Path) -> None:
    with dask_executor(scheduler.scheduler_address) as executor:
        check_killed(executor, root)


@needs_dask
@pytest.mark.slow
def test_an_executor_of_dask_that_remembers_is_not_believed(scheduler: Value, root: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler.scheduler_address, set_as_default=False) as client:
        check_engine(client.get_executor(pure=True), root)


@needs_ray
@pytest.mark.slow
def test_ray_finds_what_one_process_finds(ray: Value, root: Path) -> None:
    assert ray.is_initialized()
    with ray_cluster() as executor:
        check_engine(executor, root)
    assert ray.is_initialized(), "the caller's own connection stays"


@needs_ray
@pytest.mark.slow
def test_ray_sees_every_change_of_a_random_tree(ray: Value, tmp_path: Path) -> None:
    assert ray.is_initialized()
    check_law(RayExecutor({"num_cpus": 1}), tmp_path / "tree")


@needs_ray
@pytest.mark.slow
def test_a_killed_ray_worker_loses_nothing(ray: Value, root: Path) -> None:
    assert ray.is_initialized()
    check_killed(RayExecutor({"num_cpus": 1}), root)


@needs_ray
@pytest.mark.slow
def test_the_ray_executor_is_an_executor(ray: Value) -> None:
    assert ray.is_initialized()
    with RayExecutor() as executor:
        assert executor.submit(pow, 2, 5).result(timeout=60) == 32
        assert list(executor.map(pow, (2, 3), (3, 2))) == [8, 9]
        failing = executor.submit(divmod, 1, 0)
        assert isinstance(failing.exception(timeout=60), ZeroDivisionError)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(pow, 2, 5)


@needs_ray
@pytest.mark.slow
def test_shutting_the_ray_executor_down_can_cancel(ray: Value) -> None:
    assert ray.is_initialized()
    executor = RayExecutor({"num_cpus": 2})
    futures = [executor.submit(time.sleep, 30) for _ in range(3)]
    executor.shutdown(cancel_futures=True)
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=60)
