"""Where a statement comes from that is only looked at: a release, bundle, envelope or draft.

Nothing here verifies a signature; commands that use it say "not verified".
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.errors import ManifestError, ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.envelope import Envelope, Statement

__all__ = [
    "DRAFT_SUFFIX",
    "MANIFEST_FILE",
    "STATEMENT_FILE",
    "LoadedStatement",
    "find_statement",
    "load_statement",
    "read_statement",
]

#: Where the signed manifest lies in a release.
MANIFEST_FILE = Path("training-provenance") / "manifest.sigstore.json"
#: What the unsigned statement of a draft is called.
STATEMENT_FILE = "statement.json"
#: What the name of a release's draft folder adds to the release's.
DRAFT_SUFFIX = ".draft"


@dataclass(frozen=True, slots=True)
class LoadedStatement:
    """The payload of a document that nobody has verified."""

    path: Path
    """The file that it was read from."""

    kind: Literal["bundle", "envelope", "draft"]
    """A Sigstore bundle, a bare DSSE envelope, or an unsigned statement."""

    payload: bytes
    """The bytes of the statement."""

    envelope: Envelope | None = None
    """The envelope around it; `None` for a draft."""

    @property
    def hint(self) -> str:
        """The key as the document names it, in the form of a fingerprint; it proves nothing."""
        from provenance.signing import parse_fingerprint

        keyid = self.envelope.signatures[0].keyid if self.envelope is not None else ""
        try:
            return parse_fingerprint(keyid)
        except UsageError:
            return ""  # no name of a key that we could compare with anything

    @property
    def statement(self) -> Statement:
        """The parsed statement.

        Raises:
            CanonicalError: The payload is not strict JSON in canonical form.
            EnvelopeError: It is no statement of ours.
        """
        from provenance.envelope import parse_statement

        with _named(str(self.path)):
            return parse_statement(self.payload)


def find_statement(path: Path) -> Path:
    """Return the file of the manifest that a person means by a folder or file.

    Raises:
        ManifestError: There is none (code `manifest-missing`).
    """
    if not path.is_dir():
        return path
    whole = path.absolute()  # "." has no name to put a suffix behind
    places = (
        path / MANIFEST_FILE,
        path / STATEMENT_FILE,
        whole.with_name(whole.name + DRAFT_SUFFIX) / STATEMENT_FILE,
    )
    for place in places:
        if place.is_file():
            return place
    raise ManifestError(
        path=str(path),
        problem=f"there is neither a signed manifest ({MANIFEST_FILE.as_posix()}) nor a draft",
        remedy="name the release, its draft folder, or the bundle itself",
        code="manifest-missing",
    )


def load_statement(path: Path) -> LoadedStatement:
    """Read the statement of a release, bundle, envelope or draft, without verifying anything.

    Raises:
        CanonicalError: It is not strict JSON.
        EnvelopeError: It is a bundle or envelope that breaks its format.
        InputError: It cannot be read.
        ManifestError: There is none, or it is another kind of document.
    """
    from provenance.canonical import MAX_BUNDLE_BYTES
    from provenance.digest import read_file

    place = find_statement(path)
    # A link is followed only where the caller named the file himself; a release holds no links.
    real = os.path.realpath(place) if place == path else place
    return read_statement(read_file(real, max_bytes=MAX_BUNDLE_BYTES), place)


def read_statement(data: bytes, path: Path) -> LoadedStatement:
    """Read the statement of a bundle, an envelope or a draft; `path` is what messages call it.

    Raises:
        CanonicalError: It is not strict JSON.
        EnvelopeError: It is a bundle or envelope that breaks its format.
        ManifestError: It is another kind of document.
    """
    from provenance import canonical
    from provenance.envelope import parse_bundle, parse_envelope

    source = str(path)
    tree = canonical.parse(data, source=source, max_bytes=canonical.MAX_BUNDLE_BYTES, foreign=True)
    names = set(tree) if isinstance(tree, dict) else set()
    with _named(source):
        if names & {"dsseEnvelope", "mediaType", "messageSignature"}:
            envelope = parse_bundle(data).envelope
            return LoadedStatement(path, "bundle", envelope.payload, envelope)
        if "payloadType" in names:
            envelope = parse_envelope(data)
            return LoadedStatement(path, "envelope", envelope.payload, envelope)
    if "predicateType" in names:
        return LoadedStatement(path, "draft", data)
    raise ManifestError(
        path=source,
        problem="this is neither a bundle, nor an envelope, nor a statement",
        remedy="name a release folder or its manifest.sigstore.json",
        code="bundle-malformed",
    )


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Put the name of the document before the JSON Pointer of a fault in it."""
    try:
        yield
    except ProvenanceError as error:
        path = f"{source}#{error.path}" if error.path else source
        raise type(error)(
            path=path, problem=error.problem, remedy=error.remedy, code=error.code
        ) from error
