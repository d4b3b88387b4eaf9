"""Assembling a manifest by hand or by a tool, without a recorder. No I/O.

A builder is a value: every method returns a new one and leaves the old one as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from provenance.errors import UsageError, shown
from provenance.manifest.base import Document
from provenance.manifest.compute import Compute, Gap, JournalEntry
from provenance.manifest.datasets import Dataset
from provenance.manifest.disclosures import Disclosure
from provenance.manifest.evaluations import Evaluation
from provenance.manifest.files import ReleasedFile, SupportingDocument
from provenance.manifest.frozen import FrozenMapping
from provenance.manifest.manifest import MANIFEST_VERSION, Generator, Manifest, Producer
from provenance.manifest.model import Model, Release
from provenance.manifest.processing import Environment, ProcessingStep
from provenance.manifest.training import Training

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest import Inventory

__all__ = ["Builder", "release_of"]

#: Most released files that are listed in the manifest itself; more go into a file of their own.
MAX_LISTED_FILES: Final = 5_000

_ORIGINS = ("captured", "authored")

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Builder:
    """Collects the parts of a manifest; `build` checks them as a whole.

    Each `with_…` sets a part, each `add_…` appends to a list. A part is given as a document or by
    its fields.

    >>> builder = Builder().with_producer(name="Digits Lab").with_model(name="digits-mlp")
    """

    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """The parts so far, by field of `Manifest`; immutable."""

    def with_fields(self, **fields: object) -> Self:
        """Return a builder with any fields of the manifest set."""
        return type(self)(MappingProxyType({**self.fields, **fields}))

    def with_producer(self, producer: Producer | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that names who says all this."""
        return self.with_fields(producer=_part(Producer, producer, fields))

    def with_generator(self, generator: Generator | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that names the program that wrote the manifest."""
        return self.with_fields(generator=_part(Generator, generator, fields))

    def with_model(self, model: Model | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that describes the model."""
        return self.with_fields(model=_part(Model, model, fields))

    def with_release(self, release: Release | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with the files that are published; see `release_of`."""
        return self.with_fields(release=_part(Release, release, fields))

    def with_training(self, training: Training | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that describes the training."""
        return self.with_fields(training=_part(Training, training, fields))

    def with_compute(self, compute: Compute | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that says what the training used."""
        return self.with_fields(compute=_part(Compute, compute, fields))

    def with_expiry(self, expires_at: str) -> Self:
        """Return a builder for a manifest that expires."""
        return self.with_fields(expires_at=expires_at)

    def add_dataset(self, dataset: Dataset | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more dataset."""
        return self._add("datasets", _part(Dataset, dataset, fields))

    def add_processing(self, step: ProcessingStep | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more processing step."""
        return self._add("processing", _part(ProcessingStep, step, fields))

    def add_evaluation(self, evaluation: Evaluation | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more evaluation."""
        return self._add("evaluations", _part(Evaluation, evaluation, fields))

    def add_environment(self, environment: Environment | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more environment."""
        return self._add("environments", _part(Environment, environment, fields))

    def add_document(self, document: SupportingDocument | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more document."""
        return self._add("documents", _part(SupportingDocument, document, fields))

    def add_journal_entry(self, entry: JournalEntry | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more entry of the journal."""
        return self._add("journal", _part(JournalEntry, entry, fields))

    def add_disclosure(self, disclosure: Disclosure | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder that says of one more fact that it is withheld or does not apply."""
        return self._add("disclosures", _part(Disclosure, disclosure, fields))

    def add_gap(self, gap: Gap | None = None, /, **fields: Any) -> Self:  # noqa: ANN401 - its fields
        """Return a builder with one more gap."""
        return self._add("gaps", _part(Gap, gap, fields))

    def add_critical(self, pointer: str) -> Self:
        """Return a builder that says that the fact at a JSON Pointer must be understood."""
        return self._add("critical", pointer)

    def add_origin(self, pointer: str, origin: str) -> Self:
        """Return a builder that says who stated what is below a JSON Pointer.

        Raises:
            UsageError: The origin is neither `captured` nor `authored`.
        """
        if origin not in _ORIGINS:
            raise UsageError(problem=f"an origin is captured or authored, not {shown(origin)}")
        known = self.fields.get("origins") or {}
        return self.with_fields(origins=FrozenMapping({**known, pointer: origin}))

    def add_extension(self, uri: str, content: Mapping[str, Any]) -> Self:
        """Return a builder with one more object of another vocabulary."""
        known = self.fields.get("extensions") or {}
        return self.with_fields(extensions=FrozenMapping({**known, uri: content}))

    def build(self, *, created_at: str) -> Manifest:
        """Return the manifest, checked as a whole.

        Args:
            created_at: The time that it claims, RFC 3339 in UTC.

        Raises:
            ManifestError: A part is missing or breaks a rule.
        """
        fields = {"manifest_version": MANIFEST_VERSION, **self.fields, "created_at": created_at}
        return Manifest(**fields)

    def _add(self, name: str, item: object) -> Self:
        return self.with_fields(**{name: (*self.fields.get(name, ()), item)})


def release_of(
    inventory: Inventory,
    *,
    roles: Mapping[str, str] | None = None,
    **fields: Any,  # noqa: ANN401 - fields of a release
) -> Release:
    """Return the part `release` for the files of an inventory.

    Args:
        inventory: Every released file, with both digests.
        roles: What files are for, by path.
        **fields: Other fields of the release, e.g. `tensors`, `checkpoint`.
    """
    listed = tuple(
        ReleasedFile(**_released(entry, (roles or {}).get(entry.path)))
        for entry in inventory.entries
    )
    return Release(files=inventory.root, inventory=listed, **fields)


def _released(entry: Any, role: str | None) -> dict[str, Any]:  # noqa: ANN401 - an entry of an inventory
    fields = {"path": entry.path, "size": entry.size, "digest": entry.digest.digest_set}
    return fields if role is None else {**fields, "role": role}


def _part(kind: type[D], part: D | None, fields: Mapping[str, Any]) -> D:
    if part is None:
        return kind(**dict(fields))
    if fields:
        raise UsageError(
            problem=f"a {kind.__name__} and fields of one were given", remedy="give either"
        )
    return part
