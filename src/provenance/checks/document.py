"""Step 5, the part of it that needs no signature: newer fields, and extensions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from provenance.canonical import join_pointer
from provenance.errors import shown
from provenance.findings import Finding
from provenance.manifest import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["EXTENSION_SCHEMAS", "check_extensions", "check_newer_fields"]

#: JSON Schema (2020-12) of every extension that is registered, by its URI; so far there is none.
EXTENSION_SCHEMAS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def check_newer_fields(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 5: fields of a newer minor version are kept and named.

    Codes: `field-newer`.
    """
    for pointer in evidence.unknown_fields:
        message = f"version {evidence.manifest.manifest_version} has this field, ours does not"
        yield Finding("field-newer", pointer, message)


def check_extensions(
    evidence: Evidence,
    policy: TrustPolicy,
    *,
    schemas: Mapping[str, Mapping[str, Any]] = EXTENSION_SCHEMAS,
) -> Iterator[Finding]:
    """Step 5: an extension satisfies the schema that is registered for its URI.

    Codes: `extension-invalid`, `extension-unknown`.
    """
    for uri, value in (evidence.manifest.extensions or {}).items():
        path = join_pointer("extensions", uri)
        if uri not in schemas:
            yield Finding("extension-unknown", path, f"no schema is registered for {shown(uri)}")
            continue
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - 40 ms that few manifests need

        fault = next(iter(Draft202012Validator(dict(schemas[uri])).iter_errors(plain(value))), None)
        if fault is not None:
            where = path + join_pointer(*fault.absolute_path)
            yield Finding("extension-invalid", where, shown(fault.message))
