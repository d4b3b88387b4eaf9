"""Take secrets out of text, URLs, command lines and configurations, and say what was taken.

A secret is known by the name it stands under or by its form (`docs/explanation/capture.md`). What
is taken is replaced by `[redacted]`, never by a hash: a hash of something guessable gives it away.
All functions are idempotent and take time linear in their input. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

from provenance.canonical import join_pointer
from provenance.capture.captured import make_gap
from provenance.capture.secret_forms import FORMS, REDACTED
from provenance.capture.secret_names import hides_text, secrecy_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.capture.secret_names import Secrecy
    from provenance.manifest import Gap

__all__ = [
    "REDACTED",
    "Redacted",
    "Redaction",
    "redact_command",
    "redact_mapping",
    "redact_text",
    "redact_url",
]

#: Deepest nesting of a configuration that is looked into; what is deeper is left out whole.
MAX_DEPTH = 64

#: Most passes over a text: what one pass takes out can let another form show.
MAX_ROUNDS = 6

T_co = TypeVar("T_co", covariant=True)

_NAMED = "value of a name that marks a secret"

# A run of characters of a name, consumed whole so that nothing is read twice.
_NAME = re.compile(r"[A-Za-z0-9_.\-]++")
_SEPARATOR = re.compile(r"""["'\]]{0,2}[ \t]{0,8}(?:=>|:=|=|:)[ \t]{0,8}""")
_VALUE = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\\r\n])*)\1?|(\S++)""")

_DONE = (REDACTED, f'"{REDACTED}', f"'{REDACTED}")

# `sig=` and `signature=` of signed URLs, where they stand alone.
_SIGNATURE_NAMES = frozenset({"sig", "signature"})
#: Shortest value that `sig=` hides; shorter ones are no signature.
MIN_SIGNATURE_CHARACTERS = 8

# `-pPASSWORD` of database clients, against options that are spelt with one hyphen.
_SHORT_PASSWORD = re.compile(r"-p(?![-=\d.]*$)(?P<rest>[^=].*)", re.DOTALL)
_WORDS_WITH_P = frozenset(
    {
        *("ackages", "ad", "ages", "arallel", "arameters", "arams", "art", "artition", "artitions"),
        *("atch", "ath", "aths", "atience", "attern", "er", "erf", "ipeline", "lot", "lugin"),
        *("lugins", "olicy", "ool", "ort", "ositional", "recision", "redict", "refix", "reset"),
        *("retrained", "retty", "rint", "robe", "rocess", "rocesses", "rofile", "rogress"),
        *("roject", "rompt", "rovider", "runing", "ublic", "ython"),
    }
)
# `curl -u user:password`
_USER_OPTIONS = frozenset({"-u", "--user", "--proxy-user"})


@dataclass(frozen=True, slots=True)
class Redaction:
    """One thing that was taken out."""

    path: str
    """JSON Pointer of the text that held it; `""` is the text itself."""

    reason: str
    """Why it was taken; never the secret, nor anything made from it."""


@dataclass(frozen=True, slots=True)
class Redacted(Generic[T_co]):
    """A value without its secrets, and what was taken."""

    value: T_co
    """The value, with `[redacted]` where a secret stood."""

    redactions: tuple[Redaction, ...] = ()
    """What was taken, in order."""

    def gaps(self, subject: str) -> tuple[Gap, ...]:
        """Return one gap for each redaction, under the name of what was captured."""
        return tuple(
            make_gap(
                subject, "redacted", f"{taken.path}: {taken.reason}" if taken.path else taken.reason
            )
            for taken in self.redactions
        )


def redact_text(text: str, *, path: str = "") -> Redacted[str]:
    """Return free text (a message, a log line, an argument) without secrets.

    Args:
        text: The text. Assignments such as `password=x` and `"api_key": "x"` are looked into.
        path: Where it stands, for the report.
    """
    reasons: list[str] = []
    for _ in range(MAX_ROUNDS):
        changed = _redact_once(text, reasons)
        if changed == text:
            break
        text = changed
    return Redacted(text, tuple(Redaction(path, reason) for reason in dict.fromkeys(reasons)))


def redact_url(url: str, *, path: str = "") -> Redacted[str]:
    """Return a URL without userinfo, query and fragment, each of which may hold credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL, e.g. a broken IPv6 address: treated as text
        return redact_text(url, path=path)
    if not parts.netloc:
        return redact_text(url, path=path)
    userinfo, _, host = parts.netloc.rpartition("@")
    taken = {
        "credentials in a URL": userinfo,
        "query of a URL": parts.query,
        "fragment of a URL": parts.fragment,
    }
    redactions = tuple(Redaction(path, reason) for reason, found in taken.items() if found)
    # What is left is looked through once more: an odd password may reach into the path.
    rest = redact_text(urlunsplit((parts.scheme, host, parts.path, "", "")), path=path)
    return Redacted(rest.value, redactions + rest.redactions)


