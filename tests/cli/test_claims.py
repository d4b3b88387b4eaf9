"""`provenance digest --compare`, `--workers`, `--dask`, `--ray`."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from provenance.cli.digests import digest
from provenance.digest import clusters, digest_bytes, hash_tree
from provenance.errors import MissingExtraError, ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

    from cli.conftest import Command

FILES = {"a": b"a", "b": b"b", "c": b"c"}


@pytest.fixture
def tree(work: Path) -> Path:
    """Return a folder with three files."""
    folder = work / "data"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


def sums(*names: str, algorithm: str = "sha256") -> str:
    return "".join(f"{digest_bytes(FILES[name])[algorithm]}  {name}\n" for name in names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--dask", "x", "--ray", "y"], "two clusters", id="two clusters"),
        pytest.param(["--dask", "x", "--workers", "2"], "about this machine", id="workers of Dask"),
        pytest.param(["--ray", "x", "--workers", "2"], "about this machine", id="workers of Ray"),
        pytest.param(["--workers", "0"], "0", id="no worker"),
        pytest.param(["--claims-format", "md5sum"], "md5sum", id="another format"),
        pytest.param(["--compare", "nowhere"], "nowhere", id="no claims"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cli: Command, tree: Path, arguments: list[str], said: str
) -> None:
    shown = cli("digest", tree, *arguments)
    assert shown.code in {2, 4}
    assert said in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("option", ["--dask", "--ray", "--compare"])
def test_only_a_folder_is_hashed_on_a_cluster_or_compared(
    cli: Command, tree: Path, option: str
) -> None:
    shown = cli("digest", tree / "a", option, "x")
    assert (shown.code, "only a folder" in shown.err) == (2, True)


def test_claims_that_hold_end_with_0(cli: Command, tree: Path) -> None:
    (tree / "SHA256SUMS").write_text(sums("a", "b"), encoding="utf-8")
    shown = cli("digest", tree, "--compare", tree / "SHA256SUMS")
    assert shown.code == 0
    assert shown.out.splitlines()[-4:] == [
        "matched a: sha256 as claimed",
        "matched b: sha256 as claimed",
        "extra   c: nobody made a claim about it",
        "2 matched, 1 extra",
    ]


@pytest.mark.parametrize("case", ["changed", "missing"])
def test_a_claim_that_does_not_hold_ends_with_1(
    cli: Command, tree: Path, work: Path, case: str
) -> None:
    (work / "SHA256SUMS").write_text(sums("a", "b"), encoding="utf-8")
    if case == "changed":
        (tree / "b").write_bytes(b"x")
    else:
        (tree / "b").unlink()
    shown = cli("digest", tree, "--compare", "SHA256SUMS", "--format", "json")
    assert shown.code == 1
    claims = json.loads(shown.out)["claims"]
    outcomes = {row["path"]: row["outcome"] for row in claims["results"]}
    assert outcomes["b"] == ("mismatch" if case == "changed" else "missing")
    assert (claims["format"], claims["source"]) == ("sha256sum", "SHA256SUMS")


def test_a_weak_claim_ends_with_3(cli: Command, tree: Path, work: Path) -> None:
    (work / "a.dvc").write_text("outs:\n- path: a\n  size: 1\n", encoding="utf-8")
    shown = cli("digest", tree, "--compare", "a.dvc")
    assert (shown.code, "notComparable a: no digest" in shown.out) == (3, True)


def test_the_format_can_be_said(cli: Command, tree: Path, work: Path) -> None:
    (work / "sums").write_text(sums("a", algorithm="blake3"), encoding="utf-8")
    assert "look alike" in cli("digest", tree, "--compare", "sums").err
    assert cli("digest", tree, "--compare", "sums", "--claims-format", "b3sum").code == 0


def test_workers_change_nothing(cli: Command, tree: Path) -> None:
    one, all_of_them = cli("digest", tree, "--workers", "1"), cli("digest", tree)
    assert (one.code, one.out) == (0, all_of_them.out)


@pytest.mark.parametrize(
    ("option", "name"), [("--dask", "dask_executor"), ("--ray", "ray_cluster")]
)
def test_a_cluster_is_connected_to(
    option: str, name: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    @contextmanager
    def connect(address: str) -> Iterator[Executor]:
        seen.append(address)
        with ThreadPoolExecutor(1) as threads:
            yield threads

    monkeypatch.setattr(clusters, name, connect)
    shown = CliRunner().invoke(digest, [str(tree), option, "tcp://here"])
    assert (shown.exit_code, seen) == (0, ["tcp://here"])
    assert hash_tree(tree).root.root in shown.output


@pytest.mark.parametrize(("option", "module"), [("--dask", "distributed"), ("--ray", "ray")])
def test_a_missing_extra_is_named(
    option: str, module: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    shown = CliRunner().invoke(digest, [str(tree), option, "auto"])
    assert isinstance(shown.exception, MissingExtraError)


def test_usage_is_checked_before_anything_is_read(tree: Path) -> None:
    shown = CliRunner().invoke(digest, [str(tree / "nowhere"), "--dask", "x"])
    assert isinstance(shown.exception, UsageError | ProvenanceError)
