"""`provenance verify-bundle`: exit codes, one line of error, from files alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from cli.test_json_output import documented
from support.keyless import ARTIFACT, IDENTITY, ISSUER, Instance, managed_bundle
from support.keyless_cases import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"
WHO = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
ROOT = ("--trusted-root", "root.json")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


@pytest.fixture
def files(work: Path, instance: Instance) -> Path:
    """Return a folder with the file `a`, the bundle `b` that signs it, and the trusted root."""
    bundle, root = CASES["first_log_file"].build(instance)
    (work / "a").write_bytes(ARTIFACT)
    (work / "b").write_bytes(bundle)
    (work / "root.json").write_bytes(root)
    return work


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--bundle", "b", "a"), 2),
        (("--bundle", "b", *WHO, "a"), 2),
        (("--bundle", "b", *WHO[:2], *ROOT, "a"), 2),
        (("--bundle", "b", *WHO[2:], *ROOT, "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "--key", "k", "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "--without-log", "a"), 2),
        (("--bundle", "b", *WHO, "--trusted-root", "b", "a"), 2),
        (("--bundle", "b", *WHO, "--trusted-root", "none", "a"), 2),
        (("--bundle", "b", "--key", "none", "a"), 2),
        (("--bundle", "b", "--key", "b", "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "sha256:00"), 2),
        ((*WHO, *ROOT, "a"), 2),
        (("--bundle", "none", *WHO, *ROOT, "a"), 4),
        (("--bundle", "b", *WHO, *ROOT, "none"), 4),
        (("--bundle", "a", *WHO, *ROOT, "a"), 1),
        (("--bundle", "b", *WHO, *ROOT, "b"), 1),
        (("--bundle", "b", *WHO, *ROOT, f"sha256:{'0' * 64}"), 1),
        (("--bundle", "b", *WHO[:3], "https://example.com", *ROOT, "a"), 1),
        (("--bundle", "b", "--certificate-identity", "x@example.org", *WHO[2:], *ROOT, "a"), 1),
    ],
    ids=[
        *("nobody", "no root", "no issuer", "no identity", "key and identity", "without log"),
        *("no trusted root", "no such root", "no such key", "no key", "short digest", "no bundle"),
        *("no such bundle", "no such file", "not a bundle", "other file", "other digest"),
        *("other issuer", "other identity"),
    ],
)
def test_refuses_in_one_line(
    cli: Command, files: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("artifact", ["a", DIGEST], ids=["file", "digest"])
def test_says_who_signed(cli: Command, files: Path, artifact: str) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, artifact)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"signed   {IDENTITY} (issuer {ISSUER})\nfile     {DIGEST}\n")


def test_says_it_to_programs(cli: Command, files: Path) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, "a", "--format", "json")
    told = json.loads(done.out)
    assert set(told) == documented("verify-bundle")
    assert told["verified"] is True
    assert told["logChecked"] is True
    assert told["signer"]["identity"] == IDENTITY
    assert told["signer"]["times"][0]["source"] == "transparency-log"


def test_a_managed_key_and_its_log(cli: Command, files: Path, instance: Instance) -> None:
    bundle, pem = managed_bundle(instance)
    (files / "k.pub").write_bytes(pem)
    (files / "b").write_bytes(json.dumps(bundle).encode())
    assert cli("verify-bundle", "--bundle", "b", "--key", "k.pub", *ROOT, "a").code == 0
    alone = cli("verify-bundle", "--bundle", "b", "--key", "k.pub", "a")
    assert alone.code == 0
    assert alone.err.startswith("note: the log entries were not checked")
    bundle["verificationMaterial"]["tlogEntries"] = []
    (files / "b").write_bytes(json.dumps(bundle).encode())
    assert cli("verify-bundle", "--bundle", "b", "--key", "k.pub", *ROOT, "a").code == 1
    without = ("--key", "k.pub", "--without-log")
    assert cli("verify-bundle", "--bundle", "b", *without, *ROOT, "a").code == 0
