"""Group `release`: what passes, and files that are changed, missing or there without being signed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vectors.groups import RELEASE
from vectors.releases import (
    CARD,
    MODEL,
    Signed,
    edited,
    flip,
    four_files,
    put,
    small,
    with_inventory_file,
)
from vectors.whole import whole

if TYPE_CHECKING:
    from vectors.kit import Case


@RELEASE.vector("step 25", profile=2)
def everything() -> Case:
    """A release with every kind of thing in its manifest."""
    return whole().passes(
        ("sha256-not-recomputed", ""), ("fact-withheld", "/compute/cost"), model="digits-mlp"
    )


@RELEASE.vector("step 12", profile=3)
def everything_recomputed() -> Case:
    """Every recorded digest is recomputed, those of the tensors included."""
    return whole().passes(("release-checkpoint-matched", "/release/checkpoint"), allDigests=True)


@RELEASE.vector("step 10")
def empty_file() -> Case:
    """A file without bytes is a file."""
    return four_files().passes()


@RELEASE.vector("step 9")
def inventory_in_a_file() -> Case:
    """The inventory of the release stands in a file of the manifest folder."""
    return with_inventory_file(small()).passes()


@RELEASE.vector("step 24", profile=2)
def oms_signature_beside() -> Case:
    """An OMS signature is named, and neither listed nor verified."""
    signed = small().sign()
    signed.files["release/model.sig"] = b"{}"
    return signed.passes(("oms-present", "model.sig"))


@RELEASE.vector("step 10")
def cache_files_ignored_on_request() -> Case:
    """What a download client leaves behind need not be checked, if the verifier says so."""
    return _with_cache_file("model.safetensors.metadata").passes(
        ("file-ignored", ".cache/huggingface"), presets=["hub"]
    )


def _with_cache_file(name: str) -> Signed:
    signed = small().sign()
    signed.files[f"release/.cache/huggingface/download/{name}"] = b"0123abcd\n"
    return signed


@RELEASE.vector("step 12")
def weak_digest_beside_is_not_compared() -> Case:
    """A recorded digest by an algorithm that does not count proves nothing and is named."""
    release = small()
    for entry in release.manifest["release"]["inventory"]:
        entry["digest"]["sha1"] = "0" * 40
    return release.passes(("digest-not-recomputed", "/release/inventory"))


@RELEASE.vector("step 12")
def bit_flipped() -> Case:
    """One bit of the weights is changed."""
    signed = edited(lambda files: files.update({MODEL: flip(files[MODEL])}))
    return signed.fails(("digest-mismatch", "model.safetensors"))


@RELEASE.vector("step 12")
def weights_of_another_model() -> Case:
    """The weights are exchanged for others of the same size."""
    release = small()
    signed = release.sign()
    signed.files[MODEL] = whole().files["model.safetensors"]
    assert len(signed.files[MODEL]) == len(release.files["model.safetensors"])
    return signed.fails(("digest-mismatch", "model.safetensors"))


@RELEASE.vector("step 12")
def contents_swapped() -> Case:
    """Two files of the same size have each other's bytes."""
    release = small()
    release.files |= {"a.txt": b"one\n", "b.txt": b"two\n"}
    signed = release.seal().sign()
    signed.files |= {"release/a.txt": b"two\n", "release/b.txt": b"one\n"}
    return signed.fails(("digest-mismatch", "a.txt"), ("digest-mismatch", "b.txt"))


@RELEASE.vector("step 12")
def line_endings_changed() -> Case:
    """Somebody's tool turned a line feed of the card into a carriage return."""
    signed = edited(lambda files: files.update({CARD: files[CARD].replace(b"\n", b"\r")}))
    return signed.fails(("digest-mismatch", "README.md"))


@RELEASE.vector("step 11")
def card_edited() -> Case:
    """A sentence was added to the card."""
    signed = edited(lambda files: files.update({CARD: files[CARD] + b"Now with 99 %.\n"}))
    return signed.fails(("size-mismatch", "README.md"))


@RELEASE.vector("step 11")
def file_cut_off() -> Case:
    """The download of the weights broke off."""
    signed = edited(lambda files: files.update({MODEL: files[MODEL][:20]}))
    return signed.fails(("size-mismatch", "model.safetensors"))


