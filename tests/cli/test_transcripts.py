"""Sessions as a person has them: each page under `transcripts/` is run and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.blocks import Page, page_environment, run_page

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.md"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: str(path.stem))
def test_session_goes_as_written(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert run_page(Page(path, folder, page_environment(home))) > 0
