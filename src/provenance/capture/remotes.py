"""Where a Git repository can be had, without credentials or paths of this machine. No I/O."""

from __future__ import annotations

import re

from provenance.capture.captured import Captured, make_gap
from provenance.capture.redaction import redact_url

__all__ = ["public_remote"]

#: Longest remote that is looked at, in characters.
MAX_REMOTE_CHARACTERS = 2_000

# `user@host:path` or `host.name:path`, the short form of ssh. A name without user and dot is an
# alias of this machine, a drive, or a helper.
_SHORT_FORM = re.compile(
    r"(?:[^@/\s:-][^@/\s:]*@([A-Za-z0-9][A-Za-z0-9.-]*)|([A-Za-z0-9-]+\.[A-Za-z0-9.-]+))"
    r":(?!//)/?([!-~]+)"
)
_SCHEME = re.compile(r"(https?|ssh|git|git\+ssh|git\+https)://[A-Za-z0-9\[][!-~]*")


def public_remote(remote: str) -> Captured[str | None]:
    """Return a remote as a URL that others can use, or nothing where it is none.

    Userinfo and query are taken out. Paths of this machine and helpers such as `ext::` are left out
    whole, because a helper names a program and a path names a person's folders.
    """
    if not remote:
        return Captured(None)
    # Compared before `urlsplit`, which drops line ends and tabs without a word.
    printable = re.fullmatch(r"[!-~]+", remote[: MAX_REMOTE_CHARACTERS + 1])
    short = _SHORT_FORM.fullmatch(remote)
    cleaned = redact_url(f"ssh://{short[1] or short[2]}/{short[3]}" if short else remote)
    if not printable or len(remote) > MAX_REMOTE_CHARACTERS or not _SCHEME.fullmatch(cleaned.value):
        return Captured(None, (make_gap("git remote", "redacted", _LEFT_OUT),))
    return Captured(cleaned.value, cleaned.gaps("git remote"))


_LEFT_OUT = "the remote is a path of this machine, or of a kind that nobody else can fetch"
