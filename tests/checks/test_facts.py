"""The evidence ladder: which rung every fact stands on, and the lowest of each part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.checks import (
    PARTS,
    Evidence,
    Observed,
    facts_of,
    is_at_least,
    parts_of,
)
from provenance.digest import TypedRoot
from provenance.manifest import parse_manifest
from support.crafted import TRAINING_LOG, CraftedRelease, digests

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, Any]

LOG = CraftedRelease().manifest()["training"]["log"]


def frozen(value: Any) -> Any:  # noqa: ANN401 - a JSON tree
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def evidence_of(
    edit: Callable[[Tree], object] | None = None,
    *,
    held: tuple[bytes, ...] = (),
    roots: frozenset[TypedRoot] = frozenset(),
    read: bool = True,
) -> Evidence:
    """Return the evidence of an edited manifest with these bytes in hand."""
    manifest = parse_manifest(frozen(CraftedRelease(edit_manifest=edit).manifest())).document
    found = {str(n): Observed(len(data), digests(data), read=read) for n, data in enumerate(held)}
    draft = Evidence.of_draft(manifest)
    return Evidence(
        manifest=manifest,
        tree=manifest.to_tree(),
        now=draft.now,
        source="folder",
        found=found,
        roots=roots,
    )


def rungs(evidence: Evidence) -> dict[str, str | None]:
    return {fact.path: fact.rung for fact in facts_of(evidence)}


def parts(evidence: Evidence) -> dict[str, str | None]:
    return {part.part.id: part.rung for part in parts_of(facts_of(evidence))}


def disclose(path: str, status: str = "withheld", **more: object) -> Callable[[Tree], object]:
    entry = {"path": path, "status": status, "reason": "because", **more}
    return lambda tree: tree.setdefault("disclosures", []).append(entry)


def test_without_bytes_nothing_is_above_bound() -> None:
    assert parts(evidence_of()) == {
        "datasets": "bound",
        "data-criteria": "declared",
        "processing": "bound",
        "architecture": "bound",
        "hyperparameters": "bound",
        "training-code": "bound",
        "environment": "declared",
        "training-log": "bound",
        "checkpoints": "bound",
        "evaluations": "bound",
        "compute": "declared",
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/datasets/0", b"0,1,2\n"),
        ("/processing/0", b"prepare\n"),
        ("/datasets/0/cleaning/0", b"prepare\n"),
        ("/model/architecture", b'{"learning_rate":0.05}\n'),
        ("/training/segments/0/hyperparameters", b'{"learning_rate":0.05}\n'),
        ("/training/segments/0/code", b"print('train')\n"),
        ("/training/checkpoints/0", CraftedRelease().files["model.safetensors"]),
        ("/evaluations/0", b'{"metrics":{"accuracy":0.9722}}\n'),
        ("/training/log", TRAINING_LOG),
    ],
)
def test_bytes_in_hand_make_a_fact_matched(path: str, data: bytes) -> None:
    assert rungs(evidence_of())[path] == "bound"
    assert rungs(evidence_of(held=(data,)))[path] == "matched"
    assert rungs(evidence_of(held=(data + b"x",)))[path] == "bound"
    assert rungs(evidence_of(held=(data,), read=False))[path] == "bound", "only a caller's word"


def test_recomputed_root_makes_a_fact_matched() -> None:
    root = TypedRoot(**LOG)
    assert rungs(evidence_of(roots=frozenset({root})))["/training/log"] == "matched"


def test_part_stands_as_low_as_its_lowest_fact() -> None:
    evidence = evidence_of(held=(b"0,1,2\n", b"2\n"))
    facts = rungs(evidence)
    assert [facts[f"/datasets/{index}"] for index in range(3)] == ["matched", "bound", "matched"]
    part = parts_of(facts_of(evidence))[0]
    assert part.rung == "bound"
    assert dict(part.rungs) == {"bound": 1, "matched": 2}
    assert not part.is_backed


def test_words_alone_are_declared() -> None:
    def edit(tree: Tree) -> None:
        segment = tree["training"]["segments"][0]
        segment.pop("configuration")
        segment["code"] = {"commit": "a" * 40, "repository": "https://git.example/x"}
        tree["model"]["architecture"] = {"family": "mlp"}
        tree["processing"][0] = {"id": "prepare", "description": "words"}
        tree["evaluations"][0].pop("results")
        for dataset in tree["datasets"]:
            dataset.pop("files")
            dataset.pop("inventory")
        checkpoint = tree["training"]["checkpoints"][0]
        checkpoint.pop("inventory")

    found = parts(evidence_of(edit))
    assert {name for name, rung in found.items() if rung != "declared"} == {"training-log"}


def test_weak_digest_binds_nothing() -> None:
    def edit(tree: Tree) -> None:
        for document in tree["documents"]:
            document["digest"] = {"md5": "0" * 32}
            document.pop("path")

    assert rungs(evidence_of(edit))["/model/architecture"] == "declared"


def test_inventory_in_a_file_binds_and_does_not_match_by_itself() -> None:
    inventory = b"the inventory file"

    def edit(tree: Tree) -> None:
        tree["datasets"][0].pop("files")
        tree["datasets"][0].pop("inventory")
        tree["datasets"][0]["inventoryFile"] = {"digest": digests(inventory)}

    assert rungs(evidence_of(edit, held=(inventory,)))["/datasets/0"] == "bound"


def test_environment_is_bound_by_lockfile_document_or_all_records() -> None:
    def environment(**members: object) -> Callable[[Tree], object]:
        return lambda tree: tree["environments"][0].update(members)

    path = "/training/segments/0/environment"
    lockfile = environment(lockfile={"digest": digests(b"lock")})
    assert rungs(evidence_of(lockfile))[path] == "bound"
    assert rungs(evidence_of(lockfile, held=(b"lock",)))[path] == "matched"
    assert rungs(evidence_of(environment(document="doc-config")))[path] == "bound"
    record = {"name": "numpy", "version": "2.0", "record": digests(b"RECORD")}
    bare = {"name": "click", "version": "8.0"}
    assert rungs(evidence_of(environment(packages=[record])))[path] == "bound"
    assert rungs(evidence_of(environment(packages=[record, bare])))[path] == "declared"


def test_several_log_files_stand_as_low_as_the_lowest() -> None:
    def edit(tree: Tree) -> None:
        tree["training"].pop("log")
        tree["training"]["logFiles"] = [{"digest": digests(b"a")}, {"digest": digests(b"b")}]

    assert rungs(evidence_of(edit, held=(b"a",)))["/training/logFiles"] == "bound"
    assert rungs(evidence_of(edit, held=(b"a", b"b")))["/training/logFiles"] == "matched"


def test_invoice_lifts_the_cost_and_not_the_resources() -> None:
    def edit(tree: Tree) -> None:
        invoice = {"supplier": "Cloud", "document": "doc-config"}
        tree["compute"]["cost"] = {"invoices": [invoice]}

    evidence = evidence_of(edit, held=(b'{"learning_rate":0.05}\n',))
    assert rungs(evidence)["/compute/cost"] == "matched"
    assert parts(evidence)["compute"] == "declared"


def test_what_is_not_mentioned_is_absent() -> None:
    def edit(tree: Tree) -> None:
        for name in ("datasets", "processing", "training", "evaluations", "compute"):
            del tree[name]
        del tree["model"]["architecture"], tree["release"]["checkpoint"]

    evidence = evidence_of(edit)
    assert set(parts(evidence).values()) == {"absent"}
    assert rungs(evidence) == {
        "/datasets": "absent",
        "/processing": "absent",
        "/model/architecture": "absent",
        "/training/segments": "absent",
        "/training": "absent",
        "/training/checkpoints": "absent",
        "/evaluations": "absent",
        "/compute": "absent",
    }


def test_segment_without_code_is_absent_there() -> None:
    evidence = evidence_of(lambda tree: tree["training"]["segments"][0].pop("code"))
    assert rungs(evidence)["/training/segments/0/code"] == "absent"


@pytest.mark.parametrize(
    ("status", "more", "rung"),
    [
        ("withheld", {}, "withheld"),
        ("withheld", {"commitment": {"sha256": "0" * 64}}, "sealed"),
        ("notApplicable", {}, None),
    ],
)
def test_disclosed_facts_stand_where_they_are_disclosed(
    status: str, more: Tree, rung: str | None
) -> None:
    def edit(tree: Tree) -> None:
        del tree["evaluations"], tree["training"]["segments"][0]["code"]
        disclose("/evaluations", status, **more)(tree)
        disclose("/training/segments/0/code", status, **more)(tree)

    evidence = evidence_of(edit)
    assert rungs(evidence)["/evaluations"] == rung
    assert rungs(evidence)["/training/segments/0/code"] == rung
    assert parts(evidence)["evaluations"] == rung
    assert parts(evidence)["training-code"] == rung


def test_whole_section_that_is_withheld_covers_its_parts() -> None:
    def edit(tree: Tree) -> None:
        del tree["training"], tree["release"]["checkpoint"]
        disclose("/training")(tree)

    found = parts(evidence_of(edit))
    for name in ("hyperparameters", "training-code", "environment", "training-log", "checkpoints"):
        assert found[name] == "withheld", name


def test_withheld_detail_does_not_pull_down_what_is_stated() -> None:
    evidence = evidence_of(disclose("/model/architecture/settings"))
    assert rungs(evidence)["/model/architecture"] == "bound"
    assert "/model/architecture/settings" not in rungs(evidence)
    evidence = evidence_of(disclose("/compute/cost/amount"))
    assert rungs(evidence)["/compute/cost/amount"] == "withheld"


def test_one_dataset_without_labels_does_not_take_the_labels_of_another_away() -> None:
    evidence = evidence_of(disclose("/datasets/1/labelling", "notApplicable"))
    assert rungs(evidence)["/datasets/0/labelling"] == "declared"
    assert rungs(evidence)["/datasets/1/labelling"] is None


def test_origin_is_the_longest_prefix_of_whole_tokens() -> None:
    def edit(tree: Tree) -> None:
        tree["origins"] = {
            "": "captured",
            "/training": "authored",
            "/training/segments/0/code": "captured",
            "/data": "authored",
        }

    origins = {fact.path: fact.origin for fact in facts_of(evidence_of(edit))}
    assert origins["/datasets/0"] == "captured"
    assert origins["/training/log"] == "authored"
    assert origins["/training/segments/0/code"] == "captured"
    assert {fact.origin for fact in facts_of(evidence_of())} == {"authored"}


def test_rungs_are_ordered() -> None:
    assert is_at_least("matched", "bound")
    assert is_at_least("bound", "bound")
    assert not is_at_least("declared", "bound")
    assert len(parts_of(facts_of(evidence_of()))) == len(PARTS) == 11
