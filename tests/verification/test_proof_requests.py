"""What a proof proves is what the caller asked for: any other kind, place or name is FAIL."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from provenance import check_proof
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    ProofFile,
    ProofLevel,
    Shard,
    ShardIndex,
    TypedRoot,
    digest_bytes,
    format_listing,
    hash_file,
    prove_in_shards,
    prove_in_trees,
)
from provenance.digest.merkle import prove_inclusion, typed_root
from provenance.digest.proven_entries import entry_bytes
from provenance.envelope import Subject, write_bundle, write_statement
from provenance.errors import UsageError
from provenance.manifest import MANIFEST_V1
from provenance.signing import generate_private_key, sign_payload
from support.releases import write_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.digest import TreeKind

KEY = generate_private_key("ed25519")
BLOCK = 65536
# The same bytes everywhere, so that nothing but the request can tell the things apart.
DATA = write_safetensors({"w": [float(number) for number in range(24_000)]})

#: What asks for each of the things that the manifest below has a root of.
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "file": {},
    "twin": {},
    "tensor": {"tensor": "w"},
    "block": {"kind": "block", "name": "m.safetensors", "index": 0},
    "block of twin": {"kind": "block", "name": "a/m.safetensors", "index": 0},
    "dataset": {"dataset": "train", "name": "m.safetensors"},
    "other dataset": {"dataset": "other", "name": "m.safetensors"},
    "record": {"kind": "record", "dataset": "train", "index": 0},
    "shard": {"kind": "shard", "dataset": "web", "name": "part"},
    "sharded": {"dataset": "web", "parts": ["part"], "name": "m.safetensors"},
    "checkpoint": {"checkpoint": "c1", "name": "m.safetensors"},
    "tensor of checkpoint": {"tensor": "w", "checkpoint": "c1"},
}


@dataclass(frozen=True)
class Case:
    """A signed manifest with a root of every kind, a proof for each, and what each is of."""

    manifest: bytes
    proofs: Mapping[str, ProofFile]
    files: Mapping[str, Path]

    def check(self, which: str, request: str, **options: Any) -> Any:  # noqa: ANN401 - as the function
        asked = {
            "manifest": self.manifest,
            "keys": KEY.public_key,
            "file": self.files[which],
            **REQUESTS[request],
        }
        return check_proof(self.proofs[which], **{**asked, **options})


def prove(kind: TreeKind, entries: list[dict[str, Any]], index: int = 0) -> ProofFile:
    """Return the proof of one of some entries, which names no manifest."""
    leaves = [entry_bytes(kind, entry) for entry in entries]
    way = prove_inclusion(kind, leaves, index)
    return ProofFile(entries[index], (ProofLevel(typed_root(kind, leaves), index, way.hashes),))


def listed(*paths: str, data: bytes = DATA) -> Inventory:
    digest = digest_bytes(data, ("blake3", "sha256"))
    both = InventoryDigest(digest["blake3"], digest["sha256"])
    return Inventory(tuple(InventoryEntry(both, path, len(data)) for path in sorted(paths)))


def inline(tree: Inventory) -> list[dict[str, Any]]:
    return [
        {"path": entry.path, "size": entry.size, "digest": dict(entry.digest.digest_set)}
        for entry in tree
    ]


def tensor(*values: str) -> dict[str, Any]:
    return {"blake3": values[0], "dtype": "F32", "name": "w", "shape": (24_000,)}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return the manifest, the proofs and the files; no test changes them."""
    folder = tmp_path_factory.mktemp("held")
    released = listed("a/m.safetensors", "m.safetensors", "other.bin")
    block, shard = folder / "block.bin", folder / "web.jsonl"
    whole = folder / "a" / "m.safetensors"
    whole.parent.mkdir()
    whole.write_bytes(DATA)
    (folder / "m.safetensors").write_bytes(DATA)
    block.write_bytes(DATA[:BLOCK])
    blocks = [
        {"blake3": digest_bytes(DATA[at : at + BLOCK], ("blake3",))["blake3"]}
        for at in range(0, len(DATA), BLOCK)
    ]
    train, other = listed("m.safetensors", "x"), listed("m.safetensors", "y")
    web = listed("m.safetensors", "z")
    shard.write_bytes(web.to_bytes())
    index = ShardIndex((Shard("part", web.root),))
    saved = listed("m.safetensors", "state")
    values = digest_bytes(DATA[-4 * 24_000 :], ("blake3",))["blake3"]
    proofs = {
        "file": prove_in_trees([released], "m.safetensors"),
        "twin": prove_in_trees([released], "a/m.safetensors"),
        "tensor": prove("tensor", [tensor(values)]),
        "block": prove("block", blocks),
        "dataset": prove_in_trees([train], "m.safetensors"),
        "other dataset": prove_in_trees([other], "m.safetensors"),
        "record": prove("record", [blocks[0], blocks[1]]),
        "shard": prove_in_trees([index], "part"),
        "sharded": prove_in_shards(index, "part", web, "m.safetensors"),
        "checkpoint": prove_in_trees([saved], "m.safetensors"),
        # Another root than that of the release, so that the place tells them apart.
        "tensor of checkpoint": prove("tensor", [tensor(values), {**tensor(values), "name": "x"}]),
    }

    tree: dict[str, Any] = {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-01T12:00:00Z",
        "producer": {"name": "Digits Lab"},
        "model": {"name": "digits-mlp"},
        "release": {
            "files": released.root.to_tree(),
            "inventory": inline(released),
            "tensors": proofs["tensor"].root.to_tree(),
            "blocks": [
                {
                    "path": "m.safetensors",
                    "size": len(DATA),
                    "blockSize": BLOCK,
                    "blocks": proofs["block"].root.to_tree(),
                }
            ],
        },
        "datasets": [
            {
                "id": "train",
                "name": "Train",
                "files": train.root.to_tree(),
                "recordTree": proofs["record"].root.to_tree(),
            },
            {"id": "other", "name": "Other", "files": other.root.to_tree()},
            {"id": "web", "name": "Web", "shards": index.root.to_tree()},
        ],
        "training": {
            "checkpoints": [
                {
                    "id": "c1",
                    "step": 1,
                    "files": saved.root.to_tree(),
                    "tensors": proofs["tensor of checkpoint"].root.to_tree(),
                }
            ]
        },
    }
    sums = format_listing((entry.path, entry.digest.sha256 or "") for entry in released)
    subject = Subject(name="digits-mlp", digest=digest_bytes(sums, ("sha256",)))
    manifest = write_bundle(sign_payload(write_statement([subject], MANIFEST_V1, tree), KEY))
    files = dict.fromkeys(proofs, folder / "m.safetensors")
    files |= {"twin": whole, "block": block, "record": block, "shard": shard}
    assert hash_file(whole).size == len(DATA)
    return Case(manifest, proofs, files)


