"""Putting a manifest's tree together: what was recorded, and what the author says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import CanonicalError, ManifestError, RecordingError, shown
from provenance.manifest.base import parse_document
from provenance.manifest.fingerprints import fingerprinted
from provenance.manifest.frozen import plain
from provenance.manifest.manifest import MANIFEST_VERSION, Manifest
from provenance.manifest.processing import Environment
from provenance.manifest.reading import parse_manifest
from provenance.recording.content import BYTES_NOT_READ, DIGESTS_GIVEN, reference_to
from provenance.recording.description import join_trees, resolve_identifiers
from provenance.recording.documents import DOCUMENTS, MAX_DOCUMENT_BYTES, media_type, secret_in
from provenance.recording.drafts import Sealed, seal
from provenance.recording.imported import imported_origins
from provenance.recording.state import make_id

if TYPE_CHECKING:
    from provenance.recording.description import Description
    from provenance.recording.weights import Weights

__all__ = [
    "add_disclosures",
    "add_documents",
    "add_model_facts",
    "captured_origins",
    "join_description",
    "make_manifest",
]

# What a recorder fills in, by the part's own names; the rest of these parts is the author's.
_CAPTURED_PARTS: Final = ("release", "environments", "documents", "gaps", "generator", "createdAt")
_CAPTURED_TRAINING: Final = (
    "segments",
    "checkpoints",
    "log",
    "logFiles",
    "metricNames",
    "selection",
    "undeclaredInputs",
)
_CAPTURED_DATASET: Final = (*("files", "inventory", "inventoryFile", "bytes"),)
# Of an object in memory; beside files they are what the script says.
_CAPTURED_OBJECT: Final = ("recordTree", "recordSet", "tensors", "records", "bytes")
_CAPTURED_COMPUTE: Final = (
    *("deviceHours", "hardware", "method", "peakDeviceMemoryBytes", "peakMemoryBytes"),
    "wallTimeSeconds",
)
_AUTHORED_WORDS: Final = ("name", "description", "removedRecords")


def join_description(tree: Mapping[str, Any], description: Description) -> dict[str, Any]:
    """Return the recorded parts with the author's; documents and disclosures are still raw.

    Raises:
        RecordingError: They contradict each other.
    """
    joined: dict[str, Any] = join_trees(dict(tree), description.tree, "", description.source)
    if joined.get("datasets"):
        named = [{"name": item.get("id"), **item} for item in joined["datasets"]]
        joined["datasets"] = named
    recorded = {it["id"]: it for it in tree.get("environments") or ()}
    if recorded and joined.get("environments"):
        joined["environments"] = [
            it if recorded.get(it.get("id")) in (None, it) else _fingerprinted(it)
            for it in joined["environments"]
        ]
    return joined


def _fingerprinted(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment that the author added to, with digests of what it is now."""
    try:
        environment = parse_document(Environment, canonical.parse(canonical.write(tree)))
    except (CanonicalError, ManifestError):
        return dict(tree)  # the manifest that it becomes part of is refused, with the place
    again = fingerprinted(environment)
    if environment.environment_class is None:
        again = again.updated(environment_class=None)
    return dict(plain(again.to_tree()))


