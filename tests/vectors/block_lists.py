"""Group `digests`: lists of blocks, and streams that are checked by them."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, base64, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SIZE = 65_536
#: Two blocks and a byte; the blocks differ, so that an exchange is seen.
_DATA = bytes(_SIZE) + b"\1" * _SIZE + b"\2"


def _entries(data: bytes, size: int = _SIZE) -> list[bytes]:
    """Return BLAKE3 of each block (`spec/digests.md`, section "Blocks")."""
    return [blake3(data[at : at + size]).digest() for at in range(0, len(data), size)]


_GOOD = _entries(_DATA)


def _digest(data: bytes, size: int = _SIZE) -> Case:
    entries = _entries(data, size)
    output = {
        "size": len(data),
        "blocks": formulas.root("block", entries),
        "list": base64(b"".join(entries)),
    }
    request = {"operation": "block-digest", "file": "a.bin", "blockSize": size}
    return returns(request, output, {"a.bin": data})


def _no_size(size: int) -> Case:
    request = {"operation": "block-digest", "file": "a.bin", "blockSize": size}
    return refuses(request, "blocks-malformed", {"a.bin": b"data"})


def _list(
    code: str,
    entries: Sequence[bytes] = _GOOD,
    stream: bytes | None = None,
    *,
    end: bytes = b"",
    **changes: Any,  # noqa: ANN401 - JSON
) -> Case:
    """Return the case of a list under the root of the good one; of code "" it is accepted."""
    request = {
        "operation": "block-list",
        "list": "a.blocks",
        "root": formulas.root("block", _GOOD),
        "size": len(_DATA),
        "blockSize": _SIZE,
        **changes,
    }
    files = {"a.blocks": b"".join(entries) + end}
    if stream is not None:
        files["a.bin"] = stream
        request["file"] = "a.bin"
    return refuses(request, code, files) if code else returns(request, output=True, files=files)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _rows() -> Iterable[tuple[str, str, int, partial[Case]]]:
    yield "blocks_list", "The list of a file of two blocks and a byte.", 73, partial(_digest, _DATA)
    yield (
        "blocks_list_of_nothing", "An empty file has no block.", 73, partial(_digest, b""),
    )  # fmt: skip
    yield (
        "blocks_list_whole", "A file of exactly one block.", 73, partial(_digest, _DATA[:_SIZE]),
    )  # fmt: skip
    for name, text, size in (
        ("zero", "A block of no bytes.", 0),
        ("small", "A block of half the least size.", 32_768),
        ("large", "A block of twice the greatest size.", 2_147_483_648),
        ("odd", "A size of blocks that is no power of two.", 98_304),
        ("negative", "A size of blocks below zero.", -65_536),
    ):
        yield f"blocks_list_size_{name}", text, 73, partial(_no_size, size)
    yield "blocks_list_trusted", "A list under its root.", 76, partial(_list, "")
    yield (
        "blocks_stream", "A stream whose blocks are all signed.", 79, partial(_list, "", _GOOD, _DATA),
    )  # fmt: skip
    malformed, mismatch = partial(_list, "blocks-malformed"), partial(_list, "blocks-mismatch")
    yield "blocks_list_short", "A list lacks its last entry.", 75, partial(malformed, _GOOD[:-1])
    yield (
        "blocks_list_long", "A list has an entry more.", 75, partial(malformed, [*_GOOD, _GOOD[0]]),
    )  # fmt: skip
    yield "blocks_list_cut", "A list ends with a byte more.", 75, partial(malformed, end=b"\0")
    yield "blocks_list_empty", "A list is empty, the file is not.", 75, partial(malformed, [])
    yield (
        "blocks_list_other_size", "A list belongs to a file of four blocks.", 75,
        partial(malformed, size=3 * _SIZE + 1),
    )  # fmt: skip
    yield (
        "blocks_list_negative_size", "A file has a length below zero.", 75,
        partial(malformed, size=-1),
    )  # fmt: skip
    yield (
        "blocks_list_too_many", "A file has more blocks than a list may have.", 75,
        partial(malformed, size=_SIZE * (1 << 22) + 1),
    )  # fmt: skip
    yield (
        "blocks_list_flipped", "An entry of a list has another bit.", 76,
        partial(mismatch, [_flip(_GOOD[0], 0), *_GOOD[1:]]),
    )  # fmt: skip
    yield (
        "blocks_list_exchanged", "Two entries of a list stand in each other's place.", 76,
        partial(mismatch, [_GOOD[1], _GOOD[0], _GOOD[2]]),
    )  # fmt: skip
    yield (
        "blocks_list_root_of_bytes", "The root is over entries without the preamble.", 76,
        partial(mismatch, root={"tree": "block", "size": 3, "root": _plain(_GOOD)}),
    )  # fmt: skip
    yield (
        "blocks_list_root_kind", "The root is that of files.", 76,
        partial(mismatch, root={**formulas.root("block", _GOOD), "tree": "file"}),
    )  # fmt: skip
    yield (
        "blocks_list_root_size", "The root is over another number of blocks.", 76,
        partial(mismatch, root={**formulas.root("block", _GOOD), "size": 4}),
    )  # fmt: skip
    yield (
        "blocks_list_of_stream", "A list fits the stream, and is not the trusted one.", 76,
        partial(mismatch, _entries(_flip(_DATA, 9)), _flip(_DATA, 9)),
    )  # fmt: skip
    for name, text, at in (
        ("first", "The first byte of a stream is another one.", 0),
        ("middle", "The first byte of the second block is another one.", _SIZE),
        ("last", "The last byte of a stream is another one.", len(_DATA) - 1),
    ):
        wrong = partial(_list, "digest-mismatch", _GOOD, _flip(_DATA, at))
        yield f"blocks_stream_{name}", text, 80, wrong
    exchanged = _DATA[_SIZE : 2 * _SIZE] + _DATA[:_SIZE] + _DATA[2 * _SIZE :]
    yield (
        "blocks_stream_exchanged", "Two blocks of a stream stand in each other's place.", 80,
        partial(_list, "digest-mismatch", _GOOD, exchanged),
    )  # fmt: skip
    for name, text, stream in (
        ("short", "A stream ends a byte early.", _DATA[:-1]),
        ("cut", "A stream ends with its second block.", _DATA[: 2 * _SIZE]),
        ("empty", "A stream has no byte.", b""),
        ("long", "A stream goes on after its last byte.", _DATA + b"\0"),
    ):
        yield f"blocks_stream_{name}", text, 80, partial(_list, "size-mismatch", _GOOD, stream)


def _plain(entries: Sequence[bytes]) -> str:
    """Return the head of RFC 6962 over entries as they are."""
    leaves = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    return formulas.head(leaves).hex()


def _declare_rows() -> None:
    for name, description, rule, make in _rows():
        DIGESTS.add(name, description, f"section Blocks [R-DIGEST-{rule}]", make, profile=3)


_declare_rows()
