"""Step 16: datasets: what binds them, whether their sizes agree, sources and licences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from provenance.checks.licences import licence_fault
from provenance.checks.pointers import covers, expand
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Dataset
    from provenance.trust import TrustPolicy

__all__ = ["check_dataset_sizes", "check_datasets_pinned", "check_licences", "check_sources"]

#: Schemes that nobody can fetch: something on one machine, or that a viewer would run.
UNFETCHABLE_SCHEMES = frozenset(
    {"about", "blob", "chrome", "data", "file", "javascript", "vbscript", "view-source"}
)

#: Where licences stand.
_LICENCES = (
    "/model/licenses/*",
    "/model/tokenizer/licenses/*",
    "/model/baseModels/*/licenses/*",
    "/release/inventory/*/licenses/*",
    "/datasets/*/licenses/*",
    "/datasets/*/sources/*/licenses/*",
    "/documents/*/licenses/*",
    "/processing/*/licenses/*",
    "/processing/*/code/licenses/*",
    "/training/licenses/*",
    "/training/segments/*/code/licenses/*",
    "/training/checkpoints/*/licenses/*",
    "/evaluations/*/licenses/*",
    "/evaluations/*/code/licenses/*",
)

# The host of a URI that names the producer's own machine or network.
_LOCAL_HOST = re.compile(
    r"[a-z][a-z0-9+.-]*+://(?:[^/@]*+@)?(?:localhost|127\.|10\.|192\.168\.|169\.254\.|0\.0\.0\.0|\[::1\])",
    re.IGNORECASE,
)
# A name that is an absolute path, of POSIX or of Windows.
_LOCAL_PATH = re.compile(r"/[^/]|~/|[A-Za-z]:[\\/]|\\\\")


def check_datasets_pinned(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 16: a digest binds the content of every dataset.

    Codes: `dataset-unpinned`.
    """
    for index, dataset in enumerate(evidence.manifest.datasets):
        path = f"/datasets/{index}"
        bound = (
            dataset.files,
            dataset.record_tree,
            dataset.record_set,
            dataset.tensors,
            dataset.shards,
            dataset.inventory_file,
        )
        if any(item is not None for item in bound) or dataset.inventory:
            continue
        if not _is_disclosed(evidence, f"{path}/files"):
            yield Finding("dataset-unpinned", path, f"no digest binds {shown(dataset.name)}")


def check_dataset_sizes(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 16: numbers that say the same thing twice say the same number.

    Codes: `dataset-size-mismatch`.
    """
    by_id = {dataset.id: dataset for dataset in evidence.manifest.datasets}
    for index, dataset in enumerate(evidence.manifest.datasets):
        path = f"/datasets/{index}"
        yield from _own_sizes(path, dataset)
        for position, split in enumerate(dataset.splits):
            where = f"{path}/splits/{position}"
            for name in ("records", "tokens", "bytes_"):
                part, whole = getattr(split, name), getattr(dataset, name)
                if part is not None and whole is not None and part > whole:
                    message = f"the split has {part} {name.rstrip('_')}, the whole dataset {whole}"
                    yield Finding("dataset-size-mismatch", where, message)
                other = getattr(by_id.get(split.dataset or ""), name, None)
                if part is not None and other is not None and part != other:
                    message = f"the split has {part} {name.rstrip('_')}, its dataset {other}"
                    yield Finding("dataset-size-mismatch", where, message)


def check_sources(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 16: a source is something that somebody else could fetch. Nothing is fetched here.

    Codes: `dataset-source-scheme`, `dataset-source-local`.
    """
    for path, source in expand(evidence.tree, "/datasets/*/sources/*"):
        uri = source.get("uri", "")
        scheme = uri.partition(":")[0].lower()
        if scheme in UNFETCHABLE_SCHEMES:
            message = f"{shown(uri)} is nothing that somebody else can fetch"
            yield Finding("dataset-source-scheme", f"{path}/uri", message)
        elif _LOCAL_HOST.match(uri):
            message = f"{shown(uri)} is on the producer's own machine or network"
            yield Finding("dataset-source-local", f"{path}/uri", message)
        if _LOCAL_PATH.match(source.get("name", "")):
            message = f"{shown(source['name'])} is a path on the producer's machine"
            yield Finding("dataset-source-local", f"{path}/name", message)


def check_licences(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 16: licences are stated, and are SPDX expressions.

    Codes: `licence-missing`, `licence-invalid`.
    """
    owners: list[tuple[str, Any]] = [("/model", evidence.tree["model"])]
    owners.extend(expand(evidence.tree, "/datasets/*"))
    for path, item in owners:
        if not item.get("licenses") and not _is_disclosed(evidence, f"{path}/licenses"):
            yield Finding(
                "licence-missing", f"{path}/licenses", f"{shown(item['name'])} states no licence"
            )
    for pattern in _LICENCES:
        for path, text in expand(evidence.tree, pattern):
            fault = licence_fault(text)
            if fault:
                yield Finding("licence-invalid", path, f"{shown(text)}: {fault}")


def _own_sizes(path: str, dataset: Dataset) -> Iterator[Finding]:
    if dataset.inventory and dataset.bytes_ is not None:
        listed = sum(entry.size for entry in dataset.inventory)
        if listed != dataset.bytes_:
            message = f"{dataset.bytes_} bytes are stated, its files have {listed}"
            yield Finding("dataset-size-mismatch", f"{path}/bytes", message)
    records = dataset.record_tree.size if dataset.record_tree is not None else None
    if dataset.record_set is not None:
        count = dataset.record_set.count
        for other in {records, dataset.records} - {None, count}:
            message = f"its record set has {count} records, elsewhere it has {other}"
            yield Finding("dataset-size-mismatch", f"{path}/recordSet/count", message)
    if records is not None and dataset.records is not None and records != dataset.records:
        message = f"{dataset.records} records are stated, its record tree has {records}"
        yield Finding("dataset-size-mismatch", f"{path}/records", message)


def _is_disclosed(evidence: Evidence, pointer: str) -> bool:
    disclosed = (item.path for item in evidence.manifest.disclosures)
    return any(covers(pointer, path) for path in disclosed)
