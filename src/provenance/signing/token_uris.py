"""PKCS#11 URIs: which key of which token, and which library talks to it. No I/O.

Source: RFC 7512.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote_to_bytes

from provenance.errors import UsageError, shown

__all__ = ["TokenUri"]

_SCHEME = "pkcs11:"
#: Longest URI, in characters.
MAX_TOKEN_URI_CHARACTERS = 4_096
_PATH = {"token", "serial", "manufacturer", "model", "object", "id", "type"}
_QUERY = {"module-path", "pin-source"}


@dataclass(frozen=True, slots=True)
class TokenUri:
    """The parts of a URI that choose a key; `None` where it says nothing."""

    module_path: str
    """The library of the token's maker."""

    token: str | None = None
    """The token's label."""

    serial: bytes | None = None
    """The token's serial number."""

    label: str | None = None
    """The key's label (`object`)."""

    id: bytes | None = None
    """The key's id."""

    pin_source: str | None = None
    """A file whose first line is the PIN."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of a URI.

        Raises:
            UsageError: It is malformed, names no module or no key, holds the PIN itself, or asks
                for something that is not looked at.
        """
        if not text.startswith(_SCHEME) or len(text) > MAX_TOKEN_URI_CHARACTERS:
            raise _refused("expected `pkcs11:…` of RFC 7512")
        path, _, query = text.removeprefix(_SCHEME).partition("?")
        given = _attributes(path, ";", _PATH)
        asked = _attributes(query, "&", _QUERY)
        if "module-path" not in asked:
            raise _refused("it names no module", "add `?module-path=/path/of/the/library.so`")
        if "object" not in given and "id" not in given:
            raise _refused("it names no key", "add `object=LABEL` or `id=%01`")
        if given.get("type", b"private") != b"private":
            raise _refused("it does not name a private key", "leave `type` out")
        source = _text(asked.get("pin-source"))
        return cls(
            module_path=_text(asked["module-path"]) or "",
            token=_text(given.get("token")),
            serial=given.get("serial"),
            label=_text(given.get("object")),
            id=given.get("id"),
            pin_source=None if source is None else source.removeprefix("file:"),
        )


def _attributes(text: str, separator: str, known: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name == "pin-value":
            remedy = "use `pin-source=file:…` or a password file"
            raise _refused("a PIN in a URI can be read by every user of the machine", remedy)
        if not equals or name not in known:
            raise _refused(f"{shown(name)} is not an attribute that is looked at")
        if name in found:
            raise _refused(f"{name} stands there twice")
        found[name] = unquote_to_bytes(value)
    return found


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("an attribute is not UTF-8") from error


def _refused(reason: str, remedy: str = "") -> UsageError:
    # The URI itself stays out of the message: it may hold a PIN.
    return UsageError(path="pkcs11", problem=f"the URI is refused: {reason}", remedy=remedy)
