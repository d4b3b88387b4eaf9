"""Documents of a run: copied into its folder, because the original may change or go."""

from __future__ import annotations

import mimetypes
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.capture.secret_forms import FORMS
from provenance.digest import digest_bytes, read_file, write_atomic
from provenance.manifest.files import SupportingDocument
from provenance.recording.facts import without_nothing
from provenance.recording.state import make_gap

if TYPE_CHECKING:
    from provenance.manifest.processing import Environment
    from provenance.recording.state import RunState

__all__ = [
    "DOCUMENTS",
    "MAX_DOCUMENT_BYTES",
    "add_document",
    "keep_document",
    "keep_requirements",
    "media_type",
    "secret_in",
]

#: The folder of documents, in a run folder as in a manifest folder.
DOCUMENTS: Final = "documents"

#: Largest document that is kept, in bytes.
MAX_DOCUMENT_BYTES: Final = 256 * 1024 * 1024

# Forms of secrets that nothing else has.
_SURE: Final = frozenset({"private key", "token by its form", "secret path of a webhook"})
# A password in an address, and no placeholder such as `{password}`, `$TOKEN` or `[redacted]`.
_PASSWORD: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://"
    r"[^\s/?#\"'<>@:{}$%\[\]*]{0,256}:[^\s/\"'<>@{}$\[\]*]{4,256}@[A-Za-z0-9]"
)

# The media types of files that a system may not know.
_MEDIA_TYPES: Final = {
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def keep_document(
    state: RunState,
    path: str | os.PathLike[str],
    *,
    kind: str,
    identifier: str | None,
    **authored: Any,  # noqa: ANN401 - fields of a document
) -> str:
    """Copy a document into the run folder and record it; see `Run.document`."""
    place = Path(os.path.realpath(path))
    data = read_file(place, max_bytes=MAX_DOCUMENT_BYTES)
    name = Path(path).name
    return add_document(state, data, name=name, kind=kind, identifier=identifier, **authored)


def add_document(
    state: RunState,
    data: bytes,
    *,
    name: str,
    kind: str,
    identifier: str | None = None,
    suggested: str | None = None,
    **authored: Any,  # noqa: ANN401 - fields of a document
) -> str:
    """Keep bytes as a document of the run and return its id."""
    with state.lock:
        same = digest_bytes(data)
        for known in state.record.documents:
            if known.digest == same and known.kind == kind and identifier in {None, known.id}:
                return known.id
        document_id = state.new_id(
            identifier or suggested or Path(name).stem, chosen=identifier is not None
        )
        fields: dict[str, Any] = {
            "id": document_id,
            "kind": kind,
            "name": name,
            "size": len(data),
            "digest": same,
            "media_type": media_type(name),
        }
        reason = secret_in(data)
        if reason:  # its digest is bound, and its bytes are not handed on
            problem = f"not copied, because it holds what looks like a secret: {reason}"
            state.add_gaps([make_gap(document_id, "redacted", problem)])
            state.warn(f"document {document_id}: {problem}")
        elif state.folder is not None:
            fields["path"] = f"{DOCUMENTS}/{document_id}{_suffix(name)}"
            (state.folder / DOCUMENTS).mkdir(exist_ok=True)
            write_atomic(state.folder / fields["path"], data)
        document = state.made(SupportingDocument, without_nothing(fields), authored)
        state.add("documents", document)
    return document_id


def secret_in(data: bytes) -> str:
    """Return what kind of secret a document holds by its form, as far as one can tell; else empty.

    Unlike the redaction of settings this is sure of what it finds: a script that only names a
    password, or puts it into an address, is no secret.
    """
    text = data.decode("utf-8", "replace")
    for form in FORMS:
        if form.reason in _SURE and form.pattern.search(text):
            return form.reason
    if _PASSWORD.search(text):
        return "credentials in a URL"
    return ""


def keep_requirements(state: RunState, environment: Environment) -> str | None:
    """Keep the installed distributions as a file that pip reads, for a later repetition."""
    if not environment.packages:
        return None
    lines = [f"{package.name}=={package.version}\n" for package in environment.packages]
    data = "".join(lines).encode("utf-8")
    return add_document(state, data, name="requirements.txt", kind="lockfile")


def media_type(name: str) -> str | None:
    """Return the media type that the ending of a file's name suggests, the same on every system."""
    suffix = Path(name).suffix.lower()
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(f"x{suffix}", strict=True)[0]


def _suffix(name: str) -> str:
    suffix = Path(name).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", suffix) else ""
