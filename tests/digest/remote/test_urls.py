"""URLs: what is taken, what is refused, and that no secret is shown."""

from __future__ import annotations

import pytest

from provenance.digest.remote.urls import is_url, parse_url, redact_url
from provenance.errors import UsageError

SECRET = "hunter2"  # noqa: S105 - of nobody
IPV6 = "[1:2:3:4:5:6:7:8]"


@pytest.mark.parametrize(
    "text",
    [
        f"s3://key:{SECRET}@bucket/data",
        f"s3://key:{SECRET}/@bucket/data",
        f"sftp://user:{SECRET}/",
        f"https://user:{SECRET}@host/data",
        f"https://host/data?X-Amz-Signature={SECRET}",
        f"https://host/data#{SECRET}",
        f"s3://bucket?token={SECRET}",
        f"https://[{SECRET}/data",
        f"https://host/%ff{SECRET}",
        f"simplecache::s3://bucket/{SECRET}",
    ],
)
def test_secret_in_a_url_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(text)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "data", "s3:/bucket", "s3://", "https:///a", "file:///etc", "FILE://x", "local://x"],
)
def test_what_names_no_store_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_url(text)


@pytest.mark.parametrize("text", ["https://host/a//b", "https://host/a%00b", "https://host/a%0ab"])
def test_web_path_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "shown", "host", "path", "is_folder"),
    [
        ("s3://bucket", "s3://bucket/", "bucket", "", True),
        ("S3://bucket/a/b/", "s3://bucket/a/b/", "bucket", "a/b", True),
        ("s3://bucket/a b%20#?", "s3://bucket/a b%20#?", "bucket", "a b%20#?", False),
        ("https://host:8443/a%20b", "https://host:8443/a b", "host:8443", "a b", False),
        ("hf://datasets/a/b@v1/x", "hf://datasets/a/b@v1/x", "datasets", "a/b@v1/x", False),
        ("hdfs://node:8020/a", "hdfs://node:8020/a", "node:8020", "a", False),
        (f"https://{IPV6}/a", f"https://{IPV6}/a", IPV6, "a", False),
        (f"https://{IPV6}:80", f"https://{IPV6}:80/", f"{IPV6}:80", "", True),
        ("memory://a/b", "memory://a/b", "a", "b", False),
        ("gs://bucket/a\x1bb", "gs://bucket/a\\x1bb", "bucket", "a\x1bb", False),
    ],
)
def test_url_is_taken_apart(
    text: str, shown: str, host: str, path: str, *, is_folder: bool
) -> None:
    url = parse_url(text)
    assert (str(url), url.host, url.path, url.is_folder) == (shown, host, path, is_folder)


def test_parent_and_name_are_those_of_the_last_segment() -> None:
    url = parse_url("s3://bucket/a/b")
    assert (url.name, str(url.parent)) == ("b", "s3://bucket/a/")


@pytest.mark.parametrize("text", ["model", "s3:/x", "./s3://x", "C:\\x", "://x", "1a://x"])
def test_path_is_no_url(text: str) -> None:
    assert not is_url(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"s3://key:{SECRET}@bucket/data", "s3://bucket/data"),
        (f"s3://key:{SECRET}/@bucket/data", "s3://bucket/data"),
        (f"s3://key:a@{SECRET}@bucket", "s3://bucket"),
        (f"s3://key:?{SECRET}@bucket/data", "s3://…"),
        (f"https://user@host/data?e=a@b&sig={SECRET}", "https://…"),
        (f"HTTPS://host:8443/data?X-Amz-Signature={SECRET}", "https://host:8443/data"),
        (f"https://host/data#{SECRET}", "https://host/data"),
        (f"s3://bucket?token={SECRET}", "s3://bucket"),
        (f"https://[{SECRET}/data", "https://…"),
        (f"https://host/%ff{SECRET}", "https://host/…"),
        ("s3://", "s3://"),
        ("s3://bucket/a#b?c@d", "s3://bucket/a#b?c@d"),
        ("hf://datasets/a/b@v1/x", "hf://datasets/a/b@v1/x"),
        ("model", ""),
    ],
)
def test_url_is_shown_without_its_secrets(text: str, shown: str) -> None:
    assert redact_url(text) == shown
