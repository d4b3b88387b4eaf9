"""URLs of stores: taken apart, checked, and shown without what is secret in them. No I/O.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from provenance.digest.names import printable_name
from provenance.errors import UsageError, shown

__all__ = ["RemoteUrl", "is_url", "parse_url", "redact_url"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# What of a refused URL is shown.
_PLAIN_HOST = re.compile(r"[A-Za-z0-9_.-]*(?::[0-9]{1,5})?")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./=,+ -]*")

# The way out for a URL that works only as it is, such as one that a store has signed.
_PIPE = (
    "; or pipe what lies there: `curl -sL URL | provenance digest -`, or `… | provenance stream "
    "RELEASE NAME`"
)

#: Schemes that name this machine: a path is read with its links and special files handled.
LOCAL_SCHEMES = frozenset({"file", "local"})
#: Schemes whose URLs are percent-encoded; in the others a percent sign is a percent sign.
ENCODED_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """Where in a store something lies."""

    scheme: str
    """In lower case: `s3`, `gs`, `az`, `https`, `hf`, ..."""

    host: str
    """The bucket, container or server; empty where the scheme has none."""

    path: str
    """Names below the host as the store spells them: not encoded, no slash at either end."""

    is_folder: bool
    """Whether the URL ended in a slash."""

    def __str__(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
    ) -> str:
        """Return it as messages show it: it never held a secret, see `parse_url`."""
        slash = "/" if self.is_folder and self.path else ""
        return printable_name(
            f"{self.scheme}://{self.host}{'/' * bool(self.host)}{self.path}{slash}"
        )

    @property
    def parent(self) -> RemoteUrl:
        """The folder that the last name of the path lies in."""
        return RemoteUrl(self.scheme, self.host, self.path.rpartition("/")[0], is_folder=True)

    @property
    def name(self) -> str:
        """The last name of the path; empty for the whole bucket."""
        return self.path.rpartition("/")[2]


def is_url(text: str) -> bool:
    """Return whether a text begins as a URL does, `scheme://`."""
    return _SCHEME.match(text) is not None


def redact_url(text: str) -> str:
    """Return any URL as messages may show it: without user, password, query and fragment.

    One that `parse_url` takes holds none, and is shown as it is. Of others no more is shown than is
    certainly no secret; `…` stands for the rest.
    """
    match = _SCHEME.match(text)
    if match is None:
        return ""
    try:
        return str(parse_url(text))
    except UsageError:
        scheme, rest = match.group().lower(), text[match.end() :]
    before, _, after = rest.rpartition("@")
    if "?" in before or "#" in before:
        return f"{scheme}…"  # an `@` in a query, or a mark in a password: nobody can tell
    host, slash, path = re.split(r"[?#]", after, maxsplit=1)[0].partition("/")
    if not _PLAIN_HOST.fullmatch(host):
        return f"{scheme}…"
    return f"{scheme}{host}{slash}{path if _PLAIN_PATH.fullmatch(path) else '…'}"


def parse_url(text: str) -> RemoteUrl:
    """Take a URL apart.

    Credentials have no place in one: it would stand in a shell's history and in the logs of every
    machine on its way. The errors repeat nothing that may be such a secret.

    Raises:
        UsageError: It is not a URL, is that of a local file, or holds a user, a password, a query,
            a fragment or a chain of file systems (`::`).
    """
    match = _SCHEME.match(text)
    scheme = match.group(1).lower() if match else ""
    if "::" in text:
        raise UsageError(
            problem="the URL chains file systems with `::`", remedy="name the store itself"
        )
    if match is None:
        raise UsageError(problem="this is not a URL, `scheme://...`")
    if scheme in LOCAL_SCHEMES:
        raise UsageError(
            problem=f"{scheme}:// names a file of this machine", remedy="give its path instead"
        )
    rest = text[match.end() :]
    host, _, path = rest.partition("/")
    if scheme in ENCODED_SCHEMES:
        host, path = _split_web(text)
    if "@" in host or "?" in host or "#" in host or not _has_plain_port(host):
        raise _secret(scheme)
    if not host and scheme != "memory":
        raise UsageError(problem=f"the {scheme}:// URL names no host, bucket or container")
    return RemoteUrl(scheme, host, path.strip("/"), is_folder=path.endswith("/") or not path)


def _has_plain_port(host: str) -> bool:
    """Return whether a host is without a port, or with one: a password with a slash is none."""
    _, colon, port = host.rpartition("]")[2].partition(":")
    return not colon or (port.isascii() and port.isdigit())


def _split_web(text: str) -> tuple[str, str]:
    try:
        parts = urlsplit(text)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        raise UsageError(problem="the URL is malformed") from None
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise _secret(parts.scheme)
    if "//" in path or not path.isprintable():
        raise UsageError(problem=f"the path of the URL is not plain: {shown(path)}")
    return parts.netloc, path


def _secret(scheme: str) -> UsageError:
    return UsageError(
        problem=f"the {scheme}:// URL holds a user, a password, a query or a fragment (not shown)",
        remedy="pass credentials as storage options, or let the store's library find its own"
        + _PIPE * (scheme in ENCODED_SCHEMES),
    )
