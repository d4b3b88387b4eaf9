"""The published shapes of two predicates as JSON Schemas, written from their texts.

They know nothing of our code: what the library writes is held to them. The texts say that consumers
ignore members that they do not know and that the name of an extension is a URI; so unknown members
are allowed here if, and only if, their names are URIs.

Source: in-toto attestation, `spec/v1/statement.md`, `field_types.md`, `resource_descriptor.md`,
`predicates/svr.md` (v0.1); SLSA 1.0, "Verification Summary Attestation (VSA)".
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["SVR_SCHEMA", "VSA_SCHEMA"]

_URI: Final = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$"}
# RFC 3339, in UTC with a Z (field_types.md, "Timestamp").
_TIME: Final = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$",
}
_DIGESTS: Final = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[A-Za-z0-9_]+$"},
    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"},
}
# resource_descriptor.md: at least one of uri, digest and content.
_RESOURCE: Final = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "uri": _URI,
        "digest": _DIGESTS,
        "content": {"type": "string"},
        "downloadLocation": _URI,
        "mediaType": {"type": "string"},
        "annotations": {"type": "object"},
    },
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "additionalProperties": False,
}
_EXTENSIONS: Final[dict[str, Any]] = {"^[A-Za-z][A-Za-z0-9+.-]*:": {}}


def _statement(predicate_type: str, predicate: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "_type": {"const": "https://in-toto.io/Statement/v1"},
            "subject": {
                "type": "array",
                "minItems": 1,
                "items": {**_RESOURCE, "required": ["digest"]},
            },
            "predicateType": {"const": predicate_type},
            "predicate": predicate,
        },
        "required": ["_type", "subject", "predicateType", "predicate"],
        "additionalProperties": False,
    }


SVR_SCHEMA: Final = _statement(
    "https://in-toto.io/attestation/svr/v0.1",
    {
        "type": "object",
        "properties": {
            "verifier": {
                "type": "object",
                # The text's own example extends the verifier by a member `policy`.
                "properties": {"id": _URI, "policy": _RESOURCE},
                "required": ["id"],
                "patternProperties": _EXTENSIONS,
                "additionalProperties": False,
            },
            "timeCreated": _TIME,
            "properties": {"type": "array", "items": {"type": "string", "minLength": 1}},
        },
        "required": ["verifier", "timeCreated", "properties"],
        "patternProperties": _EXTENSIONS,
        "additionalProperties": False,
    },
)

_LEVEL: Final = {
    "type": "string",
    # A custom value may be anything that does not look like a level of SLSA.
    "pattern": "^(SLSA_BUILD_LEVEL_[0-3]|FAILED|(?!SLSA_).+)$",
}

VSA_SCHEMA: Final = _statement(
    "https://slsa.dev/verification_summary/v1",
    {
        "type": "object",
        "properties": {
            "verifier": {
                "type": "object",
                "properties": {"id": _URI, "version": {"type": "object"}},
                "required": ["id"],
                "patternProperties": _EXTENSIONS,
                "additionalProperties": False,
            },
            "timeVerified": _TIME,
            "resourceUri": _URI,
            "policy": {**_RESOURCE, "required": ["uri"]},
            "inputAttestations": {
                "type": "array",
                "items": {**_RESOURCE, "required": ["digest"]},
            },
            "verificationResult": {"enum": ["PASSED", "FAILED"]},
            "verifiedLevels": {"type": "array", "items": _LEVEL},
            "dependencyLevels": {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 0},
            },
            "slsaVersion": {"type": "string", "pattern": r"^\d+\.\d+$"},
        },
        "required": [
            "verifier",
            "timeVerified",
            "resourceUri",
            "policy",
            "verificationResult",
            "verifiedLevels",
        ],
        "if": {"properties": {"verificationResult": {"const": "FAILED"}}},
        "then": {"properties": {"verifiedLevels": {"const": ["FAILED"]}}},
        "else": {"properties": {"verifiedLevels": {"not": {"contains": {"const": "FAILED"}}}}},
        "patternProperties": _EXTENSIONS,
        "additionalProperties": False,
    },
)
