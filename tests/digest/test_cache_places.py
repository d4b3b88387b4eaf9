"""A cache never lies in what is hashed with it, however its path is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.digest.cache_places import check_outside
from provenance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "place",
    ["tree/c.db", "tree/a/c.db", "tree/new/folder/c.db", "tree/../tree/c.db", "link/c.db", "tree"],
)
def test_cache_in_what_is_hashed_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "tree" / "a").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "tree" / "a")
    for root in (tmp_path / "tree", tmp_path / "link" / ".."):
        with pytest.raises(UsageError, match="name a file in another folder"):
            check_outside(tmp_path / place, root)
    assert not (tmp_path / "tree" / "new").exists()


@pytest.mark.parametrize("place", ["c.db", "tree-2/c.db", "tree/../c.db", "tree/left-out/c.db"])
def test_cache_beside_what_is_hashed_is_fine(tmp_path: Path, place: str) -> None:
    (tmp_path / "tree").mkdir()
    check_outside(tmp_path / place, tmp_path / "tree", skip=["left-out"])
    check_outside(tmp_path / place, tmp_path / "nowhere")
    check_outside(tmp_path / place, "no\0path")
