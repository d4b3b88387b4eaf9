"""SHA-256 that S3 holds of whole objects; obstore does not hand it out, boto3 does."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.remote.store import changed_object, unreadable_object
from provenance.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.digest.remote.store import StoredObject
    from provenance.digest.remote.urls import RemoteUrl

__all__ = ["decode_checksum", "open_s3_checksums"]

#: What boto3 calls the options of obstore; obstore also takes them with the prefix `aws_`.
BOTO3_NAMES: Final = {
    "access_key_id": "aws_access_key_id",
    "endpoint": "endpoint_url",
    "endpoint_url": "endpoint_url",
    "region": "region_name",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "token": "aws_session_token",
}

#: Bytes of a SHA-256.
_BYTES = 32


def open_s3_checksums(
    url: RemoteUrl, options: Mapping[str, Any]
) -> Callable[[StoredObject], str | None]:
    """Return a function that asks S3 for the SHA-256 of an object below a URL.

    Raises:
        MissingExtraError: boto3 is not installed.
    """
    try:
        import boto3  # noqa: PLC0415 - optional
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingExtraError(
            problem="the checksums that S3 holds are read with `boto3`, which is not installed",
            remedy="pip install boto3",
        ) from error
    names = {key.lower().removeprefix("aws_"): value for key, value in options.items()}
    known = {BOTO3_NAMES[key]: value for key, value in names.items() if key in BOTO3_NAMES}
    client = boto3.client("s3", **known)
    prefix = f"{url.path}/" if url.path else ""

    def ask(found: StoredObject) -> str | None:
        try:
            answer = client.head_object(
                Bucket=url.host, Key=prefix + found.name, ChecksumMode="ENABLED"
            )
        except (BotoCoreError, ClientError) as error:
            raise unreadable_object(
                found.name, f"S3 does not say its checksum ({type(error).__name__})"
            ) from None
        if (answer["ETag"], answer["ContentLength"]) != (found.version, found.size):
            raise changed_object(found.name)
        if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
            return None
        return decode_checksum(answer.get("ChecksumSHA256"))

    return ask


def decode_checksum(value: object) -> str | None:
    """Return the hexadecimal of a base64 SHA-256; `None` for anything else.

    A composite checksum, `...-N`, is a digest of the digests of N parts: not that of the file.
    """
    if not isinstance(value, str):
        return None
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == _BYTES else None
