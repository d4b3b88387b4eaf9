"""`provenance verify-oms` and the `--oms` options: exit codes that a script can rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.signing import generate_private_key, write_key_pair
from support.certificates import authority
from support.oms import FILES, oms_bundle, resource, statement, write_model
from support.releases import make_release

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

VERIFY = ("verify-oms", "model", "--signature", "model.sig")


@pytest.fixture
def signer(work: Path) -> PrivateKey:
    """Return the key whose signature over `model` lies in `model.sig`."""
    key = generate_private_key()
    write_key_pair(work / "own", key)
    write_key_pair(work / "other", generate_private_key())
    write_model(work / "model")
    (work / "model.sig").write_text(json.dumps(oms_bundle(key)), encoding="utf-8")
    return key


def test_a_good_model_is_0(cli: Command, signer: PrivateKey) -> None:
    done = cli(*VERIFY, "--key", "own.pub")
    assert done.code == 0
    assert done.out.startswith("PASS: 5 of 5 files match the OMS list signed by key")
    assert signer.fingerprint in done.out
    assert done.err == ""


def test_a_report_for_programs(cli: Command, signer: PrivateKey) -> None:
    done = cli(*VERIFY, "--key", "own.pub", "--format", "json")
    report = json.loads(done.out)
    assert (report["verdict"], report["exitCode"]) == ("PASS", 0)
    assert report["signer"]["fingerprint"] == signer.fingerprint


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize("case", ["another_key", "extra_file", "no_bundle"])
def test_a_model_that_is_not_what_was_signed_is_1(cli: Command, work: Path, case: str) -> None:
    if case == "extra_file":
        (work / "model/evil.py").write_bytes(b"")
    if case == "no_bundle":
        (work / "model.sig").write_bytes(b"{}")
    key = "other.pub" if case == "another_key" else "own.pub"
    done = cli(*VERIFY, "--key", key)
    assert done.code == 1
    assert done.out.startswith("FAIL: ")


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nobody is named"),
        (("--key", "nowhere.pub"), "nowhere.pub"),
        (("--key", "model.sig"), "model.sig"),
        (("--certificate-chain", "ca.pem"), "--identity"),
        (
            (
                "--certificate-chain",
                "ca.pem",
                "--identity",
                "a@b.example",
                "--insecure-any-identity",
            ),
            "--identity",
        ),
        (("--certificate-chain", "model.sig", "--identity", "a@b.example"), "model.sig"),
        (("--certificate-chain", "ca.pem", "--identity", "*"), "domain"),
        (("--key", "own.pub", "--insecure-any-identity"), "--certificate-chain"),
        (("--trusted-root", "root.json", "--identity", "a@b.example"), "--issuer"),
        (("--key", "own.pub", "--ignore-path", "../x"), "relative"),
    ],
    ids=[
        "nobody",
        "no_key_file",
        "no_key",
        "authority_alone",
        "both_identities",
        "no_certificate",
        "any_domain",
        "insecure_without_authority",
        "root_without_issuer",
        "ignored_outside",
    ],
)
def test_a_wrong_option_is_2(
    cli: Command, work: Path, arguments: tuple[str, ...], said: str
) -> None:
    pem = authority(None, "root").certificate.public_bytes(Encoding.PEM)
    (work / "ca.pem").write_bytes(pem)
    done = cli(*VERIFY, *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


@pytest.mark.usefixtures("signer")
def test_the_first_line_says_what_was_ignored(cli: Command, work: Path) -> None:
    (work / "model/evil.py").write_bytes(b"")
    done = cli(*VERIFY, "--key", "own.pub", "--ignore-unsigned-files")
    assert done.code == 0
    assert "; 1 unsigned file beside them was ignored, as you asked." in done.out.splitlines()[0]


@pytest.mark.usefixtures("signer")
def test_the_signature_is_looked_for_in_the_model(cli: Command, work: Path) -> None:
    (work / "model.sig").rename(work / "model/model.sig")
    assert cli("verify-oms", "model", "--key", "own.pub").code == 0
    (work / "one").write_bytes(b"")
    done = cli("verify-oms", "one", "--key", "own.pub")
    assert done.code == 2
    assert "give --signature FILE" in done.err


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("verify", "model", "--manifest", "model.sig", "--key", "own.pub"), "verify-oms MODEL"),
        (
            ("check-summary", "model.sig", "--key", "own.pub", "--sha256", "0" * 64),
            "verify-oms MODEL",
        ),
    ],
    ids=["verify", "check-summary"],
)
def test_another_command_names_this_one(cli: Command, command: tuple[str, ...], said: str) -> None:
    done = cli(*command)
    assert done.code == 1
    assert said in done.out


def test_a_manifest_is_named_as_one(cli: Command, signed: Path) -> None:
    bundle = signed / "training-provenance/manifest.sigstore.json"
    done = cli("verify-oms", signed, "--signature", bundle, "--key", "me.key.pub")
    assert done.code == 1
    assert "`provenance verify` checks what it says" in done.out


@pytest.mark.usefixtures("signer")
def test_what_cannot_be_read_is_4(cli: Command, work: Path) -> None:
    (work / "model.sig").unlink()
    assert cli(*VERIFY, "--key", "own.pub").code == 4


@pytest.mark.usefixtures("signer")
def test_a_bundle_by_a_key_under_an_authority_is_1(cli: Command, work: Path) -> None:
    pem = authority(None, "root").certificate.public_bytes(Encoding.PEM)
    (work / "ca.pem").write_bytes(pem)
    done = cli(*VERIFY, "--certificate-chain", "ca.pem", "--insecure-any-identity")
    assert done.code == 1
    assert "insecure" in done.err


@pytest.mark.usefixtures("signer")
def test_unsigned_files_and_paths_are_let_be_when_asked(cli: Command, work: Path) -> None:
    (work / "model/more").write_bytes(b"")
    assert cli(*VERIFY, "--key", "own.pub").code == 1
    assert cli(*VERIFY, "--key", "own.pub", "--ignore-path", "more").code == 0
    done = cli(*VERIFY, "--key", "own.pub", "--ignore-unsigned-files")
    assert done.code == 0
    assert "oms-not-covered" in done.out


def test_a_model_that_is_a_file(cli: Command, work: Path) -> None:
    key = generate_private_key()
    write_key_pair(work / "own", key)
    (work / "w.bin").write_bytes(FILES["weights.bin"])
    tree = statement([resource(".", FILES["weights.bin"])])
    (work / "w.sig").write_text(json.dumps(oms_bundle(key, tree)), encoding="utf-8")
    done = cli("verify-oms", "w.bin", "--signature", "w.sig", "--key", "own.pub")
    assert done.code == 0


# sign --oms and verify --oms


def made_in(folder: Path) -> Path:
    (folder / "made").mkdir()
    return folder / "made"


def test_one_command_signs_both(cli: Command, tmp_path: Path, work: Path) -> None:
    made = make_release(made_in(tmp_path), oms=True, signed=False)
    write_key_pair(work / "me", made.key)
    done = cli("sign", made.folder, "--key", "me", "--oms")
    assert done.code == 0
    assert f"OMS:       {made.folder / 'model.sig'}" in done.out
    done = cli("verify", made.folder, "--key", "me.pub", "--oms")
    assert done.code == 0
    assert "oms-paired" in done.out
    done = cli("sign", made.folder, "--key", "me", "--oms")
    assert done.code == 2
    done = cli("sign", made.folder, "--key", "me", "--oms", "--overwrite", "--format", "json")
    assert json.loads(done.out)["oms"] == str(made.folder / "model.sig")


@pytest.mark.parametrize("case", ["kind_of_key", "not_released_so", "draft"])
def test_what_cannot_be_signed_for_oms_is_not_signed_at_all(
    cli: Command, tmp_path: Path, work: Path, case: str
) -> None:
    made = make_release(made_in(tmp_path), oms=case != "not_released_so", signed=False)
    key = generate_private_key("ed25519") if case == "kind_of_key" else made.key
    write_key_pair(work / "me", key)
    what: tuple[object, ...] = (made.folder,)
    if case == "draft":
        what = ("--draft", made.draft.statement_path, "--output", "m.json")
    done = cli("sign", *what, "--key", "me", "--oms")
    assert done.code in {1, 2}
    assert "oms" in done.err.lower()
    assert not made.manifest.exists()
    assert not (made.folder / "model.sig").exists()
