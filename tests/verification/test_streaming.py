"""`find_signed_file`: what a signed manifest says of one file, before its bytes are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from provenance.errors import DigestError, UsageError, VerificationError
from provenance.verification import find_signed_file
from support.crafted import CraftedRelease, digests, fixed_clock, public_key
from verification.test_companions import inventory_file

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.verification import SignedFile

INSIDE = "training-provenance"
INVENTORY = f"{INSIDE}/inventories/release.jsonl"
NAME = "README.md"


class ListedApart(CraftedRelease):
    """A release whose inventory stands in a file of its own."""

    @override
    def manifest(self) -> dict[str, Any]:
        """Return the manifest with the reference."""
        self.companions.setdefault(
            "inventories/release.jsonl", inventory_file(self.files, sha256=True)
        )
        tree = super().manifest()
        del tree["release"]["inventory"]
        tree["release"]["inventoryFile"] = self.refer("inventories/release.jsonl")
        return tree


def find(target: Path, name: str = NAME, **options: Any) -> SignedFile:  # noqa: ANN401 - as the function takes them
    return find_signed_file(target, name, keys=public_key(), clock=fixed_clock, **options)


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """Return a release whose inventory stands in a file of its own."""
    return ListedApart().write(tmp_path / "apart")


def test_inventory_that_is_not_here_is_asked_for(apart: Path) -> None:
    bundle = apart / INSIDE / "manifest.sigstore.json"
    with pytest.raises(UsageError, match="is not here; fetch 'training-provenance/inventories/"):
        find(bundle)
    (apart / INVENTORY).unlink()
    with pytest.raises(UsageError, match="is not here"):
        find(apart)


@pytest.mark.parametrize("change", [b"x", b"\n", b""], ids=["longer", "line", "empty"])
def test_inventory_that_was_edited_is_refused(apart: Path, change: bytes) -> None:
    path = apart / INVENTORY
    path.write_bytes(path.read_bytes() + change if change else b"")
    with pytest.raises(DigestError, match="other bytes than the signed ones") as caught:
        find(apart)
    assert caught.value.code == "companion-mismatch"


def test_inventory_that_contradicts_the_signed_root_is_refused(tmp_path: Path) -> None:
    release = ListedApart()
    release.companions["inventories/release.jsonl"] = inventory_file({NAME: b"other"}, sha256=True)
    with pytest.raises(DigestError) as caught:
        find(release.write(tmp_path / "other"))
    assert caught.value.code == "inventory-mismatch"


def test_file_that_the_inventory_does_not_list_is_refused(apart: Path) -> None:
    with pytest.raises(DigestError) as caught:
        find(apart, "other.md")
    assert caught.value.code == "file-extra"


def test_inventory_in_a_file_says_what_was_signed(apart: Path, folder: Path) -> None:
    found = find(apart)
    data = CraftedRelease().files[NAME]
    assert (found.size, dict(found.digest)) == (len(data), digests(data))
    assert found.blocks is not None
    found.blocks.check_block(0, data)
    assert find(folder) == found


def test_name_that_nobody_asked_for_is_not_checked(folder: Path) -> None:
    (unnamed,) = find(folder).not_checked
    assert unnamed.code == "model-name-not-checked"
    assert "no name was asked for" in unnamed.message
    name = unnamed.message.rpartition(" ")[2].strip("'")
    assert find(folder, model=name).not_checked == ()
    with pytest.raises(VerificationError):
        find(folder, model="other")
