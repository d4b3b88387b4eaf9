"""The language-neutral protocol of `spec/conformance.md`, as this library answers it.

`answer` turns one request into one response and raises nothing; `serve` does so line by line. Every
operation reads the files that the request names, and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.cli.conformance_fields import FIELDS, NEEDED
from provenance.errors import CanonicalError, InputError, ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import BinaryIO

    from provenance.canonical import JsonValue
    from provenance.digest import TypedRoot
    from provenance.trust import TrustPolicy
    from provenance.verification.options import Target

    Request = Mapping[str, JsonValue]

__all__ = ["MAX_LINE_BYTES", "answer", "serve"]

#: Longest request or response line, in bytes ([R-CONF-7]).
MAX_LINE_BYTES = 16 * 1024 * 1024

# A decimal number in a request ([R-CONF-12]); Python itself takes blanks, `_` and other digits too.
_NUMBER_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer each line of `source` with one line of `sink`, until the input ends.

    Source: [R-CONF-1], [R-CONF-3], [R-CONF-4].
    """
    while line := source.readline(MAX_LINE_BYTES + 1):
        sink.write(canonical.write(_answer_line(line), foreign=True) + b"\n")
        sink.flush()


def answer(request: Request) -> dict[str, JsonValue]:
    """Return the response to one request.

    Args:
        request: The parsed request; its paths are absolute, or relative to the working folder.

    Source: [R-CONF-2], [R-CONF-5], [R-CONF-8], [R-CONF-9].
    """
    identity = request.get("id", "")
    operation = request.get("operation")
    if not isinstance(operation, str) or operation not in _OPERATIONS:
        return {"id": identity, "unsupported": True}
    try:
        _check_fields(operation, request)
        return {"id": identity, **_OPERATIONS[operation](request)}
    except ProvenanceError as error:
        return {"id": identity, **_refusal(operation, error)}


def _answer_line(line: bytes) -> dict[str, JsonValue]:
    try:
        request = canonical.parse(line, max_bytes=MAX_LINE_BYTES, foreign=True)
    except ProvenanceError as error:
        return {"id": "", "error": error.code}
    if not isinstance(request, dict):
        return {"id": "", "error": "json-syntax"}
    return answer(request)


def _check_fields(operation: str, request: Request) -> None:
    fields = FIELDS[operation]
    for name, value in request.items():
        if name in {"id", "operation"}:
            continue
        if name not in fields or not isinstance(value, fields[name]):
            raise UsageError(
                path=f"/{name}", problem=f"{shown(value)} makes no sense for {operation}"
            )
    for name in NEEDED.get(operation, ()):
        if name not in request:
            raise UsageError(path=f"/{name}", problem=f"{operation} needs it")


def _refusal(operation: str, error: ProvenanceError) -> dict[str, JsonValue]:
    if operation not in {"verify", "verify-oms"}:
        return {"error": error.code or "manifest-invalid", "message": str(error)}
    # A key that cannot be used is an option that makes no sense: nothing was verified.
    verdict = "ERROR" if isinstance(error, InputError) else "USAGE"
    return {"verdict": verdict, "findings": (), "message": str(error)}


