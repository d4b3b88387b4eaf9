"""A web server that serves one object and, when told, does it wrongly."""

from __future__ import annotations

import re
import socket
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FaultyServer", "serve"]

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class FaultyServer(ThreadingHTTPServer):
    """Serves `data` at every path; each GET takes the next of `faults`, if there is one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, data: bytes) -> None:
        """Listen on this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.etag: str | None = '"1"'
        self.faults: list[str] = []
        self.always = ""
        self.heeds_conditions = True
        self.missing = False
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """The URL of the object."""
        return f"http://127.0.0.1:{self.server_port}/folder/object.bin"

    def handle_error(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self, *_: object
    ) -> None:
        """Say nothing: clients hang up on purpose."""

    def next_fault(self) -> str:
        """Return what to do wrong now."""
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def log_message(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self, *_: object
    ) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        if self.server.missing:
            self._headers(404, 0)
            return
        self._headers(200, len(self.server.data))

    def do_GET(self) -> None:
        server = self.server
        fault = server.next_fault()
        with server.lock:
            server.requests.append(f"{self.headers.get('Range', 'all')} {fault}".strip())
        if fault.isdigit():
            self._headers(int(fault), 0)
            return
        if fault == "hang":
            server.released.wait(20)
            return
        if fault == "change":
            server.data, server.etag = server.data[::-1], server.etag and '"2"'
        expected = self.headers.get("If-Match")
        if server.heeds_conditions and expected is not None and expected != server.etag:
            self._headers(412, 0)
            return
        self._body(fault)

    def _body(self, fault: str) -> None:
        data = self.server.data
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or fault == "whole":
            start, end, status, extra = 0, len(data), 200, {}
        else:
            start, end = int(asked[1]), int(asked[2]) + 1
            shift = 1 if fault == "shift" else 0
            stated = f"bytes {start + shift}-{end - 1 + shift}/{len(data)}"
            status, extra = 206, {"Content-Range": stated}
        body = data[start:end]
        if fault == "long":
            body += b"more"
        if fault == "endless":
            self._headers(status, None, {**extra, "Connection": "close"})
            for _ in range(200_000):
                self.wfile.write(bytes(65536))
            return
        self._headers(status, len(body), extra)
        if fault in {"truncate", "reset"}:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            self.close_connection = True
            return
        self.wfile.write(body)

    def _headers(
        self, status: int, length: int | None, extra: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.server.etag is not None:
            self.send_header("ETag", self.server.etag)
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 10:00:00 GMT")
        self.send_header("Accept-Ranges", "bytes")
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serve(data: bytes) -> Iterator[FaultyServer]:
    """Run a server until the block ends."""
    with FaultyServer(data) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
