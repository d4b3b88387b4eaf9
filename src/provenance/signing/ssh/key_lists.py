"""`allowed_signers` and `authorized_keys`: lists of SSH keys as trusted keys. Pure; no I/O.

What a line restricts is honoured, or the key does not count: one that may log in from one host, or
sign Git commits, is not thereby trusted for models without the reader's knowledge. A key that
cannot sign manifests (of a security key, DSA, a certificate) is passed over and said, as the lists
of code hosts hold all keys of a person; a line that is none is refused.

Source: `ssh-keygen(1)`, section ALLOWED SIGNERS; `sshd(8)`, section AUTHORIZED_KEYS FILE FORMAT;
`spec/envelope.md`, section "SSH keys".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provenance.errors import SignatureError, SigningError, TrustError, shown
from provenance.signing.outcomes import SigningTimes, VerifiedSigner
from provenance.signing.public_keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.envelope import Bundle

__all__ = ["SSH_NAMESPACE", "SshKey", "read_allowed_signers", "read_authorized_keys"]

#: What a line's `namespaces` must allow, if it has any.
SSH_NAMESPACE = "training-provenance"
#: Largest list of keys, in bytes.
MAX_KEY_LIST_BYTES = 4 * 1024 * 1024
#: Most keys of one list.
MAX_LISTED_KEYS = 1_024
_SHOWN_REASONS = 4

_TYPES = r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-\S+|ssh-dss)(?:-cert\S*)?"
#: A quoted string with escaped quotation marks, or anything without blanks.
_OPTION = re.compile(r'([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|$)')
_KEY = re.compile(rf"(?:^|\s)({_TYPES})\s+([A-Za-z0-9+/=]+)(?:\s+(.*))?$")
_PRINCIPALS = re.compile(r'("[^"]*"|[^\s"]+)[ \t]+')
# What a line of `allowed_signers` may say of its key (ssh-keygen(1)).
_OPTIONS_OF_SIGNERS = frozenset({"cert-authority", "namespaces", "valid-after", "valid-before"})
_DATE = re.compile(r"(\d{8})(\d{4})?(\d{2})?(Z?)")


@dataclass(frozen=True, slots=True)
class SshKey:
    """One key of a list, with what its line says of it. Verifies bundles like a bare key."""

    key: PublicKey
    """The key."""

    principals: tuple[str, ...] = ()
    """Whose it is, by the word of whoever keeps the list; empty in `authorized_keys`."""

    comment: str = ""
    """What stands behind the key."""

    not_before: datetime | None = None
    """The list trusts it from this time on."""

    not_after: datetime | None = None
    """The list trusts it until this time."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        return self.key.fingerprint

    @property
    def scheme(self) -> str:
        """The scheme of the key."""
        return self.key.scheme

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who signed the bundle, if it is this key and the line is in force.

        Raises:
            SignatureError: Another key signed it (as `PublicKey.verify`), or a proven time of the
                signature, or else the clock, lies outside of what the line allows (code
                `signature-invalid`).
        """
        signer = self.key.verify(bundle, times)
        for time in (times or SigningTimes.at_present()).judged:
            early = self.not_before is not None and time < self.not_before
            late = self.not_after is not None and time > self.not_after
            if early or late:
                when = f"before {self.not_before}" if early else f"after {self.not_after}"
                raise SignatureError(
                    problem=f"key {self.fingerprint} signed it, "
                    f"which its list does not allow {when}",
                    remedy="ask the publisher which key is in force",
                    code="signature-invalid",
                )
        return replace(signer, listed_as=", ".join(self.principals) or None)


def read_allowed_signers(
    data: bytes,
    *,
    path: str = "",
    principal: str | None = None,
    skipped: Callable[[str], None] | None = None,
) -> tuple[SshKey, ...]:
    """Return the keys of an `allowed_signers` file that may sign manifests.

    Args:
        data: The file.
        path: Its name, for messages.
        principal: Keep only the keys whose line names this principal.
        skipped: Told, in a sentence, which line was passed over and why.

    Raises:
        TrustError: A line is malformed, or no key is left.
    """
    keys, left_out = [], _LeftOut(path, skipped)
    for number, line in _lines(data, path):
        where = f"{path}:{number}"
        principals, rest = _principals(line)
        options = _options(rest, where)
        unknown = options.keys() - _OPTIONS_OF_SIGNERS
        if unknown:  # ssh-keygen refuses the line: it might restrict the key
            listed = ", ".join(sorted(unknown))
            raise TrustError(path=where, problem=f"an option that is not known: {shown(listed)}")
        patterns = tuple(principals.strip('"').split(","))
        if principal is not None and not _is_among(principal, patterns):
            left_out.add(number, f"it is for {shown(principals)}, not for {principal}", asked=True)
            continue
        if not _allows_namespace(options.get("namespaces")):
            left_out.add(number, f"its namespaces do not name {SSH_NAMESPACE}")
            continue
        try:
            key, comment = _read_line(rest.strip(), where, options)
        except _UnusableKeyError as error:
            left_out.add(number, str(error))
            continue
        keys.append(
            SshKey(
                key,
                principals=patterns,
                comment=comment,
                not_before=_time(options.get("valid-after"), where),
                not_after=_time(options.get("valid-before"), where),
            )
        )
    return left_out.rest(keys)


def read_authorized_keys(
    data: bytes, *, path: str = "", skipped: Callable[[str], None] | None = None
) -> tuple[SshKey, ...]:
    """Return the keys of an `authorized_keys` file, or of what a code host publishes of a user.

    Options that restrict logging in say nothing of signatures and are not looked at; `expiry-time`
    is honoured.

    Args:
        data: The file.
        path: Its name, for messages.
        skipped: Told, in a sentence, which line was passed over and why.

    Raises:
        TrustError: A line is malformed, or no key is left.
    """
    keys, left_out = [], _LeftOut(path, skipped)
    for number, line in _lines(data, path):
        where = f"{path}:{number}"
        options = _options(line, where)
        try:
            key, comment = _read_line(line, where, options)
        except _UnusableKeyError as error:
            left_out.add(number, str(error))
            continue
        end = _time(options.get("expiry-time"), where)
        keys.append(SshKey(key, comment=comment, not_after=end))
    return left_out.rest(keys)


class _UnusableKeyError(Exception):
    """A key that cannot sign manifests; says why."""


@dataclass(slots=True)
class _LeftOut:
    """The lines that were passed over."""

    path: str
    tell: Callable[[str], None] | None
    reasons: list[str] = field(default_factory=list)

    def add(self, number: int, reason: str, *, asked: bool = False) -> None:
        """Note a line; one that the caller asked to leave out is told only if no key is left."""
        self.reasons.append(f"line {number}: {reason}")
        if self.tell is not None and not asked:
            where = f"{self.path}:{number}" if self.path else f"line {number}"
            self.tell(f"{where}: this key does not count: {reason}")

    def rest(self, keys: list[SshKey]) -> tuple[SshKey, ...]:
        """Return the keys that are left.

        Raises:
            TrustError: There is none.
        """
        if not keys:
            more = len(self.reasons) - _SHOWN_REASONS
            listed = "; ".join(self.reasons[:_SHOWN_REASONS]) + (f"; {more} more" * (more > 0))
            problem = "the list holds no key that may sign manifests"
            raise TrustError(path=self.path, problem=f"{problem}{listed and ': '}{listed}")
        return tuple(keys)


def _lines(data: bytes, path: str) -> Iterator[tuple[int, str]]:
    if len(data) > MAX_KEY_LIST_BYTES:
        raise TrustError(path=path, problem=f"larger than {MAX_KEY_LIST_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TrustError(path=path, problem="the list of keys is not UTF-8") from error
    found = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        found += 1
        if found > MAX_LISTED_KEYS:
            raise TrustError(path=path, problem=f"more than {MAX_LISTED_KEYS} keys")
        yield number, line


def _principals(line: str) -> tuple[str, str]:
    """Return the first word of a line, whole if it is quoted, and the rest."""
    found = _PRINCIPALS.match(line)
    if found is None:
        return line, ""
    return found[1], line[found.end() :]


def _read_line(line: str, where: str, options: dict[str, str]) -> tuple[PublicKey, str]:
    found = _KEY.search(_without_quoted(line))
    if found is None:
        raise TrustError(path=where, problem="the line holds no SSH key")
    kind, body, comment = found[1], found[2], found[3] or ""
    if "cert-authority" in options:
        message = "a certificate authority of OpenSSH, which is not supported"
        raise _UnusableKeyError(message)
    try:
        return PublicKey.from_pem(f"{kind} {body}".encode()), comment.strip()
    except SigningError as error:
        raise _UnusableKeyError(error.problem) from error


def _without_quoted(line: str) -> str:
    """Return a line of the same length whose quoted parts hold nothing that looks like a key."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "_" * len(match[0]), line)


def _options(line: str, where: str) -> dict[str, str]:
    """Return the options before the key; a name without a value is there with none."""
    found = _KEY.search(_without_quoted(line))
    if found is None:
        raise TrustError(path=where, problem="the line holds no SSH key")
    text = line[: found.start(1)].strip()
    options: dict[str, str] = {}
    while text:
        option = _OPTION.match(text)
        if option is None:
            raise TrustError(path=where, problem=f"the options are malformed: {shown(text)}")
        name = option[1].lower()
        if name in options and name in {"valid-after", "valid-before", "namespaces", "expiry-time"}:
            raise TrustError(path=where, problem=f"the option {name} stands there twice")
        options[name] = option[2] or ""
        text = text[option.end() :].strip()
    return options


def _allows_namespace(namespaces: str | None) -> bool:
    return namespaces is None or _is_among(SSH_NAMESPACE, tuple(namespaces.split(",")))


def _is_among(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a list of patterns holds a name; a pattern with `!` in front takes it out."""
    if any(fnmatchcase(name, it[1:]) for it in patterns if it.startswith("!")):
        return False
    return any(fnmatchcase(name, it) for it in patterns if not it.startswith("!"))


def _time(text: str | None, where: str) -> datetime | None:
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        digits = found[1] + (found[2] or "0000") + (found[3] or "00")
        time = datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone is added below
    except ValueError as error:
        raise TrustError(path=where, problem=f"{shown(text)} is no time") from error
    # Without a Z, OpenSSH means the local time of whoever reads; ours is the same for everybody.
    return time.replace(tzinfo=UTC)
