"""The frozen documents of the format and their JSON Schema. No I/O.

One class per object of `spec/manifest.md`; the docstring under each field is the field's
description in the schema. A document is made from a tree that `provenance.canonical` has parsed.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.manifest.attestations import (
        AboutManifest,
        DatasetAttestation,
        EvaluationAttestation,
        Reproduced,
        ReproductionAttestation,
    )
    from provenance.manifest.base import Document, parse_document, parse_timestamp, wire_fields
    from provenance.manifest.compute import (
        Compute,
        Cost,
        Emissions,
        Energy,
        Gap,
        Invoice,
        JournalEntry,
    )
    from provenance.manifest.datasets import (
        CleaningStep,
        Collection,
        Dataset,
        Deduplication,
        Labelling,
        RecordSet,
        SensitiveData,
        Source,
        Split,
    )
    from provenance.manifest.disclosures import Disclosure, check_commitment, make_commitment
    from provenance.manifest.evaluations import Evaluation, Interval, MetricResult
    from provenance.manifest.extensions import check_extensions
    from provenance.manifest.files import (
        CodeReference,
        FileEntry,
        FileReference,
        FileTree,
        ReleasedFile,
        Submodule,
        SupportingDocument,
    )
    from provenance.manifest.fingerprints import (
        NEUTRAL_VARIABLES,
        environment_class,
        fingerprinted,
        full_capture,
        lacks_for_bitwise,
    )
    from provenance.manifest.frozen import FrozenMapping, freeze, plain, thaw
    from provenance.manifest.manifest import (
        MANIFEST_VERSION,
        Generator,
        Manifest,
        Predicate,
        Producer,
    )
    from provenance.manifest.model import (
        Architecture,
        BaseModelReference,
        FileBlocks,
        Model,
        Release,
        Tokenizer,
    )
    from provenance.manifest.openings import Opening, PrivateFile
    from provenance.manifest.predicates import (
        DATASET_V1,
        EVALUATION_V1,
        MANIFEST_V1,
        PREDICATE_PREFIX,
        PREDICATE_TYPES,
        REPRODUCTION_V1,
    )
    from provenance.manifest.processing import (
        Accelerator,
        Environment,
        Framework,
        Hardware,
        Package,
        ProcessingStep,
    )
    from provenance.manifest.reading import (
        DOCUMENT_KINDS,
        ParsedPredicate,
        parse_manifest,
        parse_predicate,
    )
    from provenance.manifest.schema import document_schema, predicate_schemas
    from provenance.manifest.training import (
        Checkpoint,
        DataOrder,
        ReproductionClaim,
        Segment,
        Training,
        UndeclaredInput,
    )

__all__ = [
    "DATASET_V1",
    "DOCUMENT_KINDS",
    "EVALUATION_V1",
    "MANIFEST_V1",
    "MANIFEST_VERSION",
    "NEUTRAL_VARIABLES",
    "PREDICATE_PREFIX",
    "PREDICATE_TYPES",
    "REPRODUCTION_V1",
    "AboutManifest",
    "Accelerator",
    "Architecture",
    "BaseModelReference",
    "Checkpoint",
    "CleaningStep",
    "CodeReference",
    "Collection",
    "Compute",
    "Cost",
    "DataOrder",
    "Dataset",
    "DatasetAttestation",
    "Deduplication",
    "Disclosure",
    "Document",
    "Emissions",
    "Energy",
    "Environment",
    "Evaluation",
    "EvaluationAttestation",
    "FileBlocks",
    "FileEntry",
    "FileReference",
    "FileTree",
    "Framework",
    "FrozenMapping",
    "Gap",
    "Generator",
    "Hardware",
    "Interval",
    "Invoice",
    "JournalEntry",
    "Labelling",
    "Manifest",
    "MetricResult",
    "Model",
    "Opening",
    "Package",
    "ParsedPredicate",
    "Predicate",
    "PrivateFile",
    "ProcessingStep",
    "Producer",
    "RecordSet",
    "Release",
    "ReleasedFile",
    "Reproduced",
    "ReproductionAttestation",
    "ReproductionClaim",
    "Segment",
    "SensitiveData",
    "Source",
    "Split",
    "Submodule",
    "SupportingDocument",
    "Tokenizer",
    "Training",
    "UndeclaredInput",
    "check_commitment",
    "check_extensions",
    "document_schema",
    "environment_class",
    "fingerprinted",
    "freeze",
    "full_capture",
    "lacks_for_bitwise",
    "make_commitment",
    "parse_document",
    "parse_manifest",
    "parse_predicate",
    "parse_timestamp",
    "plain",
    "predicate_schemas",
    "thaw",
    "wire_fields",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.manifest.attestations": (
            "AboutManifest",
            "DatasetAttestation",
            "EvaluationAttestation",
            "Reproduced",
            "ReproductionAttestation",
        ),
        "provenance.manifest.base": (
            "Document",
            "parse_document",
            "parse_timestamp",
            "wire_fields",
        ),
        "provenance.manifest.fingerprints": (
            "NEUTRAL_VARIABLES",
            "environment_class",
            "fingerprinted",
            "full_capture",
            "lacks_for_bitwise",
        ),
        "provenance.manifest.compute": (
            "Compute",
            "Cost",
            "Emissions",
            "Energy",
            "Gap",
            "Invoice",
            "JournalEntry",
        ),
        "provenance.manifest.datasets": (
            "CleaningStep",
            "Collection",
            "Dataset",
            "Deduplication",
            "Labelling",
            "RecordSet",
            "SensitiveData",
            "Source",
            "Split",
        ),
        "provenance.manifest.disclosures": (
            "Disclosure",
            "check_commitment",
            "make_commitment",
        ),
        "provenance.manifest.evaluations": (
            "Evaluation",
            "Interval",
            "MetricResult",
        ),
        "provenance.manifest.extensions": ("check_extensions",),
        "provenance.manifest.files": (
            "CodeReference",
            "FileEntry",
            "FileReference",
            "FileTree",
            "ReleasedFile",
            "Submodule",
            "SupportingDocument",
        ),
        "provenance.manifest.frozen": (
            "FrozenMapping",
            "freeze",
            "plain",
            "thaw",
        ),
        "provenance.manifest.manifest": (
            "MANIFEST_VERSION",
            "Generator",
            "Manifest",
            "Predicate",
            "Producer",
        ),
        "provenance.manifest.model": (
            "Architecture",
            "BaseModelReference",
            "FileBlocks",
            "Model",
            "Release",
            "Tokenizer",
        ),
        "provenance.manifest.openings": (
            "Opening",
            "PrivateFile",
        ),
        "provenance.manifest.predicates": (
            "DATASET_V1",
            "EVALUATION_V1",
            "MANIFEST_V1",
            "PREDICATE_PREFIX",
            "PREDICATE_TYPES",
            "REPRODUCTION_V1",
        ),
        "provenance.manifest.processing": (
            "Accelerator",
            "Environment",
            "Framework",
            "Hardware",
            "Package",
            "ProcessingStep",
        ),
        "provenance.manifest.reading": (
            "DOCUMENT_KINDS",
            "ParsedPredicate",
            "parse_manifest",
            "parse_predicate",
        ),
        "provenance.manifest.schema": (
            "document_schema",
            "predicate_schemas",
        ),
        "provenance.manifest.training": (
            "Checkpoint",
            "DataOrder",
            "ReproductionClaim",
            "Segment",
            "Training",
            "UndeclaredInput",
        ),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
