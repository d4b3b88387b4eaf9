"""An OpenID Connect token, looked at before a service sees it: to tell its owner what is wrong.

Nothing is trusted because of it: the authority that gives out the certificate verifies the token.

Source: RFC 7519, sections 3 and 4.1. No I/O.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.errors import ProvenanceError, SigningError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["AUDIENCE", "check_identity_token"]

#: Whom a token has to be made out to.
AUDIENCE = "sigstore"
#: Largest token, in characters.
MAX_TOKEN_CHARACTERS = 65_536

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")
_REMEDY = (
    f"get a new one for the audience `{AUDIENCE}`, and write it, and nothing else, into the file"
)


def check_identity_token(text: str, *, path: str, now: datetime) -> None:
    """Return if a text looks like a token that a service may take.

    Args:
        text: The token.
        path: The file that it came from, for messages; nothing of the token stands in them.
        now: The time now, with its zone.

    Raises:
        SigningError: It is no token, is for somebody else, or has expired.
    """
    claims = _claims(text, path)
    audience = claims.get("aud")
    wanted = audience if isinstance(audience, list | tuple) else (audience,)
    if AUDIENCE not in wanted:
        named = ", ".join(shown(str(one)) for one in wanted[:4])
        raise _refused(path, f"the token is for the audience {named}, not for {AUDIENCE}")
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, int):
        raise _refused(path, "the token does not say when it expires")
    if end <= now.timestamp():
        at = _time(end)
        raise _refused(path, f"the token expired{at}; it is good for minutes only")


def _claims(text: str, path: str) -> dict[str, JsonValue]:
    found = _TOKEN.fullmatch(text) if len(text) <= MAX_TOKEN_CHARACTERS else None
    problem = "is no identity token (three parts in base64url, joined by dots)"
    if found is None:
        raise _refused(path, problem)
    body = found[1]
    try:
        data = urlsafe_b64decode(body + "=" * (-len(body) % 4))
        claims = canonical.parse(data, max_bytes=MAX_TOKEN_CHARACTERS, foreign=True)
    except (ValueError, ProvenanceError) as error:
        raise _refused(path, problem) from error
    if not isinstance(claims, dict):
        raise _refused(path, problem)
    return claims


def _time(seconds: int) -> str:
    try:
        return f" at {datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return ""


def _refused(path: str, problem: str) -> SigningError:
    return SigningError(path=path, problem=problem, remedy=_REMEDY, code="key-refused")
