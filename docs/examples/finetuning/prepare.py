"""Take what two packages of the standard library say of their functions, with labels."""

import argparse
import ast
import json
import platform
import random
import shutil
import sysconfig
from pathlib import Path

import provenance

PACKAGES = ("asyncio", "email")
MIN_CHARACTERS = 20


def find_sentences(module):
    """Return the first paragraph of every documented class and function; nothing is imported."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield " ".join(text.split("\n\n")[0].split())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    args = parser.parse_args()
    raw = args.data / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    library = Path(sysconfig.get_path("stdlib"))
    for package in PACKAGES:
        (raw / package).mkdir(parents=True)
        for module in sorted((library / package).glob("*.py")):
            shutil.copyfile(module, raw / package / module.name)

    with provenance.record("prepare", output=args.runs) as run:
        source = {
            "uri": "https://github.com/python/cpython",
            "name": "Lib/asyncio and Lib/email of CPython",
            "kind": "public",
            "revision": f"v{platform.python_version()}",
            "licenses": ["PSF-2.0"],
        }
        run.dataset(raw, id="raw", role="raw", license="PSF-2.0", source=source)

        labels = {}
        found = 0
        for label, package in enumerate(PACKAGES):
            for module in sorted((raw / package).iterdir()):
                for text in find_sentences(module):
                    found += 1
                    labels.setdefault(text, set()).add(label)
        rows = [
            {"text": text, "label": min(which)}
            for text, which in sorted(labels.items())
            if len(text) >= MIN_CHARACTERS and len(which) == 1
        ]
        random.Random(7).shuffle(rows)  # noqa: S311 - to mix, not to hide
        parts = {"train-texts": rows[80:], "validation-texts": rows[40:80], "test-texts": rows[:40]}
        for name, chosen in parts.items():
            path = args.data / f"{name}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
            run.dataset(path, id=name, role="intermediate", license="PSF-2.0", records=len(chosen))
            print(f"{name}: {len(chosen)} sentences")
        run.processing(
            inputs=["raw"],
            outputs=list(parts),
            parameters={"seed": 7, "min_characters": MIN_CHARACTERS},
            description="Takes the first paragraph of each docstring, drops short ones, equal ones "
            "and those that both packages have, shuffles them and splits off 40 and 40.",
            removed_records=found - len(rows),
        )


if __name__ == "__main__":
    main()
