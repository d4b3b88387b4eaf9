"""A timestamp authority made on the spot: `openssl ts`, behind HTTP on this machine."""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from support import certificates as made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

__all__ = ["OpensslAuthority", "make_authority", "openssl", "send_chain", "serve_stamps"]

# `certs` names the authority's certificate alone: of several, openssl writes an unsorted SET, which
# `send_chain` makes it do.
CONFIGURATION = """
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha384,sha512
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class OpensslAuthority:
    """An authority whose answers the openssl program makes."""

    folder: Path
    certificate: x509.Certificate
    root: x509.Certificate
    root_key: CertificateIssuerPrivateKeyTypes

    def answer(self, query: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq."""
        (self.folder / "query").write_bytes(query)
        return openssl(
            *("ts", "-reply", "-config", self.folder / "conf"),
            *("-queryfile", self.folder / "query"),
        )

    def stamp(self, data: bytes, *options: str) -> bytes:
        """Return a TimeStampResp over data, whose request is made by openssl too."""
        (self.folder / "data").write_bytes(data)
        asked = options or ("-sha256", "-cert")
        return self.answer(openssl("ts", "-query", "-data", self.folder / "data", *asked))


def openssl(*arguments: object) -> bytes:
    """Run the openssl program and return its output; skip if there is none."""
    command = [_program(), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _program() -> str:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl program here")
    return program


def make_authority(
    folder: Path,
    *,
    usage: x509.ExtendedKeyUsage | None = None,
    critical: bool = True,
    days: float = 30,
) -> OpensslAuthority:
    """Return an authority whose certificate was valid from yesterday, by the system's clock.

    Args:
        folder: Where its files go.
        usage: What its certificate is for; timestamps by default.
        critical: Whether that is critical, as RFC 3161 asks.
        days: How long the certificate is valid.
    """
    _program()  # in the thread that answers, it would be too late to skip
    folder.mkdir(exist_ok=True)
    start = datetime.now(UTC) - timedelta(days=1)
    root = made.authority(None, "tsa root", start=start, end=start + timedelta(days=99))
    usage = usage or x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    leaf = made.issue(
        root,
        "tsa",
        start=start,
        end=start + timedelta(days=days),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (made.key_usage("digital_signature"), True),
            (usage, critical),
        ],
    )
    (folder / "tsa.pem").write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tsa.key").write_bytes(key)
    (folder / "ca.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder))
    return OpensslAuthority(folder, leaf.certificate, root.certificate, root.key)


def send_chain(tsa: OpensslAuthority, *names: str) -> None:
    """Let an authority send certificates of several files, in their order."""
    chain = b"".join((tsa.folder / name).read_bytes() for name in names)
    (tsa.folder / "chain.pem").write_bytes(chain)
    text = CONFIGURATION.format(folder=tsa.folder)
    changed = text.replace(f"certs = {tsa.folder}/tsa.pem", f"certs = {tsa.folder}/chain.pem")
    (tsa.folder / "conf").write_text(changed)


@contextmanager
def serve_stamps(
    answer: Callable[[bytes], bytes], *, kind: str = "application/timestamp-reply", code: int = 200
) -> Iterator[str]:
    """Serve answers to timestamp queries over HTTP on this machine, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            data = answer(query)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
            self, *_: object
        ) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
