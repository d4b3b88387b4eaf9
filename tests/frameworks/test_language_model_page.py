"""The tutorial of the language model does what it says, also in the blocks that need torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.blocks import Page, page_environment, run_page
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PAGE = REPOSITORY / "docs" / "tutorial" / "language-model.md"

#: What marks the blocks that the tests of the documentation leave to this one.
MARK = ' no-run reason="needs torch; tests/frameworks runs this page where it is installed"'


def test_every_block_of_the_tutorial_runs(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(MARK) == 8
    page = tmp_path / PAGE.name
    page.write_text(text.replace(MARK, ""), encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run_page(Page(page, folder, page_environment(tmp_path))) == 10