def _verify(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_trust import copy_memory
    from provenance.verification import inspect

    target, manifest = _target(request)
    with copy_memory(_text(request, "state"), _text(request, "folder")) as state:
        report = inspect(
            target,
            manifest=manifest,
            keys=_texts(request, "keys"),
            policy=_policy(request),
            model=request.get("model"),  # type: ignore[arg-type]  # `_check_fields` has checked the types
            only=_texts(request, "only"),
            all_digests=bool(request.get("allDigests", False)),
            layout=request.get("layout", "plain"),  # type: ignore[arg-type]  # as above; inspect checks it
            presets=_texts(request, "presets"),
            datasets=request.get("datasets"),  # type: ignore[arg-type]  # as above
            code=request.get("code"),  # type: ignore[arg-type]  # as above
            documents=request.get("documents"),  # type: ignore[arg-type]  # as above
            clock=_clock(request),
            state=state,
        )
    findings: tuple[JsonValue, ...] = tuple(
        {"code": found.code, "path": found.path} for found in report.findings
    )
    return {"verdict": str(report.verdict), "findings": findings}


def _verify_oms(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_oms import check_model

    return check_model(request, _clock(request))


def _target(request: Request) -> tuple[Target, str | None]:
    from provenance.digest import read_file
    from provenance.verification import read_listing

    given = [name for name in ("folder", "file", "listing") if name in request]
    if len(given) != 1:
        raise UsageError(problem="expected exactly one of folder, file and listing")
    path = str(request[given[0]])
    bundle = request.get("bundle")
    manifest = None if bundle is None else str(bundle)
    if given == ["listing"]:
        return read_listing(read_file(path, max_bytes=canonical.MAX_LISTING_BYTES)), manifest
    return path, manifest


def _policy(request: Request) -> TrustPolicy | None:
    from provenance.cli.conformance_trust import read_trust

    return read_trust(
        _text(request, "policy"),
        _texts(request, "policyKeys"),
        _texts(request, "policyUpdates"),
        _clock(request)(),
    )


def _clock(request: Request) -> Callable[[], datetime]:
    from provenance.manifest import parse_timestamp

    if "now" not in request:
        raise UsageError(problem="expected the time as `now`")
    now = parse_timestamp(str(request["now"]))
    return lambda: now


def _canonicalize(request: Request) -> dict[str, JsonValue]:
    foreign = bool(request.get("foreign", False))
    if ("input" in request) == ("file" in request):
        raise UsageError(problem="expected exactly one of input and file")
    if "input" in request:
        data = _bytes(request, "input")
    else:
        from provenance.digest import read_file

        data = read_file(str(request["file"]), max_bytes=canonical.MAX_DOCUMENT_BYTES)
    tree = canonical.parse(data, foreign=foreign)
    return {"output": _base64(canonical.write(tree, foreign=foreign))}


def _number(request: Request) -> dict[str, JsonValue]:
    from decimal import Decimal, InvalidOperation

    if ("text" in request) == ("wire" in request):
        raise UsageError(problem="expected exactly one of text and wire")
    if "wire" in request:
        wire = request["wire"]
        canonical.decode_number(wire)
        if isinstance(wire, dict):
            return {"output": wire["number"]}
        return {"output": canonical.write(wire).decode("ascii")}
    text = str(request["text"])
    if _NUMBER_TEXT.fullmatch(text) is None:
        raise _no_number(text)
    try:
        value = Decimal(text)
    except InvalidOperation as error:  # an exponent beyond what Python can count
        raise _no_number(text) from error
    return {"output": canonical.encode_number(value)}


def _tree_digest(request: Request) -> dict[str, JsonValue]:
    from provenance.digest import Inventory, ShardIndex, hash_tree, merge_inventories

    if len(set(request) & {"folder", "inventory", "shards", "parts"}) != 1:
        raise UsageError(problem="expected exactly one of folder, inventory, shards and parts")
    if "folder" in request:
        return {"output": hash_tree(str(request["folder"])).root.to_tree()}
    if "shards" in request:
        return {"output": ShardIndex.from_bytes(_inventory_bytes(request["shards"])).root.to_tree()}
    if "inventory" in request:
        return {
            "output": Inventory.from_bytes(_inventory_bytes(request["inventory"])).root.to_tree()
        }
    parts = request["parts"]
    assert isinstance(parts, dict)  # noqa: S101 - `_check_fields` has checked it
    read = {name: Inventory.from_bytes(_inventory_bytes(path)) for name, path in parts.items()}
    return {"output": merge_inventories(read).root.to_tree()}


def _inventory_bytes(path: JsonValue) -> bytes:
    from provenance.digest import read_file

    return read_file(str(path), max_bytes=canonical.MAX_INVENTORY_BYTES)


def _tensor_digest(request: Request) -> dict[str, JsonValue]:
    from provenance.digest import hash_tensors

    root, _ = hash_tensors(_texts(request, "files"))
    return {"output": root.to_tree()}


def _record_digest(request: Request) -> dict[str, JsonValue]:
    from provenance.digest.records import hash_records

    made = hash_records(
        _texts(request, "files"),
        format=None if "container" not in request else str(request["container"]),
        columns=_texts(request, "columns") if "columns" in request else None,
    )
    return {"output": made.to_tree()}


def _block_digest(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_digests import hash_in_blocks

    return hash_in_blocks(request)


def _block_list(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_digests import check_blocks

    return check_blocks(request, _root(request))


def _claims(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_digests import read_claimed

    return read_claimed(request)


def _worker_answer(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_digests import take_answers

    return take_answers(request)


def _inclusion(request: Request) -> dict[str, JsonValue]:
    from provenance.digest import InclusionProof, check_inclusion

    root = _root(request)
    proof = InclusionProof.from_bytes(canonical.write(request.get("proof")), source="/proof")
    check_inclusion(root, _bytes(request, "entry"), proof)
    return {"output": True}


def _proof_file(request: Request) -> dict[str, JsonValue]:
    from provenance.digest import ProofFile, read_file

    data = read_file(str(request["file"]), max_bytes=canonical.MAX_INVENTORY_BYTES)
    ProofFile.from_bytes(data).check(_root(request))
    return {"output": True}


def _root(request: Request) -> TypedRoot:
    from provenance.digest import TypedRoot

    match request.get("root"):
        case {"tree": str(kind), "size": int(size), "root": str(head), **rest} if not rest:
            return TypedRoot(kind, size, head)  # type: ignore[arg-type]  # it refuses other kinds
        case other:
            raise UsageError(path="/root", problem=f"expected a typed root, found {shown(other)}")


def _opening(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_openings import check

    return check(request)


def _salted_root(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_openings import salted

    return salted(request)


def _dsse_pae(request: Request) -> dict[str, JsonValue]:
    from provenance.envelope import pae

    return {"output": _base64(pae(str(request["payloadType"]), _bytes(request, "payload")))}


def _text(request: Request, name: str) -> str | None:
    return str(request[name]) if name in request else None


def _texts(request: Request, name: str) -> tuple[str, ...]:
    values = request.get(name, ())
    if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
        raise UsageError(
            path=f"/{name}", problem=f"expected a list of strings, found {shown(values)}"
        )
    return tuple(str(value) for value in values)


def _bytes(request: Request, name: str) -> bytes:
    text = request.get(name, "")
    try:
        return b64decode(str(text), validate=True)
    except ValueError as error:
        raise UsageError(
            path=f"/{name}", problem=f"expected base64, found {shown(text)}"
        ) from error


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _no_number(text: str) -> ProvenanceError:
    return CanonicalError(
        path="/text", problem=f"{shown(text)} is not a decimal number", code="json-number"
    )


def _verify_bundle(request: Request) -> dict[str, JsonValue]:
    from provenance.cli.conformance_signatures import check_bundle

    return check_bundle(request)


_OPERATIONS: Mapping[str, Callable[[Request], dict[str, JsonValue]]] = {
    "verify": _verify,
    "verify-oms": _verify_oms,
    "canonicalize": _canonicalize,
    "number": _number,
    "tree-digest": _tree_digest,
    "tensor-digest": _tensor_digest,
    "record-digest": _record_digest,
    "block-digest": _block_digest,
    "block-list": _block_list,
    "claims": _claims,
    "worker-answer": _worker_answer,
    "inclusion": _inclusion,
    "proof-file": _proof_file,
    "opening": _opening,
    "salted-root": _salted_root,
    "dsse-pae": _dsse_pae,
    "verify-bundle": _verify_bundle,
}
