r"""The code blocks of Markdown pages, found and run as a reader would run them.

The blocks of one page share one folder and one Python namespace, in the order of the page:

- ` ```python ` is executed; a block of `>>>` lines is a doctest, `...` standing for any text.
- ` ```console `: each line after `$ ` is run by the shell, and the lines below it must be what it
  prints: `…` stands for any text within a line, and alone on a line for any number of lines. Where
  nothing is shown, nothing is compared. The command must end with 0, or with N where the line ends
  in `# exit N`. A `\` at the end of a line continues the command.
- `<!-- python … -->` is executed like the first, but a reader does not see it: a page prepares with
  it what its readers already have.

A block ` ```python save="train.py" `, in any language, is a file that the reader is to write: it is
put into the folder under that name, and not run. A block that cannot run says why,
` ```console no-run reason="…" `, and a test lists all of them. Blocks in other languages are only
shown.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Block", "BlockError", "Page", "find_blocks", "matches", "page_environment", "run_page"]

#: A command of a page that runs longer hangs.
COMMAND_TIMEOUT_SECONDS = 300

#: Languages that are run.
RUN = frozenset({"python", "console"})

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`\n]*)$")
_DIRECTIVE = re.compile(r"\{[a-z-]+\}$")  # ` ```{toctree} `: for the site, not for a reader to run
_HIDDEN = re.compile(r"^<!-- python\s*$")
_EXIT = re.compile(r"\s+# exit (\d+)$")


class BlockError(AssertionError):
    """A block of the documentation does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """One code block of a page."""

    line: int
    """Number of the block's first line of code, from 1."""

    language: str
    text: str
    no_run: str = ""
    """Why the block is not run; empty if it is."""

    save: str = ""
    """The file that the block is saved as; empty if it is none."""


@dataclass(frozen=True)
class Page:
    """One Markdown page and what its blocks need."""

    path: Path
    folder: Path
    """An empty folder that the blocks run in."""

    environment: dict[str, str]


def find_blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, and its hidden ones, in order."""
    blocks = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if _HIDDEN.match(line):
            body = _until(lines, "-->", "")
            blocks.append(Block(number + 1, "python", body))
        elif match := _FENCE.match(line):
            body = _until(lines, match["fence"], match["indent"])
            language, _, options = match["info"].strip().partition(" ")
            no_run, save = ("", "") if _DIRECTIVE.match(language) else _options(options, number)
            blocks.append(Block(number + 1, language, body, no_run, save))
    return blocks


def _until(lines: Iterator[tuple[int, str]], end: str, indent: str) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.strip() == end:
            return "".join(f"{text}\n" for text in body)
        body.append(line.removeprefix(indent))
    raise BlockError(f"a block is not closed with {end!r}")


def _options(options: str, line: int) -> tuple[str, str]:
    """Return why a block is not run, and the file that it is saved as."""
    if match := re.fullmatch(r'(?:no-run reason="([^"]+)")?(?:save="([\w./-]+)")?', options):
        return match[1] or "", match[2] or ""
    raise BlockError(f'line {line}: expected no-run reason="…" or save="…", found {options!r}')


def run_page(page: Page) -> int:
    """Run the blocks of a page and return how many ran.

    Raises:
        BlockError: A block fails, or prints something else than the page shows.
    """
    namespace: dict[str, object] = {"__name__": "__page__"}
    found = find_blocks(page.path.read_text(encoding="utf-8"))
    blocks = [
        block for block in found if block.save or (block.language in RUN and not block.no_run)
    ]
    for block in blocks:
        if block.save:
            file = page.folder / block.save
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            _run_console(block, page)
        else:
            _run_python(block, page, namespace)
    return len(blocks)


def _run_python(block: Block, page: Page, namespace: dict[str, object]) -> None:
    printed = io.StringIO()
    with contextlib.chdir(page.folder), contextlib.redirect_stdout(printed):
        if block.text.lstrip().startswith(">>>"):
            _run_doctest(block, page, namespace)
            return
        # Empty lines in front keep the page's own line numbers in a traceback.
        source = "\n" * (block.line - 1) + block.text
        try:
            # Our own `from __future__` lines are not the page's.
            code = compile(source, str(page.path), "exec", dont_inherit=True)
            exec(code, namespace)  # noqa: S102  # our own page
        except Exception as error:
            raise BlockError(f"{page.path.name}:{block.line}: {error!r}") from error


def _run_doctest(block: Block, page: Page, namespace: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(
        block.text, namespace, page.path.name, str(page.path), block.line - 1
    )
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=report.write, clear_globs=False)
    namespace.update(test.globs)
    if runner.failures:
        raise BlockError(report.getvalue())


def _run_console(block: Block, page: Page) -> None:
    for line, command, shown in _commands(block):
        stated = _EXIT.search(command)
        expected_code = int(stated[1]) if stated else 0
        ran = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=page.folder,
            env=page.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
        output = ran.stdout.decode(errors="replace")
        where = f"{page.path.name}:{line}: $ {command}\n"
        if ran.returncode != expected_code:
            raise BlockError(f"{where}ended with {ran.returncode}, not {expected_code}:\n{output}")
        if shown.strip() and not matches(shown, output):
            raise BlockError(f"{where}the page shows\n{shown}\nbut it printed\n{output}")


def _commands(block: Block) -> list[tuple[int, str, str]]:
    commands: list[tuple[int, str, str]] = []
    continued = False
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        if continued:
            first, command, _ = commands.pop()
            commands.append((first, f"{command}\n{line}", ""))
        elif line.startswith("$ "):
            commands.append((number, line[2:], ""))
        elif commands:
            first, command, shown = commands.pop()
            commands.append((first, command, f"{shown}{line}\n"))
        else:
            raise BlockError(f"line {number}: a console block begins with a line `$ command`")
        continued = (continued or line.startswith("$ ")) and line.endswith("\\")
    return commands


def matches(shown: str, printed: str) -> bool:
    """Say whether printed text is what a page shows, `…` standing for what it leaves out."""
    pattern = ""
    for line in shown.rstrip().splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += "[^\n]*".join(map(re.escape, line.rstrip().split("…"))) + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.rstrip() + "\n") is not None


def page_environment(home: Path) -> dict[str, str]:
    """Return the environment of a reader with an empty home and this library installed."""
    programs = Path(sys.executable).parent
    return {
        "COLUMNS": "100",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]),
        "XDG_CONFIG_HOME": str(home / ".config"),
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
    }
