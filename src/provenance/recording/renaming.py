"""One merge of several records: every reference under its id in the manifest. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from provenance.manifest.frozen import thaw
from provenance.recording.content import INVENTORIES
from provenance.recording.documents import DOCUMENTS
from provenance.recording.identities import Identities, assign_identities
from provenance.recording.private_files import find_private, public_code
from provenance.recording.state import make_gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.manifest.compute import Gap
    from provenance.manifest.files import SupportingDocument
    from provenance.recording.kept_runs import KeptRuns
    from provenance.recording.projects import FoundRecord
    from provenance.recording.records import Record

__all__ = ["Companion", "Merger", "join_declarations"]

# Fields of the format that hold ids of other parts; free objects are never looked into.
_REFERENCES: Final = frozenset(
    {
        *("checkpoint", "configuration", "dataCard", "dataset", "document", "environment"),
        *("guidelines", "modelCard", "results", "resumedFrom", "segment", "step"),
        *("datasets", "documents", "inputs", "outputs", "parents", "validationDatasets"),
    }
)
_WEIGHTS: Final = frozenset({"checkpoint", "parents", "resumedFrom"})  # also of a base model
_FREE: Final = frozenset(
    {
        *("attributes", "determinism", "extensions", "hyperparameters", "metrics", "parameters"),
        *("seeds", "settings", "threads", "variables"),
    }
)

# What describes the bytes of a dataset; it is taken whole from one declaration.
_CONTENT: Final = frozenset(
    {"files", "inventory", "inventoryFile", "bytes", "recordTree", "recordSet", "tensors"}
)


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes into the manifest folder."""

    path: str
    """Its name there."""

    source: Path
    """Where it lies now."""

    blake3: str
    """What its bytes were when it was recorded."""


