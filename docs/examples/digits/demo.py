"""Record, release, sign and verify a real training run; then show that four tampered copies fail.

`make demo` runs this. Everything is written below `demo/` at the top of the repository, or below
the folder that is named as the only argument. It exits with 1 if anything is not as it should be.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MARK = ".written-by-make-demo"
MANIFEST = "training-provenance/manifest.sigstore.json"
PASS, FAIL = 0, 1


class UnexpectedError(Exception):
    """Something is not as this demonstration says that it is."""


def say(text=""):
    print(text, flush=True)


def step(title):
    say(f"\n=== {title}")


def run(*arguments, cwd, expected=PASS, until=None):
    """Show a command, run it, show what it prints, and insist on its exit code.

    Of a long report only the part before the section `until` is shown.
    """
    say("$ " + " ".join(str(argument) for argument in arguments))
    program = Path(sys.executable).parent / arguments[0]
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # importing `network` leaves nothing beside it
        "XDG_CONFIG_HOME": str(cwd / "config"),  # the pins of whoever runs this do not matter here
    }
    done = subprocess.run(  # noqa: S603 - the commands are those that stand below
        [program, *map(str, arguments[1:])],
        cwd=cwd,
        env=environment,
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
    if done.returncode != expected:
        raise UnexpectedError(f"{arguments[0]} ended with {done.returncode}, not {expected}")
    return done.stdout


def shorten(path, folder):
    """Return a path as somebody in the folder would write it."""
    return os.path.relpath(path, folder) if folder.is_relative_to(ROOT) else path


def clear(folder):
    """Empty the folder of an earlier demonstration; leave alone what anybody else made."""
    if folder.exists():
        if not (folder / MARK).is_file() and any(folder.iterdir()):
            raise UnexpectedError(f"{folder} was not made by this demonstration; name another")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def flip_one_bit(release):
    weights = release / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


def add_a_file(release):
    (release / "tokenizer.py").write_text("print('I was not signed')\n", encoding="utf-8")


def edit_the_evaluation(release):
    results = release / "training-provenance" / "documents" / "results.json"
    found = json.loads(results.read_text(encoding="utf-8"))
    found["accuracy"] = 0.9999
    results.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def edit_the_signed_payload(release):
    bundle = release / MANIFEST
    tree = json.loads(bundle.read_text(encoding="utf-8"))
    payload = json.loads(base64.b64decode(tree["dsseEnvelope"]["payload"]))
    payload["predicate"]["evaluations"][0]["metrics"][0]["value"] = 0.9999
    edited = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    tree["dsseEnvelope"]["payload"] = base64.b64encode(edited.encode("utf-8")).decode("ascii")
    bundle.write_text(json.dumps(tree), encoding="utf-8")


#: What is done to a copy of the release, and the finding and the words that must tell of it.
TAMPERINGS = (
    ("one bit of the weights flipped", flip_one_bit, "digest-mismatch", "model.safetensors"),
    ("one file added", add_a_file, "file-extra", "tokenizer.py"),
    ("the evaluation edited", edit_the_evaluation, "companion-mismatch", "results.json"),
    ("the signed payload edited", edit_the_signed_payload, "signature-invalid", ""),
)


def record(folder):
    step("1. Three processes record what they do")
    for script in ("prepare", "train", "evaluate"):
        run("python", shorten(HERE / f"{script}.py", folder), cwd=folder)


def publish(folder):
    step("2. The best checkpoint becomes a folder that can be published")
    run(
        *("provenance", "release", "runs", "--output", "digits-mlp"),
        *("--checkpoint", "best", "--metric", "validation_accuracy"),
        *("--file", "checkpoints/config.json"),
        *("--description", shorten(HERE / "model.toml", folder)),
        cwd=folder,
    )
    step("3. Its manifest is signed")
    run("provenance", "keygen", "lab.key", cwd=folder)
    run("provenance", "sign", "digits-mlp", "--key", "lab.key", cwd=folder)


def verify(folder):
    step("4. Whoever downloads it verifies it")
    raw = subprocess.run(
        [sys.executable, "-c", "import sklearn; print(sklearn.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    run(
        *("provenance", "verify", "digits-mlp", "--key", "lab.key.pub", "--model", "digits-mlp"),
        *("--all-digests", "--dataset", f"raw={Path(raw) / 'datasets/data/digits.csv.gz'}"),
        cwd=folder,
    )


def tamper(folder):
    step("5. Four copies are tampered with, and each is found out")
    for number, (title, change, code, word) in enumerate(TAMPERINGS, start=1):
        copy = Path("tampered") / str(number)
        shutil.copytree(folder / "digits-mlp", folder / copy)
        change(folder / copy)
        say(f"\n--- {number}. {title}")
        shown = run(
            *("provenance", "verify", copy, "--key", "lab.key.pub"),
            cwd=folder,
            expected=FAIL,
            until="Warnings",
        )
        if code not in shown or word not in shown:
            raise UnexpectedError(f"the report does not say {code} {word}")


def main():
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "demo"
    try:
        clear(folder)
        record(folder)
        publish(folder)
        verify(folder)
        tamper(folder)
    except UnexpectedError as error:
        say(f"\nUNEXPECTED: {error}")
        return 1
    step("Done: PASS once, FAIL four times, each with its reason")
    for name, what in (
        ("runs/", "what the three processes recorded"),
        ("digits-mlp/", "the released model with its signed manifest"),
        ("digits-mlp.draft/", "the draft, with the salt of the sealed fact: keep it to yourself"),
        ("lab.key, lab.key.pub", "the key that signed, and the one that verifies"),
        ("tampered/", "the four copies"),
    ):
        say(f"  {folder / name.split(',')[0]}: {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
