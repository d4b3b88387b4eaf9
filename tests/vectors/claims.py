"""Group `digests`: what other tools say of files, good and bad."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: What lies in the folder.
_FILES = {"a.txt": b"one\n", "sub/b.bin": bytes(range(7))}
_A, _B = _FILES.values()

_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blake3(data: bytes) -> str:
    return blake3(data).hexdigest()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _read(name: str, text: str, *claims: Mapping[str, Any], **more: str) -> Case:
    request = {"operation": "claims", "file": name, **more}
    return returns(request, list(claims), {name: text.encode()})


def _refuse(name: str, text: str | bytes, code: str, **more: str) -> Case:
    data = text if isinstance(text, bytes) else text.encode()
    return refuses({"operation": "claims", "file": name, **more}, code, {name: data})


def _compare(name: str, text: str, outcomes: Sequence[str], paths: Sequence[str]) -> Case:
    """Return the case of holding a text against the folder."""
    request = {"operation": "claims", "file": name, "folder": "tree"}
    pairs = zip(paths, outcomes, strict=True)
    output = [{"path": path, "outcome": outcome} for path, outcome in pairs]
    files = {f"tree/{path}": data for path, data in _FILES.items()}
    return returns(request, output, {name: text.encode(), **files})


_SUMS = f"{_sha256(_A)}  a.txt\n{_sha256(_B)} *./sub/b.bin\n"
_LISTED = f'{{"digest":{{"blake3":"{_blake3(_A)}"}},"path":"a.txt","size":{len(_A)}}}\n'
_DVC = "outs:\n- md5: {}\n  size: {}\n  hash: md5\n  path: a.txt\n"


def _good() -> Iterable[tuple[str, str, partial[Case]]]:
    both = (
        {"path": "a.txt", "digest": {"sha256": _sha256(_A)}},
        {"path": "sub/b.bin", "digest": {"sha256": _sha256(_B)}},
    )
    tagged = f"BLAKE3 (a.txt) = {_blake3(_A)}\n"
    yield (
        "claims_of_sha256sum", "Both forms of lines, and a leading `./`.",
        partial(_read, "SHA256SUMS", _SUMS, *both),
    )  # fmt: skip
    yield (
        "claims_of_b3sum", "A tagged line says its algorithm itself.",
        partial(_read, "sums", tagged, {"path": "a.txt", "digest": {"blake3": _blake3(_A)}}),
    )  # fmt: skip
    yield (
        "claims_of_named_format", "The name tells nothing, and the request says the format.",
        partial(_read, "sums", _SUMS, *both, format="sha256sum"),
    )  # fmt: skip
    pointer = {"path": "a.txt", "size": len(_A), "digest": {"sha256": _sha256(_A)}}
    yield (
        "claims_of_lfs", "A pointer is about the file that has its name.",
        partial(_read, "a.txt", _LFS.format(_sha256(_A), len(_A)), pointer),
    )  # fmt: skip
    yield (
        "claims_of_dvc", "An out of DVC claims by MD5.",
        partial(
            _read, "a.dvc", _DVC.format(_md5(_A), len(_A)),
            {"path": "a.txt", "size": len(_A), "digest": {"md5": _md5(_A)}},
        ),
    )  # fmt: skip
    yield (
        "claims_of_inventory", "An inventory claims size and digests of its files.",
        partial(
            _read, "old.jsonl", _LISTED,
            {"path": "a.txt", "size": len(_A), "digest": {"blake3": _blake3(_A)}},
        ),
    )  # fmt: skip
    yield (
        "claims_matched", "Both files are what the sums claim.",
        partial(_compare, "SHA256SUMS", _SUMS, ["matched", "matched"], [*_FILES]),
    )  # fmt: skip


def _contradicted() -> Iterable[tuple[str, str, partial[Case]]]:
    """Texts that are well made, and whose claims do not hold, or cannot be compared."""
    one = [*_FILES]
    for name, text, file, content, outcome in (
        (
            "sum", "A file has other bytes than its sum claims.",
            "SHA256SUMS", f"{_sha256(_B)}  a.txt\n", "mismatch",
        ),
        (
            "blake3", "A file has another BLAKE3 digest than claimed.",
            "B3SUMS", f"{_sha256(_A)}  a.txt\n", "mismatch",
        ),
        (
            "md5", "A claim by MD5 is right, and not comparable all the same.",
            "a.dvc", _DVC.format(_md5(_A), len(_A)), "notComparable",
        ),
        (
            "md5_size", "A claim by MD5 has another size.",
            "a.dvc", _DVC.format(_md5(_A), len(_A) + 1), "mismatch",
        ),
        (
            "lfs_size", "A pointer has the right digest and another size.",
            "a.txt", _LFS.format(_sha256(_A), len(_A) + 1), "mismatch",
        ),
        (
            "blob", "A hub claims by the blob of Git alone.", "hub.json",
            '[{"type":"file","path":"a.txt","oid":"' + "0" * 40 + '"}]', "notComparable",
        ),
        (
            "inventory", "A file has other bytes than an inventory lists.",
            "old.jsonl", _LISTED.replace(_blake3(_A), _blake3(_B)), "mismatch",
        ),
        (
            "hub", "A hub claims another SHA-256.", "hub.json",
            '[{"type":"file","path":"a.txt","lfs":{"oid":"' + _sha256(_B) + '"}}]', "mismatch",
        ),
    ):  # fmt: skip
        make = partial(_compare, file, content, [outcome, "extra"], one)
        yield f"claims_other_{name}", text, make
    missing = partial(
        _compare, "SHA256SUMS", f"{_SUMS}{_sha256(b'')}  z\n",
        ["matched", "matched", "missing"], [*one, "z"],
    )  # fmt: skip
    yield "claims_missing_file", "A file that is claimed is not there.", missing


def _bad() -> Iterable[tuple[str, str, str, str, str | bytes]]:
    malformed = "listing-malformed"
    line = f"{_sha256(_A)}  a.txt\n"
    sums = "SHA256SUMS"
    yield "two_formats", "Lines that `sha256sum` and `b3sum` both write.", malformed, "sums", line
    yield "no_format", "A text that no tool writes.", malformed, "sums", "a.txt: fine\n"
    yield "empty", "A text that claims nothing.", malformed, sums, ""
    yield "no_line_end", "The last line has no end.", malformed, sums, line[:-1]
    yield "carriage_return", "Lines end with CR LF.", "name-unsafe", sums, line[:-1] + "\r\n"
    yield "empty_line", "A line of sums is empty.", malformed, sums, f"{line}\n{line}"
    yield "short_digest", "A line has a digest of 160 bits.", malformed, sums, f"{'0' * 40}  a\n"
    yield (
        "capital_digest", "A later digest is in capitals.", malformed, sums,
        line + f"{'A' * 64}  b\n",
    )  # fmt: skip
    yield (
        "one_blank",
        "A single blank stands before a name.",
        malformed,
        sums,
        line.replace("  ", " "),
    )
    yield "no_name", "A later line has no name.", malformed, sums, line + f"{'0' * 64}  \n"
    yield (
        "other_tag", "A tagged line by MD5 stands among the others.", malformed, sums,
        f"{line}MD5 (b) = {'0' * 32}\n",
    )  # fmt: skip
    yield (
        "escaped", "A name is escaped, as one with a line break is.", malformed, sums,
        f"{line}\\{'0' * 64}  a\\nb\n",
    )  # fmt: skip
    yield (
        "not_utf8",
        "A name is not UTF-8.",
        malformed,
        sums,
        line.encode() + (b"0" * 64 + b"  \xff\n"),
    )
    yield "inventory_cut", "An inventory is cut off.", "inventory-malformed", "old", _LISTED[:-1]
    yield (
        "inventory_blank", "An inventory is not canonical.", "inventory-malformed", "old",
        _LISTED.replace(',"size"', ', "size"'),
    )  # fmt: skip
    yield (
        "inventory_order", "An inventory is not sorted.", "inventory-malformed", "old",
        _LISTED + _LISTED.replace("a.txt", "A.txt"),
    )  # fmt: skip
    yield "twice", "A name is claimed twice.", "name-duplicate", sums, line + line
    yield (
        "twice_with_dot", "A name is claimed twice, once with `./` before it.", "name-duplicate",
        sums, f"{line}{_sha256(_B)}  ./a.txt\n",
    )  # fmt: skip
    for name, path in (
        ("parent", "../a.txt"),
        ("absolute", "/etc/passwd"),
        ("dots_inside", "a/./b"),
        ("dot_twice", "././a"),
        ("folder", "a/"),
        ("backslash", "a\\b"),
    ):
        text = f"A name is unsafe: {name.replace('_', ' ')}."
        yield f"name_{name}", text, "name-unsafe", sums, f"{_sha256(_A)}  {path}\n"
    pointer = _LFS.format(_sha256(_A), 4)
    version = pointer.partition("\n")[0]
    yield "lfs_no_size", "A pointer has no size.", malformed, "a", pointer.partition("size")[0]
    yield "lfs_text_after", "Text stands after a pointer.", malformed, "a", f"{pointer}x\n"
    yield "lfs_no_oid", "A pointer has no digest.", malformed, "a", f"{version}\nsize 4\n"
    yield (
        "lfs_version",
        "A pointer of another version.",
        malformed,
        "a",
        pointer.replace("v1", "v9"),
    )
    yield (
        "lfs_sha1", "A pointer has a digest by SHA-1.", malformed, "a",
        pointer.replace(f"sha256:{_sha256(_A)}", f"sha1:{'0' * 40}"),
    )  # fmt: skip
    yield (
        "lfs_size_zero",
        "A size begins with 0.",
        malformed,
        "a",
        pointer.replace("size 4", "size 04"),
    )
    yield "lfs_long", "A pointer of 1,024 bytes.", malformed, "a", pointer.ljust(1024)
    dvc = _DVC.format(_md5(_A), 4)
    yield "dvc_no_path", "An out has no path.", malformed, "a.dvc", dvc.partition("  path")[0]
    yield "dvc_path_twice", "An out has two paths.", malformed, "a.dvc", f"{dvc}  path: b\n"
    yield "dvc_anchor", "An anchor could stand for anything.", malformed, "a.dvc", f"{dvc}x: &a 1\n"
    yield (
        "dvc_size",
        "An out has a size below zero.",
        malformed,
        "a.dvc",
        dvc.replace("size: 4", "size: -4"),
    )
    yield (
        "dvc_md5",
        "An MD5 has a digit less.",
        "digest-format",
        "a.dvc",
        dvc.replace(_md5(_A), _md5(_A)[1:]),
    )
    yield "dvc_flow", "The outs are in flow style.", malformed, "a.dvc", "outs: [{path: a}]\n"
    yield (
        "dvc_outs_twice",
        "A file has two lists of outs.",
        malformed,
        "a.dvc",
        dvc + "x: 1\n" + dvc,
    )
    yield (
        "dvc_comment_ends",
        "A comment ends at NEL for some readers of YAML, and hides a list of outs from others.",
        malformed,
        "a.dvc",
        f"{dvc}x: 1\n# \x85outs:\n",
    )
    yield (
        "tag_ends_twice", "The name of a tagged line could end in two places.", malformed, sums,
        f"SHA256 (a) = {'0' * 64}) = {_sha256(_A)}\n",
    )  # fmt: skip
    for name, member in (
        ("digests", f'"lfs":{{"oid":"{_sha256(_A)}","sha256":"{_sha256(_B)}"}}'),
        ("sizes", f'"size":5,"lfs":{{"oid":"{_sha256(_A)}","size":4}}'),
        ("names", '"rfilename":"b"'),
    ):
        text = f"A hub says two {name} of one file."
        yield f"hub_two_{name}", text, malformed, "h.json", f'[{{"path":"a",{member}}}]'
    yield "hub_no_list", "A hub answers no list.", malformed, "h.json", '{"error":"x"}'
    yield "hub_no_path", "A file of a hub has no name.", malformed, "h.json", '[{"type":"file"}]'
    yield (
        "hub_size",
        "A file of a hub has a size below zero.",
        malformed,
        "h.json",
        ('[{"path":"a","size":-1}]'),
    )
    yield (
        "hub_key_twice",
        "A member stands twice in an answer of a hub.",
        "json-duplicate-key",
        ("h.json"),
        '[{"path":"a","path":"b"}]',
    )
    yield (
        "hub_digest",
        "A hub claims by something that is no digest.",
        "digest-format",
        "h.json",
        ('[{"path":"a","lfs":{"sha256":"xyz"}}]'),
    )


def _declare_rows() -> None:
    section = "section Claimed digests [R-DIGEST-{}]"
    for name, description, make in _good():
        DIGESTS.add(name, description, section.format(90), make, profile=3)
    for name, description, make in _contradicted():
        DIGESTS.add(name, description, section.format(91), make, profile=3)
    for name, description, code, file, text in _bad():
        refused = partial(_refuse, file, text, code)
        DIGESTS.add(f"claims_{name}", description, section.format(90), refused, profile=3)


_declare_rows()
