"""From recorded runs to a released folder and its draft, and what stops it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from provenance import canonical
from provenance.digest import parse_listing
from provenance.errors import InputError, ManifestError, ProvenanceError, RecordingError, UsageError
from provenance.manifest import check_commitment
from provenance.recording import (
    Run,
    draft_folder,
    load_draft,
    record,
    release,
    release_existing,
    sign_release,
)
from provenance.recording import builder as builder_module
from provenance.recording import completion as completion_module
from provenance.signing import generate_private_key
from support.releases import DESCRIPTION, SmallRelease, make_release, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def described(**changes: object) -> dict[str, Any]:
    return {**DESCRIPTION, **changes}


class TestWhatIsReleased:
    """The folder, the listing and the manifest."""

    def test_release_passes_when_it_is_signed(self, release: SmallRelease) -> None:
        report = provenance.inspect(release.folder, keys=[release.key.public_key])
        assert str(report.verdict) == "PASS"
        assert [it.code for it in report.findings if it.severity == "error"] == []

    def test_folder_holds_what_the_design_says(self, release: SmallRelease) -> None:
        assert names(release.folder) == [
            "README.md",
            "model.safetensors",
            "training-provenance/SHA256SUMS",
            "training-provenance/documents/code-train.py",
            "training-provenance/documents/configuration-train-1.json",
            "training-provenance/documents/requirements.txt",
            "training-provenance/documents/results.json",
            "training-provenance/manifest.sigstore.json",
            *(
                name
                for name in names(release.folder)
                if name.startswith("training-provenance/training-log/train-")
            ),
        ]

    def test_listing_is_what_sha256sum_checks(self, release: SmallRelease) -> None:
        listing = release.folder / "training-provenance" / "SHA256SUMS"
        assert list(parse_listing(listing.read_bytes())) == ["README.md", "model.safetensors"]
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", listing], cwd=release.folder, check=False
        )
        assert done.returncode == 0

    def test_draft_lies_beside_the_release_and_keeps_its_secrets(
        self, release: SmallRelease
    ) -> None:
        draft = release.draft.folder
        assert draft == release.folder.with_name("model.draft")
        private = draft / "private.json"
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        tree: Any = canonical.parse(private.read_bytes())
        assert tree["manifestDigest"] == release.draft.digest
        (opened,) = tree["commitments"]
        disclosure = release.draft.manifest.disclosures[0]
        assert disclosure.commitment is not None
        check_commitment(disclosure.commitment, opened["value"], bytes.fromhex(str(opened["salt"])))
        released = b"".join((release.folder / name).read_bytes() for name in names(release.folder))
        assert str(opened["salt"]).encode() not in released

    def test_runs_are_joined_by_digest(self, release: SmallRelease) -> None:
        manifest = release.draft.manifest
        assert [it.id for it in manifest.datasets] == ["raw", "train", "test"]
        assert manifest.processing[0].inputs == ("raw",)
        assert manifest.processing[0].outputs == ("train", "test")
        assert manifest.training is not None
        (segment,) = manifest.training.segments
        assert segment.datasets == ("train",)
        assert (segment.from_step, segment.to_step) == (0, 30)
        (evaluation,) = manifest.evaluations
        assert (evaluation.dataset, evaluation.checkpoint) == ("test", "step-30")

    def test_released_weights_are_said_to_be_the_checkpoint(self, release: SmallRelease) -> None:
        manifest = release.draft.manifest
        assert manifest.training is not None
        assert manifest.release.checkpoint == "step-30"
        chosen = next(it for it in manifest.training.checkpoints if it.id == "step-30")
        assert manifest.release.tensors == chosen.tensors
        assert chosen.availability == "released"
        assert manifest.model.architecture is not None
        assert manifest.model.architecture.parameter_count == 2
        assert manifest.training.selection is not None
        assert manifest.training.selection.startswith("The lowest loss")

    def test_origins_say_who_said_what(self, release: SmallRelease) -> None:
        origins = release.draft.manifest.origins
        assert origins is not None
        assert origins[""] == "authored"
        assert origins["/training/segments"] == "captured"
        assert origins["/datasets/0/files"] == "captured"
        assert origins["/processing/0/description"] == "authored"

    def test_gap_of_every_run_is_said_once(self, release: SmallRelease) -> None:
        gaps = [(gap.subject, gap.description) for gap in release.draft.manifest.gaps]
        assert len(gaps) == len(set(gaps))

    def test_draft_can_be_read_again(self, release: SmallRelease) -> None:
        statement, manifest = load_draft(release.draft.statement_path)
        assert statement.payload == release.draft.payload
        assert manifest == release.draft.manifest

    def test_same_project_and_time_give_the_same_payload_but_for_salts(
        self, recorded: Path, tmp_path: Path
    ) -> None:
        text = described(disclosures=[])
        drafts = [
            release(
                recorded,
                tmp_path / name / "model",
                description=text,
                created_at="2026-12-01T00:00:00Z",
            )
            for name in ("one", "two")
        ]
        assert drafts[0].payload == drafts[1].payload
        assert not (drafts[0].folder / "private.json").exists()

    def test_run_releases_its_own_project(self, recorded: Path, script: Path) -> None:
        run = record("note", output=recorded, script=script)
        run.note("released from the script")
        draft = run.release(recorded.parent / "model", description=DESCRIPTION)
        assert run.record.status == "completed"
        assert draft.manifest.journal[0].text == "released from the script"

    def test_finished_run_releases_too(self, recorded: Path, script: Path) -> None:
        with record("note", output=recorded, script=script) as run:
            pass
        assert run.release(recorded.parent / "model", description=DESCRIPTION).release.is_dir()


class TestFiles:
    """`files`, `link`, and the checkpoint's own."""

    def test_more_files_get_their_own_or_given_names(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{}", encoding="utf-8")
        (tmp_path / "tok").mkdir()
        (tmp_path / "tok" / "vocab.txt").write_text("a", encoding="utf-8")
        draft = release(
            recorded,
            tmp_path / "model",
            description=DESCRIPTION,
            files=[tmp_path / "config.json", tmp_path / "tok"],
        )
        roles = {it.path: it.role for it in draft.manifest.release.inventory}
        assert roles == {
            "README.md": "card",
            "config.json": "configuration",
            "model.safetensors": "weights",
            "tok/vocab.txt": "tokenizer",
        }

    def test_own_card_is_kept(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "card.md").write_text("# Mine\n", encoding="utf-8")
        draft = release(
            recorded,
            tmp_path / "model",
            description=DESCRIPTION,
            files={"README.md": tmp_path / "card.md"},
        )
        assert (draft.release / "README.md").read_text(encoding="utf-8") == "# Mine\n"

    def test_converted_weights_are_released_instead_with_a_warning(
        self, recorded: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "other.safetensors").write_bytes(write_safetensors({"weight": [9.0]}))
        draft = release(
            recorded,
            tmp_path / "model",
            description=described(release={"conversion": "rounded"}),
            files=[tmp_path / "other.safetensors"],
        )
        assert draft.manifest.release.conversion == "rounded"
        assert draft.manifest.release.checkpoint is None
        assert "the released weights are no recorded checkpoint" in draft.warnings
        assert [it.path for it in draft.manifest.release.inventory] == [
            "README.md",
            "other.safetensors",
        ]

    def test_copy_of_a_checkpoint_under_another_name_is_recognised(
        self, recorded: Path, tmp_path: Path
    ) -> None:
        source = tmp_path / "checkpoint-10.safetensors"
        draft = release(
            recorded,
            tmp_path / "model",
            description=DESCRIPTION,
            files={"best.safetensors": source},
        )
        assert draft.manifest.release.checkpoint == "step-10"

    def test_link_gives_the_file_a_second_name(self, recorded: Path, tmp_path: Path) -> None:
        release(recorded, tmp_path / "model", description=DESCRIPTION, link=True)
        assert (tmp_path / "model" / "model.safetensors").stat().st_nlink == 2

    def test_link_across_file_systems_is_a_copy(
        self, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def link(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", link)
        release(recorded, tmp_path / "model", description=DESCRIPTION, link=True)
        assert (tmp_path / "model" / "model.safetensors").stat().st_nlink == 1

    @pytest.mark.parametrize(
        "name", ["training-provenance/x", "model.sig", "../x", "a\nb", "/etc/x"]
    )
    def test_name_that_no_release_has_is_refused(
        self, recorded: Path, tmp_path: Path, data: Path, name: str
    ) -> None:
        with pytest.raises(RecordingError):
            release(recorded, tmp_path / "model", description=DESCRIPTION, files={name: data})
        assert not (tmp_path / "model").exists()

    def test_two_files_of_one_name_are_refused(
        self, recorded: Path, tmp_path: Path, data: Path
    ) -> None:
        with pytest.raises(RecordingError, match="two released files"):
            release(
                recorded,
                tmp_path / "model",
                description=DESCRIPTION,
                files={"model.safetensors/x": data, "model.safetensors": data},
            )

    def test_names_that_are_one_on_some_systems_are_refused(
        self, recorded: Path, tmp_path: Path, data: Path
    ) -> None:
        with pytest.raises(RecordingError, match="one file with"):
            release(
                recorded,
                tmp_path / "model",
                description=DESCRIPTION,
                files={"A.txt": data, "a.txt": data},
            )

    def test_link_inside_a_folder_is_refused(
        self, recorded: Path, tmp_path: Path, data: Path
    ) -> None:
        (tmp_path / "extra").mkdir()
        (tmp_path / "extra" / "link").symlink_to(data)
        with pytest.raises(RecordingError, match="link"):
            release(
                recorded, tmp_path / "model", description=DESCRIPTION, files=[tmp_path / "extra"]
            )

    def test_checkpoint_that_changed_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "checkpoint-30.safetensors").write_bytes(write_safetensors({"weight": [7.0]}))
        with pytest.raises(RecordingError, match="changed after it was recorded"):
            release(recorded, tmp_path / "model", description=DESCRIPTION)
        assert not (tmp_path / "model").exists()
        assert not (tmp_path / "model.draft").exists()

    def test_checkpoint_that_is_gone_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "checkpoint-30.safetensors").unlink()
        with pytest.raises(RecordingError, match="not where they were recorded"):
            release(recorded, tmp_path / "model", description=DESCRIPTION)

    def test_document_that_changed_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        (results,) = recorded.glob("evaluate-*/documents/results.json")
        results.write_text("{}", encoding="utf-8")
        with pytest.raises(RecordingError, match="changed after it was recorded"):
            release(recorded, tmp_path / "model", description=DESCRIPTION)

    def test_folder_checkpoint_is_released_with_its_names(
        self, new_run: Callable[..., Run], tmp_path: Path, project: Path
    ) -> None:
        folder = tmp_path / "saved"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
        (folder / "config.json").write_text("{}", encoding="utf-8")
        with new_run() as run:
            run.checkpoint(folder, step=1)
        draft = release(project, tmp_path / "model", description=DESCRIPTION)
        assert [it.path for it in draft.manifest.release.inventory] == [
            "README.md",
            "config.json",
            "model.safetensors",
        ]
        assert draft.manifest.release.checkpoint == "step-1"

    def test_checkpoint_of_another_format_is_recognised_by_its_bytes(
        self, new_run: Callable[..., Run], tmp_path: Path, project: Path
    ) -> None:
        (tmp_path / "model.pt").write_bytes(b"weights")
        (tmp_path / "state.xyz").write_bytes(b"weights too")
        with new_run() as run:
            run.checkpoint(tmp_path / "model.pt", step=1)
            run.checkpoint(tmp_path / "state.xyz", step=2)
        first = release(project, tmp_path / "one", description=DESCRIPTION, checkpoint="step-1")
        assert first.manifest.release.checkpoint == "step-1"
        second = release(project, tmp_path / "two", description=DESCRIPTION)
        assert second.manifest.release.inventory[1].path == "state.xyz"

    def test_broken_weights_are_released_with_a_warning(
        self, new_run: Callable[..., Run], tmp_path: Path, project: Path
    ) -> None:
        (tmp_path / "model.safetensors").write_bytes(b"broken")
        with new_run() as run:
            run.checkpoint(tmp_path / "model.safetensors", step=1)
        draft = release(project, tmp_path / "model", description=DESCRIPTION)
        assert any("tensors could not be read" in text for text in draft.warnings)

    def test_very_long_inventory_is_written_to_a_file(
        self, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(completion_module, "MAX_LISTED_FILES", 1)
        monkeypatch.setattr(builder_module, "MAX_LISTED_FILES", 1)
        draft = release(recorded, tmp_path / "model", description=DESCRIPTION)
        reference = draft.manifest.release.inventory_file
        assert draft.manifest.release.inventory == ()
        assert reference is not None
        assert reference.path == "inventories/release.jsonl"
        key = generate_private_key()
        sign_release(draft, key)
        report = provenance.inspect(draft.release, keys=[key.public_key])
        assert str(report.verdict) == "PASS"

    def test_long_dataset_inventory_goes_along(
        self, new_run: Callable[..., Run], tmp_path: Path, project: Path
    ) -> None:
        many = tmp_path / "many"
        many.mkdir()
        for number in range(60):
            (many / f"{number}.txt").write_text(str(number), encoding="utf-8")
        (tmp_path / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
        with new_run() as run:
            run.dataset(many, id="many", role="train", license="MIT")
            run.checkpoint(tmp_path / "model.safetensors", step=1)
        draft = release(project, tmp_path / "model", description=DESCRIPTION)
        assert draft.manifest.datasets[0].inventory_file is not None
        assert (draft.release / "training-provenance/inventories/many.jsonl").is_file()
        key = generate_private_key()
        sign_release(draft, key)
        assert str(provenance.inspect(draft.release, keys=[key.public_key]).verdict) == "PASS"


class TestTheOutput:
    """What is there already, and what goes wrong while writing."""

    def test_folder_that_is_not_empty_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "precious.txt").write_text("mine", encoding="utf-8")
        for overwrite in (False, True):
            with pytest.raises(UsageError, match="not empty"):
                release(recorded, tmp_path / "model", description=DESCRIPTION, overwrite=overwrite)
        assert (tmp_path / "model" / "precious.txt").read_text(encoding="utf-8") == "mine"

    def test_empty_folder_is_filled(self, recorded: Path, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        release(recorded, tmp_path / "model", description=DESCRIPTION)
        assert (tmp_path / "model" / "model.safetensors").is_file()

    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_output_that_is_no_folder_is_refused(
        self, recorded: Path, tmp_path: Path, kind: str
    ) -> None:
        target = tmp_path / "model"
        if kind == "file":
            target.touch()
        else:
            (tmp_path / "elsewhere").mkdir()
            target.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match="is no folder"):
            release(recorded, target, description=DESCRIPTION, overwrite=True)

    def test_release_of_ours_is_replaced_on_request(self, release: SmallRelease) -> None:
        before = (release.draft.folder / "private.json").read_bytes()
        with pytest.raises(UsageError, match="replace it on purpose"):
            provenance.release(release.project, release.folder, description=DESCRIPTION)
        provenance.release(release.project, release.folder, description=DESCRIPTION, overwrite=True)
        assert not release.manifest.exists()
        assert sorted(path.suffix for path in release.folder.parent.glob(".tmp-*")) == []
        kept = [path.read_bytes() for path in release.draft.folder.glob("private-*.json")]
        assert kept == [before]
        provenance.release(release.project, release.folder, description=DESCRIPTION, overwrite=True)
        assert len(list(release.draft.folder.glob("private-*.json"))) == 2

    def test_draft_that_was_left_behind_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        draft_folder(tmp_path / "model").mkdir()
        (tmp_path / "model.draft" / "private.json").touch()
        with pytest.raises(UsageError, match="not empty"):
            release(recorded, tmp_path / "model", description=DESCRIPTION)

    def test_folder_that_cannot_be_written_is_an_input_error(
        self, recorded: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="cannot be written"):
            release(recorded, tmp_path / "file" / "model", description=DESCRIPTION)

    @pytest.mark.parametrize("call", ["write", "fsync", "open", "rename"])
    def test_fault_of_the_disk_leaves_nothing_half_made(
        self, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        calls = 0
        real: Callable[..., Any] = getattr(os, call)

        def fail_at(number: int) -> Callable[..., Any]:
            def act(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any call
                nonlocal calls
                writes = call != "open" or (len(arguments) > 1 and arguments[1] & os.O_CREAT)
                calls += bool(writes)
                if writes and calls == number:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real(*arguments, **options)

            return act

        failed = 0
        for number in (1, 2, 5):
            calls = 0
            with monkeypatch.context() as patch:
                patch.setattr(os, call, fail_at(number))
                with suppress(ProvenanceError):
                    release(recorded, tmp_path / "model", description=DESCRIPTION)
                    break
            failed += 1
            assert not (tmp_path / "model").exists()
            assert not (tmp_path / "model.draft").exists()
            assert list(tmp_path.glob(".tmp-*")) == []
        assert failed

    def test_failure_of_the_second_rename_puts_everything_back(
        self, release: SmallRelease, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = {name: (release.folder / name).read_bytes() for name in names(release.folder)}
        statement = release.draft.statement_path.read_bytes()
        real = Path.rename
        failures: list[Path] = []

        def rename(self: Path, target: Path) -> Path:
            if target == release.folder and self.name.startswith(".tmp-") and not failures:
                failures.append(self)
                raise OSError(errno.EIO, "Input/output error")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(InputError, match="Input/output error"):
            provenance.release(
                release.project, release.folder, description=DESCRIPTION, overwrite=True
            )
        assert {
            name: (release.folder / name).read_bytes() for name in names(release.folder)
        } == before
        assert release.draft.statement_path.read_bytes() == statement

    def test_killed_release_leaves_no_release(self, recorded: Path, tmp_path: Path) -> None:
        program = f"""
import os, signal
from pathlib import Path
import provenance.recording.publishing as publishing
from support.releases import DESCRIPTION
def swap_in(*_):
    os.kill(os.getpid(), signal.SIGKILL)
publishing.swap_in = swap_in
publishing.release({str(recorded)!r}, {str(tmp_path / "model")!r}, description=DESCRIPTION)
"""
        tests = str(Path(__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": tests}, check=False
        )
        assert done.returncode == -9
        assert not (tmp_path / "model").exists()
        release(recorded, tmp_path / "model", description=DESCRIPTION)
        assert (tmp_path / "model").is_dir()

    def test_wrong_time_is_refused(self, recorded: Path, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="expected a time"):
            release(recorded, tmp_path / "model", description=DESCRIPTION, created_at="now")

    def test_nobody_says_it(self, recorded: Path, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="producer"):
            release(recorded, tmp_path / "model")


class TestExisting:
    """`release_existing`."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        folder = tmp_path / "old-model"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(write_safetensors({"w": [1.0, 2.0]}))
        (folder / "model.sig").write_bytes(b"an OMS signature")
        return folder

    def test_files_stay_and_the_release_passes(self, model: Path) -> None:
        before = (model / "model.safetensors").stat()
        draft = release_existing(model, described(model={"name": "old"}))
        after = (model / "model.safetensors").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        assert [it.path for it in draft.manifest.release.inventory] == ["model.safetensors"]
        assert draft.manifest.training is None
        assert draft.manifest.model.architecture is not None
        assert draft.manifest.model.architecture.parameter_count == 2
        key = generate_private_key()
        sign_release(model, key)
        assert str(provenance.inspect(model, keys=[key.public_key]).verdict) == "PASS"

    def test_second_time_needs_a_word(self, model: Path) -> None:
        release_existing(model, DESCRIPTION)
        with pytest.raises(UsageError, match="not empty"):
            release_existing(model, DESCRIPTION)
        release_existing(model, DESCRIPTION, overwrite=True)
        assert names(model) == [
            "model.safetensors",
            "model.sig",
            "training-provenance/SHA256SUMS",
        ]

    def test_empty_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(RecordingError, match="no file would be released"):
            release_existing(tmp_path / "empty", DESCRIPTION)

    def test_folder_may_be_named_by_a_dot(
        self, model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(model)
        draft = release_existing(".", DESCRIPTION)
        assert draft.folder == model.with_name("old-model.draft")


def test_helper_makes_an_unsigned_release_too(tmp_path: Path) -> None:
    assert not make_release(tmp_path, signed=False).manifest.exists()
