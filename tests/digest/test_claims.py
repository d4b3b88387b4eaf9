"""Digests that others computed: read strictly, compared by what counts, never believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import hash_bytes, hash_file, hash_tree
from provenance.digest.claims import read_claims
from provenance.errors import DigestError, ProvenanceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

A, B = hash_bytes(b"a", "sha256"), hash_bytes(b"b", "sha256")
MD5 = hash_bytes(b"a", "md5")
GIT = "2e65efe2a145dda7ee51d1741299f848e5bf752e"
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{A}\nsize 1\n"


def dvc(*lines: str) -> str:
    return "outs:\n" + "".join(line + "\n" for line in lines)


#: Texts that are refused: format, text, code, what is said.
REFUSED: dict[str, tuple[str | None, str, str, str]] = {
    "nothing": (None, "", "listing-malformed", "cannot be told"),
    "prose": (None, "hello\n", "listing-malformed", "cannot be told"),
    "sums of either kind": (None, f"{A}  a\n", "listing-malformed", "look alike"),
    "sums without line feed": ("sha256sum", f"{A}  a", "listing-malformed", "line feed"),
    "no sums": ("sha256sum", "\n", "listing-malformed", "two blanks"),
    "one blank": ("sha256sum", f"{A} a\n", "listing-malformed", "two blanks"),
    "short digest": ("sha256sum", f"{A[1:]}  a\n", "listing-malformed", "two blanks"),
    "upper case": ("sha256sum", f"{A.upper()}  a\n", "listing-malformed", "two blanks"),
    "sums of MD5": ("sha256sum", f"{MD5}  a\n", "listing-malformed", "two blanks"),
    "escaped name": ("sha256sum", f"\\{A}  a\\nb\n", "listing-malformed", "is escaped"),
    "carriage return": ("sha256sum", f"{A}  a\r\n", "name-unsafe", "character"),
    "absolute name": ("sha256sum", f"{A}  /etc/passwd\n", "name-unsafe", "absolute"),
    "name above": ("b3sum", f"{A}  ../a\n", "name-unsafe", "segment"),
    "two dots and slashes": ("sha256sum", f"{A}  ././a\n", "name-unsafe", "segment"),
    "a name twice": ("sha256sum", f"{A}  a\n{A}  ./a\n", "name-duplicate", "twice"),
    "a tag of another kind": ("b3sum", f"SHA256 (a) = {A}\n", "listing-malformed", "by blake3"),
    "pointer of no size": ("lfs", LFS.replace("size 1", "size x"), "listing-malformed", "pointer"),
    "pointer with a zero": ("lfs", LFS.replace("size 1", "size 01"), "listing-malformed", "LFS"),
    "pointer by MD5": (None, LFS.replace("sha256:" + A, "md5:" + MD5), "listing-malformed", "LFS"),
    "pointer and more": (None, LFS + "more 1\n", "listing-malformed", "LFS"),
    "pointer too long": ("lfs", LFS + "\n" * 2000, "listing-malformed", "more than 1023"),
    "pointer out of order": (
        "lfs",
        f"version https://git-lfs.github.com/spec/v1\nsize 1\noid sha256:{A}\n",
        "listing-malformed",
        "LFS",
    ),
    "hub that is a text": ("hub", '"x"', "listing-malformed", "list of files"),
    "hub without siblings": (None, "{}", "listing-malformed", "siblings"),
    "hub of texts": (None, '["x"]', "listing-malformed", "object"),
    "hub without names": (None, '[{"size": 1}]', "listing-malformed", "rfilename"),
    "hub with a negative size": (None, '[{"path":"a","size":-1}]', "listing-malformed", "bytes"),
    "hub with half a byte": (None, '[{"path":"a","size":1.5}]', "listing-malformed", "bytes"),
    "hub with a true size": (None, '[{"path":"a","size":true}]', "listing-malformed", "bytes"),
    "hub with a list as digest": (
        None,
        '[{"path":"a","lfs":{"oid":["x"]}}]',
        "listing-malformed",
        "text",
    ),
    "hub with a short digest": (None, '[{"path":"a","lfs":{"oid":"x"}}]', "digest-format", "64"),
    "hub with lfs as text": (None, '[{"path":"a","lfs":"x"}]', "listing-malformed", "as `lfs`"),
    "hub with a key twice": (None, '[{"path":"a","path":"b"}]', "json-duplicate-key", "twice"),
    "hub with an unsafe name": (None, '[{"path":"../a"}]', "name-unsafe", "segment"),
    "hub of no files": (None, "[]", "listing-malformed", "no claim"),
    "hub that ends early": (None, "[", "json-syntax", "not JSON"),
    "dvc without path": (None, dvc(f"- md5: {MD5}"), "listing-malformed", "without path"),
    "dvc with a key twice": (None, dvc("- path: a", "  path: b"), "listing-malformed", "twice"),
    "dvc with outs in line": (None, "outs: [a]\n", "listing-malformed", "list of outs"),
    "dvc with an anchor": (None, dvc("- path: &x a"), "listing-malformed", "YAML"),
    "dvc with an alias": (None, dvc("- path: *x"), "listing-malformed", "YAML"),
    "dvc with a tag": (None, dvc("- path: !!python/name:os.system"), "listing-malformed", "YAML"),
    "dvc with a block": (None, "cmd: |\n  outs:\nouts:\n", "listing-malformed", "YAML"),
    "dvc with an open quote": (None, dvc('- path: "a'), "listing-malformed", "YAML"),
    "dvc with an escape": (None, dvc('- path: "a\\x41"'), "listing-malformed", "YAML"),
    "dvc with a tab": (None, dvc("- path:\ta"), "listing-malformed", "YAML"),
    "dvc with an open bracket": (None, "x: [\nouts:\n", "listing-malformed", "YAML"),
    "dvc with two documents": (None, "---\nouts:\n- path: a\n", "listing-malformed", "YAML"),
    "dvc with a comment": (None, dvc("- path: a # b"), "listing-malformed", "one `- ` each"),
    "dvc with a bare text": (None, dvc("- a"), "listing-malformed", "one `- ` each"),
    "dvc with a path of two lines": (
        None,
        dvc("- path: a", "    b"),
        "listing-malformed",
        "one `- ` each",
    ),
    "dvc with a size of words": (
        None,
        dvc("- path: a", "  size: big"),
        "listing-malformed",
        "bytes",
    ),
    "dvc with a bad digest": (None, dvc("- path: a", "  md5: xyz"), "digest-format", "32"),
    "dvc with an unsafe name": (None, dvc("- path: ../a"), "name-unsafe", "segment"),
    "dvc with sha256 too short": (None, dvc("- path: a", "  sha256: ab"), "digest-format", "64"),
    "dvc with outs twice": (
        None,
        dvc("- path: a") + "x: 1\n" + dvc("- path: b"),
        "listing-malformed",
        "twice",
    ),
    "dvc with outs of a stage twice": (
        None,
        "stages:\n  s:\n    outs:\n    - path: a\n    cmd: x\n    outs:\n    - path: b\n",
        "listing-malformed",
        "twice",
    ),
    "dvc with a complex key": (
        None,
        "? outs\n: - path: b\n" + dvc("- path: a"),
        "listing-malformed",
        "YAML",
    ),
    **{
        f"dvc with {name} after a comment": (
            None,
            dvc(f"- path: a{mark}# x", f"  desc: b # {mark}outs:"),
            "listing-malformed",
            "line feed alone",
        )
        for name, mark in (("CR", "\r"), ("NEL", "\x85"), ("LS", "\u2028"), ("PS", "\u2029"))
    },
    "tag that ends in two places": (
        "sha256sum",
        f"SHA256 (a) = {'0' * 64}) = {A}\n",
        "listing-malformed",
        "two places",
    ),
    "hub with two digests": (
        None,
        f'[{{"path":"a","lfs":{{"oid":"{A}","sha256":"{B}"}}}}]',
        "listing-malformed",
        "two",
    ),
    "hub with two sizes": (
        None,
        f'[{{"path":"a","size":2,"lfs":{{"oid":"{A}","size":1}}}}]',
        "listing-malformed",
        "two",
    ),
    "hub with two names": (
        None,
        '[{"path":"a","rfilename":"b"}]',
        "listing-malformed",
        "two names",
    ),
    "hub with two blobs": (
        None,
        f'[{{"path":"a","oid":"{GIT}","blobId":"{GIT[::-1]}"}}]',
        "listing-malformed",
        "blobs",
    ),
    "dvc of nothing": (None, "outs:\n", "listing-malformed", "no claim"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_breaks_a_format_is_refused(case: str) -> None:
    name, text, code, said = REFUSED[case]
    with pytest.raises(ProvenanceError, match=said) as caught:
        read_claims(text.encode(), name, "claims")
    assert caught.value.code == code


def test_what_is_no_text_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DigestError, match="not UTF-8 at byte 66"):
        read_claims(A.encode() + b"  \xff\n", "sha256sum")
    monkeypatch.setattr("provenance.digest.claim_formats.MAX_LISTING_BYTES", 60)
    with pytest.raises(DigestError, match="more than 60"):
        read_claims(f"{A}  a\n".encode(), "sha256sum")
    monkeypatch.undo()
    monkeypatch.setattr("provenance.digest.claims.MAX_TREE_ENTRIES", 1)
    with pytest.raises(DigestError, match="more than 1 files"):
        read_claims(f"{A}  a\n{A}  b\n".encode(), "sha256sum")


def test_a_size_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(DigestError, match="no file has"):
        read_claims(dvc("- path: a", f"  size: {2**53}").encode())


def test_members_of_a_hub_that_agree_are_one_claim() -> None:
    stored = f'{{"oid":"sha256:{A}","sha256":"{A}","size":1}}'
    file = f'{{"path":"a","rfilename":"a","size":1,"lfs":{stored}}}'
    (claim,) = read_claims(f"[{file}]".encode())
    assert (claim.path, claim.size, dict(claim.digests)) == ("a", 1, {"sha256": A})


def test_out_of_dvc_by_sha256_counts() -> None:
    (claim,) = read_claims(dvc("- path: a", f"  sha256: {A}", f"  md5: {MD5}").encode())
    assert dict(claim.digests) == {"md5": MD5, "sha256": A}
    (folder,) = read_claims(dvc("- path: a", f"  sha256: {A}.dir").encode())
    assert folder.is_folder
    (other,) = read_claims(dvc("- path: a", "  etag: x").encode())
    assert not other.digests


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="sha256sum, b3sum, dvc, lfs, hub"):
        read_claims(b"", "md5sum")


LOCK = f"""schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py --long
      --more
    deps:
    - path: raw
      md5: {GIT[:32]}
      size: 9
    params:
      params.yaml:
        layers: []
    outs:
    - path: a
      hash: md5
      md5: {MD5}
      size: 1
      labels:
      - x
      - md5: y
  train:
    cmd: python train.py
    outs:
    - path: folder
      md5: {MD5}.dir
      size: 2
      nfiles: 2
      cloud:
        remote:
          md5: {MD5}
    - path: 'b c'
      md5: {MD5}
      meta:
        note: x
