"""Assembling a manifest without a recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import provenance
from provenance.digest import format_listing, hash_tree
from provenance.envelope import write_bundle
from provenance.errors import ManifestError, UsageError
from provenance.manifest import Dataset, Model, Producer
from provenance.recording import Builder, draft_statement, release_of
from provenance.signing import generate_private_key, sign_payload
from support.releases import write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-11-22T12:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
    return folder


@pytest.fixture
def builder(folder: Path) -> Builder:
    inventory = hash_tree(folder)
    return (
        Builder()
        .with_producer(name="Lab")
        .with_model(name="m", licenses=["MIT"])
        .with_release(release_of(inventory, roles={"model.safetensors": "weights"}))
    )


def test_manifest_without_a_model_is_refused(builder: Builder) -> None:
    with pytest.raises(ManifestError, match="/model"):
        Builder().with_producer(name="Lab").build(created_at=AT)
    with pytest.raises(ManifestError, match="/createdAt"):
        builder.build(created_at="yesterday")


def test_part_and_fields_together_are_refused() -> None:
    with pytest.raises(UsageError, match="give either"):
        Builder().with_producer(Producer(name="Lab"), name="Other")


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ManifestError, match="colour"):
        Builder().add_dataset(id="d", name="d", colour="blue")


def test_origin_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="captured or authored"):
        Builder().add_origin("/training", "guessed")


def test_every_part_can_be_added(builder: Builder) -> None:
    manifest = (
        builder.with_generator(name="tool", version="1")
        .with_training(description="d", segments=[{"id": "s", "from_step": 0, "to_step": 1}])
        .with_compute(method="guessed")
        .with_expiry("2027-11-22T12:00:00Z")
        .add_dataset(Dataset(id="raw", name="Raw"))
        .add_dataset(id="train", name="Train", licenses=["MIT"])
        .add_processing(id="p", inputs=["raw"], outputs=["train"])
        .add_evaluation(id="e", task="t")
        .add_environment(id="env", language="CPython 3.11.7")
        .add_document(id="doc", kind="other")
        .add_journal_entry(date=AT, text="began")
        .add_disclosure(path="/compute/cost", status="withheld", reason="contract")
        .add_gap(subject="git", kind="absent", description="none")
        .add_critical("/training")
        .add_origin("", "authored")
        .add_origin("/training", "captured")
        .add_extension("https://x.example/v1", {"a": 1})
        .build(created_at=AT)
    )
    assert [it.id for it in manifest.datasets] == ["raw", "train"]
    assert manifest.origins == {"": "authored", "/training": "captured"}
    assert manifest.critical == ("/training",)


def test_deriving_leaves_the_builder_as_it_was(builder: Builder) -> None:
    before = builder.build(created_at=AT)
    one = builder.add_dataset(id="one", name="one").add_origin("", "captured")
    two = builder.add_dataset(id="two", name="two")
    assert builder.build(created_at=AT) == before
    assert [it.id for it in one.build(created_at=AT).datasets] == ["one"]
    assert [it.id for it in two.build(created_at=AT).datasets] == ["two"]


def test_parts_may_be_documents(builder: Builder) -> None:
    manifest = builder.with_model(Model(name="other")).build(created_at=AT)
    assert manifest.model.name == "other"


def test_what_is_built_signed_and_verified_is_equal(builder: Builder, folder: Path) -> None:
    manifest = builder.build(created_at=AT)
    inventory = hash_tree(folder)
    listing = format_listing((it.path, it.digest.digest_set["sha256"]) for it in inventory.entries)
    key = generate_private_key()
    bundle = write_bundle(sign_payload(draft_statement(manifest, listing), key))
    inside = folder / "training-provenance"
    inside.mkdir()
    (inside / "SHA256SUMS").write_bytes(listing)
    (inside / "manifest.sigstore.json").write_bytes(bundle)
    verified = provenance.verify(folder, keys=[key.public_key])
    assert verified.manifest == manifest
