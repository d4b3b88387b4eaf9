"""OpenSSF Model Signing (OMS): bundles, statements and lists of files. Bytes in, bytes out.

What is written keeps the published rules to the letter. What is read may differ from them where the
text and its reference implementation disagree, and nowhere else. Nothing here knows a key or looks
at a file of a model. Source: OpenSSF Model Signing 1.0; `spec/oms.md`.
"""

from __future__ import annotations

from provenance.envelope.oms.bundle import OmsBundle, OmsMethod, parse_oms_bundle, write_oms_bundle
from provenance.envelope.oms.resources import (
    DEFAULT_EXCLUSIONS,
    SINGLE_FILE,
    Resource,
    root_digest,
)
from provenance.envelope.oms.serialization import Serialization
from provenance.envelope.oms.statement import (
    LEGACY_PREDICATE_TYPE,
    OMS_PREDICATE_TYPE,
    OmsStatement,
    parse_oms_statement,
    write_oms_statement,
)

__all__ = [
    "DEFAULT_EXCLUSIONS",
    "LEGACY_PREDICATE_TYPE",
    "OMS_PREDICATE_TYPE",
    "SINGLE_FILE",
    "OmsBundle",
    "OmsMethod",
    "OmsStatement",
    "Resource",
    "Serialization",
    "parse_oms_bundle",
    "parse_oms_statement",
    "root_digest",
    "write_oms_bundle",
    "write_oms_statement",
]
