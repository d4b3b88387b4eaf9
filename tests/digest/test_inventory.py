"""Inventories: canonical lines only, one tree digest, and bounded work for a million files."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance import canonical
from provenance.digest import (
    DigestSet,
    Inventory,
    InventoryDigest,
    InventoryEntry,
    check_inclusion,
    file_entry,
    inventory,
    typed_root,
)
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

ONE = "1" * 64
TWO = "2" * 64
LINE = f'{{"digest":{{"blake3":"{ONE}","sha256":"{TWO}"}},"path":"a","size":1}}'


def entry(path: str, size: int = 1, blake3: str = ONE, sha256: str | None = TWO) -> InventoryEntry:
    return InventoryEntry(digest=InventoryDigest(blake3, sha256), path=path, size=size)


#: Lines that are refused, and the code.
REFUSED: dict[str, tuple[str, str]] = {
    "blank": (LINE.replace(":", ": ", 1), "inventory-malformed"),
    "keys in another order": (
        f'{{"path":"a","digest":{{"blake3":"{ONE}"}},"size":1}}',
        "inventory-malformed",
    ),
    "key twice": (LINE.replace('"size":1', '"size":1,"size":1'), "inventory-malformed"),
    "digest twice": (
        LINE.replace('"blake3"', f'"blake3":"{TWO}","blake3"'),
        "inventory-malformed",
    ),
    "unknown key": (LINE.replace('"size":1', '"size":1,"type":"x"'), "inventory-malformed"),
    "key missing": (LINE.replace(',"size":1', ""), "inventory-malformed"),
    "no blake3": (LINE.replace(f'"blake3":"{ONE}",', ""), "inventory-malformed"),
    "null digest": (LINE.replace(f'"{TWO}"', "null"), "inventory-malformed"),
    "another algorithm": (LINE.replace("sha256", "sha512"), "inventory-malformed"),
    "capitals": (LINE.replace(ONE, "A" * 64), "inventory-malformed"),
    "digest too short": (LINE.replace(ONE, ONE[:-2]), "inventory-malformed"),
    "digest not hexadecimal": (LINE.replace(TWO, "g" * 64), "inventory-malformed"),
    "digest of blanks": (LINE.replace(TWO, " " * 64), "inventory-malformed"),
    "size as real": (LINE.replace(":1}", ":1.0}"), "inventory-malformed"),
    "size as text": (LINE.replace(":1}", ':"1"}'), "inventory-malformed"),
    "size negative": (LINE.replace(":1}", ":-1}"), "inventory-malformed"),
    "size minus zero": (LINE.replace(":1}", ":-0}"), "inventory-malformed"),
    "size true": (LINE.replace(":1}", ":true}"), "inventory-malformed"),
    "size of 2^53": (LINE.replace(":1}", f":{2**53}}}"), "inventory-malformed"),
    "size of 5,000 digits": (LINE.replace(":1}", f":{'9' * 5000}}}"), "inventory-malformed"),
    "needless escape": (LINE.replace('"a"', '"\\u0061"'), "inventory-malformed"),
    "lone surrogate": (LINE.replace('"a"', '"\\ud800"'), "inventory-malformed"),
    "deep nesting": ("[" * 200_000, "inventory-malformed"),
    "array": (f'[{{"blake3":"{ONE}"}},"a",1]', "inventory-malformed"),
    "empty line": ("", "inventory-malformed"),
    "carriage return": (LINE + "\r", "inventory-malformed"),
    "two objects": (LINE + LINE, "inventory-malformed"),
    "NaN": ("NaN", "inventory-malformed"),
    "path that leads out": (LINE.replace('"a"', '"../a"'), "name-unsafe"),
    "path with a control character": (LINE.replace('"a"', '"\\u001b"'), "name-unsafe"),
    "empty path": (LINE.replace('"a"', '""'), "name-unsafe"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_line_is_refused_by_its_number(name: str) -> None:
    line, code = REFUSED[name]
    first = LINE.replace('"a"', '"Z"')
    with pytest.raises(DigestError) as caught:
        Inventory.from_bytes(f"{first}\n{line}\n".encode(), source="files.jsonl")
    assert (caught.value.code, caught.value.path) == (code, "files.jsonl:2")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (LINE.encode(), "does not end with a line feed"),
        (f"{LINE}\n{LINE}\n".encode(), "stands twice"),
        (LINE.replace('"a"', '"b"').encode() + f"\n{LINE}\n".encode(), "not sorted"),
        (LINE.encode() + b"\n\xff\n", "found"),
        (b"\xef\xbb\xbf" + LINE.encode() + b"\n", "found"),
        (b" " * (inventory.BLOCK_BYTES + 1) + b"\n", "a line is longer"),
    ],
)
def test_file_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DigestError, match=problem) as caught:
        Inventory.from_bytes(data)
    assert caught.value.code == "inventory-malformed"


def test_order_is_checked_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "BLOCK_BYTES", len(LINE) + 1)
    lines = [LINE.replace('"a"', f'"{name}"') + "\n" for name in "cba"]
    with pytest.raises(DigestError, match="not sorted") as caught:
        Inventory.from_bytes("".join(lines).encode())
    assert caught.value.path == "inventory:2"
    assert len(Inventory.from_bytes("".join(reversed(lines)).encode())) == 3


def test_limits_are_checked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Inventory((entry("a"), entry("b"))).to_bytes()
    monkeypatch.setattr(inventory, "MAX_TREE_ENTRIES", 1)
    with pytest.raises(DigestError, match="more than 1 files"):
        Inventory.from_bytes(data)
    with pytest.raises(DigestError, match="more than 1 files"):
        Inventory((entry("a"), entry("b")))
    monkeypatch.setattr(inventory, "MAX_INVENTORY_BYTES", 10)
    with pytest.raises(DigestError, match="more than 10"):
        Inventory.from_bytes(data)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ((entry("a"), entry("a")), "name-duplicate"),
        ((entry("a/../b"),), "name-unsafe"),
        ((entry("a", blake3=ONE.upper().replace("1", "A")),), "digest-format"),
        ((entry("a", sha256=""),), "digest-format"),
        ((entry("a", size=-1),), "inventory-malformed"),
        ((entry("a", size=2**53),), "inventory-malformed"),
    ],
)
def test_entries_that_break_a_rule_are_refused(
    entries: tuple[InventoryEntry, ...], code: str
) -> None:
    with pytest.raises(DigestError) as caught:
        Inventory(entries)
    assert caught.value.code == code


def test_inventory_is_sorted_by_the_bytes_of_the_paths() -> None:
    names = ["b", "a/b", "a.b", "\U0001f600", "\ufffd", "B"]
    made = Inventory(tuple(entry(name) for name in names))
    assert [found.path for found in made] == sorted(names, key=str.encode)
    assert made == Inventory(tuple(entry(name) for name in reversed(names)))


def test_file_is_json_lines_in_canonical_form() -> None:
    made = Inventory((entry("b", sha256=None), entry("a")))
    lines = made.to_bytes().splitlines()
    assert lines[0].decode() == LINE
    assert lines[1].decode() == f'{{"digest":{{"blake3":"{ONE}"}},"path":"b","size":1}}'
    assert all(canonical.parse_canonical(line) for line in lines)


def test_tree_digest_covers_blake3_path_and_size_alone() -> None:
    made = Inventory((entry("a"), entry("b")))
    leaves = [canonical.write({"path": name, "size": 1, "blake3": ONE}) for name in ("a", "b")]
    assert made.root == typed_root("file", leaves)
    assert made.root == Inventory((entry("a", sha256=None), entry("b", sha256=None))).root
    for other in (entry("c"), entry("b", size=2), entry("b", blake3=TWO)):
        assert Inventory((entry("a"), other)).root != made.root


def test_empty_inventory_is_an_empty_file() -> None:
    assert Inventory.from_bytes(b"") == Inventory()
    assert Inventory().to_bytes() == b""
    assert Inventory().root.size == 0


def test_entry_is_found_and_proved() -> None:
    made = Inventory(tuple(entry(f"f{number:03}", size=number) for number in range(100)))
    found = made.find("f042")
    assert found is not None
    assert found.digest.digest_set == DigestSet({"blake3": ONE, "sha256": TWO})
    assert made.find("f1") is None
    assert made.total_bytes == sum(range(100))
    leaf = file_entry(found.path, found.size, found.digest.blake3)
    check_inclusion(made.root, leaf, made.prove("f042"))
    with pytest.raises(DigestError):
        check_inclusion(made.root, file_entry("f042", 41, ONE), made.prove("f042"))
    with pytest.raises(DigestError, match="is not in the inventory"):
        made.prove("f1")


#: Writes, reads, roots and proves an inventory of a million files, and prints its peak in MiB.
MILLION = """
from provenance.digest import *
def entries():
    for number in range(1_000_000):
        yield InventoryEntry(
            digest=InventoryDigest("%064x" % number),
            path=f"data/part-{number // 1000:04}/file-{number:07}.bin", size=number)