def add_documents(
    tree: Mapping[str, Any], description: Description
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the documents that the author names by `file`.

    Returns:
        The tree with their sizes, digests and paths, and the bytes by path in the manifest folder.

    Raises:
        InputError: A file cannot be read.
        RecordingError: A document has no id, or its file has no name.
    """
    contents: dict[str, bytes] = {}
    documents = []
    for item in tree.get("documents") or ():
        if not isinstance(item, Mapping) or "file" not in item:
            documents.append(item)
            continue
        fields = dict(item)
        place = description.folder / str(fields.pop("file"))
        fields.setdefault("id", make_id(place.stem))
        data = read_file(place, max_bytes=MAX_DOCUMENT_BYTES)
        if reason := secret_in(data):
            raise RecordingError(
                path=str(place),
                problem=f"the document holds what looks like a secret: {reason}",
                remedy="take it out, or name the document without `file`: then it is not published",
            )
        name = f"{DOCUMENTS}/{make_id(str(fields['id']))}{PurePosixPath(place.name).suffix}"
        media = media_type(place.name)
        reference = reference_to(data, name=place.name, path=name, media_type=media).to_tree()
        documents.append({**reference, **fields})
        contents[name] = data
    return ({**tree, "documents": documents} if documents else dict(tree)), contents


def add_disclosures(tree: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Sealed, ...]]:
    """Resolve the paths of disclosures, and seal the values that are to be sealed.

    Raises:
        RecordingError: A fact is withheld and stated all the same, or a value would become public.
    """
    disclosures = []
    sealed: list[Sealed] = []
    for index, item in enumerate(tree.get("disclosures") or ()):
        fields = dict(item) if isinstance(item, Mapping) else {}
        path = resolve_identifiers(str(fields.get("path", "")), tree)
        where = f"/disclosures/{index}"
        if _is_there(tree, path):
            raise RecordingError(
                path=where,
                problem=f"{shown(path)} is said to be {shown(fields.get('status'))}, and is stated",
                remedy="take out either",
            )
        wants_seal, value = fields.pop("seal", False), fields.pop("value", None)
        if wants_seal is True and value is not None:
            commitment, opened = seal(path, value)
            fields["commitment"] = dict(commitment)
            sealed.append(opened)
        elif wants_seal or value is not None:
            raise RecordingError(
                path=where,
                problem="a value is sealed by `seal = true` and `value = …`, both of them",
                remedy="add what is missing; without a seal the value is not needed",
            )
        disclosures.append({**fields, "path": path})
    if not disclosures:
        return dict(tree), ()
    return {**tree, "disclosures": disclosures}, tuple(sealed)


def add_model_facts(tree: Mapping[str, Any], weights: Weights) -> dict[str, Any]:
    """Add what the tensors themselves say, where nobody has said it."""
    model = dict(tree.get("model") or {})
    facts = {"parameterCount": weights.parameter_count, "dataType": weights.data_type}
    known = model.get("architecture") or {}
    found = {name: value for name, value in facts.items() if value is not None}
    if found:
        model["architecture"] = {**found, **known}
    return {**tree, "model": model} if model else dict(tree)


def captured_origins(tree: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, str]:
    """Return who said what: the recorder's parts are captured, everything else is authored.

    Args:
        tree: The whole manifest.
        recorded: The parts that came from records.
    """
    origins = {"": "authored"}
    origins |= {f"/{name}": "captured" for name in _CAPTURED_PARTS if name in tree}
    for part, names in (("training", _CAPTURED_TRAINING), ("compute", _CAPTURED_COMPUTE)):
        if part in recorded and part in tree:
            found = (name for name in names if name in tree[part])
            origins |= {f"/{part}/{name}": "captured" for name in found}
    energy = (recorded.get("compute") or {}).get("energy") or {}
    if str(energy.get("method", "")).startswith("measured ("):
        origins["/compute/energy"] = "captured"
    for part in ("processing", "evaluations"):
        for index in _recorded_positions(tree, recorded, part):
            origins[f"/{part}/{index}"] = "captured"
            words = (name for name in _AUTHORED_WORDS if name in tree[part][index])
            origins |= {f"/{part}/{index}/{name}": "authored" for name in words}
    handed_over = {
        gap["subject"]
        for gap in tree.get("gaps", ())
        if gap["description"] in {BYTES_NOT_READ, DIGESTS_GIVEN}
    }
    for index in _recorded_positions(tree, recorded, "datasets"):
        if tree["datasets"][index]["id"] in handed_over:
            continue
        dataset = tree["datasets"][index]
        is_object = "files" not in dataset and any(name in dataset for name in _CAPTURED_OBJECT[:3])
        captured = _CAPTURED_OBJECT if is_object else _CAPTURED_DATASET
        found = (name for name in captured if name in dataset)
        origins |= {f"/datasets/{index}/{name}": "captured" for name in found}
    return origins | imported_origins(tree, recorded)


def make_manifest(tree: Mapping[str, Any]) -> Manifest:
    """Return the manifest that a whole tree describes.

    Raises:
        ManifestError: Something is missing or breaks a rule.
    """
    if "producer" not in tree:
        raise ManifestError(
            path="/producer",
            problem="nobody is named as the producer",
            remedy='write [producer] and name = "…" into a TOML file and give it as description '
            "(`--description`)",
            code="manifest-invalid",
        )
    # Written and read once: what cannot be written strictly must not be signed either.
    whole = {"manifestVersion": MANIFEST_VERSION, **tree}
    return parse_manifest(canonical.parse(canonical.write(whole))).document


def _recorded_positions(
    tree: Mapping[str, Any], recorded: Mapping[str, Any], part: str
) -> list[int]:
    known = {item["id"] for item in recorded.get(part, ())}
    return [index for index, item in enumerate(tree.get(part, ())) if item.get("id") in known]


def _is_there(tree: Mapping[str, Any], path: str) -> bool:
    try:
        found = canonical.resolve_pointer(dict(tree), path)
    except CanonicalError:
        return False
    return found not in (None, [], {}, ())
