"""Take the source of Python's standard library as text, clean it, and split it by module."""

import argparse
import platform
import shutil
import sysconfig
from pathlib import Path

import provenance


def find_modules(folder):
    """Return the public modules that lie directly in the library, in the order of their names."""
    found = sorted(folder.glob("[a-z]*.py"))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def clean(data):
    """Return the text of a module with unified line ends; nothing if it is no UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    lines = (line.rstrip() for line in text.splitlines())
    return ("\n".join(lines) + "\n\n").encode("utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--validation-every", type=int, default=10)
    parser.add_argument("--min-bytes", type=int, default=500)
    args = parser.parse_args()
    raw = args.data / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    for module in find_modules(Path(sysconfig.get_path("stdlib"))):
        shutil.copyfile(module, raw / module.name)

    with provenance.record("prepare", output=args.runs) as run:
        source = {
            "uri": "https://github.com/python/cpython",
            "name": "Lib/*.py of CPython",
            "kind": "public",
            "revision": f"v{platform.python_version()}",
            "licenses": ["PSF-2.0"],
        }
        run.dataset(raw, id="raw", role="raw", license="PSF-2.0", source=source)

        texts, removed = {}, 0
        for module in sorted(raw.iterdir()):
            text = clean(module.read_bytes())
            if text is None or len(text) < args.min_bytes or text in texts.values():
                removed += 1
            else:
                texts[module.name] = text
        parts = {"train": [], "validation": []}
        for number, text in enumerate(texts.values()):
            part = "train" if number % args.validation_every else "validation"
            parts[part].append(text)

        for name, chosen in parts.items():
            path = args.data / f"{name}.txt"
            path.write_bytes(b"".join(chosen))
            run.dataset(path, id=name, role=name, license="PSF-2.0", records=len(chosen))
            print(f"{name}: {len(chosen)} modules, {path.stat().st_size:,} bytes")
        run.processing(
            inputs=["raw"],
            outputs=["train", "validation"],
            parameters={"validation_every": args.validation_every, "min_bytes": args.min_bytes},
            description="Drops modules that are no UTF-8, short or equal to another, removes "
            "blanks at the ends of lines, and gives every tenth module to validation.",
            removed_records=removed,
        )


if __name__ == "__main__":
    main()
