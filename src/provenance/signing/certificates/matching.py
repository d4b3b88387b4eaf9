"""Whether one name lies within one subtree of name constraints. No state, no I/O.

Source: RFC 5280, sections 4.2.1.10 and 7.2 to 7.5.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from cryptography import x509

from provenance.signing.certificates.names import name_key

__all__ = ["is_within"]

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
# The characters of a URI (RFC 3986, section 2); brackets only stand around addresses.
_URI = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")
_WILDCARD = "*."


def is_within(name: x509.GeneralName, subtree: x509.GeneralName, *, excluding: bool) -> bool:
    """Return whether a name of a certificate lies within a subtree.

    Args:
        name: The name.
        subtree: The subtree; of the kind of the name, or e-mail for an international mailbox.
        excluding: Whether the subtree is an excluded one. A wildcard lies within a permitted
            subtree if all that it stands for does, and within an excluded one if anything does.

    Raises:
        ValueError: Nobody can tell: the name, its form or the kind is not one that is compared.
    """
    if isinstance(name, x509.DNSName) and isinstance(subtree, x509.DNSName):
        return _dns_within(name.value.lower(), subtree.value.lower(), excluding=excluding)
    if isinstance(name, x509.RFC822Name) and isinstance(subtree, x509.RFC822Name):
        return _mailbox_within(name.value, subtree.value)
    if isinstance(name, x509.UniformResourceIdentifier) and isinstance(
        subtree, x509.UniformResourceIdentifier
    ):
        return _host_within(_uri_host(name.value), subtree.value.lower())
    if isinstance(name, x509.DirectoryName) and isinstance(subtree, x509.DirectoryName):
        base = name_key(subtree.value)
        return name_key(name.value)[: len(base)] == base
    if isinstance(name, x509.IPAddress) and isinstance(subtree, x509.IPAddress):
        return _address_within(name, subtree)
    raise _untold(type(name).__name__)


def _dns_within(name: str, base: str, *, excluding: bool) -> bool:
    """Labels may be added on the left; a base with a leading dot asks for at least one."""
    host, wildcard = name.removeprefix(_WILDCARD), name.startswith(_WILDCARD)
    if not _HOST.fullmatch(host):
        raise _untold(name)
    host, bare = host.rstrip("."), base.removeprefix(".").rstrip(".")
    below = not bare or host.endswith("." + bare)
    if below or (host == bare and (wildcard or not base.startswith("."))):
        return True
    # `*.example.org` stands for `a.example.org`, one label and no more.
    return wildcard and excluding and bare.partition(".")[2] == host


def _mailbox_within(name: str, base: str) -> bool:
    """One mailbox, all mailboxes at one host, or, with a leading dot, all at hosts below one."""
    local, separator, host = name.rpartition("@")
    if not separator or not local or not _HOST.fullmatch(host.lower()):
        raise _untold(name)
    if "@" in base:
        base_local, _, base_host = base.rpartition("@")
        return local == base_local and host.lower() == base_host.lower()
    return not base or _host_within(host.lower(), base.lower())


def _host_within(host: str, base: str) -> bool:
    host, base = host.rstrip("."), base.rstrip(".")
    return host.endswith(base) if base.startswith(".") else host == base


def _uri_host(uri: str) -> str:
    """Return the host of a URI.

    Raises:
        ValueError: It has none, or an IP address: constraints of URIs do not apply to it, so that
            it has to be refused.
    """
    # What readers of URIs take differently (a backslash, a blank) never comes this far.
    host = (urlsplit(uri).hostname or "").lower() if _URI.fullmatch(uri) else ""
    if not _HOST.fullmatch(host) or host.rstrip(".").rpartition(".")[2].isdigit():
        raise _untold(uri)
    return host


def _address_within(name: x509.IPAddress, subtree: x509.IPAddress) -> bool:
    address, network = name.value, subtree.value
    if not isinstance(address, IPv4Address | IPv6Address) or not isinstance(
        network, IPv4Network | IPv6Network
    ):
        raise _untold(str(address))
    return address.version == network.version and address in network


def _untold(name: str) -> ValueError:
    return ValueError(f"{name!a} is not a name that is compared")
