"""Write the generated files again, or with `--check` say which of them are stale."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from generate.pages import page_files
from generate.registries import registry_files
from generate.schemas import schema_files

REPOSITORY = Path(__file__).resolve().parents[2]


def stale_files() -> dict[Path, tuple[str, str]]:
    """Return what stands and what should stand in every file that is not as generated."""
    stale = {}
    for name, text in {**registry_files(), **schema_files(), **page_files()}.items():
        path = REPOSITORY / name
        present = path.read_text(encoding="utf-8") if path.is_file() else ""
        if present != text:
            stale[path] = (present, text)
    return stale


def main(arguments: list[str]) -> int:
    """Write or compare, and return the exit code."""
    stale = stale_files()
    for path, (present, text) in stale.items():
        name = str(path.relative_to(REPOSITORY))
        if arguments == ["--check"]:
            lines = present.splitlines(), text.splitlines()
            difference = difflib.unified_diff(*lines, name, "as generated", n=1, lineterm="")
            print("\n".join(difference))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if stale and arguments == ["--check"]:
        print(f"{len(stale)} generated files are stale: run `make schema`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