class Merger:
    """Walks the runs, gives out their parts, and collects what these have in common."""

    def __init__(self, kept: KeptRuns) -> None:
        """Give every item of the runs its id.

        Raises:
            RecordingError: Two runs chose the same id for different things.
            ProvenanceError: The inventory of private data cannot be read.
        """
        self.kept = kept
        self.private = find_private(kept.project or kept.runs)
        self.names: Identities = assign_identities(kept.runs, self.private)
        self.companions: dict[str, Companion] = {}
        self.environments: dict[str, tuple[str, dict[str, Any]]] = {}
        self.gaps: list[Gap] = []
        self.run = 0

    @property
    def record(self) -> Record:
        """The record of the current run."""
        return self.kept.runs[self.run].record

    def each_run(self) -> Iterator[FoundRecord]:
        """Yield the runs; the one that was yielded last is the current one."""
        for position, found in enumerate(self.kept.runs):
            self.run = position
            yield found

    def items(self, kind: str) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield id and tree of the items of a kind, those of all runs that bear one id as one."""
        merged: dict[str, dict[str, Any]] = {}
        for found in self.each_run():
            for item in getattr(found.record, kind):
                if kind == "documents" and self._is_private_patch(item):
                    continue
                identifier = self.names.by_run[self.run][item.id]
                tree = self.renamed(item.to_tree())
                if tree.get("name") == item.id:
                    del tree["name"]  # only a stand-in, which the author's own name replaces
                tree["id"] = identifier
                if kind == "documents":
                    self._take_document(tree, found)
                self._take_inventory(tree, found)
                merged[identifier] = join_declarations(merged.get(identifier), tree)
        yield from merged.items()

    def renamed(self, tree: Any) -> Any:  # noqa: ANN401 - a JSON tree
        """Return a tree with every reference under its id in the manifest."""
        if isinstance(tree, Mapping):
            changed = {}
            for key, value in tree.items():
                new = value
                if key in _REFERENCES:
                    new = self._reference(key, value)
                elif key not in _FREE:
                    new = self.renamed(value)
                if new is not None:
                    changed[key] = new
            return changed
        return [self.renamed(item) for item in tree] if isinstance(tree, list | tuple) else tree

    def _reference(self, key: str, value: Any) -> Any:  # noqa: ANN401 - a JSON tree
        if isinstance(value, str):
            found = self.names.resolve(self.run, value)
            if found is None and key in _WEIGHTS and value in self._base_models():
                return value
            if found is None:
                self.gap(key, f"{key} names {value!r}, which no released run has")
            return found
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return [found for item in value if (found := self._reference(key, item)) is not None]
        return self.renamed(value)

    def _base_models(self) -> set[str]:
        """Return the ids of the models that the runs say this one was made from."""
        models = [thaw(found.record.model or {}) for found in self.kept.runs]
        return {str(one.get("id")) for model in models for one in model.get("baseModels", ())}

    def surroundings(self, tree: dict[str, Any], *, settings: str) -> dict[str, Any]:
        """Return a step, segment or evaluation with the code, command and world of its run."""
        record = self.record
        around: dict[str, Any] = {"run": record.id, "command": self._command()}
        if record.code is not None:
            around["code"] = public_code(self.renamed(record.code.to_tree()), self.private)
        if record.environment is not None:
            around["environment"] = self._environment(self.renamed(record.environment.to_tree()))
        for field, value in ((settings, record.hyperparameters), ("seeds", record.seeds)):
            if value:
                around[field] = thaw(value)
        return {key: value for key, value in around.items() if value} | tree

    def world_of(self, identifier: str | None) -> dict[str, str]:
        """Return the environment of a segment that an earlier process of its run did."""
        for earlier in self.record.earlier_environments:
            if earlier.id == identifier:
                return {"environment": self._environment(self.renamed(earlier.to_tree()))}
        return {}

    def _environment(self, tree: dict[str, Any]) -> str:
        content = {key: value for key, value in tree.items() if key != "id"}
        known = repr(sorted(content.items()))
        if known not in self.environments:
            identifier = f"env-{len(self.environments) + 1}"
            while identifier in self.names.owners:
                identifier += "-world"
            lockfile = content.get("lockfile")
            if lockfile and lockfile.get("path"):
                content["lockfile"] = {k: v for k, v in lockfile.items() if k != "path"}
            self.environments[known] = (identifier, {"id": identifier, **content})
        return self.environments[known][0]

    def gap(self, subject: str, text: str) -> None:
        """Keep a gap of the current run."""
        run = self.record.id
        self.gaps.append(make_gap(subject, "absent", text).updated(run=run))

    def _command(self) -> list[str]:
        return [self.private.public_word(it) for it in self.record.command]

    def names_private(self) -> bool:
        """Return whether the code of the current run names a private file that differs."""
        code = self.record.code
        return code is not None and any(self.private.has_file(it) for it in code.modified_files)

    def _is_private_patch(self, document: SupportingDocument) -> bool:
        """Return whether a document is the differences of private files from their commit."""
        code = self.record.code
        if code is None or code.patch is None or document.digest is None:
            return False
        return document.digest == code.patch.digest and self.names_private()

    def _take_document(self, tree: dict[str, Any], found: FoundRecord) -> None:
        if "path" in tree:
            name = f"{DOCUMENTS}/{tree['id']}{PurePosixPath(tree['path']).suffix}"
            self._take(name, found.folder / tree["path"], tree)
            tree["path"] = name

    def _take_inventory(self, tree: dict[str, Any], found: FoundRecord) -> None:
        reference = tree.get("inventoryFile")
        if reference and "path" in reference:
            name = f"{INVENTORIES}/{tree['id']}.jsonl"
            self._take(name, found.folder / reference["path"], reference)
            tree["inventoryFile"] = {**reference, "path": name}

    def _take(self, name: str, source: Path, reference: Mapping[str, Any]) -> None:
        self.companions.setdefault(name, Companion(name, source, reference["digest"]["blake3"]))


def join_declarations(one: dict[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return two trees of one thing as one: lists are joined, the first one's words win."""
    if not one:
        return dict(more)
    result = dict(one)
    for key, value in more.items():
        known = result.get(key)
        if key in _CONTENT and "files" in result:
            continue  # one content, perhaps under another name: the first description of it stays
        if known is None:
            result[key] = value
        elif isinstance(known, list | tuple) and isinstance(value, list | tuple):
            result[key] = [*known, *(item for item in value if item not in known)]
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            result[key] = join_declarations(dict(known), value)
    return result
