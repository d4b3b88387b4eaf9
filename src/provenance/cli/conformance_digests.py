"""Operations of the conformance protocol about blocks, claims and the answers of workers.

Source: `spec/conformance.md`, section "Operations".
"""

from __future__ import annotations

import os
from base64 import b64encode
from concurrent.futures import Executor, Future
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from provenance import canonical
from provenance.digest import (
    BlockDigests,
    FoundFile,
    Inventory,
    TypedRoot,
    VerifyingReader,
    check_name,
    hash_blocks,
    hash_on_executor,
    open_regular,
    read_claims,
    read_file,
)
from provenance.errors import UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import override

    from provenance.canonical import JsonValue

    Request = Mapping[str, JsonValue]
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Mark a method that overrides one of a base class."""
        return method


__all__ = ["check_blocks", "hash_in_blocks", "read_claimed", "take_answers"]


def hash_in_blocks(request: Request) -> dict[str, JsonValue]:
    """Answer `block-digest`."""
    made = hash_blocks(str(request["file"]), _number(request, "blockSize"))
    output: dict[str, JsonValue] = {
        "size": made.size,
        "blocks": made.root.to_tree(),
        "list": b64encode(made.to_bytes()).decode("ascii"),
    }
    return {"output": output}


def check_blocks(request: Request, root: TypedRoot) -> dict[str, JsonValue]:
    """Answer `block-list`: check the list by its root, then a file block by block."""
    data = read_file(str(request["list"]), max_bytes=canonical.MAX_INVENTORY_BYTES)
    size, block_size = _number(request, "size"), _number(request, "blockSize")
    blocks = BlockDigests.from_bytes(data, size=size, block_size=block_size, root=root)
    if "file" in request:
        with (
            open_regular(str(request["file"])) as descriptor,
            os.fdopen(os.dup(descriptor), "rb", buffering=0) as raw,
        ):
            reader = VerifyingReader(raw, blocks)
            while reader.read_block():
                pass
    return {"output": True}


def read_claimed(request: Request) -> dict[str, JsonValue]:
    """Answer `claims`: what a text says of files, or how that fares in a folder."""
    path = str(request["file"])
    data = read_file(path, max_bytes=canonical.MAX_LISTING_BYTES)
    chosen = str(request["format"]) if "format" in request else None
    claims = read_claims(data, chosen, PurePath(path).name)
    if "folder" in request:
        results = claims.compare(str(request["folder"]))
        return {"output": tuple({"path": item.path, "outcome": item.outcome} for item in results)}
    listed: list[JsonValue] = []
    for claim in claims:
        item: dict[str, JsonValue] = {"path": claim.path, "digest": dict(claim.digests)}
        if claim.size is not None:
            item["size"] = claim.size
        listed.append(item)
    return {"output": tuple(listed)}


def take_answers(request: Request) -> dict[str, JsonValue]:
    """Answer `worker-answer`: hash a tree by workers who answer what the request says."""
    match request.get("question"):
        case {"nonce": str(nonce), "files": tuple(rows), "algorithms": tuple(names), **rest} if (
            not rest
        ):
            files = [_asked(row) for row in rows]
            executor = _Scripted(nonce, request.get("answers"))
            made = hash_on_executor(executor, os.curdir, files, [str(name) for name in names])
            return {"output": Inventory(tuple(made)).root.to_tree()}
        case other:
            raise UsageError(path="/question", problem=f"expected a question, found {shown(other)}")


def _asked(row: JsonValue) -> FoundFile:
    match row:
        case {"path": str(path), "size": int(size), **rest} if not rest:
            check_name(path)
            return FoundFile(path, size)
        case other:
            raise UsageError(path="/question/files", problem=f"expected a file, {shown(other)}")


class _Scripted(Executor):
    """Workers that give the answers of a request, one after the other, the last one for ever."""

    def __init__(self, nonce: str, answers: JsonValue) -> None:
        if not isinstance(answers, tuple) or not answers:
            raise UsageError(path="/answers", problem="expected a list of answers")
        self._nonce = nonce
        self._answers = list(answers)

    @override
    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        del fn, kwargs
        future: Future[Any] = Future()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        future.set_result(self._as_sent(answer, str(args[-1])))
        return future

    def _as_sent(self, answer: JsonValue, nonce: str) -> object:
        """Return an answer as a worker of this library sends it; the nonce is that of the call."""
        match answer:
            case {"nonce": said, "rows": tuple(rows), **rest} if not rest:
                return nonce if said == self._nonce else said, [_row_as_sent(row) for row in rows]
            case other:
                return other


def _row_as_sent(row: JsonValue) -> object:
    match row:
        case {"path": path, "size": size, "digest": dict(digest), **rest} if not rest:
            return path, size, digest
        case {"path": path, "error": str(code), **rest} if not rest:
            return path, None, {"problem": "went wrong", "remedy": "", "code": code}
        case other:
            return other


def _number(request: Request, name: str) -> int:
    match request.get(name):
        case bool():
            pass
        case int(number):
            return number
    raise UsageError(path=f"/{name}", problem="expected a whole number")
