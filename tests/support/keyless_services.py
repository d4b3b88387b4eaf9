"""The services of a Sigstore instance, made on the spot: HTTP on this machine, no network."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from support.keyless import IDENTITY, ISSUER
from support.logs import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from support.keyless import Instance

__all__ = ["SERVICES", "Answer", "logged", "serve", "token"]

Answer = tuple[bytes, str]


def _certificate(instance: Instance, body: bytes) -> Answer:
    pem = base64.b64decode(json.loads(body)["certificateSigningRequest"])
    public = x509.load_pem_x509_csr(pem).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    chain = [
        one.public_bytes(Encoding.PEM).decode()
        for one in (
            instance.leaf(public=public).certificate,
            instance.issuing.certificate,
            instance.root.certificate,
        )
    ]
    answer = {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}
    return json.dumps(answer).encode(), "application/json"


def logged(instance: Instance, body: bytes) -> Answer:
    """Return the entry of the log of the second version for a request."""
    asked = json.loads(body)["hashedRekordRequestV002"]
    data = {"algorithm": "SHA2_256", "digest": asked["digest"]}
    record = {"data": data, "signature": asked["signature"]}
    entry = {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": record},
    }
    return json.dumps(instance.second.entry(encoded(entry))).encode(), "application/json"


def _stamped(instance: Instance, body: bytes) -> Answer:
    return instance.stamps.answer(body), "application/timestamp-reply"


SERVICES: dict[str, Callable[[Instance, bytes], Answer]] = {
    "/api/v2/signingCert": _certificate,
    "/api/v2/log/entries": logged,
    "/tsr": _stamped,
}


@contextmanager
def serve(
    instance: Instance, services: Mapping[str, Callable[[Instance, bytes], Answer]] = SERVICES
) -> Iterator[bytes]:
    """Serve on this machine, and yield the signing configuration that names the services."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service = services.get(self.path)
            if service is None:
                self.send_error(503)
                return
            data, kind = service(instance, body)
            self.send_response(201)
            self.send_header("Content-Type", kind)
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
    url = f"http://127.0.0.1:{server.server_port}"
    window = {"start": "2020-01-01T00:00:00Z"}

    def service(version: int, path: str = "") -> list[dict[str, Any]]:
        return [
            {
                "url": url + path,
                "majorApiVersion": version,
                "validFor": window,
                "operator": "example.org",
            }
        ]

    try:
        yield json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": service(1),
                "oidcUrls": service(1),
                "rekorTlogUrls": service(2),
                "tsaUrls": service(1, "/tsr"),
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaConfig": {"selector": "ANY"},
            }
        ).encode()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def token(instance: Instance, *, minutes: int = 5) -> str:
    """Return an identity token; the library hands it on and does not verify it."""
    now = int(instance.now.timestamp())
    claims = {"iss": ISSUER, "sub": IDENTITY, "aud": "sigstore", "iat": now - 60}
    parts = [{"alg": "HS256", "typ": "JWT"}, {**claims, "exp": now + minutes * 60}]
    text = [base64.urlsafe_b64encode(encoded(part)).decode().rstrip("=") for part in parts]
    return ".".join([*text, "c2lnbmVk"])
