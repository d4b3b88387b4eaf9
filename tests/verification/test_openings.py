"""Openings: only the sealed value, with its salt, at its place, in its manifest, passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import ManifestError, UsageError
from provenance.signing import generate_private_key
from provenance.verification import check_opening, open_fact
from support.releases import SmallRelease, make_release

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest import Opening

POINTER = "/compute/cost/amount"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    return make_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def opening(made: SmallRelease) -> Opening:
    return open_fact(made.draft.folder / "private.json", POINTER)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"salt": bytes(16)}, "evidence-mismatch"),
        ({"value": 12.25}, "evidence-mismatch"),
        ({"value": "12.5"}, "evidence-mismatch"),
        ({"path": "/compute/cost"}, "opening-unsealed"),
        ({"path": ""}, "opening-unsealed"),
        ({"manifest": "ab" * 32}, "opening-other-manifest"),
    ],
    ids=["salt", "value", "type", "pointer", "root", "manifest"],
)
def test_another_opening_fails(
    made: SmallRelease, opening: Opening, changes: dict[str, Any], code: str
) -> None:
    report = check_opening(replace(opening, **changes), made.folder, keys=[made.key.public_key])
    assert report.verdict == "FAIL"
    assert report.exit_code == 1
    assert report.findings[-1].code == code


def test_another_signer_fails(made: SmallRelease, opening: Opening) -> None:
    report = check_opening(opening, made.folder, keys=[generate_private_key().public_key])
    assert report.verdict == "FAIL"
    assert report.signer is None


def test_without_a_key_nobody_is_known_to_have_sealed_it(
    made: SmallRelease, opening: Opening
) -> None:
    report = check_opening(opening, made.folder)
    assert report.verdict == "INCOMPLETE"
    assert report.exit_code == 3
    assert "nobody whom you named" in report.summary


def test_what_cannot_be_read_is_an_error(made: SmallRelease, opening: Opening) -> None:
    keys = [made.key.public_key]
    assert check_opening(made.folder / "nowhere", made.folder, keys=keys).verdict == "ERROR"
    assert check_opening(opening, made.folder / "nowhere", keys=keys).verdict == "ERROR"
    assert check_opening(b"{}", made.folder, keys=keys).findings[0].code == "opening-malformed"
    assert check_opening(opening, b"{}", keys=keys).verdict == "FAIL"


def test_the_sealed_value_passes(made: SmallRelease, opening: Opening, tmp_path: Path) -> None:
    file = tmp_path / "amount.opening.json"
    file.write_bytes(opening.to_bytes())
    for given in (opening, opening.to_bytes(), file):
        for manifest in (made.folder, made.manifest, made.manifest.read_bytes()):
            report = check_opening(given, manifest, keys=[made.key.public_key], model="digits-mlp")
            assert report.verdict == "PASS"
            assert report.signer == made.key.fingerprint
            assert report.to_tree()["value"] == 12.5


def test_another_model_fails(made: SmallRelease, opening: Opening) -> None:
    report = check_opening(opening, made.folder, keys=[made.key.public_key], model="other")
    assert report.verdict == "FAIL"


def test_only_sealed_facts_are_opened(made: SmallRelease) -> None:
    with pytest.raises(UsageError, match="the sealed facts are: /compute/cost/amount"):
        open_fact(made.draft.folder / "private.json", "/compute")
    with pytest.raises(ManifestError) as caught:
        open_fact(made.manifest, POINTER)
    assert caught.value.code == "opening-malformed"