WRONG = [
    (proof, request)
    for proof, request in product([name for name in REQUESTS if name != "block of twin"], REQUESTS)
    if proof != request and {proof, request} != {"file", "twin"}
]


@pytest.mark.parametrize(
    ("proof", "request_"), WRONG, ids=[f"{proof} for {request}" for proof, request in WRONG]
)
def test_proof_of_another_thing_is_refused(case: Case, proof: str, request_: str) -> None:
    report = case.check(proof, request_)
    assert (report.verdict, report.exit_code) == ("FAIL", 1), report.summary
    codes = {finding.code for finding in report.findings}
    assert codes & {"proof-not-asked", "evidence-unknown"}
    assert "evidence-matched" not in codes


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("tensor", "--tensor w"),
        ("block", "--kind block --name m.safetensors --index 0"),
        ("dataset", "--dataset train"),
        ("record", "--kind record --dataset train --index 0"),
        ("shard", "--kind shard --name part --dataset web"),
        ("sharded", "--dataset web --part part"),
        ("checkpoint", "--checkpoint c1"),
        ("tensor of checkpoint", "--tensor w --checkpoint c1"),
    ],
)
def test_first_line_says_what_it_is_and_how_to_ask_for_it(
    case: Case, which: str, told: str
) -> None:
    report = case.check(which, "file")
    assert report.summary.startswith("FAIL: the proof is of ")
    assert "asked for was a file of the release" in report.summary
    assert report.summary.endswith(f"say so with {told}.")


