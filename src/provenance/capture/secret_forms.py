"""Which texts are secrets by their form, whatever their name: tokens, keys, credentials in URLs.

Every pattern takes time linear in the text: it starts only where a run of its characters begins,
or its repetitions are bounded. No I/O.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMS", "REDACTED", "Form"]

#: What stands in the place of a secret.
REDACTED = "[redacted]"


class Form(NamedTuple):
    """One form of secrets, what is said of it, and what becomes of it."""

    reason: str
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


# Tokens that their makers gave a prefix, so that they can be found.
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_(?:(?=[a-z]*+[A-Z0-9])[A-Za-z0-9]{8,}|[A-Za-z0-9]{20,})"
    r"|api_org_[A-Za-z0-9]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{16,}"
    r"|gl(?:pat|cbt|dt|ptt|rt|soat)-[A-Za-z0-9_-]{16,}"
    r"|sk-(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9_]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dckr_pat_[A-Za-z0-9_-]{16,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|(?:nvapi|dapi|dop_v1|r8|gsk|pcsk|lin_api|figd|rk_live|sk_live|sk_test)"
    r"[-_][A-Za-z0-9_-]{16,}|dapi[a-f0-9]{32}"
    r"|eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+"
    r")[A-Za-z0-9_-]*+"  # to the end of the run, so that nothing new begins where a token ended
)

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)

# A header runs to the end of its line, or of its quotes.
_HEADER = re.compile(
    r"(?<![A-Za-z0-9])((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z0-9-]{0,40}(?:key|token|auth)"
    r"|(?:api|ocp-apim-subscription)-key)"
    r"""(["']?[ \t]{0,8}[:=][ \t]{0,8})(?:"([^"\r\n]*+)"?|'([^'\r\n]*+)'?|([^\r\n"']++))""",
    re.IGNORECASE,
)

_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(bearer)([ \t]{1,8})((?!\[redacted\])[^\s\"',;]{4,})", re.IGNORECASE
)
_BASIC = re.compile(
    r"(?<![A-Za-z0-9])([Bb]asic)([ \t]{1,8})((?=[a-z]*+[A-Z0-9+/=])[A-Za-z0-9+/]{8,}+={0,2})"
)

# Userinfo; two slashes cannot stand inside it, so that no start overlaps another.
_USERINFO = re.compile(r"//(?:[^\s/?#\"'<>@]*+@)++")
# A password with a bare `/`, `?` or `#`: what follows the colon is no port.
_ODD_USERINFO = re.compile(
    r"//[^\s/?#\"'<>@:]++:(?!\d*+(?:[/?#,\s\"'<>]|$))[^\s\"'<>@]{1,256}@(?=[A-Za-z0-9])"
)
# `user:password@host` without a scheme; not an image pinned by digest, not an address of mail.
_BARE_USERINFO = re.compile(
    r"(?<![A-Za-z0-9_.:/@+-])(?!mailto:)[A-Za-z0-9_.+-]{1,64}:(?!//)[^\s:/@\"'<>\[\]]{1,128}"
    r"@(?!sha\d{3}:)(?=[A-Za-z0-9])"
)
_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*+://[^\s\"'<>]++")
_WEBHOOK = re.compile(
    r"(hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)"
    r"(?!\[redacted\])[^\s\"'<>?#]++"
)


def _whole(_match: re.Match[str]) -> str:
    return REDACTED


def _after_scheme(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{REDACTED}"


def _header(match: re.Match[str]) -> str:
    quote = '"' if match[3] is not None else "'" if match[4] is not None else ""
    return f"{match[1]}{match[2]}{quote}{REDACTED}{quote}"


def _userinfo(_match: re.Match[str]) -> str:
    return f"//{REDACTED}@"


def _bare_userinfo(_match: re.Match[str]) -> str:
    return f"{REDACTED}@"


def _webhook(match: re.Match[str]) -> str:
    return f"{match[1]}{REDACTED}"


def _query(match: re.Match[str]) -> str:
    url, hash_mark, fragment = match[0].partition("#")
    url, question_mark, query = url.partition("?")
    if query:
        url = f"{url}{question_mark}{REDACTED}"
    return f"{url}{hash_mark}{REDACTED if '=' in fragment else fragment}"


#: Every form, in the order in which they are looked for.
FORMS: tuple[Form, ...] = (
    Form("private key", _PRIVATE_KEY, _whole),
    Form("header that authenticates", _HEADER, _header),
    Form("credentials of an authentication scheme", _SCHEME, _after_scheme),
    Form("credentials of an authentication scheme", _BASIC, _after_scheme),
    Form("token by its form", _PREFIXED, _whole),
    Form("credentials in a URL", _USERINFO, _userinfo),
    Form("credentials in a URL", _ODD_USERINFO, _userinfo),
    Form("credentials before a host", _BARE_USERINFO, _bare_userinfo),
    Form("secret path of a webhook", _WEBHOOK, _webhook),
    Form("query of a URL", _URL, _query),
)
