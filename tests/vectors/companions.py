"""Group `release`: the files of the manifest folder, and what others attest there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas, signers
from vectors.groups import RELEASE
from vectors.releases import (
    FOLDER,
    INSIDE,
    PREFIX,
    Release,
    Signed,
    put,
    reference,
    small,
    with_inventory_file,
)
from vectors.whole import RESULTS, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.kit import Case


def _whole_edited(change: Callable[[dict[str, bytes]], object]) -> Signed:
    signed = whole().sign()
    change(signed.files)
    return signed


_RESULTS, _LOG = "documents/results.json", "training-log/metrics.jsonl"


@RELEASE.vector("step 13")
def document_edited() -> Case:
    """A digit of the results was changed."""
    signed = _whole_edited(put(f"{INSIDE}/{_RESULTS}", RESULTS.replace(b"0.75", b"0.99")))
    return signed.fails(("companion-mismatch", f"{FOLDER}/{_RESULTS}"))


@RELEASE.vector("step 13")
def document_cut_off() -> Case:
    """A document is shorter than the signed one."""
    signed = _whole_edited(put(f"{INSIDE}/{_RESULTS}", RESULTS[:5]))
    return signed.fails(("companion-mismatch", f"{FOLDER}/{_RESULTS}"))


@RELEASE.vector("step 13")
def document_missing() -> Case:
    """A document that the manifest refers to is missing."""
    signed = _whole_edited(lambda files: files.pop(f"{INSIDE}/{_RESULTS}"))
    return signed.fails(("companion-missing", f"{FOLDER}/{_RESULTS}"))


@RELEASE.vector("step 13")
def log_line_removed() -> Case:
    """A line of the training log was removed."""

    def change(files: dict[str, bytes]) -> None:
        name = f"{INSIDE}/{_LOG}"
        files[name] = files[name].split(b"\n", 1)[1]

    return _whole_edited(change).fails(("companion-mismatch", f"{FOLDER}/{_LOG}"))


@RELEASE.vector("step 13")
def log_lines_swapped() -> Case:
    """Two lines of the training log stand in another order."""

    def change(files: dict[str, bytes]) -> None:
        name = f"{INSIDE}/{_LOG}"
        lines = files[name].splitlines(keepends=True)
        files[name] = b"".join([lines[1], lines[0], *lines[2:]])

    return _whole_edited(change).fails(("companion-mismatch", f"{FOLDER}/{_LOG}"))


@RELEASE.vector("step 13")
def inventory_edited() -> Case:
    """A digest in the inventory of a dataset was changed."""

    def change(files: dict[str, bytes]) -> None:
        name = f"{INSIDE}/inventories/raw.jsonl"
        files[name] = (
            files[name].replace(b'"blake3":"', b'"blake3":"0', 1).replace(b'","sha', b'"', 1)
        )

    return _whole_edited(change).fails(("companion-mismatch", f"{FOLDER}/inventories/raw.jsonl"))


_STRAY = (
    ("companion_extra", "A file lies in the manifest folder that nothing signed refers to.", "notes.txt"),
    ("companion_extra_hidden", "A hidden file lies in the manifest folder.", ".notes"),
    ("companion_extra_document", "A document lies there that the manifest does not have.", "documents/invoice.pdf"),
    ("companion_extra_attestation", "A file among the attestations has no bundle's name.", "attestations/audit.json"),
    ("companion_extra_bundle", "A second bundle lies beside the manifest.", "other.sigstore.json"),
)  # fmt: skip


def _stray(path: str) -> Case:
    signed = small().sign()
    signed.files[f"{INSIDE}/{path}"] = b"{}"
    return signed.fails(("companion-extra", f"{FOLDER}/{path}"))


def _declare_stray() -> None:
    for name, description, path in _STRAY:
        RELEASE.add(name, description, "step 13", partial(_stray, path))


_declare_stray()


@RELEASE.vector("step 13", profile=3)
def log_signed_with_another_root() -> Case:
    """The signed tree head of the training log is not that of its lines."""
    release = whole()
    release.manifest["training"]["log"]["root"] = "0" * 64
    return release.fails(("log-mismatch", "/training/log"))


@RELEASE.vector("step 13", profile=3)
def log_signed_with_a_line_more() -> Case:
    """The signed tree head says another number of entries."""
    release = whole()
    release.manifest["training"]["log"]["size"] += 1
    return release.fails(("log-mismatch", "/training/log"))


@RELEASE.vector("step 13", profile=3)
def log_signed_without_its_end() -> Case:
    """The last line of the signed training log is not ended."""
    release = whole()
    data = release.companions[_LOG][:-1]
    release.companions[_LOG] = data
    release.manifest["training"]["logFiles"] = [reference(_LOG, data)]
    return release.fails(("log-mismatch", f"{FOLDER}/{_LOG}"))


@RELEASE.vector("step 13", profile=3)
def log_line_malformed() -> Case:
    """A line of the signed training log is no entry: it does not say when it was written."""
    release = whole()
    data = release.companions[_LOG] + b'{"kind":"metrics","step":300,"values":{"loss":0.2}}\n'
    release.companions[_LOG] = data
    release.manifest["training"]["log"] = formulas.root("log", data.splitlines())
    release.manifest["training"]["logFiles"] = [reference(_LOG, data)]
    return release.fails(("log-malformed", f"{FOLDER}/{_LOG}"))


def _with_raw_inventory(data: bytes) -> Release:
    release = whole()
    release.companions["inventories/raw.jsonl"] = data
    release.manifest["datasets"][0]["inventoryFile"] = reference("inventories/raw.jsonl", data)
    return release


@RELEASE.vector("step 13")
def inventory_signed_with_another_root() -> Case:
    """The inventory of a dataset was signed, and does not have the signed root."""
    entries = formulas.inventory({"other.csv": b"0,1,0\n1,1,1\n0,0,0\n1,0,1\n"})
    data = b"".join(formulas.canonical(entry) + b"\n" for entry in entries)
    return _with_raw_inventory(data).fails(("inventory-mismatch", "/datasets/0/inventoryFile"))


@RELEASE.vector("step 13")
def inventory_signed_malformed() -> Case:
    """The inventory of a dataset was signed with a blank in it."""
    data = whole().companions["inventories/raw.jsonl"].replace(b",", b", ", 1)
    return _with_raw_inventory(data).fails(("inventory-malformed", "/datasets/0/inventoryFile"))


@RELEASE.vector("step 13")
def inventory_signed_with_unsafe_name() -> Case:
    """The inventory of a dataset holds a name that leads out."""
    entries = formulas.inventory({"../digits.csv": b""})
    data = b"".join(formulas.canonical(entry) + b"\n" for entry in entries)
    return _with_raw_inventory(data).fails(("name-unsafe", "/datasets/0/inventoryFile"))


@RELEASE.vector("step 9")
def release_inventory_file_with_another_root() -> Case:
    """The inventory of the release stands in a file and does not have the signed root."""
    release = with_inventory_file(small())
    release.manifest["release"]["files"]["root"] = "0" * 64
    return release.fails(("release-root-mismatch", "/release/files"))


@RELEASE.vector("step 13")
def release_inventory_file_missing() -> Case:
    """The inventory of the release stands in a file that is missing."""
    signed = with_inventory_file(small()).sign()
    del signed.files[f"{INSIDE}/inventories/release.jsonl"]
    return signed.fails(("companion-missing", f"{FOLDER}/inventories/release.jsonl"))


@RELEASE.vector("step 13")
def document_without_digest() -> Case:
    """A document is referred to by its name alone."""
    release = whole()
    del release.manifest["documents"][1]["digest"]
    return release.fails(
        ("digest-algorithm", "/documents/1"), ("companion-extra", f"{FOLDER}/{_RESULTS}")
    )


@RELEASE.vector("step 13")
def document_with_weak_digest() -> Case:
    """A document is bound by SHA-1 alone."""
    release = whole()
    release.manifest["documents"][1]["digest"] = formulas.digests(RESULTS, "sha1")
    return release.fails(
        ("digest-algorithm", "/documents/1"), ("companion-extra", f"{FOLDER}/{_RESULTS}")
    )


@RELEASE.vector("step 7")
def document_outside() -> Case:
    """A document is said to lie outside the manifest folder."""
    release = small()
    data = release.files["README.md"]
    document = {"id": "d", "kind": "other", **reference("../README.md", data)}
    release.set(documents=[document])
    return release.fails(
        ("name-unsafe", "/documents/0/path"), ("companion-missing", f"{FOLDER}/../README.md")
    )


_ATTESTATION = f"{FOLDER}/attestations/evaluation.sigstore.json"


def _attestation(release: Release, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the payload of an evaluation of this release by somebody else."""
    digest = formulas.digests(release.payload, "sha256")
    tree = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": f"{PREFIX}evaluation/v1",
        "subject": release.statement["subject"],
        "predicate": {
            "manifestVersion": "1.0",
            "createdAt": "2026-11-22T11:30:00Z",
            "producer": {"name": "Auditor"},
            "manifest": {"digest": digest},
            "evaluations": [
                {"id": "e", "task": "accuracy", "metrics": [{"name": "a", "value": 1}]}
            ],
        },
        **changes,
    }
    return formulas.canonical(tree)


