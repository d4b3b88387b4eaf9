"""Group `release`: digests of the blocks of released files, right, wrong and contradicting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from vectors import formulas
from vectors.groups import RELEASE
from vectors.releases import FOLDER, INSIDE, Release, Signed, flip, reference, small

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.kit import Case

#: The smallest size of blocks.
SIZE = 65_536
#: A file of two blocks and one byte.
LARGE = bytes(SIZE) + b"\1" * SIZE + b"\2"
#: A file that is its own block: the rest of the rules needs no more.
DATA = bytes(range(251))
NAME = "data.bin"
LIST = "blocks/data.blocks"

_FILE, _LISTED = f"release/{NAME}", f"{INSIDE}/{LIST}"


def _entries(data: bytes, size: int = SIZE) -> list[bytes]:
    """Return BLAKE3 of each block (`spec/digests.md`, section "Blocks")."""
    return [blake3(data[at : at + size]).digest() for at in range(0, len(data), size)]


def _with_list(entries: list[bytes], data: bytes = DATA, **changes: Any) -> Release:  # noqa: ANN401 - JSON
    """Return a release with a file, this list of blocks, and its root unless it is named."""
    release = small()
    release.files[NAME] = data
    release.seal()
    release.companions[LIST] = b"".join(entries)
    blocks = {
        "path": NAME,
        "size": len(data),
        "blockSize": SIZE,
        "blocks": formulas.root("block", entries),
        "list": reference(LIST, b"".join(entries)),
        **changes,
    }
    release.manifest["release"]["blocks"] = [blocks]
    return release


def _good(**changes: Any) -> Release:  # noqa: ANN401 - JSON
    return _with_list(_entries(DATA), **changes)


def _edited(change: Callable[[dict[str, bytes]], object]) -> Signed:
    signed = _good().sign()
    change(signed.files)
    return signed


_RULES = "section Blocks [R-DIGEST-{}]"


def _declare(rule: int) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    return RELEASE.vector(_RULES.format(rule), spec="digests.md", profile=2)


@_declare(74)
def blocks_of_a_large_file() -> Case:
    """A file of two blocks and a byte has block digests; they were not recomputed."""
    release = _with_list(_entries(LARGE), LARGE)
    return release.passes(("blocks-not-recomputed", "/release/blocks"))


@_declare(77)
def blocks_recomputed() -> Case:
    """Every recorded digest is recomputed, those of the blocks included."""
    return _good().passes(allDigests=True)


@_declare(75)
def blocks_without_a_list() -> Case:
    """The root of the blocks is signed, and their list is not published here."""
    release = _good()
    del release.manifest["release"]["blocks"][0]["list"]
    del release.companions[LIST]
    return release.passes(allDigests=True)


@_declare(73)
def blocks_of_the_whole_file() -> Case:
    """The only block of a file is larger than the file."""
    size = 4 * SIZE
    entries = _entries(DATA, size)
    return _with_list(entries, blockSize=size).passes(allDigests=True)


@_declare(78)
def blocks_of_a_damaged_file() -> Case:
    """A bit of the second block is flipped: the file is refused, and its range is named."""
    signed = _with_list(_entries(LARGE), LARGE).sign()
    signed.files[_FILE] = LARGE[:SIZE] + flip(LARGE[SIZE : 2 * SIZE]) + LARGE[2 * SIZE :]
    return signed.fails(("digest-mismatch", NAME), ("damaged-ranges", NAME))


@_declare(76)
def block_list_changed() -> Case:
    """A bit of the list is flipped after it was signed."""
    signed = _edited(lambda files: files.update({_LISTED: flip(files[_LISTED])}))
    return signed.fails(("companion-mismatch", f"{FOLDER}/{LIST}"))


@_declare(76)
def block_list_with_blocks_swapped() -> Case:
    """Two digests of the list stand in another order than the signed root has them."""
    one, two, three = _entries(LARGE)
    root = formulas.root("block", [one, two, three])
    release = _with_list([two, one, three], LARGE, blocks=root)
    return release.fails(("blocks-mismatch", "/release/blocks/0/blocks"))


@_declare(76)
def block_list_of_another_file() -> Case:
    """The list is signed, and is that of other bytes than the root."""
    entries = _entries(DATA)
    release = _with_list(_entries(flip(DATA)), blocks=formulas.root("block", entries))
    return release.fails(("blocks-mismatch", "/release/blocks/0/blocks"))


@_declare(76)
def block_list_missing() -> Case:
    """The list that the manifest refers to is not in the manifest folder."""
    signed = _edited(lambda files: files.pop(_LISTED))
    return signed.fails(("companion-missing", f"{FOLDER}/{LIST}"))


@_declare(76)
def block_list_cut_off() -> Case:
    """The list is shorter than the signed one."""
    signed = _edited(lambda files: files.update({_LISTED: files[_LISTED][:-32]}))
    return signed.fails(("companion-mismatch", f"{FOLDER}/{LIST}"))


@_declare(76)
def block_list_not_signed() -> Case:
    """A second list lies beside the signed one."""
    signed = _edited(lambda files: files.update({f"{INSIDE}/blocks/other.blocks": bytes(32)}))
    return signed.fails(("companion-extra", f"{FOLDER}/blocks/other.blocks"))


@_declare(77)
def blocks_contradict_the_file() -> Case:
    """The blocks that were signed are not those of the file that was signed."""
    release = _with_list(_entries(flip(DATA)))
    return release.fails(("blocks-mismatch", "/release/blocks/0/blocks"), allDigests=True)


@_declare(77)
def file_contradicts_the_blocks() -> Case:
    """The blocks are those of the file that is here, and its digest is that of another one."""
    release = _good()
    release.files[NAME] = flip(DATA)
    release.seal()
    signed = release.sign()
    signed.files[_FILE] = DATA
    return signed.fails(("digest-mismatch", NAME), ("blocks-mismatch", "/release/blocks/0/blocks"))


@_declare(75)
def blocks_twice() -> Case:
    """A file has block digests twice."""
    release = _good()
    release.manifest["release"]["blocks"] *= 2
    return release.fails(("blocks-malformed", "/release/blocks/1"))


def _bad(changes: dict[str, Any]) -> Case:
    return _good(**changes).fails(("blocks-malformed", "/release/blocks/0"))


_ROOT = formulas.root("block", _entries(DATA))
_BAD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("blocks_of_no_file", "Block digests are for a file that is not released.", {"path": "other.bin"}),
    ("blocks_of_another_size", "The file is a byte shorter in the inventory than in its blocks.", {"size": len(DATA) + 1}),
    ("block_size_no_power_of_two", "The size of the blocks is no power of two.", {"blockSize": SIZE + 1}),
    ("block_size_too_small", "Blocks have 32 KiB.", {"blockSize": SIZE // 2}),
    ("block_size_too_large", "Blocks have 2 GiB.", {"blockSize": 2**31}),
    ("block_size_zero", "Blocks have no byte.", {"blockSize": 0}),
)  # fmt: skip


def _declare_rows() -> None:
    for name, description, changes in _BAD:
        make = partial(_bad, changes)
        RELEASE.add(name, description, _RULES.format(75), make, spec="digests.md", profile=2)


_declare_rows()


@_declare(75)
def blocks_too_many() -> Case:
    """The file has one block by its sizes; root and list have two."""
    return _with_list(_entries(DATA) * 2).fails(("blocks-malformed", "/release/blocks/0"))


@_declare(75)
def block_count_wrong() -> Case:
    """The root says another number of blocks than the sizes do, and the list has."""
    return _good(blocks={**_ROOT, "size": 4}).fails(
        ("blocks-malformed", "/release/blocks/0"),
        ("blocks-mismatch", "/release/blocks/0/blocks"),
    )


@_declare(75)
def block_list_without_a_path() -> Case:
    """The list is referred to by its digest alone, so that nothing accounts for the file."""
    release = _good(list={"digest": formulas.digests(b"".join(_entries(DATA)))})
    return release.fails(
        ("blocks-malformed", "/release/blocks/0"), ("companion-extra", f"{FOLDER}/{LIST}")
    )


@_declare(75)
def blocks_with_a_root_of_another_kind() -> Case:
    """The root of the blocks is that of a tree of files."""
    return _good(blocks={**_ROOT, "tree": "file"}).fails(
        ("manifest-invalid", "/release/blocks/0/blocks/tree")
    )
