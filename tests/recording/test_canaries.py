"""Secrets put wherever a script may have them: no file and no line that is printed holds one.

One script is run as people run theirs, fails at its end, and is released and signed. Then every
byte that was written or printed is searched for each secret, in the spellings it could hide in.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from provenance.recording import release, sign_release
from provenance.signing import generate_private_key

if TYPE_CHECKING:
    from pathlib import Path

# Invented; joined at run time, so that no scanner takes this file for a leak.
CANARIES = {
    "option and value": "cnry-" + "argv-Zq8vT1xK",
    "option with equals sign": "cnry-" + "opt=Wm4sB7yL",
    "address in an argument": "cnry-" + "arguri-Hd2nP9cR",
    "nested configuration": "cnry-" + "conf-Jx5wE3uV",
    "list in a configuration": "cnry-" + "list-Ab6kM0zQ",
    "user of an address": "cnry-" + "user-Ft7rG4oS",
    "query of an address": "cnry-" + "query-Ny1iD8hX",
    "environment": "cnry-" + "env-Lc3pU6jB",
    "git remote": "cnry-" + "git-Vk9tA2eW",
    "exception": "hf_" + "cnryEXCEPTIONaBcDeFgHiJkLmNoPqRsTuV",
    "document": "hf_" + "cnryDOCUMENTaBcDeFgHiJkLmNoPqRsTuVw",
    "script": "ghp_" + "cnrySCRIPTaBcDeFgHiJkLmNoPqRsTuVwXyZ",
    "dataset name": "hf_" + "cnryDATASETaBcDeFgHiJkLmNoPqRsTuVwX",
    "note": "hf_" + "cnryNOTEaBcDeFgHiJkLmNoPqRsTuVwXyZ01",
    "note with a name": "cnry-" + "note-Rg4hY7sE",
    "gap": "hf_" + "cnryGAPaBcDeFgHiJkLmNoPqRsTuVwXyZ012",
}

#: Names that look like a secret's to a careless rule.
HARMLESS = {
    "use_cls_token": "harmless-cls",
    "num_memory_tokens": 4321,
    "tokenizer": "harmless-tokenizer",
    "max_tokens": 8765,
    "token_dropout": 0.125,
    "pad_token_id": 50256,
    "key_value_heads": 77,
    "passes": 3456,
    "author": "harmless-author",
    "monkey": "harmless-monkey",
}

SCRIPT = """
import json, os, sys
import numpy as np
from safetensors.numpy import save_file
import provenance

secrets = json.loads(os.environ.pop("CANARIES_OF_THE_TEST"))
run = provenance.start("train", output="runs")
run.config({
    "harmless": json.loads(os.environ.pop("HARMLESS_OF_THE_TEST")),
    "logger": {"settings": {"api_key": secrets["nested configuration"]}},
    "callbacks": [{"password": secrets["list in a configuration"]}],
    "store": f"https://bot:{secrets['user of an address']}@store.example/data",
    "hook": f"https://store.example/x?access_token={secrets['query of an address']}",
})
run.dataset("data.csv", id="data", name=f"data {secrets['dataset name']}",
            source=f"https://bot:{secrets['user of an address']}@store.example/data.csv")
run.document("notes.md", kind="other")
run.note(f"restarted with {secrets['note']}")
run.note(f"password={secrets['note with a name']}")
run.gap("data", f"not fetched with {secrets['gap']}")
run.log(1, loss=0.5)
save_file({"w": np.zeros(2, np.float32)}, "w.safetensors")
run.checkpoint("w.safetensors", step=1, id="c1")
# KEY = "SCRIPT_SECRET"
raise RuntimeError(f"cannot log in with {secrets['exception']}")
"""


def spellings(secret: str) -> set[bytes]:
    """Return the ways in which a secret could stand in a file."""
    raw = secret.encode()
    found = {
        raw,
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        raw.hex().encode(),
    }
    for shift in range(3):  # base64 of it inside a longer text
        encoded = base64.b64encode(b"\0" * shift + raw)
        found.add(encoded[4 if shift else 0 : len(encoded) - 4])
    return found


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=T", "-c", "user.email=t@lab.example", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Run the script, release and sign; return the folder and all that was printed."""
    work = tmp_path_factory.mktemp("work")
    (work / "train.py").write_text(
        SCRIPT.replace("SCRIPT_SECRET", CANARIES["script"]), encoding="utf-8"
    )
    (work / "notes.md").write_text(f"log in with {CANARIES['document']}\n", encoding="utf-8")
    (work / "data.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    git(work, "init")
    git(
        work,
        "remote",
        "add",
        "origin",
        f"https://bot:{CANARIES['git remote']}@git.example/lab/code",
    )
    git(work, "add", "train.py")
    git(work, "commit", "-m", "first")
    environment = {
        **os.environ,
        "CANARIES_OF_THE_TEST": json.dumps(CANARIES),
        "HARMLESS_OF_THE_TEST": json.dumps(HARMLESS),
        "HF_TOKEN": CANARIES["environment"],
        "WANDB_API_KEY": CANARIES["environment"],
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    options = [
        *("--api-key", CANARIES["option and value"]),
        f"--password={CANARIES['option with equals sign']}",
        f"https://bot:{CANARIES['address in an argument']}@store.example/data",
    ]
    done = subprocess.run(
        [sys.executable, "train.py", *options],
        cwd=work,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"RuntimeError: cannot log in" in done.stderr, done.stderr.decode()
    draft = release(
        work / "runs",
        work / "toy",
        description={"producer": {"name": "Lab"}, "model": {"name": "toy"}},
        unfinished=True,
    )
    sign_release(draft, generate_private_key())
    # What the script itself lets Python print of its exception is not the recorder's.
    said = b"\n".join(
        line
        for line in (done.stdout + done.stderr).splitlines()
        if not line.startswith(b"RuntimeError: cannot log in")
    )
    return work, said


def written(work: Path) -> dict[str, bytes]:
    """Return every file that recording and releasing have written."""
    places = [path for name in ("runs", "toy", "toy.draft") for path in (work / name).rglob("*")]
    return {str(path.relative_to(work)): path.read_bytes() for path in places if path.is_file()}


@pytest.mark.parametrize("place", CANARIES)
def test_no_secret_is_written_or_printed(printed: tuple[Path, bytes], place: str) -> None:
    work, said = printed
    files = written(work)
    assert any(name.endswith("manifest.sigstore.json") for name in files)
    bundle = json.loads(files["toy/training-provenance/manifest.sigstore.json"])
    files["(payload)"] = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    files["(printed)"] = said
    hidden = spellings(CANARIES[place])
    assert [name for name, data in files.items() if any(it in data for it in hidden)] == []


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_settings_survive(printed: tuple[Path, bytes], name: str) -> None:
    work, _ = printed
    bundle = json.loads((work / "toy/training-provenance/manifest.sigstore.json").read_bytes())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).decode()
    assert f'"{name}":{json.dumps(HARMLESS[name])}' in payload