@RELEASE.vector("step 11")
def file_emptied() -> Case:
    """The weights have no bytes left."""
    return edited(put(MODEL, b"")).fails(("size-mismatch", "model.safetensors"))


@RELEASE.vector("step 11")
def empty_file_filled() -> Case:
    """A file that was signed empty has a byte."""
    return edited(put("release/weights/empty.bin", b"\n")).fails(
        ("size-mismatch", "weights/empty.bin")
    )


@RELEASE.vector("step 10")
def file_missing() -> Case:
    """The configuration is missing."""
    signed = edited(lambda files: files.pop("release/config.json"))
    return signed.fails(("file-missing", "config.json"))


@RELEASE.vector("step 10")
def empty_file_missing() -> Case:
    """A file without bytes is missing."""
    signed = edited(lambda files: files.pop("release/weights/empty.bin"))
    return signed.fails(("file-missing", "weights/empty.bin"))


@RELEASE.vector("step 10")
def file_renamed() -> Case:
    """A file lies there under another name."""
    signed = edited(lambda files: files.update({"release/card.md": files.pop(CARD)}))
    return signed.fails(("file-missing", "README.md"), ("file-extra", "card.md"))


@RELEASE.vector("step 10")
def file_moved() -> Case:
    """A file lies in another folder."""
    signed = edited(lambda files: files.update({"release/docs/README.md": files.pop(CARD)}))
    return signed.fails(("file-missing", "README.md"), ("file-extra", "docs/README.md"))


@RELEASE.vector("step 10")
def file_replaced_by_folder() -> Case:
    """A folder has the name of a signed file."""

    def change(files: dict[str, bytes]) -> None:
        files["release/config.json/config.json"] = files.pop("release/config.json")

    return edited(change).fails(
        ("file-type", "config.json"), ("file-extra", "config.json/config.json")
    )


_EXTRA = (
    ("extra_file", "A file lies there that nobody signed.", "tokenizer.model"),
    ("extra_hidden_file", "A hidden file lies there that nobody signed.", ".hidden"),
    ("extra_file_in_new_folder", "A folder lies there that nobody signed.", "plugins/loader.sh"),
    ("extra_weights", "A loader would prefer these weights.", "pytorch_model.bin"),
    ("extra_empty_file", "An empty file counts as well.", "weights/__init__"),
    ("extra_bundle_beside_the_model", "A bundle outside the manifest folder is a file like any other.", "manifest.sigstore.json"),
    ("extra_listing_beside_the_model", "A listing outside the manifest folder is a file like any other.", "SHA256SUMS"),
    ("extra_oms_signature_in_a_folder", "`model.sig` is named at the top only.", "weights/model.sig"),
    ("extra_in_a_folder_like_git", "Only what the verifier chooses is ignored, and he chose nothing.", ".github/workflow.txt"),
    ("extra_cache_file", "Nothing is ignored unless the verifier says so.", ".cache/huggingface/download/x.metadata"),
    ("extra_like_the_manifest_folder", "The manifest folder has one name.", "training-provenance-2/SHA256SUMS"),
)  # fmt: skip


def _extra(path: str) -> Case:
    return edited(put(f"release/{path}", b"" if "init" in path else b"x")).fails(
        ("file-extra", path)
    )


def _declare_extra() -> None:
    for name, description, path in _EXTRA:
        RELEASE.add(name, description, "step 10", partial(_extra, path))


_declare_extra()


@RELEASE.vector("step 10")
def preset_never_covers_what_could_be_loaded() -> Case:
    """Weights in a cache folder are not ignored, whatever the verifier chose."""
    return _with_cache_file("pytorch_model.bin").fails(
        ("file-extra", ".cache/huggingface/download/pytorch_model.bin"), presets=["hub"]
    )


@RELEASE.vector("step 10")
def preset_never_covers_what_was_signed() -> Case:
    """A signed file is checked even where a preset would ignore it."""
    release = small()
    release.files[".cache/huggingface/notes.txt"] = b"signed\n"
    signed = release.seal().sign()
    signed.files["release/.cache/huggingface/notes.txt"] = b"edited\n"
    return signed.fails(("digest-mismatch", ".cache/huggingface/notes.txt"), presets=["hub"])
