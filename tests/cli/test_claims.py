"""`provenance digest --compare`, `--workers`, `--dask`, `--ray`."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from provenance.cli.claims import CLAIMS_FORMATS
from provenance.cli.digests import digest
from provenance.digest import clusters, digest_bytes, hash_tree
from provenance.digest.claim_formats import READERS
from provenance.errors import MissingExtraError, ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

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
        pytest.param(["--claims-format", "dvc"], "give both", id="format of nothing"),
        pytest.param(["--compare", "data/a", "--tensor", "t"], "claims-format", id="no format"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cli: Command, tree: Path, arguments: list[str], said: str
) -> None:
    shown = cli("digest", tree, *arguments)
    assert shown.code in {2, 4}
    assert said in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("option", ["--dask", "--ray"])
def test_only_a_folder_is_hashed_on_a_cluster(cli: Command, tree: Path, option: str) -> None:
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


#: What a file beside the data says, and how the folder, and the file `a` alone, fare.
COMPARED: dict[str, tuple[str, str, int, int]] = {
    "same": ("SHA256SUMS", sums("a", "b", "c"), 0, 0),
    "extra files": ("SHA256SUMS", sums("a", "b"), 0, 0),
    "another file differs": ("SHA256SUMS", sums("a") + sums("a").replace("a\n", "b\n"), 1, 0),
    "differs": ("SHA256SUMS", sums("b").replace("b\n", "a\n"), 1, 1),
    "no claim about it": ("SHA256SUMS", sums("b", "c"), 0, 3),
    "size alone differs": ("a.dvc", "outs:\n- path: a\n  size: 2\n", 1, 1),
    "only MD5": ("a.dvc", f"outs:\n- path: a\n  md5: {'0' * 32}\n  size: 1\n", 3, 3),
    "malformed": ("SHA256SUMS", sums("a") + "prose\n", 4, 4),
    "unsafe name": ("SHA256SUMS", sums("a").replace("a\n", "../a\n"), 4, 4),
    "unknown": ("notes.txt", "prose\n", 2, 2),
    "sums of MD5": ("MD5SUMS", f"{'0' * 32}  a\n", 3, 3),
    "two look alike": ("sums", sums("a"), 2, 2),
}


@pytest.mark.parametrize("case", COMPARED)
def test_exit_codes_of_a_comparison(cli: Command, tree: Path, case: str) -> None:
    name, text, of_folder, of_file = COMPARED[case]
    (tree / name).write_text(text, encoding="utf-8")
    for target, code in ((tree, of_folder), (tree / "a", of_file)):
        shown = cli("digest", target, "--compare", tree / name)
        assert (shown.code, "Traceback" in shown.err) == (code, False), shown
        assert ("error: " in shown.err) == (code in {2, 4} or name == "MD5SUMS")
        if code == 2:
            assert "--claims-format sha256sum, b3sum, dvc, lfs, hub or inventory" in shown.err


def test_a_file_may_be_called_as_its_pointer_is_not(cli: Command, tree: Path, work: Path) -> None:
    found = digest_bytes(b"a")["sha256"]
    lines = ["version https://git-lfs.github.com/spec/v1", f"oid sha256:{found}", "size 1", ""]
    (work / "pointer").write_text("\n".join(lines), encoding="utf-8")
    shown = cli("digest", tree / "a", "--compare", "pointer", "--format", "json")
    claims = json.loads(shown.out)["claims"]
    assert (shown.code, claims["format"]) == (0, "lfs")
    assert [row["outcome"] for row in claims["results"]] == ["matched"]
    assert cli("digest", tree / "b", "--compare", "pointer").code == 1


def test_claims_are_read_before_any_data(cli: Command, tree: Path, work: Path) -> None:
    (work / "SHA256SUMS").write_text(sums("a") + "prose\n", encoding="utf-8")
    shown = cli("digest", tree / "nowhere", "--compare", "SHA256SUMS")
    assert (shown.code, "SHA256SUMS" in shown.err) == (4, True)


def test_a_folder_that_no_tree_may_hold_is_no_difference(
    cli: Command, tree: Path, work: Path
) -> None:
    (work / "SHA256SUMS").write_text(sums("a"), encoding="utf-8")
    (tree / "link").symlink_to("a")
    assert cli("digest", tree, "--compare", "SHA256SUMS").code == 4


def test_inventory_of_another_day_is_compared(cli: Command, tree: Path, work: Path) -> None:
    assert cli("digest", tree, "--inventory", "data.inventory.jsonl").code == 0
    same = cli("digest", tree, "--compare", "data.inventory.jsonl", "--quiet")
    assert (same.code, same.out.splitlines()[-1]) == (0, "3 matched")
    assert "matched a" not in same.out
    assert cli("digest", tree / "a", "--compare", "data.inventory.jsonl").code == 0
    (tree / "a").unlink()
    (tree / "b").write_bytes(b"B")
    (tree / "new").write_bytes(b"new")
    changed = cli("digest", tree, "--compare", "data.inventory.jsonl", "--quiet")
    assert changed.code == 1
    lines = [line.partition(":")[0] for line in changed.out.splitlines()]
    assert lines[-4:] == ["missing  a", "mismatch b", "extra    new", lines[-1]]
    data = (work / "data.inventory.jsonl").read_bytes()
    (work / "cut.jsonl").write_bytes(data[:-10])
    assert cli("digest", tree, "--compare", "cut.jsonl").code == 4


def test_list_from_one_folder_further_up_is_told(cli: Command, tree: Path, work: Path) -> None:
    (work / "SHA256SUMS").write_text(sums("a", "b").replace("  ", "  data/"), encoding="utf-8")
    refused = cli("digest", tree, "--compare", "SHA256SUMS")
    assert (refused.code, refused.out) == (2, "")
    assert "the list names files below data/" in refused.err
    assert "provenance digest . --compare SHA256SUMS" in refused.err
    assert cli("digest", ".", "--compare", "SHA256SUMS").code == 0
    (tree / "data").mkdir()
    assert cli("digest", tree, "--compare", "SHA256SUMS").code == 1


def test_long_comparison_is_cut_and_shows_what_contradicts(
    cli: Command, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.cli.claims.MAX_LINES", 2)
    names = [f"{number}.bin" for number in range(50)]
    absent = "".join(f"{'0' * 64}  {name}\n" for name in names)
    Path("SHA256SUMS").write_text(sums("a", "b", "c") + absent, encoding="utf-8")
    (tree / "c").write_bytes(b"other")
    done = cli("digest", tree, "--compare", "SHA256SUMS")
    lines = [line for line in done.out.splitlines() if ": " in line or line.startswith("…")]
    assert [line.split(" ")[0] for line in lines[-3:]] == ["missing", "mismatch", "…"]
    assert lines[-1].startswith("… and 51 more lines")
    assert "50 missing" in done.out.splitlines()[-1]
    done = cli("digest", tree, "--compare", "SHA256SUMS", "--format", "json")
    assert len(json.loads(done.out)["claims"]["results"]) == 53


def test_formats_are_those_of_the_readers() -> None:
    assert tuple(READERS) == CLAIMS_FORMATS


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
