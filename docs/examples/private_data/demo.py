"""Release a model whose training data is private; then let an outsider and an auditor look.

    python demo.py [FOLDER]

Everything is written below `FOLDER`, by default `demo-private-data`: `company/` is what the company
has, `published/` what everybody has, `auditor/` what one auditor has besides. It ends with 1 if
anything is not as it should be.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARK = ".written-by-the-demo"
FILES = ("export.py", "train.py", "model.toml", "rules.toml")
PASS, FAIL = 0, 1

#: What must not be in anything that is published, in whatever spelling.
SECRETS = (
    "orlan",
    "quarry",
    "merivale",
    "2026-03.csv",
    "clinic-exports",
    "ml.northgate-lab",
    "1180",
)


class UnexpectedError(Exception):
    """Something is not as this demonstration says that it is."""


def say(text=""):
    print(text, flush=True)


def run(*arguments, cwd, expected=PASS, until=None):
    """Show a command and what it prints, and insist on its exit code.

    Of a long report only the part before the line that begins with `until` is shown.
    """
    say("$ " + " ".join(map(str, arguments)))
    done = subprocess.run(  # noqa: S603 - the commands are those that stand below
        [Path(sys.executable).parent / arguments[0], *map(str, arguments[1:])],
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
    if done.returncode != expected:
        raise UnexpectedError(f"{arguments[0]} ended with {done.returncode}, not {expected}")
    return done.stdout


def clear(folder):
    """Empty the folder of an earlier demonstration; leave alone what anybody else made."""
    if folder.exists():
        if not (folder / MARK).is_file() and any(folder.iterdir()):
            raise UnexpectedError(f"{folder} was not made by this demonstration; name another")
        shutil.rmtree(folder)
    for name in ("company", "published", "auditor"):
        (folder / name).mkdir(parents=True)
    (folder / MARK).touch()


def train(company):
    say("=== 1. The company trains on records of its customers")
    for name in FILES:
        shutil.copy(HERE / name, company)
    run("python", "export.py", cwd=company)
    run("python", "train.py", cwd=company)


def sign(company):
    say("\n=== 2. It says what becomes public, looks at it, and signs")
    described = ("--description", "model.toml", "--public", "rules.toml")
    run("provenance", "release", "runs", "--output", "triage", *described, cwd=company)
    run("provenance", "review", "triage.draft", "--public", "rules.toml", cwd=company)
    run("provenance", "keygen", "lab.key", cwd=company)
    run("provenance", "sign", "triage", "--key", "lab.key", "--yes", cwd=company)


def publish(company, published):
    say("\n=== 3. The release and the public key are published; here is no secret in them")
    shutil.copytree(company / "triage", published / "triage")
    shutil.copy(company / "lab.key.pub", published)
    count = 0
    for path in sorted(it for it in published.rglob("*") if it.is_file()):
        told = [str(path.relative_to(published)).encode(), path.read_bytes()]
        if path.name == "manifest.sigstore.json":
            told.append(base64.b64decode(json.loads(told[1])["dsseEnvelope"]["payload"]))
        for secret in SECRETS:
            if any(secret.encode() in it.lower() for it in told):
                raise UnexpectedError(f"{secret} is in {path}")
        count += 1
    say(f"{count} files, and none of {len(SECRETS)} secrets in their names, bytes or payloads")


def verify(published):
    say("\n=== 4. An outsider verifies it, and is told what is withheld")
    check = ("verify", "triage", "--key", "lab.key.pub", "--model", "triage")
    run("provenance", *check, cwd=published, until="Not checked")


def audit(company, published, auditor):
    say("\n=== 5. An auditor asks who the data came from, and gets this fact alone")
    pointer = "/datasets/0/sources"
    opening = auditor / "sources.opening.json"
    run("provenance", "open", "triage", pointer, "-o", opening, cwd=company)
    check = ("provenance", "check-opening", "--key", published / "lab.key.pub")
    run(*check, opening, published / "triage", cwd=auditor)

    say("\n--- another customer's name is found out")
    forged = auditor / "forged.opening.json"
    text = opening.read_text(encoding="utf-8")
    forged.write_text(text.replace("Merivale Oncology", "Somebody Else"), encoding="utf-8")
    run(*check, forged, published / "triage", cwd=auditor, expected=FAIL)

    say("\n--- and the price stays sealed")
    if "1180" in text:
        raise UnexpectedError("the opening tells more than it was asked for")
    say(f"{opening.name}: {len(text)} characters, and no other fact")


def compare(company):
    say("\n=== 6. Somebody who may see the records compares them with what was signed")
    shown = run(
        *("provenance", "verify", "triage", "--key", "lab.key.pub", "--model", "triage"),
        *("--dataset", "records=clinic-exports/records", "--salts", "triage.draft/private.json"),
        cwd=company,
        until="Warnings",
    )
    matched = [line.strip() for line in shown.splitlines() if "evidence-matched" in line]
    if len(matched) != 1:
        raise UnexpectedError("the records were not compared")
    say(f"  {matched[0]}")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-private-data").resolve()
    company, published, auditor = (folder / it for it in ("company", "published", "auditor"))
    try:
        clear(folder)
        train(company)
        sign(company)
        publish(company, published)
        verify(published)
        audit(company, published, auditor)
        compare(company)
    except UnexpectedError as error:
        say(f"\nUNEXPECTED: {error}")
        return 1
    say("\n=== Done: the model is documented, its data is private, and both can be checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
