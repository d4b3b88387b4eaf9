"""Group `release`: the listing, the inventory and the names in it, signed with a defect or edited."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vectors import formulas
from vectors.groups import RELEASE
from vectors.releases import (
    FOLDER,
    LISTED,
    LISTING,
    Release,
    edited,
    small,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.formulas import Tree
    from vectors.kit import Case


@RELEASE.vector("step 9")
def listing_missing() -> Case:
    """The listing is missing."""
    return edited(lambda files: files.pop(LISTING)).fails(("listing-missing", LISTED))


@RELEASE.vector("step 9")
def listing_edited() -> Case:
    """A digest in the listing is another one."""
    signed = edited(lambda files: files.update({LISTING: b"0" * 64 + files[LISTING][64:]}))
    return signed.fails(("listing-mismatch", LISTED))


@RELEASE.vector("step 9")
def listing_with_a_line_more() -> Case:
    """Somebody added a file and its line."""

    def change(files: dict[str, bytes]) -> None:
        files["release/zebra.txt"] = b"x"
        files[LISTING] += f"{formulas.digests(b'x', 'sha256')['sha256']}  zebra.txt\n".encode()

    return edited(change).fails(("listing-mismatch", LISTED), ("file-extra", "zebra.txt"))


@RELEASE.vector("step 9")
def listing_unsorted() -> Case:
    """The lines of the listing stand in another order."""

    def change(files: dict[str, bytes]) -> None:
        files[LISTING] = b"".join(reversed(files[LISTING].splitlines(keepends=True)))

    return edited(change).fails(("listing-mismatch", LISTED), ("listing-malformed", LISTED))


@RELEASE.vector("step 9")
def listing_in_binary_mode() -> Case:
    """The listing marks its files as binary, as `sha256sum -b` does."""
    signed = edited(lambda files: files.update({LISTING: files[LISTING].replace(b"  ", b" *")}))
    return signed.fails(("listing-mismatch", LISTED), ("listing-malformed", LISTED))


@RELEASE.vector("step 9")
def listing_crlf_signed() -> Case:
    """A listing with CR LF was signed."""
    release = small()
    _sign_listing(release, release.listing.replace(b"\n", b"\r\n"))
    return release.fails(
        ("name-unsafe", LISTED), ("listing-inventory-mismatch", "/release/inventory")
    )


def _sign_listing(release: Release, listing: bytes) -> None:
    release.listing = listing
    release.statement["subject"][0]["digest"] = formulas.digests(listing, "sha256")


@RELEASE.vector("step 9")
def listing_signed_with_another_digest() -> Case:
    """Listing and inventory were both signed, and disagree about a file."""
    release = small()
    _sign_listing(release, b"0" * 64 + release.listing[64:])
    return release.fails(
        ("listing-inventory-mismatch", LISTED),
        ("listing-inventory-mismatch", "/release/inventory"),
    )


@RELEASE.vector("step 9")
def listing_signed_without_a_file() -> Case:
    """The signed listing lacks a file of the inventory."""
    release = small()
    _sign_listing(release, release.listing.split(b"\n", 1)[1])
    return release.fails(
        ("listing-inventory-mismatch", LISTED),
        ("listing-inventory-mismatch", "/release/inventory"),
    )


@RELEASE.vector("step 9")
def subject_of_another_release() -> Case:
    """The first subject is the listing of another release."""
    release = small()
    release.statement["subject"][0]["digest"] = formulas.digests(b"", "sha256")
    return release.fails(
        ("listing-mismatch", LISTED), ("listing-inventory-mismatch", "/release/inventory")
    )


@RELEASE.vector("step 9")
def second_subject_is_the_release() -> Case:
    """The right digest stands in the second subject, and only the first one counts."""
    release = small()
    right = release.statement["subject"][0]
    wrong = {"name": "other", "digest": formulas.digests(b"", "sha256")}
    release.statement["subject"] = [wrong, right]
    return release.fails(
        ("listing-mismatch", LISTED), ("listing-inventory-mismatch", "/release/inventory")
    )


@RELEASE.vector("step 9")
def root_of_another_release() -> Case:
    """The signed tree digest is not the one of the signed inventory."""
    release = small()
    release.manifest["release"]["files"]["root"] = "0" * 64
    return release.fails(("release-root-mismatch", "/release/files"))


@RELEASE.vector("step 9")
def root_of_another_size() -> Case:
    """The signed tree digest says another number of files."""
    release = small()
    release.manifest["release"]["files"]["size"] = 3
    return release.fails(("release-root-mismatch", "/release/files"))


@RELEASE.vector("step 9")
def release_of_no_files() -> Case:
    """A manifest that lists no file would verify beside anything."""
    release = small()
    release.list([])
    signed = release.sign()
    return signed.fails(
        ("release-empty", "/release/files"),
        *(("file-extra", name) for name in sorted(small().files)),
    )


def _listed(change: Callable[[list[Tree]], list[Tree]]) -> Release:
    """Return a release whose inventory was changed before everything was derived from it."""
    release = small()
    return release.list(change(release.manifest["release"]["inventory"]))


@RELEASE.vector("step 9")
def inventory_unsorted() -> Case:
    """The signed inventory is not sorted; root and listing are made in its order."""
    return _listed(lambda entries: entries[::-1]).fails(
        ("inventory-malformed", "/release/inventory"),
        ("listing-malformed", LISTED),
        ("listing-inventory-mismatch", "/release/inventory"),
    )


@RELEASE.vector("step 9")
def inventory_without_sha256() -> Case:
    """A released file has no SHA-256."""
    release = small()
    del release.manifest["release"]["inventory"][0]["digest"]["sha256"]
    return release.fails(
        ("digest-algorithm", "/release/inventory/0/digest"),
        ("listing-inventory-mismatch", LISTED),
    )


@RELEASE.vector("step 9")
def inventory_with_weak_digest_only() -> Case:
    """A released file is bound by MD5 alone."""
    release = small()
    release.manifest["release"]["inventory"][0]["digest"] = {"md5": "0" * 32}
    return release.fails(
        ("digest-algorithm", "/release/inventory/0/digest"),
        ("listing-inventory-mismatch", LISTED),
    )


@RELEASE.vector("step 5")
def inventory_with_digest_in_upper_case() -> Case:
    """A digest of the inventory is in upper case."""
    release = small()
    release.manifest["release"]["inventory"][0]["digest"]["blake3"] = "A" * 64
    return release.fails(("digest-format", "/release/inventory/0/digest/blake3"))


@RELEASE.vector("step 12")
def sha256_signed_wrong_and_not_recomputed() -> Case:
    """The SHA-256 column is wrong everywhere; by default it is the signer's word, and said to be."""
    return _wrong_sha256().passes(("sha256-not-recomputed", ""))


