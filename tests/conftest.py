"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.network import block_network
from support.tokens import made_token

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: What a test says that is skipped because a program is not here.
NO_PROGRAM = re.compile(
    r"there is no \S+ program here|SoftHSM2 is not installed|there is no Node\.js"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail for want of a program where programs are required, as in CI."""
    report = yield
    if report.skipped and os.environ.get("PROVENANCE_REQUIRE_TOOLS") == "1":
        reason = str(report.longrepr)
        if NO_PROGRAM.search(reason):
            report.outcome = "failed"
            report.longrepr = f"programs are required: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Let no test reach another machine."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        block_network(monkeypatch)
        yield


@pytest.fixture(scope="session")
def outside_vectors() -> Path:
    """Return the folder of vectors that others published; skip, or fail where they are required."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("PROVENANCE_VECTORS", beside))
    if folder.is_dir():
        return folder
    if os.environ.get("PROVENANCE_REQUIRE_VECTORS") == "1":
        pytest.fail(f"outside vectors are required, and {folder} is no folder")
    pytest.skip("outside vectors are not here; set PROVENANCE_VECTORS to their folder")


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the part of a PKCS#11 URI that names the module of a token with a key of every kind."""
    with made_token(tmp_path_factory.mktemp("softhsm")) as named:
        yield named
