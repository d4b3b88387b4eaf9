"""A local S3, and retries that do not make tests wait."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from provenance.digest.remote import claims, fetching, hashing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of a local S3."""

    client: Any
    name: str
    options: dict[str, str]

    @property
    def url(self) -> str:
        """Its URL."""
        return f"s3://{self.name}"

    def put(self, objects: Mapping[str, bytes], **options: Any) -> None:  # noqa: ANN401 - boto3's
        """Store objects."""
        for key, body in objects.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=body, **options)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (claims, hashing):
        monkeypatch.setattr(module, "Retries", lambda: fetching.Retries(first_wait=0.001))


@pytest.fixture(scope="session")
def _s3() -> Iterator[str]:
    pytest.importorskip("obstore", reason="needs the extra `remote`")
    pytest.importorskip("boto3", reason="needs the group `scale`")
    server_module = pytest.importorskip("moto.server", reason="needs the group `scale`")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(_s3: str, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """Return an empty bucket, with fake credentials that nothing outside accepts."""
    import boto3  # noqa: PLC0415 - the server was skipped without it

    options = {
        "endpoint": _s3,
        "region": "us-east-1",
        "access_key_id": "fake",
        "secret_access_key": "fake-secret",
    }
    client = boto3.client(
        "s3",
        endpoint_url=_s3,
        region_name="us-east-1",
        aws_access_key_id="fake",
        aws_secret_access_key="fake-secret",  # noqa: S106 - fake
    )
    name = f"bucket-{crc32(request.node.name.encode()):08x}"
    client.create_bucket(Bucket=name)
    yield Bucket(client, name, options)
    for found in client.list_objects_v2(Bucket=name).get("Contents", []):
        client.delete_object(Bucket=name, Key=found["Key"])
    client.delete_bucket(Bucket=name)
    client.close()
