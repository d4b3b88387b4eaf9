"""`provenance verify`: verdicts and exit codes, pins, evidence, listings, layouts."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import jsonschema
import pytest
from typing_extensions import override

from cli.small_release import BUNDLE, make_draft
from provenance.cli.pinning import pins_file
from provenance.cli.program import run
from provenance.envelope import write_bundle
from provenance.signing import sign_payload
from provenance.verification import report_schema

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

KEY = ("--key", "me.key.pub")
PIN = ("trust", "add", "me.key.pub", "--name", "digits-lab", "--yes", "--model")


def test_untouched_release_passes(cli: Command, signed: Path, key: PrivateKey) -> None:
    done = cli("verify", signed, *KEY, "--model", "digits-mlp")
    assert done.code == 0
    assert done.out.startswith(f"PASS: the files are exactly what key {key.fingerprint} signed")
    assert "Model     digits-mlp 1.0 (name checked)" in done.out
    assert "does not prove" in done.out.splitlines()[-1]
    assert done.err == ""


def test_output_in_a_pipe_is_plain_text(cli: Command, signed: Path) -> None:
    done = cli("verify", signed, *KEY)
    assert not any(ord(character) < 32 and character != "\n" for character in done.out)


def test_no_key_is_incomplete_and_says_what_to_do(
    cli: Command, signed: Path, key: PrivateKey
) -> None:
    done = cli("verify", signed)
    assert done.code == 3
    assert done.out.startswith("INCOMPLETE: ")
    assert key.fingerprint in done.out.splitlines()[0]
    assert "--key" in done.out.splitlines()[0]


def test_nothing_there_is_incomplete(cli: Command, work: Path) -> None:
    (work / "empty").mkdir()
    done = cli("verify", "empty")
    assert done.code == 3
    assert "manifest-missing" in done.out


def test_draft_is_not_signed(cli: Command, draft: Path) -> None:
    done = cli("verify", draft, "--format", "json")
    assert done.code == 3
    assert "draft-unsigned" in done.out


def damage_file(release: Path) -> None:
    data = bytearray((release / "config.json").read_bytes())
    data[0] ^= 1
    (release / "config.json").write_bytes(data)


def add_file(release: Path) -> None:
    (release / "extra.py").write_bytes(b"")


def add_hostile_name(release: Path) -> None:
    (release / "extra\x1b[31m.py").write_bytes(b"")


def remove_file(release: Path) -> None:
    (release / "README.md").unlink()


def damage_bundle(release: Path) -> None:
    path = release / BUNDLE
    path.write_bytes(path.read_bytes().replace(b'"payload":"ey', b'"payload":"fy'))


@pytest.mark.parametrize(
    ("damage", "code", "path"),
    [
        (damage_file, "digest-mismatch", "config.json"),
        (add_file, "file-extra", "extra.py"),
        (add_hostile_name, "name-unsafe", "extra\\x1b[31m.py"),
        (remove_file, "file-missing", "README.md"),
        (damage_bundle, "signature-invalid", ""),
    ],
)
def test_tampered_copies_fail_with_their_reason(
    cli: Command, signed: Path, damage: object, code: str, path: str
) -> None:
    assert callable(damage)
    damage(signed)
    done = cli("verify", signed, *KEY)
    assert done.code == 1
    assert done.out.startswith("FAIL: ")
    assert f"  {code}  {path}" in done.out
    assert "\x1b" not in done.out


def test_report_as_json_is_valid_and_stable(cli: Command, signed: Path, key: PrivateKey) -> None:
    done = cli("verify", signed, *KEY, "--format", "json")
    assert done.code == 0
    report = json.loads(done.out)
    jsonschema.Draft202012Validator(report_schema()).validate(report)
    assert report["verdict"] == "PASS"
    assert report["exitCode"] == 0
    assert report["signer"]["fingerprint"] == key.fingerprint
    assert done.out.isascii()


# --- wrong options --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "expected a folder or file"),
        (("model", "--key", "nowhere.pub"), "nowhere.pub"),
        (("model", "--key", "model/README.md"), "not a public key"),
        (("model", "--key", "me.key"), "private key"),
        (("model", "--preset", "everything"), "only names of hub"),
        (("model", "--layout", "zip"), "'plain', 'hf-cache'"),
        (("model", "--dataset", "raw"), "ID=PATH"),
        (("model", "--dataset", "=x"), "ID=PATH"),
        (("model", "--dataset", "raw="), "ID=PATH"),
        (("model", "--dataset", "a=x", "--dataset", "a=y"), "each id once"),
        (("model", "--timeout", "0"), "range"),
        (("model", "--timeout", "soon"), "soon"),
        (("--listing", "model/README.md"), "--manifest"),
        (("--listing", "model/README.md", "--manifest", f"model/{BUNDLE}"), "listing"),
        (("model", "--model", ""), "name"),
        (("model", "--cache", ""), "expected a file, found an empty text"),
        (("model", "--cache", "model/digests.db"), "name a file in another folder"),
    ],
)
def test_wrong_options_verify_nothing(
    cli: Command, signed: Path, options: tuple[str, ...], problem: str
) -> None:
    assert signed.is_dir()
    refused = cli("verify", *options)
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("error: ")
    assert problem in refused.err
    assert refused.err.count("\n") == 1


def test_unreadable_listing_is_an_error_and_no_fail(cli: Command, signed: Path) -> None:
    refused = cli("verify", signed, "--listing", "nowhere", *KEY)
    assert refused.code == 4
    assert refused.err.startswith("error: ")


# --- pins -----------------------------------------------------------------------------------


def test_pinned_key_counts_where_no_key_is_named(cli: Command, signed: Path) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    done = cli("verify", signed)
    assert done.code == 0
    assert '(pinned as "digits-lab")' in done.out.splitlines()[0]
    assert "(name checked)" in done.out
    assert cli("verify", signed, "--model", "digits-mlp").code == 0


def test_key_pinned_for_another_model_does_not_count(cli: Command, signed: Path) -> None:
    assert cli(*PIN, "other-model").code == 0
    assert cli("verify", signed).code == 3
    done = cli("verify", signed, "--model", "other-model")
    assert done.code == 1
    assert "model-name-mismatch" in done.out


def test_other_key_than_the_pinned_one_fails(cli: Command, signed: Path) -> None:
    assert cli("keygen", "other.key").code == 0
    assert cli("trust", "add", "other.key.pub", "--model", "digits-mlp", "--yes").code == 0
    done = cli("verify", signed)
    assert done.code == 1
    assert "signature-invalid" in done.out


def test_pins_do_not_count_beside_a_named_key(cli: Command, signed: Path) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    assert cli("keygen", "other.key").code == 0
    assert cli("verify", signed, "--key", "other.key.pub").code == 1


def test_pins_work_for_a_file_a_listing_and_a_bundle_elsewhere(cli: Command, signed: Path) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    bundle = ("--manifest", signed / BUNDLE)
    assert "pinned as" in cli("verify", signed / "config.json", *bundle).out
    assert (
        cli("verify", "--listing", signed / "training-provenance" / "SHA256SUMS", *bundle).code == 0
    )
    assert "pinned as" in cli("verify", signed / BUNDLE).out


def test_bundle_that_cannot_be_read_chooses_no_pins(cli: Command, signed: Path) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    (signed / BUNDLE).write_bytes(b"{}")
    assert cli("verify", signed).code == 1
    (signed / BUNDLE).unlink()
    assert cli("verify", signed).code == 3


def test_broken_file_of_pins_verifies_nothing(cli: Command, signed: Path) -> None:
    pins_file().parent.mkdir(parents=True)
    pins_file().write_bytes(b"{}")
    refused = cli("verify", signed)
    assert refused.code == 2
    assert "nothing in it is trusted" in refused.err
    assert cli("verify", signed, *KEY).code == 0


def test_manifest_without_a_model_chooses_no_pins(
    cli: Command, signed: Path, key: PrivateKey
) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    tree = json.loads((signed.with_name("model.draft") / "statement.json").read_bytes())
    for model in (None, "text", {"name": 1}):
        tree["predicate"]["model"] = model
        payload = json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()
        (signed / BUNDLE).write_bytes(write_bundle(sign_payload(payload, key)))
        assert cli("verify", signed).code == 1


# --- what is verified -----------------------------------------------------------------------


def test_listing_reads_no_file(cli: Command, signed: Path) -> None:
    shutil.copy(signed / "training-provenance" / "SHA256SUMS", "held.txt")
    for name in ("config.json", "README.md"):
        (signed / name).unlink()
    done = cli("verify", signed, "--listing", "held.txt", *KEY)
    assert done.code == 0
    assert "no byte was read" in done.out
    text = (signed / "training-provenance" / "SHA256SUMS").read_text(encoding="utf-8")
    other = text.replace(text[:4], "0000", 1)
    (signed.parent / "held.txt").write_text(other, encoding="utf-8")
    assert cli("verify", signed, "--listing", "held.txt", *KEY).code == 1


def test_part_of_a_release_is_incomplete(cli: Command, signed: Path) -> None:
    done = cli("verify", signed, *KEY, "--only", "config.json")
    assert done.code == 3
    single = cli("verify", signed / "config.json", "--manifest", signed / BUNDLE, *KEY)
    assert single.code == 3


def test_part_of_a_folder_is_counted_in_the_first_line(cli: Command, signed: Path) -> None:
    (signed / "README.md").unlink()
    done = cli("verify", signed, *KEY, "--only", "config*")
    assert done.code == 3
    assert done.out.startswith("INCOMPLETE: 1 of 2 files matches, 1 not present. ")
    assert "Files     1 of 2 match, 14 bytes, 1 not present" in done.out


def test_cache_is_used_on_request_only_and_said(
    cli: Command, signed: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 60 * 10**9)
    for constant in (
        "digest.cache.MIN_CACHED_BYTES",
        "digest.engine.hashing.CACHED_BYTES",
        "verification.batches.MIN_CACHED_BYTES",
    ):
        monkeypatch.setattr(f"provenance.{constant}", 1)  # the release is small
    first, second = (
        cli("verify", signed, *KEY, "--cache", work / "caches" / "digests.db") for _ in range(2)
    )
    assert (first.code, second.code) == (0, 0)
    assert "cache" not in first.out
    assert "(2 of 2 files by digests cached earlier, not read)" in second.out.splitlines()[0]
    assert "digest-from-cache  2 files were not read" in second.out
    assert "cache" not in cli("verify", signed, *KEY).out


def test_cache_that_is_no_cache_is_a_warning(cli: Command, signed: Path, work: Path) -> None:
    (work / "notes.txt").write_text("not a cache\n")
    done = cli("verify", signed, *KEY, "--cache", work / "notes.txt")
    assert done.code == 0
    assert "cache-unusable" in done.out
    assert (work / "notes.txt").read_text() == "not a cache\n"


def test_all_digests_and_time_limit_are_handed_on(cli: Command, signed: Path) -> None:
    done = cli("verify", signed, *KEY, "--all-digests", "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["algorithms"] == ["blake3", "sha256"]
    late = cli("verify", signed, *KEY, "--timeout", "0.000000001")
    assert late.code == 4
    assert "deadline" in late.out


def test_evidence_that_the_user_holds_is_compared(cli: Command, signed: Path, work: Path) -> None:
    (work / "data.csv").write_bytes(b"1,2\n")
    known = cli("verify", signed, *KEY, "--dataset", "raw=data.csv", "--format", "json")
    assert "evidence-unbound" in known.out
    unknown = cli("verify", signed, *KEY, "--dataset", "nothing=data.csv")
    assert unknown.code == 1
    assert "evidence-unknown" in unknown.out
    for option in ("--code", "--documents"):
        assert "evidence" in cli("verify", signed, *KEY, option, "data.csv").out


def test_files_that_tools_add_are_ignored_on_request_only(cli: Command, signed: Path) -> None:
    (signed / ".DS_Store").write_bytes(b"x")
    assert cli("verify", signed, *KEY).code == 1
    done = cli("verify", signed, *KEY, "--preset", "hub")
    assert done.code == 0
    assert "file-ignored  .DS_Store" in done.out


@pytest.fixture
def snapshot(signed: Path, work: Path) -> Path:
    """Return the release in the layout of the Hugging Face cache."""
    repository = work / "models--lab--digits"
    commit = repository / "snapshots" / ("c" * 40)
    (repository / "blobs").mkdir(parents=True)
    for number, path in enumerate(sorted(p for p in signed.rglob("*") if p.is_file())):
        blob = f"{number:040x}"
        shutil.copy(path, repository / "blobs" / blob)
        link = commit / path.relative_to(signed)
        link.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * (len(link.relative_to(commit).parts) + 1)
        link.symlink_to(f"{up}blobs/{blob}")
    return commit


def test_snapshot_of_the_cache_is_verified_on_request_only(cli: Command, snapshot: Path) -> None:
    assert cli("verify", snapshot, "--layout", "hf-cache", *KEY).code == 0
    assert cli("verify", snapshot, *KEY).code != 0


def test_pins_work_in_the_cache_too(cli: Command, snapshot: Path) -> None:
    assert cli(*PIN, "digits-mlp").code == 0
    assert cli("verify", snapshot, "--layout", "hf-cache").code == 0
    assert cli("verify", snapshot).code != 0


class Terminal(io.StringIO):
    """A terminal to print on."""

    @override
    def isatty(self) -> bool:
        return True


def test_terminal_gets_colour_and_progress_goes_to_standard_error(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run(["verify", str(signed), *KEY]) == 0
    assert out.getvalue().startswith("\x1b[1;32mPASS\x1b[0m")
    assert err.getvalue() == ""


def test_raw_payload_on_a_terminal_is_escaped(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = make_draft(
        work / "model", journal=[{"date": "2026-01-01T00:00:00Z", "text": "\u202e\x9b"}]
    )
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    assert run(["show", str(draft), "--payload", "raw"]) == 0
    assert "\\u202e\\x9b" in out.getvalue()
    assert "\u202e" not in out.getvalue()