def redact_command(arguments: Sequence[str], *, path: str = "") -> Redacted[tuple[str, ...]]:
    """Return a command line without secrets: `--token X`, `--token=X`, `-pX`, headers, URLs."""
    cleaned: list[str] = []
    redactions: list[Redaction] = []
    for index, argument in enumerate(arguments):
        before = arguments[index - 1] if index else ""
        redacted = _redact_argument(argument, before, f"{path}{join_pointer(index)}")
        cleaned.append(redacted.value)
        redactions.extend(redacted.redactions)
    return Redacted(tuple(cleaned), tuple(redactions))


def redact_mapping(mapping: Mapping[str, Any], *, path: str = "") -> Redacted[dict[str, Any]]:
    """Return nested settings without secrets, by the names they stand under and by their form.

    Lists become tuples; values that are no text, number, list or mapping are kept as they are.
    """
    redactions: list[Redaction] = []
    return Redacted(_redact_items(mapping, path, 0, redactions), tuple(redactions))


def _redact_once(text: str, reasons: list[str]) -> str:
    """Return the text after one pass, and add what was found to `reasons`."""
    for form in FORMS:
        changed = form.pattern.sub(form.replace, text)
        if changed != text:
            reasons.append(form.reason)
        text = changed
    changed = _redact_assignments(text)
    if changed != text:
        reasons.append(_NAMED)
    return changed


def _redact_assignments(text: str) -> str:
    """Hide what is assigned to names that mark secrets."""
    pieces: list[str] = []
    done = 0
    for name in _NAME.finditer(text):
        if name.start() < done:  # inside a value that was hidden
            continue
        separator = _SEPARATOR.match(text, name.end())
        if separator is None or not _may_hide(name[0], separator[0]):
            continue  # before the value is looked at: it may be the rest of the text
        if text.startswith(_DONE, separator.end()):
            continue
        value = _VALUE.match(text, separator.end())
        if value and _hides_assignment(name[0], value):
            quote = value[1] or ""
            pieces += (text[done : separator.end()], quote, REDACTED, quote)
            done = value.end()
    return "".join((*pieces, text[done:]))


def _may_hide(name: str, separator: str) -> bool:
    if name.lower() in _SIGNATURE_NAMES:
        return "=" in separator
    return secrecy_of(name) is not None


def _hides_assignment(name: str, value: re.Match[str]) -> bool:
    content = value[2] if value[1] else value[3]
    if name.lower() in _SIGNATURE_NAMES:
        return len(content) >= MIN_SIGNATURE_CHARACTERS
    secrecy = secrecy_of(name)
    return secrecy is not None and hides_text(secrecy, content)


def _redact_argument(argument: str, before: str, path: str) -> Redacted[str]:
    if argument == REDACTED:
        return Redacted(argument)
    secrecy = secrecy_of(before) if before.startswith("-") and "=" not in before else None
    if secrecy and not _is_option(argument) and hides_text(secrecy, argument):
        return Redacted(REDACTED, (Redaction(path, _NAMED),))
    if before in _USER_OPTIONS and ":" in argument:
        kept = argument.partition(":")[0] + ":" + REDACTED
        return Redacted(kept, () if kept == argument else (Redaction(path, _NAMED),))
    if _is_short_password(argument):
        return Redacted(f"-p{REDACTED}", (Redaction(path, "option -p with a value"),))
    return redact_text(argument, path=path)


def _is_option(argument: str) -> bool:
    return argument.startswith("--") or (len(argument) == 2 and argument[0] == "-")  # noqa: PLR2004 - `-v`


def _is_short_password(argument: str) -> bool:
    match = _SHORT_PASSWORD.fullmatch(argument)
    if match is None or match["rest"] == REDACTED:
        return False
    word = re.match(r"[a-z]*", match["rest"])
    return not (word and word[0] in _WORDS_WITH_P)


def _redact_items(
    mapping: Mapping[Any, Any], path: str, depth: int, redactions: list[Redaction]
) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for key, value in mapping.items():
        name = redact_text(str(key), path=path)
        redactions.extend(name.redactions)
        place = f"{path}{join_pointer(name.value)}"
        cleaned[name.value] = _redact_value(value, secrecy_of(str(key)), place, depth, redactions)
    return cleaned


def _redact_value(
    value: object, secrecy: Secrecy | None, path: str, depth: int, redactions: list[Redaction]
) -> Any:  # noqa: ANN401 - free JSON has no narrower type
    if depth >= MAX_DEPTH or (secrecy and _hides_value(secrecy, value)):
        if value != REDACTED:
            reason = _NAMED if secrecy else "nested too deep to be looked through"
            redactions.append(Redaction(path, reason))
        return REDACTED
    if isinstance(value, str):
        redacted = redact_text(value, path=path)
        redactions.extend(redacted.redactions)
        return redacted.value
    if isinstance(value, Mapping):
        return _redact_items(value, path, depth + 1, redactions)
    if isinstance(value, list | tuple):
        return tuple(
            _redact_value(item, secrecy, f"{path}{join_pointer(index)}", depth + 1, redactions)
            for index, item in enumerate(value)
        )
    return value


def _hides_value(secrecy: Secrecy, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, str):
        return hides_text(secrecy, value)
    if isinstance(value, Mapping | list | tuple):
        return secrecy == "always" and len(value) > 0
    return secrecy == "always"
