"""`docs/reference/json-output.md` names exactly the members that commands print."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from digest.weights.containers import torch_zip
from provenance.signing import generate_private_key
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

PAGE = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")


def documented(command: str) -> set[str]:
    section = PAGE.split(f"\n## provenance {command}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def printed(cli: Command, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
    done = cli(*arguments, "--format", "json")
    assert done.out.isascii()
    return json.loads(done.out)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("show", ("model",)),
        ("show --review", ("model",)),
        ("review", ("model",)),
        ("check-opening", ("me.key.pub", "model")),
        ("diff", ("model", "model.draft")),
        ("keygen", ("new.key",)),
        ("public-key", ("me.key",)),
        ("trust add", ("me.key.pub", "--model", "m", "--yes")),
        ("init", ("model",)),
        ("prove", ("model", "config.json", "-o", "p.json")),
        ("check-proof", ("me.key.pub", "--root", "1" * 64, "--size", "1")),
        ("sign", ("--draft", "model.draft", "--key", "me.key", "--output", "b.json")),
        ("cosign", ("model", "--key", "other.key")),
    ],
)
def test_documented_members_are_printed(
    cli: Command, signed: Path, command: str, arguments: tuple[str, ...]
) -> None:
    assert signed.is_dir()
    (signed.parent / "other.key").write_bytes(generate_private_key().to_pem())
    assert set(printed(cli, *command.split(), *arguments)) == documented(command)


def test_digests_of_files_and_folders_together_are_documented(
    cli: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "folder").mkdir()
    save_file({"w": np.ones(2, np.float32)}, work / "folder" / "m.safetensors")
    (work / "folder" / "notes").write_text("notes")
    found = set(printed(cli, "digest", "folder", "--full", "--exclude", "notes"))
    (work / "cut.safetensors").write_bytes(b"cut")
    found |= set(printed(cli, "digest", "cut.safetensors"))
    found |= set(printed(cli, "digest", "folder/m.safetensors"))
    (work / "m.pt").write_bytes(torch_zip({"data.pkl": b"", "data/0": b"x"}))
    done = cli("digest", "m.pt", "--format", "json")
    found |= set(json.loads(done.out))
    (work / "SHA256SUMS").write_text(f"{'0' * 64}  m.safetensors\n", encoding="utf-8")
    compared = cli("digest", "folder", "--compare", "SHA256SUMS", "--format", "json")
    found |= set(json.loads(compared.out))
    (work / "folder" / "large.bin").write_bytes(bytes(2 * 1024 * 1024))
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 60 * 10**9)
    assert cli("digest", "folder", "--cache", "caches/digests.db").code == 0
    found |= set(printed(cli, "digest", "folder", "--cache", "caches/digests.db"))
    assert found == documented("digest")


def test_weights_and_tensors_are_documented(cli: Command, work: Path) -> None:
    save_file({"w": np.ones(2, np.float32)}, work / "m.safetensors")
    assert set(printed(cli, "diff", "m.safetensors", "m.safetensors")) == documented(
        "diff of weights"
    )
    found = printed(cli, "digest", "m.safetensors", "--tensor", "w")
    assert set(found) == documented("digest of a tensor")


def test_commands_without_a_table_are_named_all_the_same() -> None:
    assert documented("verify") == set()
    assert documented("release") >= {"draft", "warnings"}
    assert documented("conformance") == {"failed", "passed", "skipped", "vectors"}
