"""Signed notes: the text by which a log states its size and root, and who signed it. No I/O.

Source: C2SP signed-note and tlog-checkpoint; `spec/envelope.md`, section "Tree heads".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.envelope.fields import decode_base64
from provenance.errors import EnvelopeError, SignatureError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.signing.public_keys import PublicKey

__all__ = ["NoteKey", "SignedNote", "TreeHead", "parse_note", "parse_tree_head"]

#: Longest note, in bytes of UTF-8.
MAX_NOTE_BYTES = 65_536
#: Most signatures of one note; C2SP asks for at least 16, the reader of Go stops at 100.
MAX_NOTE_SIGNATURES = 100
#: Largest number of entries of a log.
MAX_TREE_SIZE = 2**63 - 1

_CODE = "log-entry-invalid"
_SIGNATURE_LINE = re.compile("\N{EM DASH} ([^ +\n]+) ([A-Za-z0-9+/]+={0,2})")
_KEY_ID_BYTES = 4
_HASH_BYTES = 32
_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that signs notes, under the name that stands in its lines."""

    name: str
    """The name; for a log, its host."""

    key: PublicKey
    """The key."""

    ids: frozenset[bytes]
    """The 4-byte ids by which a line may mean this key."""

    @classmethod
    def of(cls, name: str, key: PublicKey, *, stated: bytes = b"") -> NoteKey:
        """Return a key with every id that logs are known to give it.

        Args:
            name: The name.
            key: The key.
            stated: An id that a trusted root states, whose first 4 bytes count as well.
        """
        # C2SP:  Ed25519  SHA-256(name || LF || 0x01 || key)[:4];  ECDSA  SHA-256(SPKI)[:4]
        ids = {hashlib.sha256(key.spki).digest()[:_KEY_ID_BYTES]}
        if key.kind == "ed25519":
            data = name.encode() + b"\n" + _ED25519 + key.spki[-_HASH_BYTES:]
            ids.add(hashlib.sha256(data).digest()[:_KEY_ID_BYTES])
        if len(stated) >= _KEY_ID_BYTES:
            ids.add(stated[:_KEY_ID_BYTES])
        return cls(name, key, frozenset(ids))


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note, read and not verified."""

    text: str
    """What is signed, its last line feed included."""

    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Of each line: name, 4-byte id of the key, signature."""

    def verify(self, keys: Sequence[NoteKey]) -> NoteKey:
        """Return the first of these keys whose line is there, if every line of theirs verifies.

        Lines by others are not looked at: witnesses sign as well.

        Raises:
            SignatureError: A line of one of the keys does not verify, or none of them signed.
        """
        signed: NoteKey | None = None
        for name, key_id, signature in self.signatures:
            known = next((it for it in keys if it.name == name and key_id in it.ids), None)
            if known is None:
                continue
            try:
                known.key.verify_message(self.text.encode(), signature)
            except SignatureError as error:
                raise _refused(f"the signature of {shown(name)} under a tree head") from error
            signed = signed or known
        if signed is None:
            raise _refused("no log that is trusted signed the tree head")
        return signed


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a log states in a note: its size and the root over its entries."""

    origin: str
    """Which log it is, as it calls itself."""

    size: int
    """How many entries it has."""

    root: bytes
    """The RFC 6962 root over them, 32 bytes."""


def parse_note(text: str) -> SignedNote:
    """Return the parts of a note.

    Raises:
        SignatureError: It is malformed (code `log-entry-invalid`).
    """
    if len(text) > MAX_NOTE_BYTES or len(text.encode("utf-8", "replace")) > MAX_NOTE_BYTES:
        raise _refused(f"a tree head of more than {MAX_NOTE_BYTES} bytes")
    body, separator, rest = text.rpartition("\n\n")
    lines = rest.split("\n")
    if not separator or lines[-1] or len(lines) < 2:  # noqa: PLR2004 - a line and its end
        raise _refused("a tree head is no signed note")
    if any(ord(character) < 0x20 and character != "\n" for character in text):  # noqa: PLR2004
        raise _refused("a tree head holds control characters")
    if len(lines) - 1 > MAX_NOTE_SIGNATURES:
        raise _refused(f"a tree head with more than {MAX_NOTE_SIGNATURES} signatures")
    return SignedNote(body + "\n", tuple(_parse_line(line) for line in lines[:-1]))


def parse_tree_head(note: SignedNote) -> TreeHead:
    """Return what a note states of a log.

    Raises:
        SignatureError: It states something else, or in another spelling.
    """
    lines = note.text.split("\n")
    if len(lines) < 4 or not lines[0]:  # noqa: PLR2004 - origin, size, root, and the last line's end
        raise _refused("a tree head names no log, size and root")
    size = lines[1]
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or int(size) > MAX_TREE_SIZE:
        raise _refused(f"a tree head has the size {shown(size)}")
    try:
        root = decode_base64(lines[2], "", most=_HASH_BYTES, code=_CODE)
    except EnvelopeError as error:
        raise _refused("the root of a tree head is not base64") from error
    if len(root) != _HASH_BYTES:
        raise _refused("the root of a tree head has not 32 bytes")
    return TreeHead(lines[0], int(size), root)


def _parse_line(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise _refused("a signature line of a tree head is malformed")
    try:
        data = decode_base64(found[2], "", most=MAX_NOTE_BYTES, code=_CODE)
    except EnvelopeError as error:
        raise _refused("a signature of a tree head is not base64") from error
    if len(data) <= _KEY_ID_BYTES:
        raise _refused("a signature of a tree head is cut")
    return found[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:]


def _refused(reason: str) -> SignatureError:
    return SignatureError(problem=f"a log entry does not hold: {reason}", code=_CODE)
