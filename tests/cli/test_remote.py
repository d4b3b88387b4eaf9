"""`provenance digest URL`, with a store in memory."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from digest.remote.faulty_server import serve
from provenance.digest import Inventory, hash_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.conftest import Command

fsspec = pytest.importorskip("fsspec", reason="needs the extra `remote`")


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """Fill a store in memory with two objects."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pipe({"/data/a.txt": b"hello", "/data/sub/b.txt": b""})
    yield system
    system.store.clear()


@pytest.mark.parametrize(
    "arguments",
    [
        ["s3://key:hunter2@bucket"],
        ["https://host/x?sig=hunter2"],
        ["memory://data", "--storage-option", "hunter2"],
        ["memory://data", "--storage-option", "=hunter2"],
        ["s3://bucket", "--storage-option", "bogus=hunter2"],
        ["memory://data", "--trust-store", "--inventory", "out.jsonl"],
        ["memory://data/a.txt", "--inventory", "out.jsonl"],
        ["https://host/x?sig=hunter2", "--compare", "SHA256SUMS"],
        ["https://host/x?sig=hunter2", "--tensor", "weight"],
        ["https://host/x?sig=hunter2", "--dask", "tcp://127.0.0.1:1"],
        ["https://host/x?sig=hunter2", "--trust-store"],
        ["file:///etc"],
        [".", "--trust-store"],
        [".", "--storage-option", "region=x"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_without_its_secrets(
    cli: Command, work: Path, arguments: list[str]
) -> None:
    shown = cli("digest", *arguments)
    assert shown.code == 2
    assert shown.err.startswith("error: ")
    assert "hunter2" not in shown.out + shown.err
    assert not (work / "out.jsonl").exists()


def test_place_without_objects_is_an_error(cli: Command) -> None:
    shown = cli("digest", "memory://nothing")
    assert (shown.code, shown.out) == (4, "")
    assert "error: memory://nothing/: no object lies there" in shown.err


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("s3://key:hunter2@bucket/x", "s3://bucket/x: "),
        ("https://host/x?sig=hunter2", "https://host/x: "),
        ("memory://data/../b.txt", "memory://data/../b.txt: "),
        ("https://key:hunter2@host/x?sig=hunter2@x", "https://…: "),
    ],
)
def test_error_names_the_url_without_its_secrets(cli: Command, url: str, named: str) -> None:
    shown = cli("digest", url)
    assert shown.code in {1, 2, 4}
    assert shown.err.startswith(f"error: {named}"), shown.err
    assert "hunter2" not in shown.err


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("ftp://host/x", 2, "ftp://host/: ftp:// is not read; download it first"),
        ("https://host/x?sig=1", 2, "curl -sL URL | provenance digest -"),
    ],
)
def test_url_that_cannot_be_read_has_a_way_out(
    cli: Command, url: str, code: int, said: str
) -> None:
    shown = cli("digest", url)
    assert (shown.code, said in shown.err) == (code, True), shown.err
    assert "Traceback" not in shown.err


def test_server_without_the_file_is_told_apart_from_a_folder(cli: Command) -> None:
    pytest.importorskip("obstore", reason="needs the extra `remote`")
    with serve(b"data") as server:
        server.missing = True
        shown = cli("digest", server.url)
        assert (shown.code, "the server has no such file (status 404)" in shown.err) == (4, True)
        folder = cli("digest", server.url.rpartition("/")[0] + "/")
        assert (folder.code, "a web server lists no files" in folder.err) == (4, True)


def test_server_that_is_not_there_is_told(cli: Command) -> None:
    pytest.importorskip("obstore", reason="needs the extra `remote`")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x"
        shown = cli("digest", url)
    assert (shown.code, f"{url}: gave up" in shown.err) == (4, True)
    assert "the server refuses the connection" in shown.err


def test_error_about_an_object_names_its_url(cli: Command) -> None:
    fsspec.filesystem("memory").pipe({"/data/a\\b": b"x"})
    shown = cli("digest", "memory://data/")
    assert shown.err.startswith("error: memory://data/a\\b: ")


def test_tree_is_shown_as_that_of_a_folder(cli: Command, work: Path) -> None:
    (work / "sub").mkdir()
    (work / "a.txt").write_bytes(b"hello")
    (work / "sub" / "b.txt").write_bytes(b"")
    local = json.loads(cli("digest", ".", "--format", "json").out)
    remote = json.loads(cli("digest", "memory://data", "--format", "json").out)
    assert remote.pop("path") == "memory://data/"
    local.pop("path")
    assert remote == local


def test_inventory_is_written(cli: Command, work: Path) -> None:
    shown = cli("digest", "memory://data/", "--inventory", "out.jsonl")
    assert shown.code == 0
    written = Inventory.from_bytes((work / "out.jsonl").read_bytes())
    assert written.root.root in shown.out


def test_file_has_the_digests_asked_for(cli: Command) -> None:
    shown = cli("digest", "memory://data/a.txt", "--algorithm", "sha256", "--format", "json")
    assert json.loads(shown.out) == {
        "digest": {"sha256": hash_bytes(b"hello", "sha256")},
        "path": "memory://data/a.txt",
        "size": 5,
    }


def test_claims_of_a_store_are_called_that(cli: Command) -> None:
    shown = cli("digest", "memory://data", "--trust-store")
    assert shown.code == 0
    assert "claimed by the store, not computed" in shown.out
    assert "warning: the store holds no SHA-256 of 2 objects" in shown.err
    found = json.loads(cli("digest", "memory://data", "--trust-store", "--format", "json").out)
    assert [row["sha256"] for row in found["claimedByStore"]] == [None, None]


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "URL"],
        ["verify", ".", "--manifest", "URL"],
        ["verify", ".", "--key", "URL"],
        ["verify", ".", "--dataset", "train=URL"],
        ["verify", ".", "--code", "URL"],
        ["check-proof", "URL"],
        ["check-proof", "p.json", "URL", "--manifest", "m"],
        ["prove", "URL", "x"],
        ["diff", "URL", "b"],
        ["records", "URL"],
        ["show", "URL"],
        ["inventory", "root", "URL"],
        ["inventory", "merge", "a=URL", "-o", "x"],
        ["digest", ".", "--compare", "URL"],
        ["digest", ".", "--cache", "URL"],
        ["digest", ".", "--inventory", "URL"],
    ],
    ids=" ".join,
)
def test_where_no_url_is_taken_nothing_of_it_is_repeated(
    cli: Command, work: Path, arguments: list[str]
) -> None:
    url = "https://key:hunter2@host/x?token=hunter3"
    shown = cli(*(word.replace("URL", url) for word in arguments))
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("error: https://host/x: this command takes no URL here")
    assert "hunter" not in shown.err
    assert list(work.iterdir()) == []
