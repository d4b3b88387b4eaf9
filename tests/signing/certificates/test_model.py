"""The pool, the purposes and the outcome: plain values that nobody changes afterwards."""

from __future__ import annotations

import dataclasses

import pytest

from provenance.signing.certificates import CODE_SIGNING, DOCUMENT_SIGNING, CertificatePool, Purpose
from support.certificates import authority, signer, validate


def test_values_are_frozen() -> None:
    root = authority(None, "root")
    chain = validate(signer(root), root)
    for value, field in ((chain, "at"), (CODE_SIGNING, "name"), (CertificatePool(()), "anchors")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)


def test_purposes_ask_for_the_same_usage() -> None:
    assert CODE_SIGNING.extended_usage == DOCUMENT_SIGNING.extended_usage == "1.3.6.1.5.5.7.3.3"
    assert CODE_SIGNING.extended_usage_required
    assert not DOCUMENT_SIGNING.extended_usage_required
    assert Purpose("anything").extended_usage is None