@pytest.mark.parametrize("which", ["file", "twin"])
def test_file_of_another_name_is_refused(case: Case, which: str, tmp_path: Path) -> None:
    renamed = tmp_path / "downloaded.bin"
    renamed.write_bytes(DATA)
    report = case.check(which, "file", file=renamed)
    assert [finding.code for finding in report.findings][-1] == "proof-not-asked"
    proven = case.proofs[which].name
    assert f"--name {proven}" in report.summary
    assert case.check(which, "file", file=renamed, name=proven).verdict == "PASS"
    assert case.check(which, "file", file=renamed, name="other.bin").verdict == "FAIL"


def test_name_says_more_than_the_file(case: Case) -> None:
    for name in ("a/m.safetensors", "M.safetensors", "safetensors", ""):
        assert case.check("file", "file", name=name).verdict == "FAIL"
    # A proof of the nested file is not that of the one at the top, and the file lies at the top.
    assert case.check("twin", "twin", file=case.files["file"]).verdict == "FAIL"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("a b", "--name 'a b'"),
        ("it's $(reboot)", """--name 'it'"'"'s $(reboot)'"""),
        ("$(reboot)`;'", """--name '$(reboot)`;'"'"''"""),
        ("caf\u00e9;reboot", "--name 'caf\\xe9;reboot'"),
        ("x" * 200, f"--name {'x' * 79}"),
    ],
    ids=["blank", "quote", "signs", "not ASCII", "long"],
)
def test_hint_is_no_command_of_the_shell(name: str, typed: str, tmp_path: Path) -> None:
    tree = listed(name)
    here = tmp_path / "file"
    here.write_bytes(DATA)
    report = check_proof(prove_in_trees([tree], name), root=tree.root, file=here)
    assert report.verdict == "FAIL"
    assert report.summary.partition(" say so with ")[2].startswith(typed)


def test_proof_does_not_choose_the_shard(case: Case) -> None:
    for parts in ([], ["other"], ["part", "part"]):
        report = case.check("sharded", "sharded", parts=parts)
        assert report.verdict == "FAIL"
        assert 'the proof goes through the shard "part"' in report.summary
        assert "--part part" in report.summary
        given: dict[str, Any] = {"root": case.proofs["sharded"].root, "name": "m.safetensors"}
        held = case.files["sharded"]
        report = check_proof(case.proofs["sharded"], file=held, parts=parts, **given)
        assert report.verdict == "FAIL"
    # Neither does one of a shard itself, nor one that goes through none.
    assert case.check("shard", "shard", name=None).verdict == "FAIL"
    assert case.check("dataset", "dataset", parts=["part"]).verdict == "FAIL"


@pytest.mark.parametrize("which", ["block", "record"])
@pytest.mark.parametrize("index", [None, 1])
def test_proof_does_not_choose_the_block_or_record(
    case: Case, which: str, index: int | None
) -> None:
    report = case.check(which, which, index=index)
    assert report.verdict == "FAIL"
    assert report.summary.endswith("say so with --index 0.")


def test_file_of_the_release_does_not_stand_in_for_another_one(case: Case) -> None:
    # `a/m.safetensors` ends with the proven `m.safetensors` too, and is another file.
    report = case.check("file", "file", file=case.files["twin"])
    assert report.verdict == "FAIL"
    assert 'is that of "a/m.safetensors"' in report.summary
    assert (
        case.check("file", "file", file=case.files["twin"], name="m.safetensors").verdict == "PASS"
    )