def _attested(release: Release, data: bytes) -> Signed:
    signed = release.sign()
    signed.files[f"release/{_ATTESTATION}"] = data
    return signed


def _by(payload: bytes, signer: signers.Signer) -> bytes:
    return signers.bundle_bytes(signers.bundle(payload, signer))


@RELEASE.vector("step 24", profile=2)
def attestation_by_a_named_key() -> Case:
    """The named key signed an evaluation too."""
    release = small()
    signed = _attested(release, _by(_attestation(release), signers.SIGNER))
    return signed.passes(("attestation-verified", _ATTESTATION))


@RELEASE.vector("step 24", profile=2)
def attestation_by_a_stranger() -> Case:
    """Somebody whom the caller does not know signed an evaluation; it has no effect."""
    release = small()
    signed = _attested(release, _by(_attestation(release), signers.OTHER))
    return signed.passes(("attestation-unverified", _ATTESTATION))


@RELEASE.vector("step 24", profile=2)
def attestation_with_worthless_signature() -> Case:
    """The signature of an evaluation is worthless; it has no effect."""
    release = small()
    tree = signers.bundle(_attestation(release), signature=b"garbage")
    signed = _attested(release, signers.bundle_bytes(tree))
    return signed.passes(("attestation-unverified", _ATTESTATION))


@RELEASE.vector("step 24", profile=2)
def co_signature() -> Case:
    """Somebody else signed the same payload."""
    release = small()
    signed = _attested(release, _by(release.payload, signers.OTHER))
    signed.files["other.pub"] = signers.OTHER.pem
    return signed.passes(("attestation-verified", _ATTESTATION), keys=["signer.pub", "other.pub"])


def _bad_attestation(data: bytes) -> Case:
    return _attested(small(), data).fails(("attestation-malformed", _ATTESTATION))


@RELEASE.vector("step 24", profile=2)
def attestation_no_bundle() -> Case:
    """A file among the attestations has a bundle's name and is none."""
    return _bad_attestation(b"{}")


@RELEASE.vector("step 24", profile=2)
def attestation_about_another_manifest() -> Case:
    """An evaluation is about another manifest."""
    other = small(producer={"name": "Mallory"})
    return _bad_attestation(_by(_attestation(other), signers.SIGNER))


@RELEASE.vector("step 24", profile=2)
def attestation_about_another_release() -> Case:
    """An evaluation names this manifest and another release."""
    subject = [{"name": "x", "digest": formulas.digests(b"", "sha256")}]
    return _bad_attestation(_by(_attestation(small(), subject=subject), signers.SIGNER))


@RELEASE.vector("step 24", profile=2)
def attestation_of_another_kind() -> Case:
    """A statement about something else lies among the attestations."""
    payload = _attestation(small(), predicateType="https://slsa.dev/provenance/v1")
    return _bad_attestation(_by(payload, signers.SIGNER))


@RELEASE.vector("step 24", profile=2)
def attestation_of_another_manifest_as_manifest() -> Case:
    """The manifest of another release lies among the attestations."""
    return _bad_attestation(_by(small(producer={"name": "Mallory"}).payload, signers.SIGNER))


@RELEASE.vector("step 24", profile=2)
def attestation_with_unknown_member() -> Case:
    """An evaluation breaks the format of its predicate."""
    release = small()
    payload = _attestation(release)
    changed = payload.replace(b'"task":', b'"score":1,"task":')
    return _bad_attestation(_by(changed, signers.SIGNER))
