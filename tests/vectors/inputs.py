"""Group `release`: parts of a release, digests that the caller holds, and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import RELEASE
from vectors.kit import Case, verdict
from vectors.oms import signed_model
from vectors.releases import (
    BUNDLE,
    FOLDER,
    LISTING,
    MODEL,
    Signed,
    edited,
    flip,
    put,
    small,
)
from vectors.whole import DATA, RESULTS, SCRIPT, dataset, whole

if TYPE_CHECKING:
    from collections.abc import Callable


@RELEASE.vector("step 1")
def manifest_missing() -> Case:
    """There is no signed manifest."""
    signed = small().sign()
    del signed.files[BUNDLE]
    return signed.case("INCOMPLETE", ("manifest-missing", f"{FOLDER}/manifest.sigstore.json"))


@RELEASE.vector("step 1")
def oms_signature_alone() -> Case:
    """Only an OMS signature is there."""
    signed = small().sign()
    del signed.files[BUNDLE], signed.files[LISTING]
    model = {
        path.removeprefix("release/"): data
        for path, data in signed.files.items()
        if path.startswith("release/")
    }
    signed.files["release/model.sig"] = signed_model(model)
    return signed.case("INCOMPLETE", ("oms-only", "model.sig"))


@RELEASE.vector("step 1")
def draft_unsigned() -> Case:
    """The statement lies beside the release, and nobody signed it."""
    release = small()
    signed = release.sign()
    del signed.files[BUNDLE]
    signed.files["release.draft/statement.json"] = release.payload
    return signed.case("INCOMPLETE", ("draft-unsigned", f"{FOLDER}/manifest.sigstore.json"))


@RELEASE.vector("step 1")
def named_bundle_missing() -> Case:
    """The bundle that the caller named cannot be read."""
    return small().sign().case("ERROR", bundle="absent.sigstore.json")


@RELEASE.vector("step 25")
def part_only() -> Case:
    """Only one file was asked for, so that not every byte is accounted for."""
    return (
        small()
        .sign()
        .case(
            "INCOMPLETE",
            ("file-not-selected", "README.md"),
            ("required-not-checked", "/release"),
            only=["model.safetensors"],
        )
    )


@RELEASE.vector("step 25")
def part_that_matches_nothing() -> Case:
    """The part that was asked for is empty, and an empty check proves nothing."""
    return (
        small()
        .sign()
        .case(
            "INCOMPLETE",
            ("pattern-unmatched", ""),
            ("required-not-checked", "/release"),
            only=["absent.bin"],
        )
    )


@RELEASE.vector("step 12")
def part_that_was_changed() -> Case:
    """The one file that was asked for has other bytes."""
    signed = edited(lambda files: files.update({MODEL: flip(files[MODEL])}))
    return signed.fails(("digest-mismatch", "model.safetensors"), only=["*.safetensors"])


@RELEASE.vector("step 10")
def part_with_extra_file() -> Case:
    """An extra file is found whatever part was asked for."""
    return edited(put("release/extra.bin", b"x")).fails(
        ("file-extra", "extra.bin"), only=["model.safetensors"]
    )


def _detached(signed: Signed) -> dict[str, bytes]:
    """Return the bundle and the key, without the release."""
    return {
        "manifest.sigstore.json": signed.files[BUNDLE],
        "signer.pub": signed.files["signer.pub"],
    }


_DETACHED: dict[str, Any] = {"bundle": "manifest.sigstore.json", "keys": ["signer.pub"]}


@RELEASE.vector("step 25")
def single_file() -> Case:
    """One file of the release and the bundle: what else was signed is not here."""
    signed = small().sign()
    files = {**_detached(signed), "model.safetensors": signed.files[MODEL]}
    return verdict(
        {"file": "model.safetensors", **_DETACHED},
        files,
        "INCOMPLETE",
        ("file-not-selected", "README.md"),
        ("required-not-checked", "/release"),
    )


@RELEASE.vector("step 12")
def single_file_changed() -> Case:
    """One file of the release and the bundle, and the file has other bytes."""
    signed = small().sign()
    files = {**_detached(signed), "model.safetensors": flip(signed.files[MODEL])}
    return verdict(
        {"file": "model.safetensors", **_DETACHED},
        files,
        "FAIL",
        ("digest-mismatch", "model.safetensors"),
    )


@RELEASE.vector("step 10")
def single_file_of_another_name() -> Case:
    """A single file that nobody signed."""
    files = {**_detached(small().sign()), "other.bin": b"x"}
    return verdict({"file": "other.bin", **_DETACHED}, files, "FAIL", ("file-extra", "other.bin"))


def _from_listing(
    change: Callable[[bytes], bytes],
    word: str,
    *findings: tuple[str, str],
    **request: Any,  # noqa: ANN401 - members of a request
) -> Case:
    """Verify digests that the caller holds, changed in some way."""
    release = small()
    files = {**_detached(release.sign()), "digests.txt": change(release.listing)}
    return verdict({"listing": "digests.txt", **_DETACHED, **request}, files, word, *findings)


def _line(path: str, data: bytes = b"x") -> bytes:
    return f"{formulas.digests(data, 'sha256')['sha256']}  {path}\n".encode()


@RELEASE.vector("step 10")
def digests_of_the_caller() -> Case:
    """The caller holds the digests of every file; no byte is read."""
    return _from_listing(lambda listing: listing, "PASS", ("bytes-not-read", ""))


@RELEASE.vector("step 10")
def digests_of_the_caller_lack_a_file() -> Case:
    """The caller's digests lack a signed file."""
    return _from_listing(
        lambda listing: listing.split(b"\n", 1)[1], "FAIL", ("file-missing", "README.md")
    )


