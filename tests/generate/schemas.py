"""`spec/schema/*.json`: the JSON Schema of every document, from its class."""

from __future__ import annotations

import json

from provenance.manifest.predicates import PREDICATE_PREFIX
from provenance.manifest.schema import document_schema, predicate_schemas
from provenance.verification import Report

__all__ = ["schema_files"]

#: The report is ours, but no predicate: nobody signs it.
REPORT_SCHEMA = "report-v1.schema.json"


def schema_files() -> dict[str, str]:
    """Return the text of every schema by its path in the repository."""
    schemas = predicate_schemas()
    schemas[REPORT_SCHEMA] = document_schema(Report, f"{PREDICATE_PREFIX}schema/{REPORT_SCHEMA}")
    return {
        f"spec/schema/{name}": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }
