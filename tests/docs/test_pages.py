"""Every code block of the README and the documentation runs and prints what its page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.blocks import RUN, Page, find_blocks, page_environment, run_page
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {
    str(path.relative_to(REPOSITORY)): path
    for path in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    if "_build" not in path.parts
}

#: Every block that is shown and not run, with its reason. A new one must be put here by hand.
NOT_RUN: dict[str, set[str]] = {
    "README.md": {
        "installs into the environment of the reader",
        "they set up an environment of their own, and run all of this again",
    },
    "docs/how-to/hash-on-a-cluster.md": {"the cluster is the reader's"},
    "docs/how-to/implement-the-format.md": {"the program under test is the reader's"},
    "docs/how-to/import-a-tracked-run.md": {"needs a run of MLflow, which is the reader's"},
    "docs/how-to/openssf-model-signing.md": {"needs model_signing, which is the reader's"},
    "docs/how-to/remote-data.md": {
        "installs into the environment of the reader",
        "needs a bucket of the reader's",
    },
    "docs/how-to/sign-with-the-key-you-have.md": {
        "needs a running ssh-agent",
        "needs a timestamp authority",
        "needs a token",
        "needs the authority's key",
    },
    "docs/how-to/sign-without-keys.md": {"needs the network"},
    "docs/index.md": {"the whole of it, at a glance; the tutorial runs it"},
    "docs/tutorial/digits.md": {
        "installs into the environment of the reader, and copies from the reader's checkout",
        "the end of the page, shown at its beginning",
    },
    "docs/tutorial/language-model.md": {
        "installs into the environment of the reader, and copies from the reader's checkout",
        "needs torch; tests/frameworks runs this page where it is installed",
    },
}


@pytest.mark.parametrize("name", PAGES)
def test_blocks_of_the_page_run(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    run_page(Page(PAGES[name], folder, page_environment(tmp_path)))


def test_blocks_that_are_not_run_are_known() -> None:
    found: dict[str, set[str]] = {}
    for name, path in PAGES.items():
        for block in find_blocks(path.read_text(encoding="utf-8")):
            if block.no_run:
                found.setdefault(name, set()).add(block.no_run)
    assert found == NOT_RUN


def test_shell_lines_are_never_shown_without_being_run() -> None:
    other = [
        (name, block.line)
        for name, path in PAGES.items()
        for block in find_blocks(path.read_text(encoding="utf-8"))
        if block.language not in RUN and block.text.startswith("$ ")
    ]
    assert other == [], "a block of commands is written as ```console"