@RELEASE.vector("step 10")
def digests_of_the_caller_have_a_file_more() -> Case:
    """The caller's digests hold a file that nobody signed."""
    return _from_listing(lambda listing: listing + _line("z.bin"), "FAIL", ("file-extra", "z.bin"))


@RELEASE.vector("step 12")
def digests_of_the_caller_differ() -> Case:
    """One of the caller's digests is another one."""
    return _from_listing(
        lambda listing: b"0" * 64 + listing[64:], "FAIL", ("digest-mismatch", "README.md")
    )


@RELEASE.vector("step 10")
def digests_of_the_caller_hold_a_repository() -> Case:
    """What git keeps in a clone is ignored on request, and named."""
    return _from_listing(
        lambda listing: _line(".git/HEAD") + _line(".gitattributes") + listing,
        "PASS",
        ("file-ignored", ".git"),
        ("file-ignored", ".gitattributes"),
        presets=["hub"],
    )


@RELEASE.vector("step 10")
def digests_of_the_caller_hold_code_in_a_repository() -> Case:
    """What could be loaded is never ignored, not even inside `.git`."""
    return _from_listing(
        lambda listing: _line(".git/hooks/run.py") + listing,
        "FAIL",
        ("file-extra", ".git/hooks/run.py"),
        presets=["hub"],
    )


@RELEASE.vector("step 10")
def digests_of_the_caller_hold_another_letter_case() -> Case:
    """Names are compared exactly: `readme.md` is not `README.md`."""
    return _from_listing(
        lambda listing: listing.split(b"\n", 1)[1] + _line("readme.md", b"# digits\n"),
        "FAIL",
        ("file-missing", "README.md"),
        ("file-extra", "readme.md"),
    )


@RELEASE.vector("step 12")
def digests_of_the_caller_cannot_be_recomputed() -> Case:
    """Every recorded digest is required, and the caller holds SHA-256 alone."""
    return _from_listing(
        lambda listing: listing, "INCOMPLETE", ("required-not-checked", "/release"), allDigests=True
    )


@RELEASE.vector("section verify", spec="conformance.md")
def preset_unknown() -> Case:
    """There is no such preset, and an unknown one must not silently ignore nothing."""
    return small().sign().case("USAGE", presets=["everything"])


@RELEASE.vector("section verify", spec="conformance.md")
def layout_unknown() -> Case:
    """There is no such layout."""
    return small().sign().case("USAGE", layout="docker")


def _with_evidence(files: dict[str, bytes]) -> Signed:
    signed = whole().sign()
    signed.files |= files
    return signed


@RELEASE.vector("step 23", profile=2)
def dataset_held() -> Case:
    """The caller holds a dataset, and it is the signed one."""
    files = {f"data/{name}": data for name, data in DATA["train"].items()}
    return _with_evidence(files).passes(
        ("evidence-matched", "/datasets/1"), datasets={"train": "data"}
    )


@RELEASE.vector("step 23", profile=2)
def dataset_held_differs() -> Case:
    """A row of the caller's dataset is another one."""
    return _with_evidence({"data/train.csv": b"1,1,0\n1,1,1\n0,0,0\n"}).fails(
        ("evidence-mismatch", "/datasets/1"), datasets={"train": "data"}
    )


@RELEASE.vector("step 23", profile=2)
def dataset_held_with_a_file_more() -> Case:
    """The caller's dataset has a file more."""
    files = {"data/train.csv": DATA["train"]["train.csv"], "data/more.csv": b"1,1,1\n"}
    return _with_evidence(files).fails(
        ("evidence-mismatch", "/datasets/1"), datasets={"train": "data"}
    )


@RELEASE.vector("step 23", profile=2)
def dataset_held_is_unknown() -> Case:
    """The caller names a dataset that the manifest does not have."""
    return _with_evidence({"data/train.csv": b""}).fails(
        ("evidence-unknown", ""), datasets={"validation": "data"}
    )


@RELEASE.vector("step 23", profile=2)
def code_held() -> Case:
    """The caller holds the script that trained."""
    return _with_evidence({"code/train.py": SCRIPT}).passes(
        ("evidence-matched", "/training/segments/0/code"), code="code"
    )


@RELEASE.vector("step 23", profile=2)
def code_held_differs() -> Case:
    """The caller's script is another one."""
    return _with_evidence({"code/train.py": b"print('nothing')\n"}).fails(
        ("evidence-mismatch", "/training/segments/0/code"),
        ("evidence-mismatch", "/training/segments/1/code"),
        ("evidence-mismatch", "/evaluations/0/code"),
        code="code",
    )


@RELEASE.vector("step 23", profile=2)
def documents_held() -> Case:
    """The caller holds a document under another name."""
    return _with_evidence({"papers/r.json": RESULTS}).passes(
        ("evidence-matched", "/documents/1"), documents="papers"
    )


@RELEASE.vector("step 23", profile=2)
def documents_held_differ() -> Case:
    """The caller's document has the name and not the bytes."""
    return _with_evidence({"papers/results.json": b"{}\n"}).fails(
        ("evidence-mismatch", "/documents/1"), documents="papers"
    )


@RELEASE.vector("step 23", profile=2)
def dataset_held_binds_nothing() -> Case:
    """The caller holds a dataset of which the manifest binds no bytes."""
    unbound = dataset("words", {"a.csv": b"1"})
    del unbound["files"], unbound["inventory"], unbound["bytes"]
    signed = small(datasets=[unbound]).sign()
    signed.files["data/a.csv"] = b"1"
    return signed.passes(("evidence-unbound", "/datasets/0"), datasets={"words": "data"})
