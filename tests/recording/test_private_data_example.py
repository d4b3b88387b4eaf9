"""The example with private data: nothing private is published, and an auditor opens one fact."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_file, hash_tree
from provenance.verification import check_opening, inspect
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.verification import Report

EXAMPLE = REPOSITORY / "docs" / "examples" / "private_data"

#: Names of customers, of private files and folders, of a host, and a price.
CANARIES = (
    *("orlan", "quarry", "merivale", "2026-03", "2026-04", "2026-05", ".csv", "clinic-exports"),
    *("holdout/", "records/", "ml.northgate-lab", "1180", "private.json", 'salt":'),
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed"
)


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE / "demo.py", folder],
        env={**os.environ, "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("somebodys-home") / "demo"
    done = run_demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n  PASS: ") == 3
    assert done.stdout.count("\n  FAIL: ") == 1
    return folder


@pytest.fixture(scope="module")
def report(demo: Path) -> Report:
    place = demo / "published"
    return inspect(place / "triage", keys=place / "lab.key.pub", model="triage", all_digests=True)


def statement(demo: Path) -> dict[str, Any]:
    bundle = demo / "published" / "triage" / "training-provenance" / "manifest.sigstore.json"
    envelope = json.loads(bundle.read_bytes())["dsseEnvelope"]
    found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return found


def published(demo: Path) -> dict[str, bytes]:
    """Return every published name and byte, and the payload that a bundle encodes."""
    place = demo / "published"
    found = {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else b""
        for path in place.rglob("*")
    }
    return {**found, "payload": json.dumps(statement(demo)).encode()}


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").touch()
    done = run_demo(tmp_path / "demo")
    assert (done.returncode, "was not made by this demonstration" in done.stdout) == (1, True)
    assert [it.name for it in (tmp_path / "demo").iterdir()] == ["precious.txt"]


def test_no_published_byte_tells_a_secret(demo: Path) -> None:
    secrets = {it.encode() for it in CANARIES} | {b"somebodys-home", str(demo).encode()}
    for name, data in published(demo).items():
        for secret in secrets:
            assert secret not in name.encode().lower(), name
            assert secret not in data.lower(), (name, secret)


def test_canaries_are_where_they_are_looked_for(demo: Path) -> None:
    company = demo / "company"
    private = b"".join(
        str(path).encode() + path.read_bytes()
        for path in company.rglob("*")
        if path.is_file() and not path.is_relative_to(company / "triage")
    )
    for canary in CANARIES:
        assert canary.encode() in private.lower(), canary


def test_no_guess_of_a_file_can_be_confirmed(demo: Path) -> None:
    vault = demo / "company" / "clinic-exports"
    roots = [hash_tree(vault / name).root.root for name in ("records", "holdout")]
    files = list(vault.rglob("*.csv"))
    assert len(files) == 18
    digests = [hash_file(path, algorithms=("blake3",)).digest["blake3"] for path in files]
    digests += [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    told = b"".join(published(demo).values())
    assert not [it for it in (*roots, *digests) if it.encode() in told]


def test_what_opens_the_seals_is_not_published(demo: Path) -> None:
    private = json.loads((demo / "company" / "triage.draft" / "private.json").read_bytes())
    told = b"".join(published(demo).values())
    kept = [text for text in strings(private) if len(text) >= 20 and not text.startswith("/")]
    assert kept
    subject = set(strings(statement(demo)))
    assert not [it for it in kept if it not in subject and it.encode() in told]


def strings(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for item in tree.values() for text in strings(item)]
    if isinstance(tree, list):
        return [text for item in tree for text in strings(item)]
    return [tree] if isinstance(tree, str) else []


def test_outsider_is_told_what_there_is_and_what_is_withheld(demo: Path, report: Report) -> None:
    assert report.verdict == "PASS"
    manifest = statement(demo)["predicate"]
    for dataset in manifest["datasets"]:
        assert dataset["salted"] is True
        assert dataset["files"]["size"] == 9
        assert "inventory" not in dataset
    withheld = {it["path"]: it for it in manifest["disclosures"]}
    assert withheld["/datasets/0/inventory"]["reason"].startswith("Names of files")
    sealed = {path for path, it in withheld.items() if "commitment" in it}
    assert sealed == {"/datasets/0/sources", "/compute/cost/amount"}
    rungs = {part.id: part.rung for part in report.parts}
    assert rungs["datasets"] == "bound"
    assert rungs["training-log"] == "matched"


def test_auditor_learns_one_fact_and_no_other(demo: Path) -> None:
    opening = demo / "auditor" / "sources.opening.json"
    found = check_opening(
        opening, demo / "published" / "triage", keys=demo / "published" / "lab.key.pub"
    )
    assert found.verdict == "PASS"
    assert found.opening is not None
    assert isinstance(found.opening.value, tuple)
    assert found.opening.value[2] == {"kind": "licensed", "name": "Merivale Oncology"}
    private = json.loads((demo / "company" / "triage.draft" / "private.json").read_bytes())
    text = opening.read_text(encoding="utf-8")
    salts = {it["path"]: it["salt"] for it in private["commitments"]}
    assert {path: salt in text for path, salt in salts.items()} == {
        "/datasets/0/sources": True,
        "/compute/cost/amount": False,
    }
    assert not [it for it in private["trees"] if it["secret"] in text]
    assert "1180" not in text


def test_changed_record_is_found_out_by_who_may_see_them(demo: Path, tmp_path: Path) -> None:
    records = tmp_path / "records"
    shutil.copytree(demo / "company" / "clinic-exports" / "records", records)
    changed = next(records.rglob("*.csv"))
    changed.write_bytes(changed.read_bytes() + b"\n")
    found = inspect(
        demo / "published" / "triage",
        keys=demo / "published" / "lab.key.pub",
        datasets={"records": records},
        salts=demo / "company" / "triage.draft" / "private.json",
    )
    assert found.verdict == "FAIL"