@RELEASE.vector("step 12")
def sha256_signed_wrong_and_recomputed() -> Case:
    """The SHA-256 column is wrong everywhere, and every recorded digest is recomputed."""
    return _wrong_sha256().fails(("digest-mismatch", "README.md"), allDigests=True)


def _wrong_sha256() -> Release:
    def change(entries: list[Tree]) -> list[Tree]:
        entries[0]["digest"]["sha256"] = "0" * 64
        return entries

    return _listed(change)


@RELEASE.vector("step 12")
def weak_digest_beside_is_wrong() -> Case:
    """A recorded SHA-1 is wrong, and every recorded digest is recomputed."""
    release = small()
    release.manifest["release"]["inventory"][0]["digest"]["sha1"] = "0" * 40
    return release.fails(("digest-mismatch", "README.md"), allDigests=True)


@RELEASE.vector("step 11")
def size_signed_wrong() -> Case:
    """The digests of a file are right and its size is not."""

    def change(entries: list[Tree]) -> list[Tree]:
        entries[0]["size"] += 1
        return entries

    return _listed(change).fails(("size-mismatch", "README.md"))


def _named(*names: str) -> Release:
    """Return a release whose inventory was signed with further names, none of which is a file."""
    data = b"x"

    def change(entries: list[Tree]) -> list[Tree]:
        more = [{"path": name, "size": 1, "digest": formulas.digests(data)} for name in names]
        return sorted(entries + more, key=lambda entry: entry["path"].encode())

    return _listed(change)


def _name_cases() -> None:
    rows = (
        ("name_alias", "A name has a second spelling with `./`.", "./README.md"),
        ("name_parent", "A name leads out of the release.", "../outside.txt"),
        ("name_parent_inside", "A name climbs inside the release.", "weights/../model.safetensors"),
        ("name_absolute", "A name is absolute.", "/etc/passwd"),
        ("name_backslash", "A name holds a backslash.", "weights\\model.bin"),
        ("name_line_feed", "A name holds a line feed.", "a\nb"),
        ("name_escape_sequence", "A name holds an escape sequence of terminals.", "a\x1b[2J"),
        ("name_folder", "A name ends in a slash.", "weights/"),
    )
    for name, description, path in rows:
        RELEASE.add(name, description, "step 7", partial(_name_case, path))


def _name_case(path: str) -> Case:
    release = _named(path)
    index = [entry["path"] for entry in release.manifest["release"]["inventory"]].index(path)
    shown = ascii(path)[1:-1].replace("\\\\", "\\")
    return release.fails(
        ("name-unsafe", f"/release/inventory/{index}/path"),
        ("name-unsafe", LISTED) if "\n" not in path else ("listing-malformed", LISTED),
        ("file-missing", shown),
    )


_name_cases()


@RELEASE.vector("step 7")
def name_twice() -> Case:
    """A file is listed twice, the second time with other digests."""
    release = small()
    entries = release.manifest["release"]["inventory"]
    twice = {**entries[0], "digest": formulas.digests(b"other"), "size": entries[0]["size"]}
    release.list([entries[0], twice, *entries[1:]])
    return release.fails(
        ("name-duplicate", "/release/inventory/1/path"),
        ("listing-malformed", LISTED),
        ("digest-mismatch", "README.md"),
    )


@RELEASE.vector("step 7")
def name_collision_of_letter_case() -> Case:
    """Two names differ in letter case alone."""
    return _named("readme.md").fails(
        ("name-collision", "/release/inventory"), ("file-missing", "readme.md")
    )


@RELEASE.vector("step 7")
def name_collision_of_unicode_form() -> Case:
    """Two names differ in Unicode form alone."""
    return _named("\u00e9.txt", "e\u0301.txt").fails(
        ("name-collision", "/release/inventory"),
        ("file-missing", "\u00e9.txt"),
        ("file-missing", "e\u0301.txt"),
    )


@RELEASE.vector("step 7")
def name_collision_of_file_and_folder() -> Case:
    """A file has the name of another one's folder."""
    return _named("weights", "weights/a.bin").fails(
        ("name-collision", "/release/inventory"),
        ("file-missing", "weights"),
        ("file-missing", "weights/a.bin"),
    )


@RELEASE.vector("step 7")
def name_in_the_manifest_folder() -> Case:
    """A released file lies in the manifest folder."""
    path = f"{FOLDER}/model.bin"
    release = _named(path)
    index = [entry["path"] for entry in release.manifest["release"]["inventory"]].index(path)
    return release.fails(
        ("name-unsafe", f"/release/inventory/{index}/path"), ("file-missing", path)
    )