inventory = Inventory(tuple(entries()))
data = inventory.to_bytes()
del inventory
inventory = Inventory.from_bytes(data)
proof = inventory.prove("data/part-0777/file-0777777.bin")
assert len(proof.to_bytes()) < 2048
check_inclusion(inventory.root, file_entry("data/part-0777/file-0777777.bin", 777777,
                "%064x" % 777777), proof)
# Not `ru_maxrss`, which counts what the process that started this one held.
(peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_million_files_stay_within_the_memory_that_the_design_allows(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", MILLION], cwd=tmp_path, capture_output=True, check=True, timeout=120
    )
    assert int(result.stdout) < 700


names = st.text('abé/ .😀\ufffd"', min_size=1, max_size=6)
sizes = st.integers(0, 2**53 - 1)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
files = st.builds(entry, names, sizes, digests, st.none() | digests)


@pytest.mark.property
class TestInventories:
    """Laws: what msgspec writes is RFC 8785; reading undoes writing; order does not matter."""

    @given(st.lists(files, max_size=8, unique_by=lambda file: file.path), st.randoms())
    def test_read_undoes_write_in_any_order(
        self, entries: list[InventoryEntry], random: object
    ) -> None:
        try:
            made = Inventory(tuple(entries))
        except DigestError:
            return
        random.shuffle(entries)  # type: ignore[attr-defined]  # random.Random
        again = Inventory.from_bytes(made.to_bytes())
        assert again == made == Inventory(tuple(entries))
        assert again.root == Inventory(tuple(entries)).root

    @given(st.text(st.characters(exclude_categories=["Cs"])), sizes, digests)
    def test_entry_is_in_canonical_form(self, path: str, size: int, digest: str) -> None:
        fields = {"path": path, "size": size, "blake3": digest}
        assert file_entry(path, size, digest) == canonical.write(fields)

    @given(st.integers(0, len(LINE)), st.binary(min_size=1, max_size=2))
    def test_changed_bytes_are_refused_or_kept(self, place: int, change: bytes) -> None:
        data = LINE.encode()
        data = data[:place] + change + data[place + len(change) :] + b"\n"
        try:
            made = Inventory.from_bytes(data)
        except DigestError:
            return
        assert made.to_bytes() == data
