"""`spec/schema/*.json` and the tables of `spec/manifest.md`, from the classes of the documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from generate.field_tables import filled_page
from provenance.manifest.predicates import PREDICATE_PREFIX
from provenance.manifest.schema import document_schema, predicate_schemas
from support.source import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["manifest_files", "schema_files"]

#: The report is ours, but no predicate: nobody signs it.
REPORT_SCHEMA = "report-v1.schema.json"

#: The policy is the verifier's own.
POLICY_SCHEMA = "policy-v1.schema.json"

#: The page whose tables say what the classes say.
MANIFEST_PAGE = "spec/manifest.md"


def schema_files() -> dict[str, str]:
    """Return the text of every schema, and of the page with its tables, by path."""
    from provenance.trust import policy_schema  # noqa: PLC0415  # the same as below
    from provenance.verification import Report  # noqa: PLC0415  # half of the library

    report = document_schema(Report, f"{PREDICATE_PREFIX}schema/{REPORT_SCHEMA}")
    return {
        **manifest_files(),
        f"spec/schema/{REPORT_SCHEMA}": _text(report),
        f"spec/schema/{POLICY_SCHEMA}": _text(policy_schema()),
    }


def manifest_files() -> dict[str, str]:
    """Return what is made from the documents that are signed."""
    schemas = {f"spec/schema/{name}": _text(schema) for name, schema in predicate_schemas().items()}
    return {**schemas, MANIFEST_PAGE: filled_page(REPOSITORY / MANIFEST_PAGE)}


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
