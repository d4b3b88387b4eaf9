"""The pin and its file: canonical JSON, read strictly. No I/O.

The file is `{"pins": [{"addedAt", "fingerprint", "model", "name", "publicKey"}, …], "version": 1}`,
sorted by name and model. The fingerprint is computed again from the key on reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from provenance import canonical
from provenance.errors import SigningError, TrustError, shown
from provenance.signing import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.canonical import JsonValue

__all__ = ["MAX_PINS", "MAX_PINS_BYTES", "PINS_VERSION", "Pin", "parse_pins", "write_pins"]

#: The version of the file's format; a file of another version is refused.
PINS_VERSION = 1
#: Most pins of one file.
MAX_PINS = 4_096
#: Largest pin file: that many pins of long names.
MAX_PINS_BYTES = 16 * 1024 * 1024
#: Longest name of a signer, in characters.
MAX_NAME_CHARACTERS = 200
#: Longest model name, in characters.
MAX_MODEL_CHARACTERS = 1_000

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_FIELDS = ("addedAt", "fingerprint", "model", "name", "publicKey")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One decision: this key, under this name, may sign the model of that name.

    Raises:
        TrustError: A field breaks its rule, or the fingerprint is not that of the key.
    """

    name: str
    """What the user calls the signer, e.g. `digits-lab`: 1 to 200 printable characters."""

    model: str
    """The model name, compared exactly: 1 to 1,000 printable characters."""

    fingerprint: str
    """The fingerprint of the key."""

    public_key: str
    """The key, PEM."""

    added_at: str
    """When the user decided, RFC 3339 in UTC, whole seconds."""

    def __post_init__(self) -> None:
        """Check every field, so that no pin in memory is worse than one in a file."""
        _check_name("name", self.name, MAX_NAME_CHARACTERS)
        _check_name("model", self.model, MAX_MODEL_CHARACTERS)
        _check_time(self.added_at)
        key = _read_key(self.public_key)
        if key.fingerprint != self.fingerprint:
            problem = f"the key has {key.fingerprint}, the pin says {shown(self.fingerprint)}"
            raise TrustError(path="/fingerprint", problem=problem)
        if key.to_pem().decode("ascii") != self.public_key:
            problem = "the key is not in its usual PEM form"
            raise TrustError(path="/publicKey", problem=problem)

    @classmethod
    def of(cls, *, name: str, model: str, key: PublicKey, added_at: datetime) -> Self:
        """Return the pin of a key.

        Raises:
            TrustError: A name breaks its rule, or the time has no time zone.
        """
        if added_at.tzinfo is None:
            raise TrustError(path="/addedAt", problem="the time has no time zone")
        return cls(
            name=name,
            model=model,
            fingerprint=key.fingerprint,
            public_key=key.to_pem().decode("ascii"),
            added_at=added_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    @property
    def key(self) -> PublicKey:
        """The key, ready to verify with."""
        return PublicKey.from_pem(self.public_key.encode("ascii"))


def write_pins(pins: Iterable[Pin]) -> bytes:
    """Return the file of some pins: canonical JSON, sorted by name and model.

    Raises:
        TrustError: There are more than `MAX_PINS`.
    """
    ordered = sorted(pins, key=_order)
    if len(ordered) > MAX_PINS:
        raise TrustError(problem=f"{len(ordered)} pins, expected at most {MAX_PINS}")
    return canonical.write({"version": PINS_VERSION, "pins": [_tree(pin) for pin in ordered]})


def parse_pins(data: bytes) -> tuple[Pin, ...]:
    """Return the pins of a file.

    Raises:
        CanonicalError: The file is not strict JSON in canonical form.
        TrustError: It is of another version, or breaks a rule; the path says which pin.
    """
    tree = canonical.parse_canonical(data, max_bytes=MAX_PINS_BYTES)
    if not isinstance(tree, dict) or "version" not in tree:
        raise TrustError(problem="this is no file of pins")
    # `True` equals 1 in Python, and is another JSON value.
    if tree["version"] != PINS_VERSION or isinstance(tree["version"], bool):
        problem = f"expected version {PINS_VERSION}, found {shown(tree['version'])}"
        raise TrustError(path="/version", problem=problem, remedy="use a newer provenance")
    listed = tree.get("pins")
    if set(tree) != {"pins", "version"} or not isinstance(listed, tuple) or len(listed) > MAX_PINS:
        problem = f"expected only a version and a list of at most {MAX_PINS} pins"
        raise TrustError(problem=problem)
    pins = tuple(_read_pin(item, f"/pins/{index}") for index, item in enumerate(listed))
    _check_order(pins)
    return pins


def _tree(pin: Pin) -> dict[str, str]:
    values = (pin.added_at, pin.fingerprint, pin.model, pin.name, pin.public_key)
    return dict(zip(_FIELDS, values, strict=True))


def _order(pin: Pin) -> tuple[str, str]:
    return pin.name, pin.model


def _check_order(pins: tuple[Pin, ...]) -> None:
    for index in range(1, len(pins)):
        if _order(pins[index - 1]) >= _order(pins[index]):
            problem = "pins are sorted by name and model, each pair once"
            raise TrustError(path=f"/pins/{index}", problem=problem)


def _read_pin(value: JsonValue, path: str) -> Pin:
    if not isinstance(value, dict) or tuple(sorted(value)) != _FIELDS:
        raise TrustError(path=path, problem=f"expected an object with exactly {', '.join(_FIELDS)}")
    texts: dict[str, str] = {}
    for field, found in value.items():
        if not isinstance(found, str):
            problem = f"expected a string, found {shown(found)}"
            raise TrustError(path=f"{path}/{field}", problem=problem)
        texts[field] = found
    try:
        return Pin(
            name=texts["name"],
            model=texts["model"],
            fingerprint=texts["fingerprint"],
            public_key=texts["publicKey"],
            added_at=texts["addedAt"],
        )
    except TrustError as error:
        problem, remedy = error.problem, error.remedy
        raise TrustError(path=path + error.path, problem=problem, remedy=remedy) from error


def _check_name(field: str, text: str, most: int) -> None:
    # What is printed beside "PASS" must not be able to draw on a terminal.
    if not 0 < len(text) <= most or not text.isprintable():
        problem = f"expected 1 to {most} printable characters, found {shown(text)}"
        raise TrustError(path=f"/{field}", problem=problem)


def _check_time(text: str) -> None:
    if _TIME.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            pass  # 30 February and the like: the same answer as for a wrong form
        else:
            return
    problem = f"expected a time such as 2026-11-22T12:00:00Z, found {shown(text)}"
    raise TrustError(path="/addedAt", problem=problem)


def _read_key(text: str) -> PublicKey:
    try:
        return PublicKey.from_pem(text.encode("utf-8", "surrogatepass"))
    except SigningError as error:
        problem, remedy = error.problem, error.remedy
        raise TrustError(path="/publicKey", problem=problem, remedy=remedy) from error
