# ruff: noqa: E501 - tables of one case a line
"""Steps 7 and 13 to 22 on the document alone: each defect is found, at its place, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.crafted import digests, file_root

if TYPE_CHECKING:
    from collections.abc import Callable

    Tree = dict[str, Any]
    Found = Callable[[Callable[[Tree], object]], list[tuple[str, str]]]


RECORD_SET = {"digest": "0" * 64, "encoding": "records-v1"}
ROOT = {"tree": "record", "size": 7, "root": "0" * 64}
TENSORS = {"tree": "tensor", "size": 2, "root": "0" * 64}
OTHER_TENSORS = {"tree": "tensor", "size": 2, "root": "1" * 64}
NO_COMMIT: Tree = {"repository": "https://git.example/x"}


def segments(tree: Tree, *ranges: Tree) -> None:
    """Replace the segments by some with these members; checkpoints are left out."""
    first = tree["training"]["segments"][0]
    tree["training"]["segments"] = [
        {**first, "id": f"s{number}", **members} for number, members in enumerate(ranges)
    ]
    tree["training"]["checkpoints"] = []
    tree["release"].pop("checkpoint")
    tree["evaluations"] = []
    disclose(tree, "/release/checkpoint")


def disclose(tree: Tree, path: str, status: str = "withheld", **more: object) -> Tree:
    """Withhold something, or say that it does not apply."""
    entry = {"path": path, "status": status, "reason": "because", **more}
    tree.setdefault("disclosures", []).append(entry)
    return tree


def checkpoints(tree: Tree, *saved: Tree) -> Tree:
    """Add checkpoints before the released one, which descends from the last of them."""
    released = tree["training"]["checkpoints"][0]
    released["parents"] = [saved[-1]["id"]]
    tree["training"]["checkpoints"] = [*saved, released]
    return tree


def of(*path: str | int) -> Callable[[Tree], Any]:
    """Return a function that finds a place in the manifest."""

    def find(tree: Any) -> Any:  # noqa: ANN401 - a JSON tree
        for token in path:
            tree = tree[token]
        return tree

    return find


def put(*path: str | int, value: object) -> Callable[[Tree], object]:
    """Return an edit that sets one member."""
    return lambda tree: of(*path[:-1])(tree).__setitem__(path[-1], value)


def drop(*path: str | int) -> Callable[[Tree], object]:
    """Return an edit that takes one member away."""
    return lambda tree: of(*path[:-1])(tree).__delitem__(path[-1])


def both(*edits: Callable[[Tree], object]) -> Callable[[Tree], object]:
    """Return an edit that does several."""
    return lambda tree: [edit(tree) for edit in edits]


SEGMENT = ("training", "segments", 0)
SAVED = ("training", "checkpoints", 0)

#: What nothing is wrong with: edit by name.
FINE: dict[str, Callable[[Tree], object]] = {
    "nothing changed": lambda _: None,
    "two segments": lambda tree: segments(
        tree, {"toStep": 100}, {"fromStep": 100, "toStep": 300}
    ),
    "a rollback": lambda tree: segments(
        tree, {"toStep": 100}, {"fromStep": 80, "toStep": 300, "rollbackTo": 80}
    ),
    "stages are counted apart": lambda tree: segments(
        tree, {"stage": "one"}, {"stage": "two", "fromStep": 0, "toStep": 7}
    ),
    "a segment without steps": lambda tree: segments(tree, {"toStep": 0}, {"toStep": 300}),
    "a chain": lambda tree: checkpoints(
        tree, {"id": "c1", "step": 0}, {"id": "c2", "step": 100, "parents": ["c1"]}
    ),
    "a merge at the step of its last parent": lambda tree: [
        checkpoints(tree, {"id": "c1", "step": 100}, {"id": "c2", "step": 300, "parents": ["c1"]}),
        tree["training"]["checkpoints"][2].update(parents=["c1", "c2"]),
    ],
    "the first of another stage has no parent": lambda tree: [
        tree["training"]["segments"].append({"id": "s2", "stage": "b", "fromStep": 0, "toStep": 9}),
        tree["training"]["checkpoints"].append({"id": "c9", "step": 9, "stage": "b"}),
        put("training", "segments", 1, "code", value={"document": "doc-train"})(tree),
    ],
    "resumed from a base model": both(
        put("model", "baseModels", value=[{"id": "base", "name": "base", "licenses": ["MIT"]}]),
        put(*SEGMENT, "resumedFrom", value="base"),
    ),
    "an interval with NaN": put(
        "evaluations", 0, "metrics", 0, "interval",
        value={"low": {"number": "NaN"}, "high": 1},
    ),
    "a chain of steps": put(
        "processing", 0,
        value={"id": "prepare", "inputs": ["raw"], "outputs": ["train"]},
    ),
    "an own licence": put("model", "licenses", value=["LicenseRef-own AND MIT"]),
    "an expression": put(
        "model", "licenses", value=["GPL-2.0-only WITH Classpath-exception-2.0 OR apache-2.0"]
    ),
    "a conversion": both(
        put("release", "tensors", value=TENSORS),
        put("release", "conversion", value="cast to BF16"),
        put(*SAVED, "tensors", value=OTHER_TENSORS),
    ),
    "no training": both(
        drop("training"), drop("release", "checkpoint"), put("evaluations", value=[]),
        lambda tree: disclose(tree, "/release/checkpoint"),
    ),
    "origins": put("origins", value={"": "authored", "/training": "captured"}),
    "salted trees are not compared": put("datasets", 0, "salted", value=True),
}  # fmt: skip

#: What those add that is disclosed honestly.
HONEST = {"fact-withheld", "release-checkpoint-unlinked"}


@pytest.mark.parametrize("name", FINE)
def test_honest_manifest_is_fine(found: Found, name: str) -> None:
    assert [item for item in found(FINE[name]) if item[0] not in HONEST] == []


#: What is wrong: edit, code and path by name.
WRONG: dict[str, tuple[Callable[[Tree], object], str, str]] = {
    # Step 7
    "dataset names that collide": (
        lambda tree: tree["datasets"][0].update(
            inventory=[{"path": name, "size": 1, "digest": digests(b"x")} for name in ("A", "a")],
            files=file_root({"A": b"x", "a": b"x"}),
        ),
        "dataset-name-collision", "/datasets/0/inventory",
    ),
    "released names that collide": (
        lambda tree: tree["release"].update(
            inventory=[{"path": name, "size": 1, "digest": digests(b"x")} for name in ("A", "a")],
            files=file_root({"A": b"x", "a": b"x"}),
            checkpoint="c300",
        ),
        "name-collision", "/release/inventory",
    ),
    # Step 14
    "an id for two kinds": (put("documents", 0, "id", value="raw"), "id-duplicate", "/documents/0/id"),
    "an id twice": (put("datasets", 2, "id", value="train"), "id-duplicate", "/datasets/2/id"),
    "a dangling dataset": (
        put(*SEGMENT, "datasets", value=["train", "nowhere"]),
        "reference-dangling", "/training/segments/0/datasets/1",
    ),
    "a reference to another kind": (
        put(*SEGMENT, "environment", value="raw"),
        "reference-kind", "/training/segments/0/environment",
    ),
    # Step 15
    "withheld and stated": (
        lambda tree: disclose(tree, "/model/name"), "disclosure-contradiction", "/disclosures/0/path",
    ),
    "withheld, and impossible": (
        lambda tree: disclose(tree, "/model/shoeSize"), "disclosure-path", "/disclosures/0/path",
    ),
    "withheld behind the end of a list": (
        lambda tree: disclose(tree, "/datasets/7/labelling"), "disclosure-path", "/disclosures/0/path",
    ),
    "withheld at no index": (
        lambda tree: disclose(tree, "/datasets/first"), "disclosure-path", "/disclosures/0/path",
    ),
    "withheld inside a word": (
        lambda tree: disclose(tree, "/model/version/major"),
        "disclosure-path", "/disclosures/0/path",
    ),
    "withheld twice": (
        lambda tree: [disclose(tree, "/compute/cost"), disclose(tree, "/compute/cost")],
        "disclosure-duplicate", "/disclosures/1/path",
    ),
    "withheld": (lambda tree: disclose(tree, "/compute/cost"), "fact-withheld", "/compute/cost"),
    "withheld in a list that is absent": (
        lambda tree: disclose(tree, "/compute/cost/invoices/3/amount"),
        "fact-withheld", "/compute/cost/invoices/3/amount",
    ),
    "withheld in a free object": (
        lambda tree: disclose(tree, "/training/segments/0/hyperparameters/secret/a"),
        "fact-withheld", "/training/segments/0/hyperparameters/secret/a",
    ),
    "an origin of nothing": (
        put("origins", value={"/training/nothing": "captured"}),
        "origin-path", "/origins/~1training~1nothing",
    ),
    # Step 16
    "an unpinned dataset": (
        lambda tree: [tree["datasets"][0].pop(name) for name in ("files", "inventory")],
        "dataset-unpinned", "/datasets/0",
    ),
    "bytes that do not add up": (
        put("datasets", 0, "bytes", value=7), "dataset-size-mismatch", "/datasets/0/bytes",
    ),
    "records that are not the tree's": (
        put("datasets", 0, "recordTree", value=ROOT),
        "dataset-size-mismatch", "/datasets/0/records",
    ),
    "records that are not the set's": (
        put("datasets", 0, "recordSet", value={**RECORD_SET, "count": 7}),
        "dataset-size-mismatch", "/datasets/0/recordSet/count",
    ),
    "a split larger than the whole": (
        put("datasets", 0, "splits", value=[{"name": "a", "records": 4}]),
        "dataset-size-mismatch", "/datasets/0/splits/0",
    ),
    "a split of another size than its dataset": (
        put("datasets", 0, "splits", value=[{"name": "a", "records": 1, "dataset": "train"}]),
        "dataset-size-mismatch", "/datasets/0/splits/0",
    ),
    "a file as source": (
        put("datasets", 0, "sources", value=[{"uri": "FILE:///etc/passwd"}]),
        "dataset-source-scheme", "/datasets/0/sources/0/uri",
    ),
    "a script as source": (
        put("datasets", 0, "sources", value=[{"uri": "javascript:alert(1)"}]),
        "dataset-source-scheme", "/datasets/0/sources/0/uri",
    ),
    "the own network as source": (
        put("datasets", 0, "sources", value=[{"uri": "http://169.254.169.254/latest"}]),
        "dataset-source-local", "/datasets/0/sources/0/uri",
    ),
    "a path as source": (
        put("datasets", 0, "sources", value=[{"name": "C:\\data\\x"}]),
        "dataset-source-local", "/datasets/0/sources/0/name",
    ),
    "no licence": (drop("model", "licenses"), "licence-missing", "/model/licenses"),
    "an unknown licence": (
        put("datasets", 0, "licenses", value=["unknown"]),
        "licence-invalid", "/datasets/0/licenses/0",
    ),
    "half an expression": (
        put("model", "licenses", value=["MIT OR"]), "licence-invalid", "/model/licenses/0",
    ),
    "brackets": (
        put("model", "licenses", value=["(" * 400]), "licence-invalid", "/model/licenses/0",
    ),
    "a licence as exception": (
        put("model", "licenses", value=["MIT WITH Apache-2.0"]),
        "licence-invalid", "/model/licenses/0",
    ),
    "a blank as licence": (
        put("model", "licenses", value=[" "]), "licence-invalid", "/model/licenses/0",
    ),
    # Step 17
    "a dataset that is made from itself": (
        put("processing", 0, "inputs", value=["test"]), "processing-cycle", "/datasets/2",
    ),
    "raw data that is made": (
        put("processing", 0, value={"id": "prepare", "outputs": ["raw", "train"]}),
        "processing-output-raw", "/datasets/0/roles",
    ),
    "training data out of nowhere": (
        put("processing", 0, "outputs", value=["test"]), "dataset-unexplained", "/datasets/1",
    ),
    # Step 18
    "a segment backwards": (
        lambda tree: segments(tree, {"fromStep": 9, "toStep": 3}),
        "segment-range", "/training/segments/0",
    ),
    "a hole": (
        lambda tree: segments(tree, {"toStep": 100}, {"fromStep": 120, "toStep": 300}),
        "segment-hole", "/training/segments/1",
    ),
    "an overlap": (
        lambda tree: segments(tree, {"toStep": 100}, {"fromStep": 80, "toStep": 300}),
        "segment-overlap", "/training/segments/1",
    ),
    "a rollback to another step": (
        lambda tree: segments(
            tree, {"toStep": 100}, {"fromStep": 80, "toStep": 300, "rollbackTo": 90}
        ),
        "segment-rollback", "/training/segments/1/rollbackTo",
    ),
    "a rollback forward": (
        lambda tree: segments(
            tree, {"toStep": 100}, {"fromStep": 120, "toStep": 300, "rollbackTo": 120}
        ),
        "segment-rollback", "/training/segments/1/rollbackTo",
    ),
    "a rollback before the beginning": (
        lambda tree: segments(
            tree, {"fromStep": 50, "toStep": 100}, {"fromStep": 20, "toStep": 300, "rollbackTo": 20}
        ),
        "segment-rollback", "/training/segments/1/rollbackTo",
    ),
    "a rollback of the first": (
        lambda tree: segments(tree, {"rollbackTo": 0}),
        "segment-rollback", "/training/segments/0/rollbackTo",
    ),
    "modified code": (
        put(*SEGMENT, "code", value={"commit": "a" * 40, "modified": True, "modifiedFiles": ["x"]}),
        "code-modified", "/training/segments/0/code",
    ),
    "modified code with a patch": (
        put(*SEGMENT, "code", value={"commit": "a" * 40, "modified": True, "patch": {"name": "x"}}),
        "code-modified", "/training/segments/0/code",
    ),
    "unpinned code": (
        put(*SEGMENT, "code", value=NO_COMMIT), "code-unpinned", "/training/segments/0/code",
    ),
    "an undeclared input": (
        put("training", "undeclaredInputs", value=[{"path": "extra.csv", "size": 3}]),
        "inputs-undeclared", "/training/undeclaredInputs",
    ),
    "a gap": (
        put("gaps", value=[{"subject": "git", "kind": "absent", "description": "none"}]),
        "gap-recorded", "/gaps/0",
    ),
    # Step 19
    "a parent that came later": (
        lambda tree: checkpoints(
            tree, {"id": "c1", "step": 200}, {"id": "c2", "step": 100, "parents": ["c1"]}
        ),
        "checkpoint-order", "/training/checkpoints/1/parents/0",
    ),
    "a parent of the same step": (
        lambda tree: checkpoints(tree, {"id": "c1", "step": 300}),
        "checkpoint-order", "/training/checkpoints/1/parents/0",
    ),
    "an own parent": (
        put(*SAVED, "parents", value=["c300"]), "checkpoint-order", "/training/checkpoints/0/parents",
    ),
    "no parent": (
        lambda tree: checkpoints(tree, {"id": "c1", "step": 0}, {"id": "c2", "step": 100}),
        "checkpoint-parent-missing", "/training/checkpoints/1",
    ),
    "a step that nobody did": (
        put(*SAVED, "step", value=301), "checkpoint-step", "/training/checkpoints/0/step",
    ),
    "a step of another stage": (
        lambda tree: [of(*SAVED)(tree).pop("segment"), of(*SAVED)(tree).update(stage="other")],
        "checkpoint-step", "/training/checkpoints/0/step",
    ),
    # Step 20
    "measured on training data": (
        put("evaluations", 0, "dataset", value="train"),
        "evaluation-on-training-data", "/evaluations/0/dataset",
    ),
    "measured on training data under another id": (
        lambda tree: tree["datasets"][2].update(
            files=tree["datasets"][1]["files"], inventory=tree["datasets"][1]["inventory"]
        ),
        "evaluation-on-training-data", "/evaluations/0/dataset",
    ),
    "another checkpoint measured": (
        lambda tree: [
            checkpoints(tree, {"id": "c1", "step": 100}),
            tree["evaluations"][0].update(checkpoint="c1"),
        ],
        "evaluation-other-checkpoint", "/evaluations/0/checkpoint",
    ),
    "other tensors measured": (
        both(
            put("evaluations", 0, "tensors", value=TENSORS),
            put(*SAVED, "tensors", value=OTHER_TENSORS),
        ),
        "evaluation-other-checkpoint", "/evaluations/0/tensors",
    ),
    "measured on nothing": (drop("evaluations", 0, "dataset"), "evaluation-unbound", "/evaluations/0"),
    "nothing measured": (
        drop("evaluations", 0, "checkpoint"), "evaluation-unbound", "/evaluations/0",
    ),
    "outside its interval": (
        put("evaluations", 0, "metrics", 0, "interval", value={"low": 0.98, "high": 1}),
        "evaluation-interval", "/evaluations/0/metrics/0/interval",
    ),
    # Step 21
    "no checkpoint released": (
        drop("release", "checkpoint"), "release-checkpoint-unlinked", "/release",
    ),
    "no digest of the checkpoint": (
        drop(*SAVED, "inventory"), "release-checkpoint-unlinked", "/release/checkpoint",
    ),
    "files of another checkpoint": (
        put(*SAVED, "inventory", 0, "digest", value=digests(b"other")),
        "release-checkpoint-unlinked", "/release/checkpoint",
    ),
    "other tensors released": (
        both(
            put("release", "tensors", value=TENSORS), put(*SAVED, "tensors", value=OTHER_TENSORS)
        ),
        "release-checkpoint-mismatch", "/release/tensors",
    ),
    # Step 22
    "an end before its start": (
        put("processing", 0, "startedAt", value="2026-11-22T09:02:00Z"),
        "time-order", "/processing/0/endedAt",
    ),
    "dated after the manifest": (
        put(*SAVED, "savedAt", value="2026-11-22T11:05:01Z"),
        "time-after-created", "/training/checkpoints/0/savedAt",
    ),
    "expired before it was made": (
        put("expiresAt", value="2026-11-22T11:00:00Z"), "time-order", "/expiresAt",
    ),
    "trained before the data was made": (
        both(
            put("processing", 0, "startedAt", value="2026-11-22T10:30:00Z"),
            put("processing", 0, "endedAt", value="2026-11-22T10:31:00Z"),
        ),
        "time-order", "/training/segments/0",
    ),
    "saved before its segment": (
        put(*SAVED, "savedAt", value="2026-11-22T08:00:00Z"),
        "time-order", "/training/checkpoints/0",
    ),
    "saved before its parent": (
        lambda tree: checkpoints(
            tree, {"id": "c1", "step": 100, "savedAt": "2026-11-22T10:45:00Z"}
        ),
        "time-order", "/training/checkpoints/1",
    ),
    "measured before it was saved": (
        put("evaluations", 0, "endedAt", value="2026-11-22T09:00:00Z"),
        "time-order", "/evaluations/0",
    ),
}  # fmt: skip

#: Findings that follow from the same defect, by name.
ALSO = {
    "released names that collide": {"release-checkpoint-unlinked"},
    "an id for two kinds": {"reference-kind", "reference-dangling"},
    "an id twice": {"reference-dangling", "evaluation-on-training-data"},
    "dated after the manifest": {"time-order"},
    "withheld and stated": {"fact-withheld"},
    "withheld, and impossible": {"fact-withheld"},
    "withheld behind the end of a list": {"fact-withheld"},
    "withheld at no index": {"fact-withheld"},
    "withheld inside a word": {"fact-withheld"},
    "withheld twice": {"fact-withheld"},
}


@pytest.mark.parametrize("name", WRONG)
def test_defect_is_found_at_its_place(found: Found, name: str) -> None:
    edit, code, path = WRONG[name]
    findings = found(edit)
    assert (code, path) in findings, findings
    others = {other for other, _ in findings} - {code} - HONEST
    assert others <= ALSO.get(name, set()), findings


def test_cycle_over_several_steps_is_found_and_a_long_chain_is_not_recursed(found: Found) -> None:
    def ring(tree: Tree) -> None:
        tree["processing"] = [
            {"id": "p1", "inputs": ["train"], "outputs": ["test"]},
            {"id": "p2", "inputs": ["test"], "outputs": ["train"]},
        ]

    assert [item for item in found(ring) if item[0] == "processing-cycle"] == [
        ("processing-cycle", "/datasets/2"),
        ("processing-cycle", "/datasets/1"),
    ]

    def chain(tree: Tree) -> None:
        tree["processing"] = [
            {"id": f"p{number}", "inputs": [f"d{number}"], "outputs": [f"d{number + 1}"]}
            for number in range(20_000)
        ]

    codes = {code for code, _ in found(chain)}
    assert "processing-cycle" not in codes


def test_circle_of_things_that_are_not_listed_is_named_at_the_steps(found: Found) -> None:
    step = {"id": "p1", "inputs": ["ghost"], "outputs": ["ghost", "train"]}
    findings = found(put("processing", value=[step]))
    assert ("processing-cycle", "/processing") in findings


def test_disclosed_lack_of_a_digest_or_licence_is_no_second_warning(found: Found) -> None:
    def edit(tree: Tree) -> None:
        for name in ("files", "inventory", "licenses"):
            del tree["datasets"][0][name]
        disclose(tree, "/datasets/0/files")
        disclose(tree, "/datasets/0/licenses", "notApplicable")

    assert {code for code, _ in found(edit)} == {"fact-withheld"}


def test_dangling_released_checkpoint_is_said_once(found: Found) -> None:
    findings = found(put("release", "checkpoint", value="nowhere"))
    assert findings == [
        ("reference-dangling", "/release/checkpoint"),
        ("evaluation-other-checkpoint", "/evaluations/0/checkpoint"),
    ]


def test_the_released_weights_saved_twice_are_the_same_weights(found: Found) -> None:
    def edit(tree: Tree) -> None:
        checkpoints(tree, {"id": "c1", "step": 100, "tensors": TENSORS})
        tree["training"]["checkpoints"][-1]["tensors"] = TENSORS
        tree["evaluations"][0]["checkpoint"] = "c1"

    assert [code for code, _ in found(edit) if code == "evaluation-other-checkpoint"] == []
