"""Who said what in a manifest with imported runs."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.recording.imported import IMPORTED, imported_origins


def recorded(*gaps: dict[str, str]) -> dict[str, Any]:
    """Return parts of two runs, each with a segment and a checkpoint."""
    return {
        "gaps": list(gaps),
        "training": {
            "log": {"root": "x"},
            "segments": [{"id": f"s{it}", "run": f"r{it}"} for it in (1, 2)],
            "checkpoints": [
                {"id": f"c{it}", "segment": f"s{it}", "step": 1, "files": {}} for it in (1, 2)
            ],
        },
    }


def mark(**fields: str) -> dict[str, str]:
    return {"subject": "recording", "kind": "absent", "description": IMPORTED, **fields}


def test_nothing_changes_where_nothing_was_imported() -> None:
    tree = recorded({"subject": "recording", "kind": "absent", "description": "another gap"})
    assert imported_origins(tree, tree) == {}


def test_only_the_imported_run_is_its_trackers_word() -> None:
    tree = recorded(mark(run="r2"))
    assert imported_origins(tree, tree) == {
        "/training/log": "authored",
        "/training/segments/1": "authored",
        "/training/checkpoints/1": "authored",
        "/training/checkpoints/1/files": "captured",
    }


def test_mark_without_a_run_stands_for_all() -> None:
    tree = recorded(mark())
    assert {"/training/segments/0", "/training/segments/1"} <= set(imported_origins(tree, tree))


@pytest.mark.parametrize("part", ["gaps", "training"])
def test_what_is_withheld_changes_no_word(part: str) -> None:
    whole = recorded(mark())
    left = {name: value for name, value in whole.items() if name != part}
    found = imported_origins(left, whole)
    assert bool(found) == (part == "gaps")
    assert all(pointer.startswith("/training/") for pointer in found)
