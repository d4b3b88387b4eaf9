"""What becomes public: everything that could name a person, a machine or a file is listed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from provenance.render import render_review, review_manifest, summarise_review

TREE: dict[str, Any] = {
    "producer": {"name": "Lab", "contact": "open@lab.example", "uri": "https://lab.example/about"},
    "datasets": (
        {
            "id": "raw",
            "sources": (
                {"uri": "s3://bucket.internal/raw"},
                {"description": "from /srv/data/raw.csv"},
            ),
            "inventory": ({"path": "patients.csv", "size": 1, "digest": {"blake3": "00"}},),
        },
    ),
    "training": {
        "segments": (
            {
                "command": ("python", "/home/alice/train.py", "~/cache/x", r"C:\Users\bob\data"),
                "code": {
                    "commit": "0" * 40,
                    "repository": "ssh://git@git.internal:2222/lab/code",
                    "path": "train.py",
                    "modifiedFiles": ("secret_plan.py",),
                },
                "hyperparameters": {"url": "git@git.other:lab/code", "path": "not a file name"},
            },
        )
    },
    "environments": ({"id": "e", "packages": ({"name": "private-lib", "version": "1.0+lab"},)},),
    "disclosures": ({"path": "/compute/cost", "status": "withheld", "reason": "contract"},),
    "origins": {"/training/segments": "captured"},
}


def test_everything_that_names_somebody_is_found() -> None:
    review = review_manifest(TREE)
    assert review.values("hosts") == ("bucket.internal", "git.internal", "git.other", "lab.example")
    assert review.values("users") == ("alice", "bob")
    assert review.values("addresses") == ("git@git.internal", "git@git.other", "open@lab.example")
    assert review.values("paths") == (
        "/home/alice/train.py",
        "/srv/data/raw.csv",
        r"C:\Users\bob\data",
        "~/cache/x",
    )
    assert review.values("files") == ("patients.csv", "secret_plan.py", "train.py")
    assert review.values("packages") == ("private-lib 1.0+lab",)


def test_pointers_into_the_document_are_no_paths() -> None:
    review = review_manifest(TREE)
    assert "/compute/cost" not in review.values("paths")
    assert "/training/segments" not in review.values("paths")


def test_review_is_shown_kind_by_kind() -> None:
    lines = render_review(review_manifest(TREE)).splitlines()
    assert lines[0].startswith("What becomes public")
    assert lines[1:3] == ["hosts (4)", "  bucket.internal"]
    assert "packages (1)" in lines


def test_summary_counts() -> None:
    assert summarise_review(review_manifest(TREE)) == (
        "becomes public: hosts 4, users 2, addresses 3, paths 4, files 3, packages 1, arguments 4, "
        "texts 1"
    )
    assert summarise_review(review_manifest({})) == "becomes public: nothing that looks private"


def test_long_lists_are_cut_and_counted() -> None:
    packages = tuple({"name": f"p{n}", "version": "1"} for n in range(60))
    text = render_review(review_manifest({"environments": ({"packages": packages},)}))
    assert "packages (60)" in text
    assert "  … and 10 more" in text


def test_hostile_names_are_escaped() -> None:
    tree = {"release": {"inventory": ({"path": "a\x1b[2J\nb", "size": 1},)}}
    text = render_review(review_manifest(tree))
    assert "  a\\x1b[2J\\nb" in text


@pytest.mark.parametrize("value", [None, True, 1, "x", (), ({},), ("x",), {"packages": 1}])
def test_documents_that_are_no_manifest_are_reviewed_all_the_same(value: object) -> None:
    review_manifest({"environments": value, "release": value})
    review_manifest({"environments": (value,)})
    review_manifest({"environments": ({"packages": (value,)},)})


def test_no_text_is_slow() -> None:
    begun = time.monotonic()
    for text in ("a@" * 50_000, "/a" * 50_000, "a://" * 25_000, "/home/" * 20_000, "a." * 50_000):
        review_manifest({"x": text})
    assert time.monotonic() - begun < 5
