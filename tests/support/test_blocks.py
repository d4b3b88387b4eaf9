"""The runner of the documentation's blocks finds what is wrong with a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.blocks import BlockError, Page, find_blocks, matches, page_environment, run_page

if TYPE_CHECKING:
    from pathlib import Path


def run_text(tmp_path: Path, text: str) -> int:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    return run_page(Page(page, folder, page_environment(tmp_path)))


def test_blocks_are_found_with_language_line_and_text() -> None:
    text = "# Title\n\n```python\nx = 1\n```\n\n- item\n\n  ```console\n  $ true\n  ```\n"
    first, second = find_blocks(text)
    assert (first.language, first.line, first.text) == ("python", 4, "x = 1\n")
    assert (second.language, second.line, second.text) == ("console", 10, "$ true\n")


def test_fence_inside_a_longer_fence_is_text() -> None:
    (block,) = find_blocks("````text\n```python\n1/0\n```\n````\n")
    assert block.language == "text"


def test_block_opted_out_needs_its_reason() -> None:
    (block,) = find_blocks('```console no-run reason="needs a network"\n$ make demo\n```\n')
    assert block.no_run == "needs a network"
    with pytest.raises(BlockError, match="no-run"):
        find_blocks("```python skip\n1/0\n```\n")


def test_block_to_be_saved_becomes_a_file_and_is_not_run(tmp_path: Path) -> None:
    text = (
        '```python save="code/fails.py"\n1 / 0\n```\n'
        '```toml save="a.toml"\nx = 1\n```\n'
        "```console\n$ cat code/fails.py a.toml\n1 / 0\nx = 1\n```\n"
    )
    assert run_text(tmp_path, text) == 3


def test_unclosed_block_is_refused() -> None:
    with pytest.raises(BlockError, match="not closed"):
        find_blocks("```python\nx = 1\n")


def test_blocks_of_a_page_share_names_and_folder(tmp_path: Path) -> None:
    text = (
        "<!-- python\nfrom pathlib import Path\n-->\n"
        "```python\nPath('seen.txt').write_text('yes\\n')\n```\n"
        "```console\n$ cat seen.txt\nyes\n```\n"
        "```python\n>>> Path('seen.txt').read_text()\n'yes...'\n```\n"
    )
    assert run_text(tmp_path, text) == 4


@pytest.mark.parametrize(
    "text",
    [
        "```python\n1 / 0\n```\n",
        "```python\n>>> 1 + 1\n3\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ true  # exit 1\n```\n",
        "```console\nno command\n```\n",
    ],
)
def test_wrong_block_is_found(text: str, tmp_path: Path) -> None:
    with pytest.raises(BlockError):
        run_text(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ sh -c 'echo FAIL; exit 1'  # exit 1\nFAIL\n```\n",
        "```console\n$ echo one \\\n    two\none two\n$ echo three\nthree\n```\n",
        "```console\n$ python -c 'print(1)'\n1\n```\n",
        '```python no-run reason="shows a mistake"\n1 / 0\n```\n',
        "```json\n{]\n```\n",
        "```{literalinclude} train.py\n:language: python\n```\n",
    ],
)
def test_right_block_passes(text: str, tmp_path: Path) -> None:
    run_text(tmp_path, text)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("PASS: key SHA256:…", "PASS: key SHA256:abc= signed\n"),
        ("first\n…\nlast", "first\n2\n3\nlast\n"),
        ("first\n…\nlast", "first\nlast\n"),
        ("a.b", "a.b"),
    ],
)
def test_wildcards_match_what_is_left_out(shown: str, printed: str) -> None:
    assert matches(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("a.b", "axb"), ("one", "one\ntwo"), ("a…b", "a\nb"), ("…\nlast", "last\nmore")],
)
def test_wildcards_do_not_match_more(shown: str, printed: str) -> None:
    assert not matches(shown, printed)
