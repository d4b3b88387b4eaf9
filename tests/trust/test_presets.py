"""Tests of presets: what a verifier may choose not to check."""

from __future__ import annotations

import pytest

from provenance.trust import PRESETS, is_ignored
from provenance.trust.presets import LOADABLE_SUFFIXES


@pytest.mark.parametrize(
    "path",
    [
        ".gitattributes",
        ".git",
        ".git/HEAD",
        ".git/objects/ab/cdef0123",
        ".git/hooks/pre-commit.sample",
        ".git/lfs/objects/ab/cd/abcd",
        ".cache/huggingface/.gitignore",
        ".cache/huggingface/CACHEDIR.TAG",
        ".cache/huggingface/download/model.safetensors.metadata",
        ".cache/huggingface/download/model.safetensors.lock",
        ".cache/huggingface/download/abc=.0123.incomplete",
        ".DS_Store",
        "sub/.DS_Store",
        "training-provenance/documents/.DS_Store",
    ],
)
def test_the_hub_preset_covers_what_tools_add(path: str) -> None:
    assert is_ignored(path, ("hub",)) == "hub"
    assert is_ignored(path, ()) is None


@pytest.mark.parametrize(
    "path",
    [
        "model.safetensors",
        ".gitignore",
        ".github/evil.py",
        ".gitattributes/x",
        ".gitmodules",
        "sub/.git/config",
        "sub/.gitattributes",
        ".GIT/config",
        ".gitx/config",
        ".git2",
        ".cache/other/file",
        ".cache/huggingface",
        ".cache/huggingface2/x",
        ".cache/file",
        "a/.cache/huggingface/download/x.metadata",
        ".DS_Store/x",
        ".ds_store",
        "x.DS_Store",
        "training-provenance/extra.json",
    ],
)
def test_nothing_else_is_covered(path: str) -> None:
    assert is_ignored(path, ("hub",)) is None


@pytest.mark.parametrize(
    "path",
    [
        ".git/evil.py",
        ".git/evil.PY",
        ".git/hooks/x.sh",
        ".git/x.so",
        ".cache/huggingface/modeling.py",
        ".cache/huggingface/download/model.safetensors",
        ".cache/huggingface/download/pytorch_model.bin",
        ".cache/huggingface/download/chat_template.jinja",
        ".cache/huggingface/x.pkl",
    ],
)
def test_what_a_loader_could_load_is_never_ignored(path: str) -> None:
    assert is_ignored(path, ("hub",)) is None


def test_the_name_of_a_preset_never_ends_like_something_that_is_loaded() -> None:
    for preset in PRESETS.values():
        for name in (*preset.paths, *preset.names):
            assert not name.lower().endswith(LOADABLE_SUFFIXES)


def test_an_unknown_preset_covers_nothing() -> None:
    assert is_ignored(".git/HEAD", ("none", "hub")) == "hub"
    assert is_ignored(".git/HEAD", ("none",)) is None


def test_the_table_does_not_change() -> None:
    with pytest.raises(TypeError):
        PRESETS["all"] = PRESETS["hub"]  # type: ignore[index]  # what the test is about