def test_longer_path_in_a_tree_that_nobody_lists_needs_a_name(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof, held = case.proofs["dataset"], case.files["dataset"]
    monkeypatch.chdir(held.parent)
    given: dict[str, Any] = {"root": proof.root}
    for path in (held, "a/m.safetensors", "../" + held.parent.name + "/m.safetensors"):
        assert check_proof(proof, file=path, **given).verdict == "FAIL"
        assert check_proof(proof, file=path, name="m.safetensors", **given).verdict == "PASS"
    for path in ("m.safetensors", "./m.safetensors"):
        assert check_proof(proof, file=path, **given).verdict == "PASS"


def test_end_of_a_segment_is_no_segment(case: Case, tmp_path: Path) -> None:
    longer = tmp_path / "xm.safetensors"
    longer.write_bytes(DATA)
    assert case.check("file", "file", file=longer).verdict == "FAIL"


def test_name_of_a_proof_without_a_file_counts_as_well(case: Case) -> None:
    assert case.check("file", "file", file=None, name="other.bin").verdict == "FAIL"
    assert case.check("file", "file", file=None, name="m.safetensors").verdict == "INCOMPLETE"


@pytest.mark.parametrize(
    "request_", [{"dataset": "none"}, {"checkpoint": "none"}, {"kind": "block", "name": "none"}]
)
def test_what_the_manifest_does_not_have_cannot_be_proved(
    case: Case, request_: dict[str, str]
) -> None:
    report = case.check("file", "file", **request_)
    assert report.verdict == "FAIL"
    assert "evidence-unknown" in {finding.code for finding in report.findings}


def test_root_of_the_caller_says_what_its_tree_is_of(case: Case) -> None:
    for which in ("tensor", "shard", "record"):
        proof = case.proofs[which]
        named: dict[str, Any] = {"tensor": "w"} if which == "tensor" else {"kind": which}
        if which != "tensor":
            named |= {"name": "part"} if which == "shard" else {"index": 0}
        given: dict[str, Any] = {"root": proof.root, "file": case.files[which]}
        assert check_proof(proof, **named, **given).verdict == "PASS"
        assert check_proof(proof, kind="file", **given).verdict == "FAIL"
    sharded = case.proofs["sharded"]
    given = {"root": sharded.root, "file": case.files["sharded"], "name": "m.safetensors"}
    given["parts"] = ["part"]
    assert check_proof(sharded, **given).verdict == "PASS"
    assert check_proof(sharded, kind="shard", **given).verdict == "FAIL"
    shard = check_proof(case.proofs["shard"], root=sharded.root, file=case.files["shard"])
    assert shard.verdict == "FAIL"


@pytest.mark.parametrize(
    "request_",
    [
        {"kind": "log"},
        {"kind": "folder"},
        {"kind": "tensor"},
        {"kind": "block"},
        {"kind": "record"},
        {"kind": "shard"},
        {"kind": "file", "tensor": "w"},
        {"tensor": "w", "name": "w"},
        {"tensor": "w", "dataset": "train"},
        {"kind": "record", "dataset": "train", "name": "x"},
        {"kind": "record", "checkpoint": "c1"},
        {"dataset": "train", "checkpoint": "c1"},
        {"index": 0},
        {"tensor": "w", "index": 0},
        {"kind": "record", "dataset": "train", "index": -1},
        {"parts": ["x"]},
        {"checkpoint": "c1", "parts": ["x"]},
    ],
    ids=lambda request: " ".join(f"{name}={value}" for name, value in request.items()),
)
def test_requests_without_sense_are_usage_errors(case: Case, request_: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        case.check("file", "file", **request_)


@pytest.mark.parametrize(
    "request_", [{"dataset": "d"}, {"checkpoint": "c"}, {"kind": "block", "name": "x"}]
)
def test_places_of_a_manifest_have_no_sense_beside_a_root(request_: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        check_proof(b"", root=TypedRoot("block", 1, "0" * 64), **request_)  # type: ignore[arg-type]  # text alone


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("file", 'the file is "m.safetensors" of the release that key'),
        ("twin", 'the file is "a/m.safetensors" of the release that key'),
        ("tensor", 'the tensor is "w" of the released weights that key'),
        ("block", 'this is block 1 (index 0) of the file "m.safetensors" of the release that key'),
        ("dataset", 'the file is "m.safetensors" of the dataset "train" that key'),
        ("record", 'this is record 1 (index 0) of the dataset "train" that key'),
        ("shard", 'the shard is "part" of the dataset "web" that key'),
        ("sharded", 'the file is "m.safetensors" in the shard "part" of the dataset "web" that'),
        ("checkpoint", 'the file is "m.safetensors" of the checkpoint "c1" that key'),
        ("tensor of checkpoint", 'the tensor is "w" of the checkpoint "c1" that key'),
    ],
)
def test_what_was_asked_for_is_proved_and_named(case: Case, which: str, said: str) -> None:
    report = case.check(which, which)
    assert report.verdict == "PASS", report.summary
    assert report.summary.startswith(f"PASS: {said}")
    assert KEY.fingerprint in report.summary