"""

#: Pieces of YAML that might confuse a reader.
WORDS = (
    "outs:",
    "-",
    "- path: a",
    "\n",
    "  md5:",
    "'a'",
    '"',
    "[",
    "]",
    "{",
    "|",
    "&x",
    " #",
    "\n  ",
)

#: What each format says: text, name, format, and path, size and digests of each claim.
READ: dict[str, tuple[str, str, str, list[tuple[str, int | None, dict[str, str]]]]] = {
    "sha256sum": (
        f"{B}  b\n{A} *./a\n",
        "SHA256SUMS",
        "sha256sum",
        [("a", None, {"sha256": A}), ("b", None, {"sha256": B})],
    ),
    "a name with blanks": (
        f"{A}    a *\n",
        "x.sha256",
        "sha256sum",
        [("  a *", None, {"sha256": A})],
    ),
    "sha256sum --tag": (
        f"SHA256 (a) (b)) = {A}\n",
        "",
        "sha256sum",
        [("a) (b)", None, {"sha256": A})],
    ),
    "b3sum": (f"{A}  a\n", "B3SUMS", "b3sum", [("a", None, {"blake3": A})]),
    "b3sum --tag": (f"BLAKE3 (a) = {A}\n", "", "b3sum", [("a", None, {"blake3": A})]),
    "lfs": (LFS, "model.bin", "lfs", [("model.bin", 1, {"sha256": A})]),
    "dvc file": (
        dvc(f"- md5: {MD5}", "  size: 1", "  hash: md5", "  path: a"),
        "a.dvc",
        "dvc",
        [("a", 1, {"md5": MD5})],
    ),
    "dvc file, indented": (dvc("  - path: a"), "a.dvc", "dvc", [("a", None, {})]),
    "dvc.lock": (
        LOCK,
        "dvc.lock",
        "dvc",
        [
            ("a", 1, {"md5": MD5}),
            ("b c", None, {"md5": MD5}),
            ("folder", 2, {"dvcFolder": MD5 + ".dir"}),
        ],
    ),
    "hub, model": (
        json.dumps(
            {
                "id": "x/y",
                "siblings": [
                    {"rfilename": "w", "size": 1, "blobId": GIT, "lfs": {"sha256": A, "size": 1}},
                    {"rfilename": "r", "size": 2, "blobId": GIT},
                    {"rfilename": "bare"},
                ],
            }
        ),
        "",
        "hub",
        [("bare", None, {}), ("r", 2, {"gitBlob": GIT}), ("w", 1, {"sha256": A})],
    ),
    "hub, tree": (
        json.dumps(
            [
                {"type": "directory", "path": "d", "oid": GIT, "size": 0},
                {
                    "type": "file",
                    "path": "d/w",
                    "oid": GIT,
                    "lfs": {"oid": "sha256:" + A},
                    "size": 1,
                },
            ]
        ),
        "",
        "hub",
        [("d/w", 1, {"sha256": A})],
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_a_format_says_is_read(case: str) -> None:
    text, source, name, expected = READ[case]
    claims = read_claims(text.encode(), source=source)
    assert claims.format == name
    assert [(claim.path, claim.size, dict(claim.digests)) for claim in claims] == expected
    assert len(claims) == len(expected)
    assert {claim.source for claim in claims} == {source}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    for name, data in {"a": b"a", "b": b"b", "folder/x": b"x"}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        pytest.param(
            f"{A}  a\n{A}  b\n{A}  c\n",
            "SHA256SUMS",
            {"a": "matched", "b": "mismatch", "c": "missing", "folder/x": "extra"},
            id="sha256sum",
        ),
        pytest.param(
            f"{hash_bytes(b'a', 'blake3')}  a\n",
            "B3SUMS",
            {"a": "matched", "b": "extra", "folder/x": "extra"},
            id="b3sum",
        ),
        pytest.param(LFS, "b", {"a": "extra", "b": "mismatch", "folder/x": "extra"}, id="lfs"),
        pytest.param(
            LFS.replace("size 1", "size 2"),
            "a",
            {"a": "mismatch", "b": "extra", "folder/x": "extra"},
            id="another size",
        ),
        pytest.param(
            LOCK,
            "dvc.lock",
            {"a": "notComparable", "b": "extra", "b c": "missing", "folder": "notComparable"},
            id="MD5 never counts",
        ),
        pytest.param(
            dvc("- path: a", f"  md5: {MD5}", "  size: 2", "- path: b"),
            "x.dvc",
            {"a": "mismatch", "b": "notComparable", "folder/x": "extra"},
            id="the size of MD5 does",
        ),
    ],
)
def test_claims_are_compared_with_a_folder(
    text: str, source: str, expected: dict[str, str], root: Path
) -> None:
    claims = read_claims(text.encode(), source=source)
    compared = claims.compare(root)
    assert {result.path: result.outcome for result in compared} == expected
    assert claims.compare(hash_tree(root)) == compared
    assert claims.check(root) == tuple(item for item in compared if item.outcome != "matched")


def test_what_was_not_computed_is_not_comparable(root: Path) -> None:
    claims = read_claims(f"{A}  a\n".encode(), "sha256sum")
    (result, *_) = claims.check(hash_tree(root, algorithms=("blake3",)))
    assert (result.outcome, result.message) == ("notComparable", "sha256 was not computed here")


def test_weak_algorithms_are_named_where_they_do_not_count(root: Path) -> None:
    claims = read_claims(dvc("- path: a", f"  md5: {MD5}").encode(), source="x.dvc")
    assert claims.check(root)[0].message == "claimed by md5 only, which does not count"


@pytest.mark.parametrize(
    ("text", "kind", "name", "outcome"),
    [
        (f"{A}  a\n", "sha256sum", "a", "matched"),
        (f"{A}  a\n", "sha256sum", "elsewhere/b", "matched"),
        (f"{B}  a\n", "sha256sum", "a", "mismatch"),
        (f"{A}  x/a\n{B}  a\n", "sha256sum", "x/a", "matched"),
        (f"{A}  x/a\n{B}  a\n", "sha256sum", "a", "mismatch"),
        (f"{A}  x/a\n{B}  b\n", "sha256sum", "../y/a", "matched"),
        (f"{A}  x/a\n{A}  y/a\n", "sha256sum", "z/a", "notComparable"),
        (f"{A}  x\n{A}  y\n", "sha256sum", "a", "notComparable"),
        (LFS, "lfs", "whatever", "matched"),
        (LFS.replace("size 1", "size 2"), "lfs", "a", "mismatch"),
        (dvc("- path: a", f"  md5: {MD5}"), "dvc", "a", "notComparable"),
        (dvc("- path: a", f"  md5: {MD5}", "  size: 9"), "dvc", "a", "mismatch"),
        (dvc("- path: a", f"  md5: {MD5}.dir", "  nfiles: 2"), "dvc", "a", "mismatch"),
    ],
)
def test_one_file_is_compared_with_the_claim_about_it(
    root: Path, text: str, kind: str, name: str, outcome: str
) -> None:
    claims = read_claims(text.encode(), kind, "claims")
    assert claims.compare_file(name, hash_file(root / "a")).outcome == outcome


def test_one_claim_about_a_folder_is_about_the_target_or_a_folder_in_it(root: Path) -> None:
    claims = read_claims(dvc("- path: data", f"  md5: {MD5}.dir", "  nfiles: 2").encode(), "dvc")
    assert [item.outcome for item in claims.compare(root)] == ["notComparable"]
    (root / "data").mkdir()
    (root / "data" / "x").write_bytes(b"x")
    assert {item.outcome for item in claims.compare(root)} == {"notComparable", "extra"}


@pytest.mark.parametrize("bits", [128, 160, 512])
def test_sums_of_other_algorithms_are_told_by_their_length(bits: int) -> None:
    with pytest.raises(DigestError, match=f"a digest of {bits} bits"):
        read_claims(f"{'0' * (bits // 4)}  a\n".encode(), source="SUMS")


@pytest.mark.property
@given(st.binary(max_size=300), st.sampled_from([None, "sha256sum", "b3sum", "dvc", "lfs", "hub"]))
def test_whatever_the_text_only_our_errors_leave(data: bytes, name: str | None) -> None:
    try:
        assert read_claims(data, name, "claims").claims
    except ProvenanceError as error:
        assert error.code  # noqa: PT017 - any of them will do


@pytest.mark.property
@given(st.lists(st.sampled_from(WORDS)))
def test_whatever_stands_in_yaml_only_our_errors_leave(words: list[str]) -> None:
    try:
        assert read_claims("".join(words).encode(), "dvc", "claims").claims
    except ProvenanceError as error:
        assert error.code  # noqa: PT017 - any of them will do


def test_inventory_is_a_claim_about_each_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"a")
    inventory = hash_tree(tmp_path / "data")
    data = inventory.to_bytes()
    for chosen in (None, "inventory"):
        claims = read_claims(data, chosen, "data.inventory.jsonl")
        assert claims.format == "inventory"
        assert [result.outcome for result in claims.compare(inventory)] == ["matched"]
    for damaged in (data[:-1], data + b"{}\n", data.replace(b":", b": ", 1), data + data):
        with pytest.raises(DigestError):
            read_claims(damaged, "inventory")
