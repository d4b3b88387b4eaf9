"""`inspect` and `verify`: keys, names, times, verdicts; groups K and R of the threats sheet."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from provenance.digest import hash_tensors
from provenance.errors import SignatureError, UsageError, VerificationError
from provenance.signing import SigningTimes, VerifiedSigner, generate_private_key
from provenance.trust import Pin, TrustPolicy
from provenance.verification import inspect, verify
from support.crafted import (
    NOW,
    STRANGER,
    CraftedRelease,
    digests,
    fixed_clock,
    public_key,
    sign_bundle,
    write_tree,
)
from support.reports import errors_of, expect, rungs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.envelope import Bundle
    from provenance.verification import Report

    Look = Callable[..., Report]

BUNDLE = "training-provenance/manifest.sigstore.json"


def test_pass_is_said_in_words(folder: Path, look: Look) -> None:
    pin = Pin.of(name="digits-lab", model="digits-mlp", key=public_key(), added_at=NOW)
    report = look(folder, keys=pin, model="digits-mlp")
    assert report.exit_code == 0
    assert report.summary == (
        f"PASS: the files are exactly what key {public_key().fingerprint} "
        '(pinned as "digits-lab") signed as "digits-mlp". Training: 6 of 11 parts backed by '
        "evidence. Says nothing about quality or safety."
    )
    assert report.model is not None
    assert report.model.name_checked
    assert report.signer is not None
    assert report.signer.name == "digits-lab"


def test_verify_returns_what_was_signed(folder: Path) -> None:
    verified = verify(folder, keys=public_key(), clock=fixed_clock)
    assert verified.manifest.model.name == "digits-mlp"
    assert verified.report.verdict == "PASS"
    assert verified.digest == verified.report.manifest_digest
    assert verified.payload == CraftedRelease().payload()


def test_verify_raises_with_the_report_unless_it_passes(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"# edited\n")
    with pytest.raises(VerificationError, match=r"README\.md") as caught:
        verify(folder, keys=public_key(), clock=fixed_clock)
    assert caught.value.report.verdict == "FAIL"
    with pytest.raises(VerificationError) as unnamed:
        provenance.verify(folder, clock=fixed_clock)
    assert unnamed.value.report.verdict in {"FAIL", "INCOMPLETE"}


def test_same_request_gives_equal_reports_and_leaves_the_policy_alone(
    folder: Path, tmp_path: Path
) -> None:
    policy = TrustPolicy(keys=(public_key(),), presets=("hub",))
    other = CraftedRelease(edit_manifest=lambda tree: tree["model"].update(name="other"))
    other_folder = other.write(tmp_path / "other")
    before = repr(policy)
    first = inspect(folder, policy=policy, clock=fixed_clock)
    assert inspect(other_folder, policy=policy, clock=fixed_clock).verdict == "PASS"
    assert inspect(folder, policy=policy, clock=fixed_clock) == first
    assert repr(policy) == before


def test_two_threads_give_equal_reports(folder: Path, look: Look) -> None:
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(look(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [look(folder)] * 4


def test_no_key_is_incomplete_and_gives_the_fingerprint_as_a_hint(folder: Path, look: Look) -> None:
    report = look(folder, keys=())
    expect(report, "INCOMPLETE", "signer-unknown", "required-not-checked")
    assert report.exit_code == 3
    assert public_key().fingerprint in report.summary
    assert "proves nothing" in report.summary
    assert "--key" in report.summary
    assert report.files is not None
    assert report.files.matched == 3
    assert report.signer is not None
    assert report.signer.status == "unknown"


def test_no_key_and_a_changed_file_is_a_failure(folder: Path, look: Look) -> None:
    (folder / "README.md").write_bytes(b"# edited\n")
    expect(look(folder, keys=()), "FAIL", "size-mismatch", "signer-unknown")


def test_bundle_without_a_hint_still_says_that_nobody_is_known(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        tree["verificationMaterial"]["publicKey"] = {}
        del tree["dsseEnvelope"]["signatures"][0]["keyid"]

    folder = CraftedRelease(edit_bundle=edit).write(tmp_path)
    expect(look(folder), "PASS")
    report = look(folder, keys=())
    expect(report, "INCOMPLETE", "signer-unknown")
    assert report.signer is not None
    assert report.signer.fingerprint is None


def test_key_that_did_not_sign_is_a_failure(folder: Path, look: Look) -> None:
    report = look(folder, keys=[public_key(STRANGER), generate_private_key().public_key])
    expect(report, "FAIL", "signature-invalid")
    assert [step.number for step in report.steps if step.status == "done"] == [1, 2, 3, 25]
    assert report.signer is not None
    assert report.signer.status == "invalid"


def test_any_of_several_keys_may_have_signed(folder: Path, look: Look) -> None:
    expect(look(folder, keys=[public_key(STRANGER), public_key()]), "PASS")


def test_pinned_name_is_not_lent_to_an_unverified_hint(tmp_path: Path, look: Look) -> None:
    pin = Pin.of(name="digits-lab", model="digits-mlp", key=public_key(), added_at=NOW)

    def edit(tree: dict[str, Any]) -> None:
        tree["verificationMaterial"]["publicKey"]["hint"] = public_key().hint
        tree["dsseEnvelope"]["signatures"][0]["keyid"] = public_key().hint

    forged = CraftedRelease(key=STRANGER, edit_bundle=edit).write(tmp_path)
    report = look(forged, keys=[pin])
    expect(report, "FAIL", "signature-invalid")
    assert report.signer is not None
    assert report.signer.name is None


def test_key_is_taken_in_every_form(folder: Path, look: Look, tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_bytes(public_key().to_pem())
    for key in (public_key(), [public_key()], public_key().to_pem(), public_key().spki, path):
        expect(look(folder, keys=key), "PASS")
    expect(look(folder, keys=str(path)), "PASS")


def test_own_kind_of_verifier_is_asked(folder: Path, look: Look) -> None:
    class Always:
        fingerprint = "own:1"
        scheme = "own"

        def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
            assert bundle.envelope.payload
            assert times is not None
            return VerifiedSigner("key", self.fingerprint, self.scheme)

    class Never:
        fingerprint = "own:2"
        scheme = "own"

        def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
            del times
            problem = f"not over these {len(bundle.envelope.payload)} bytes"
            raise SignatureError(problem=problem, code="signature-invalid")

    expect(look(folder, keys=Always()), "PASS")
    expect(look(folder, keys=Never()), "FAIL", "signature-invalid")


@pytest.mark.parametrize(
    "options",
    [
        {"keys": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
        {"keys": b"\x00"},
        {"keys": "/nowhere/key.pub"},
        {"keys": [7]},
        {"keys": 7},
        {"layout": "other"},
        {"presets": "other"},
        {"presets": [""]},
        {"only": [7]},
        {"only": ["*"] * 1_001},
        {"deadline": "soon"},
        {"deadline": True},
        {"clock": lambda: datetime(2026, 1, 1)},  # noqa: DTZ001 - without a time zone, on purpose
        {"policy": "strict"},
        {"all_digests": "yes"},
        {"model": ""},
        {"datasets": ["raw"]},
        {"datasets": {"raw": 7}},
        {"code": 7},
        {"documents": b"x"},
        {"manifest": 7},
        {"only": 7},
        {"layout": "hf-cache"},
    ],
)
def test_nonsense_is_a_usage_error(folder: Path, look: Look, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        look(folder, **options)


@pytest.mark.parametrize(
    "target", [7, None, {"a": 7}, {"a": (-1, {})}, {7: (1, {})}, {"a": (1, {"sha256": "X"})}]
)
def test_nonsense_target_is_a_usage_error(look: Look, target: object) -> None:
    with pytest.raises(UsageError):
        look(target)


def test_policy_and_model_must_agree(folder: Path, look: Look) -> None:
    policy = TrustPolicy(model_name="digits-mlp")
    expect(look(folder, policy=policy), "PASS")
    expect(look(folder, policy=policy, model="digits-mlp"), "PASS")
    with pytest.raises(UsageError):
        look(folder, policy=policy, model="other")


def test_other_model_name_fails(folder: Path, look: Look) -> None:
    expect(look(folder, model="digits-mlq"), "FAIL", "model-name-mismatch")
    expect(look(folder, model="Digits-mlp"), "FAIL", "model-name-mismatch")
    expect(look(folder, model="digit\u0455-mlp"), "FAIL", "model-name-mismatch")


def test_manifest_from_the_future_fails_beyond_the_allowance(folder: Path, look: Look) -> None:
    created = datetime.fromisoformat("2026-11-22T11:00:00+00:00")
    expect(look(folder, clock=lambda: created - timedelta(seconds=300)), "PASS")
    late = created - timedelta(seconds=301)
    expect(look(folder, clock=lambda: late), "FAIL", "created-in-future")
    elsewhere = timezone(timedelta(hours=-5))
    expect(look(folder, clock=lambda: created.astimezone(elsewhere)), "PASS")


def test_manifest_of_the_year_9999_fails(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease(
        edit_manifest=lambda tree: tree.update(createdAt="9999-12-31T23:59:59Z")
    )
    expect(look(release.write(tmp_path)), "FAIL", "created-in-future")


def test_expired_manifest_fails(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease(
        edit_manifest=lambda tree: tree.update(expiresAt="2026-11-22T12:00:00Z")
    )
    folder = release.write(tmp_path)
    expect(look(folder), "FAIL", "expired")
    expect(look(folder, clock=lambda: NOW - timedelta(seconds=1)), "PASS")


def test_without_a_clock_the_system_is_asked(folder: Path) -> None:
    assert inspect(folder, keys=public_key()).verified_at != ""


def test_no_manifest_is_incomplete(tmp_path: Path, look: Look) -> None:
    folder = write_tree(tmp_path / "model", CraftedRelease().files)
    report = look(folder)
    expect(report, "INCOMPLETE", "manifest-missing", "required-not-checked")
    assert report.exit_code == 3
    assert report.summary.startswith("INCOMPLETE: ")


def test_broken_oms_signature_alone_fails(tmp_path: Path, look: Look) -> None:
    folder = write_tree(tmp_path / "model", {"model.sig": b"{}", "weights": b"w"})
    expect(look(folder), "FAIL", "oms-only", "bundle-media-type")


def test_draft_beside_the_release_is_named(tmp_path: Path, look: Look) -> None:
    folder = write_tree(tmp_path / "model", CraftedRelease().files)
    write_tree(tmp_path / "model.draft", {"statement.json": b"{}"})
    expect(look(folder), "INCOMPLETE", "draft-unsigned")
    expect(look(f"{folder}/"), "INCOMPLETE", "draft-unsigned")


def test_nothing_there_is_an_error(tmp_path: Path, look: Look) -> None:
    report = look(tmp_path / "nowhere")
    expect(report, "INCOMPLETE", "manifest-missing")
    assert "there is no file or folder" in report.summary
    expect(look(tmp_path / "nowhere", manifest=b"x"), "FAIL", "json-syntax")
    whole = CraftedRelease().bundle()
    expect(look(tmp_path / "nowhere", manifest=whole), "ERROR", "input-unreadable")
    expect(look(tmp_path / "x.sigstore.json"), "ERROR", "input-unreadable")
    expect(look("a\0b"), "INCOMPLETE", "manifest-missing")
    expect(look("a\0b", manifest=whole), "ERROR", "input-unreadable")
    expect(look("a", manifest="a\0b"), "ERROR", "input-unreadable")


def test_folder_that_cannot_be_opened_is_an_error(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.open", _refuse)
    expect(look(folder), "ERROR", "file-unreadable")


def test_system_that_gives_nothing_is_an_error(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("provenance.verification.verifying.gather", exhausted)
    expect(look(folder), "ERROR", "input-unreadable")
    monkeypatch.setattr("provenance.verification.verifying.locate", _refuse)
    expect(look(folder), "ERROR", "input-unreadable")


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_detached_bundle_is_named_by_path_or_bytes(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    folder = write_tree(tmp_path / "model", release.files)
    bundle = tmp_path / "elsewhere.json"
    bundle.write_bytes(release.bundle())
    for manifest in (bundle, str(bundle), release.bundle()):
        report = look(folder, manifest=manifest)
        expect(report, "PASS", "evidence-not-supplied")
        assert rungs_of(report)["architecture"] == "bound"


def test_bundle_named_beside_the_same_one_inside_passes(folder: Path, look: Look) -> None:
    expect(look(folder, manifest=folder / BUNDLE), "PASS")


def test_two_manifests_that_disagree_are_a_conflict(folder: Path, look: Look) -> None:
    other = CraftedRelease(edit_manifest=lambda tree: tree["model"].update(version="2.0"))
    report = look(folder, manifest=other.bundle())
    assert errors_of(report) == [("companion-extra", BUNDLE)]
    (folder / BUNDLE).write_bytes(b"x")
    expect(look(folder, manifest=CraftedRelease().bundle()), "FAIL", "companion-extra")


def test_bundle_alone_is_incomplete(tmp_path: Path, look: Look) -> None:
    path = tmp_path / "manifest.sigstore.json"
    path.write_bytes(CraftedRelease().bundle())
    report = look(path)
    expect(report, "INCOMPLETE", "required-not-checked")
    assert report.target == "bundle"
    assert [step.number for step in report.steps if step.status == "skipped"] == [8, 10, 11, 12]


def test_only_a_part_is_incomplete(folder: Path, look: Look) -> None:
    report = look(folder, only="*.json")
    expect(report, "INCOMPLETE", "file-not-selected", "required-not-checked")
    assert report.files is not None
    assert (report.files.matched, report.files.not_examined) == (1, 2)
    expect(look(folder, only=["nothing*"]), "INCOMPLETE", "file-not-selected")
    expect(look(folder, only=["*"]), "PASS")


def test_only_a_part_does_not_read_the_rest(folder: Path, look: Look) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    expect(look(folder, only=["README.md"]), "INCOMPLETE", "file-not-selected")
    (folder / "README.md").write_bytes(b"")
    expect(look(folder, only=["README.md"]), "FAIL", "size-mismatch", "file-not-selected")


def test_single_file_is_a_part(folder: Path, look: Look) -> None:
    bundle = folder / BUNDLE
    report = look(folder / "config.json", manifest=bundle)
    expect(report, "INCOMPLETE", "file-not-selected", "required-not-checked")
    assert report.target == "file"
    assert report.files is not None
    assert report.files.matched == 1
    (folder / "config.json").write_bytes(b'{"hidden":33}\n')
    expect(look(folder / "config.json", manifest=bundle), "FAIL", "digest-mismatch")
    expect(look(folder / "config.json"), "INCOMPLETE", "manifest-missing")


def test_single_file_that_nobody_signed_fails(folder: Path, look: Look, tmp_path: Path) -> None:
    stray = tmp_path / "stray.bin"
    stray.write_bytes(b"x")
    assert errors_of(look(stray, manifest=folder / BUNDLE)) == [("file-extra", "stray.bin")]


def test_single_file_is_known_by_the_longest_common_end(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files |= {"a/x.bin": b"one", "b/x.bin": b"two", "c/x.bin": b"four"}
    folder = release.write(tmp_path / "model")
    report = look(folder / "b/x.bin", manifest=folder / BUNDLE)
    assert report.files is not None
    assert report.files.matched == 1
    moved = tmp_path / "x.bin"
    moved.write_bytes(b"four")
    report = look(moved, manifest=folder / BUNDLE)
    assert report.files is not None
    assert report.files.matched == 1


def test_link_as_single_file_is_not_followed(folder: Path, look: Look, tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to(folder / "config.json")
    report = look(tmp_path / "config.json", manifest=folder / BUNDLE)
    assert report.verdict == "FAIL"


def test_all_digests_recomputes_the_tensors_too(tmp_path: Path, look: Look) -> None:
    plain = CraftedRelease().write(tmp_path / "plain")
    root = hash_tensors(plain / "model.safetensors")[0].to_tree()

    def edit(tree: dict[str, Any]) -> None:
        tree["release"]["tensors"] = root
        tree["training"]["checkpoints"][0] = {"id": "c300", "step": 300, "tensors": root}

    folder = CraftedRelease(edit_manifest=edit).write(tmp_path / "model")
    report = look(folder)
    expect(report, "PASS", "release-checkpoint-not-checked", "sha256-not-recomputed")
    assert rungs_of(report)["checkpoints"] == "bound"
    report = look(folder, all_digests=True)
    expect(report, "PASS", "release-checkpoint-matched")
    assert report.algorithms == ("blake3", "sha256")
    assert rungs_of(report)["checkpoints"] == "matched"
    assert "sha256-not-recomputed" not in report.codes()


def test_released_bytes_of_the_checkpoint_are_tied_to_it_without_hashing_tensors(
    tmp_path: Path, look: Look
) -> None:
    plain = CraftedRelease().write(tmp_path / "plain")
    root = hash_tensors(plain / "model.safetensors")[0].to_tree()

    def edit(tree: dict[str, Any]) -> None:
        tree["release"]["tensors"] = root
        tree["training"]["checkpoints"][0]["tensors"] = root

    release = CraftedRelease(edit_manifest=edit)
    report = look(release.write(tmp_path / "model"))
    expect(report, "PASS", "release-checkpoint-matched")
    assert "release-checkpoint-not-checked" not in report.codes()
    # Digests that the caller supplied are not bytes that were read.
    supplied = {name: (len(data), digests(data)) for name, data in release.files.items()}
    report = look(supplied, manifest=release.bundle())
    expect(report, "PASS", "release-checkpoint-not-checked")


def test_tensors_that_are_not_the_signed_ones_fail(tmp_path: Path, look: Look) -> None:
    root = {"tree": "tensor", "size": 2, "root": "0" * 64}
    release = CraftedRelease(edit_manifest=lambda tree: tree["release"].update(tensors=root))
    folder = release.write(tmp_path)
    expect(look(folder, all_digests=True), "FAIL", "release-checkpoint-mismatch")


def test_weights_that_are_no_safetensors_fail_when_tensors_are_asked_for(
    tmp_path: Path, look: Look
) -> None:
    root = {"tree": "tensor", "size": 2, "root": "0" * 64}
    release = CraftedRelease(edit_manifest=lambda tree: tree["release"].update(tensors=root))
    release.files["model.safetensors"] = b"not safetensors"
    folder = release.write(tmp_path / "one")
    expect(look(folder), "PASS")
    expect(look(folder, all_digests=True), "FAIL", "tensors-malformed")
    release.edit_manifest = None
    expect(look(release.write(tmp_path / "two"), all_digests=True), "PASS")


def test_tensors_of_a_part_are_not_compared_with_the_root_over_all(
    tmp_path: Path, look: Look
) -> None:
    root = {"tree": "tensor", "size": 2, "root": "0" * 64}
    release = CraftedRelease(edit_manifest=lambda tree: tree["release"].update(tensors=root))
    folder = release.write(tmp_path)
    report = look(folder, all_digests=True, only=["*.json"])
    expect(report, "INCOMPLETE", "release-checkpoint-not-checked")


def test_deadline_that_has_passed_is_an_error(folder: Path, look: Look) -> None:
    report = look(folder, deadline=time.monotonic() - 1)
    expect(report, "ERROR", "deadline")
    assert sum(finding.code == "deadline" for finding in report.findings) == 1


def test_progress_counts_every_byte_that_was_read(folder: Path, look: Look) -> None:
    counts: list[int] = []
    report = look(folder, progress=counts.append)
    assert report.files is not None
    assert sum(counts) >= report.files.bytes_matched


def test_co_signature_and_attestations_are_listed(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.companions["attestations/second.sigstore.json"] = sign_bundle(
        release.payload(), key=STRANGER
    )
    folder = release.write(tmp_path)
    expect(look(folder), "PASS", "attestation-unverified")
    expect(look(folder, keys=[public_key(), public_key(STRANGER)]), "PASS", "attestation-verified")


def test_only_the_signer_of_the_manifest_counts_not_a_co_signer(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease(key=STRANGER)
    release.companions["attestations/second.sigstore.json"] = sign_bundle(release.payload())
    expect(look(release.write(tmp_path)), "FAIL", "signature-invalid")


@pytest.mark.parametrize("size", [12, 144], ids=["another-size", "the-signed-size"])
def test_single_file_that_is_a_link_is_called_a_link(
    folder: Path, look: Look, tmp_path: Path, size: int
) -> None:
    # The size of a link is no size of a file: nobody must be told that a download broke off.
    target = (folder / "model.safetensors").rename(tmp_path / "x".ljust(size, "x"))
    (folder / "model.safetensors").symlink_to(target.name)
    report = look(folder / "model.safetensors", manifest=folder / BUNDLE)
    expect(report, "FAIL", "link-found", "file-not-selected")
    assert errors_of(report) == [("link-found", "model.safetensors")]


def test_single_fifo_is_called_a_special_file(folder: Path, look: Look) -> None:
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    report = look(folder / "model.safetensors", manifest=folder / BUNDLE)
    assert errors_of(report) == [("special-file", "model.safetensors")]


def test_manifest_folder_that_may_not_be_entered_is_an_error_not_a_missing_manifest(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.lstat

    def refuse(path: str, **options: Any) -> os.stat_result:  # noqa: ANN401 - as os.lstat
        if os.fspath(path).endswith("manifest.sigstore.json"):
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    (folder / BUNDLE).unlink()
    monkeypatch.setattr(os, "lstat", refuse)
    report = look(folder)
    assert report.verdict == "ERROR"
    assert "manifest-missing" not in report.codes()


def test_name_of_a_model_cannot_end_its_quotation(tmp_path: Path, look: Look) -> None:
    name = 'm". Training: 11 of 11 parts backed by evidence'
    release = CraftedRelease(edit_manifest=lambda tree: tree["model"].update(name=name))
    report = look(release.write(tmp_path / "model"))
    expect(report, "PASS")
    assert f'"{name}' not in report.summary
    assert 'as "m\\". Training: 11 of 11' in report.summary


def test_many_disclosures_and_origins_take_no_time_squared(tmp_path: Path, look: Look) -> None:
    # Looking through all of them for each fact took minutes for these 20,000.
    count = 20_000

    def edit(tree: dict[str, Any]) -> None:
        tree["disclosures"] = [
            {"path": f"/training/segments/{index}/code", "status": "withheld", "reason": "r"}
            for index in range(count)
        ]
        tree["origins"] = {f"/training/segments/{index}": "captured" for index in range(count)}
        tree["training"]["segments"] = [
            {"id": f"s{index}", "fromStep": index, "toStep": index + 1} for index in range(count)
        ]
        del tree["training"]["checkpoints"], tree["release"]["checkpoint"], tree["evaluations"]

    folder = CraftedRelease(edit_manifest=edit).write(tmp_path / "model")
    start = time.monotonic()
    report = look(folder)
    assert time.monotonic() - start < 60
    expect(report, "PASS", "fact-withheld")


def test_the_bundle_may_be_named_by_its_folder(folder: Path, look: Look, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    weights = elsewhere / "model.safetensors"
    for named in (elsewhere, elsewhere / "training-provenance"):
        report = look(weights, manifest=named)
        assert report.manifest_digest is not None
        assert report.verdict != "FAIL"


def test_a_folder_without_a_bundle_is_no_sign_of_tampering(
    folder: Path, look: Look, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    expect(look(folder, manifest=tmp_path / "empty"), "ERROR", "input-unreadable")


def test_the_bundle_beside_a_file_is_named_and_not_read(folder: Path, look: Look) -> None:
    report = look(folder / "model.safetensors")
    expect(report, "INCOMPLETE", "manifest-missing")
    (found,) = [item for item in report.findings if item.code == "manifest-missing"]
    assert "training-provenance/manifest.sigstore.json" in found.message
