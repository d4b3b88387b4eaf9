"""A model hub on this machine, spoken to by the hub's own library."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from provenance.digest import hash_bytes
from provenance.digest.remote import hash_remote_tree, read_store_claims
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("fsspec", reason="needs the extra `remote`")
pytest.importorskip("huggingface_hub", reason="needs the group `scale`")

LARGE = bytes(range(256)) * (4096 * 9)
REPOSITORY = "/api/datasets/lab/data"


class Hub(ThreadingHTTPServer):
    """Holds one repository of two files, the large one in Git LFS."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"a.txt": b"hello", "sub/large.bin": LARGE}
        self.after_first_range = dict(self.files)

    def describe(self, path: str) -> dict[str, object]:
        """Return what the hub says of a file."""
        data = self.files[path]
        found: dict[str, object] = {
            "type": "file",
            "path": path,
            "size": len(data),
            "oid": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        }
        if path == "sub/large.bin":
            sha256 = hashlib.sha256(data).hexdigest()
            found["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 134}
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self, *_: object
    ) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        wanted = [paths] if isinstance(paths, str) else paths
        self._json([self.server.describe(path) for path in wanted if path in self.server.files])

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        folder = {"type": "directory", "path": "sub", "oid": "0" * 40, "size": 0}
        if path in {REPOSITORY, f"{REPOSITORY}/revision/main"}:
            self._json({"id": "lab/data", "sha": "0" * 40, "siblings": []})
        elif path == f"{REPOSITORY}/tree/main":
            self._json([self.server.describe("a.txt"), folder])
        elif path == f"{REPOSITORY}/tree/main/sub":
            self._json([self.server.describe("sub/large.bin")])
        elif path.startswith("/datasets/lab/data/resolve/main/"):
            self._file(path.removeprefix("/datasets/lab/data/resolve/main/"))
        else:
            self._send(404, b"{}")

    def _file(self, name: str) -> None:
        start, end = self.headers["Range"].removeprefix("bytes=").split("-")
        data = self.server.files[name][int(start) : int(end) + 1]
        self._send(206, data)
        self.server.files = self.server.after_first_range

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Return a running hub."""
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def options_of(hub: Hub) -> dict[str, object]:
    return {
        "endpoint": f"http://127.0.0.1:{hub.server_port}",
        "token": False,
        "skip_instance_cache": True,
    }


def test_repository_that_changes_midway_is_an_error(hub: Hub) -> None:
    hub.after_first_range = {**hub.files, "sub/large.bin": LARGE[::-1]}
    with pytest.raises(InputError) as caught:
        hash_remote_tree("hf://datasets/lab/data", storage_options=options_of(hub), connections=1)
    assert caught.value.code == "file-changed"


def test_tree_of_a_repository_has_its_digests(hub: Hub) -> None:
    found = hash_remote_tree("hf://datasets/lab/data", storage_options=options_of(hub))
    assert {entry.path: entry.digest.blake3 for entry in found} == {
        path: hash_bytes(data, "blake3") for path, data in hub.files.items()
    }


def test_name_in_git_lfs_is_a_claim_and_the_git_hash_is_not(hub: Hub) -> None:
    claims = read_store_claims("hf://datasets/lab/data", storage_options=options_of(hub))
    assert {claim.path: dict(claim.digests) for claim in claims} == {
        "a.txt": {},
        "sub/large.bin": {"sha256": hash_bytes(LARGE, "sha256")},
    }
