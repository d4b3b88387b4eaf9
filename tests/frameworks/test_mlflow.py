"""A real run of MLflow in a store of its own: imported, released, signed, verified, attached."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"})

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    FileInfo,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
)
from mlflow.tracking.context import registry as context
from mlflow.tracking.context.registry import RunContextProviderRegistry

from provenance.cli.program import run as run_program
from provenance.errors import (
    DigestError,
    InputError,
    MissingExtraError,
    ProvenanceError,
    RecordingError,
    UsageError,
)
from provenance.integrations.mlflow import MANIFEST_TAG, import_mlflow_run, log_bundle
from provenance.integrations.mlflow_artifacts import SavedStates
from provenance.integrations.mlflow_context import RUN_TAG, RunContext
from provenance.recording import record, release, sign_release
from provenance.recording.imported import IMPORTED
from provenance.signing import generate_private_key
from provenance.training_log import iterate_entries
from provenance.verification import verify
from support.releases import write_safetensors

if TYPE_CHECKING:
    from provenance.recording import Draft

DESCRIPTION = {"producer": {"name": "The lab"}, "model": {"name": "small"}}

COMMIT = "0123456789abcdef0123456789abcdef01234567"

#: When the run began, in milliseconds since 1970: 2026-03-01 10:15:00 UTC.
BEGAN = 1_772_360_100_000

# Invented; joined at run time, so that no scanner takes this file for a leak.
CANARIES = {
    "parameter by its name": "cnry-" + "param-Zq8vT1xK",
    "digits under a secret name": "4711" + "08154711",
    "parameter by its form": "hf_" + "cnryPARAMaBcDeFgHiJkLmNoPqRsTuVwXy",
    "tag by its name": "cnry-" + "tag-Jx5wE3uV",
    "remote": "cnry-" + "git-Vk9tA2eW",
    "address of a dataset": "cnry-" + "query-Ny1iD8hX",
    "user": "cnry" + "alice",
    "host": "cnry" + "host.internal.example",
    "note": "ghp_" + "cnryNOTEaBcDeFgHiJkLmNoPqRsTuVwXyZ01",
}


class Tracked:
    """A store in a folder, with one run."""

    def __init__(self, folder: Path) -> None:
        """Make the store, and begin the run."""
        folder.mkdir()
        self.uri = str(folder)
        self.client = MlflowClient(tracking_uri=self.uri)
        self.experiment = self.client.create_experiment("texts")
        made = self.client.create_run(self.experiment, start_time=BEGAN, run_name="baseline")
        self.id: str = made.info.run_id
        self.artifacts = Path(made.info.artifact_uri.removeprefix("file://"))

    def fill(self) -> None:
        """Log what a small training logs."""
        params = {
            "optimizer.lr": "0.001",
            "optimizer.name": "adamw",
            "layers": "4",
            "schedule/warmup": "1e-2",
            "compile": "True",
        }
        metrics = [
            Metric("loss", value, BEGAN + 1_000 * step, step)
            for step, value in enumerate((2.5, 1.25, math.nan, math.inf), start=1)
        ]
        metrics += [Metric("accuracy", 0.5, BEGAN + 2_000, 2)]
        self.client.log_batch(
            self.id, metrics=metrics, params=[Param(key, value) for key, value in params.items()]
        )
        self.tag("mlflow.source.git.commit", COMMIT)
        self.tag("stage", "pretraining")
        for step in (2, 4):
            self.save(f"checkpoints/step-{step}/model.safetensors", float(step))

    def tag(self, key: str, value: str) -> None:
        self.client.set_tag(self.id, key, value)

    def save(self, name: str, value: float) -> None:
        place = self.artifacts / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(write_safetensors({"weight": [value, 1.0]}))

    def end(self, status: str = "FINISHED") -> None:
        self.client.set_terminated(self.id, status, BEGAN + 60_000)

    def load(self, output: Path, **options: Any) -> Any:  # noqa: ANN401 - a record's tree
        done = import_mlflow_run(self.id, tracking_uri=self.uri, output=output, **options)
        return json.loads((done.folder / "record.json").read_bytes())


@pytest.fixture
def tracked(tmp_path: Path) -> Tracked:
    return Tracked(tmp_path / "store")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def texts_of(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


class TestRefusals:
    """What is not imported, and leaves nothing behind."""

    @pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
    def test_run_that_goes_on(self, tracked: Tracked, project: Path, status: str) -> None:
        tracked.client.update_run(tracked.id, status=status)
        with pytest.raises(UsageError, match="only runs that have ended are imported"):
            tracked.load(project)
        assert not project.exists()

    def test_run_that_was_deleted(self, tracked: Tracked, project: Path) -> None:
        tracked.end()
        tracked.client.delete_run(tracked.id)
        with pytest.raises(UsageError, match="was deleted"):
            tracked.load(project)

    @pytest.mark.parametrize("name", ["0" * 32, "../../etc", "", "x\n\x1b[31m"])
    def test_run_that_is_not_there(self, tracked: Tracked, project: Path, name: str) -> None:
        with pytest.raises(InputError, match="MLflow says"):
            import_mlflow_run(name, tracking_uri=tracked.uri, output=project)

    @pytest.mark.parametrize("form", ["{}", "file://{}", "sqlite:///{}"])
    def test_store_that_is_not_there_is_not_made(self, tmp_path: Path, form: str) -> None:
        place = tmp_path / "elsewhere"
        with pytest.raises(InputError, match="no tracking store"):
            import_mlflow_run("x", tracking_uri=form.format(place), output=tmp_path / "runs")
        assert not place.exists()

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "a\\b", ""])
    def test_hostile_name_of_an_artifact(self, tracked: Tracked, project: Path, name: str) -> None:
        tracked.end()
        with pytest.raises(DigestError, match="the name is refused"):
            tracked.load(project, artifacts=[name])
        assert list(project.iterdir()) == []

    def test_artifact_that_is_not_there(self, tracked: Tracked, project: Path) -> None:
        tracked.end()
        with pytest.raises(RecordingError, match="no such files in the run"):
            tracked.load(project, artifacts=["model"])

    @pytest.mark.parametrize("named", [None, ["model"]], ids=["found", "named"])
    def test_link_among_the_artifacts(
        self, tracked: Tracked, project: Path, tmp_path: Path, named: list[str] | None
    ) -> None:
        private = tmp_path / "private"
        private.mkdir()
        (private / "weights.bin").write_bytes(b"secret")
        tracked.artifacts.mkdir(parents=True, exist_ok=True)
        (tracked.artifacts / "model").symlink_to(private)
        tracked.end()
        with pytest.raises(InputError) as caught:
            tracked.load(project, artifacts=named)
        assert caught.value.code == "link-found"

    @pytest.mark.parametrize(
        "uri", ["file://host.example/home/me", "FILE:///home/me", "runs:/0/model", "models:/m-0"]
    )
    def test_other_ways_of_a_server_to_name_files_of_this_machine(self, uri: str) -> None:
        run = SimpleNamespace(info=SimpleNamespace(artifact_uri=uri))
        with pytest.raises(RecordingError, match="files of this machine"):
            SavedStates(None, run, None, is_local=False)(Path("downloads"))

    def test_server_that_names_files_of_this_machine(
        self, tracked: Tracked, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tracked.fill()
        tracked.end()
        monkeypatch.setattr(MlflowClient, "tracking_uri", "https://mlflow.example")
        with pytest.raises(RecordingError, match="files of this machine"):
            tracked.load(project)

    def test_library_that_a_store_needs_is_named(
        self, tracked: Tracked, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load(*_: object) -> None:
            raise ModuleNotFoundError(name="sqlalchemy")

        monkeypatch.setattr(MlflowClient, "get_run", load)
        with pytest.raises(MissingExtraError, match="'sqlalchemy'"):
            tracked.load(project)

    @pytest.mark.parametrize("uri", ["sqlite:///{}/x.db", "gopher://x"])
    def test_store_that_this_mlflow_cannot_read(self, tmp_path: Path, uri: str) -> None:
        (tmp_path / "x.db").touch()
        with pytest.raises(InputError, match="MLflow says"):
            import_mlflow_run("x", tracking_uri=uri.format(tmp_path), output=tmp_path / "runs")

    def test_bundle_that_is_none(self, tracked: Tracked, tmp_path: Path) -> None:
        place = tmp_path / "manifest.sigstore.json"
        place.write_text("{}")
        with pytest.raises(ProvenanceError):
            log_bundle(tracked.id, place, tracking_uri=tracked.uri)
        assert MANIFEST_TAG not in tracked.client.get_run(tracked.id).data.tags


class TestStoresElsewhere:
    """Artifacts that must be downloaded; MLflow's download is played."""

    @pytest.fixture
    def elsewhere(self, tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Return what the store lists and what a download writes."""
        store: dict[str, Any] = {"listed": {None: []}, "written": {}}

        def download(*, dst_path: str, artifact_path: str, **_: object) -> str:
            for name, data in store["written"].items():
                place = Path(dst_path, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            return str(Path(dst_path, artifact_path))

        tracked.end()
        monkeypatch.setattr("mlflow.artifacts.download_artifacts", download)
        monkeypatch.setattr(
            MlflowClient, "list_artifacts", lambda _, __, path=None: store["listed"].get(path, [])
        )
        monkeypatch.setattr("provenance.integrations.mlflow_artifacts.local_place", lambda _: None)
        return store

    def test_weights_are_downloaded_into_the_run_folder(
        self, tracked: Tracked, project: Path, elsewhere: dict[str, Any]
    ) -> None:
        elsewhere["listed"] = {
            None: [FileInfo("model", is_dir=True, file_size=None)],
            "model": [FileInfo("model/model.safetensors", is_dir=False, file_size=10)],
        }
        elsewhere["written"] = {"model/model.safetensors": write_safetensors({"w": [1.0]})}
        record = tracked.load(project)
        (saved,) = record["checkpoints"]
        assert saved["tensors"]["size"] == 1
        assert record["locations"][saved["id"]].endswith("artifacts/artifact-1/model")
        draft = release(project, project.parent / "model", description=DESCRIPTION)
        assert (draft.release / "model.safetensors").is_file()

    @pytest.mark.parametrize("name", ["../../x/model.bin", "/x/model.bin", "a//model.bin"])
    def test_hostile_names_in_a_listing(
        self, tracked: Tracked, project: Path, elsewhere: dict[str, Any], name: str
    ) -> None:
        elsewhere["listed"] = {None: [FileInfo(name, is_dir=False, file_size=1)]}
        with pytest.raises(DigestError, match="the name is refused"):
            tracked.load(project)

    def test_listing_without_end(
        self, tracked: Tracked, project: Path, elsewhere: dict[str, Any]
    ) -> None:
        elsewhere["listed"] = {
            None: [FileInfo("a", is_dir=True, file_size=None)],
            "a": [FileInfo("a", is_dir=True, file_size=None)],
        }
        with pytest.raises(RecordingError, match="listed twice"):
            tracked.load(project)

    def test_download_that_brings_nothing(
        self, tracked: Tracked, project: Path, elsewhere: dict[str, Any]
    ) -> None:
        elsewhere["written"] = {"other.bin": b"x"}
        with pytest.raises(RecordingError, match="did not download"):
            tracked.load(project, artifacts=["model"])
        assert list(project.iterdir()) == []


class TestWhatIsImported:
    """The record of a run."""

    def test_settings_keep_their_names_and_numbers_are_numbers(
        self, tracked: Tracked, project: Path
    ) -> None:
        tracked.fill()
        tracked.end()
        assert tracked.load(project)["hyperparameters"] == {
            "optimizer.lr": 0.001,
            "optimizer.name": "adamw",
            "layers": 4,
            "schedule/warmup": "1e-2",  # would be written otherwise: it stays a text
            "compile": True,
        }

    def test_history_of_all_metrics_is_the_training_log(
        self, tracked: Tracked, project: Path
    ) -> None:
        tracked.fill()
        tracked.end()
        record = tracked.load(project)
        (log,) = project.glob("*/training-log.jsonl")
        entries = list(iterate_entries(log))
        logged = [(it.at, it.step, dict(it.values)) for it in entries if it.kind == "metrics"]
        assert logged[0] == ("2026-03-01T10:15:01.000Z", 1, {"loss": 2.5})
        assert logged[1] == ("2026-03-01T10:15:02.000Z", 2, {"loss": 1.25, "accuracy": 0.5})
        assert math.isnan(logged[2][2]["loss"])
        assert logged[3][2]["loss"] == math.inf
        assert entries[-1].kind == "finish"
        assert (record["lastStep"], record["metricNames"]) == (4, ["loss", "accuracy"])

    def test_weights_are_hashed_where_they_lie(self, tracked: Tracked, project: Path) -> None:
        tracked.fill()
        tracked.end()
        record = tracked.load(project)
        assert [(it["id"], it["step"]) for it in record["checkpoints"]] == [
            ("step-2", 2),
            ("step-4", 4),
        ]
        assert record["checkpoints"][0]["metrics"] == {"loss": 1.25, "accuracy": 0.5}
        assert all("tensors" in it and "savedAt" not in it for it in record["checkpoints"])
        assert not any("parents" in it for it in record["checkpoints"])

    def test_named_artifacts_with_their_steps(self, tracked: Tracked, project: Path) -> None:
        tracked.fill()
        tracked.save("final.safetensors", 9.0)
        tracked.end()
        record = tracked.load(project, artifacts={"final.safetensors": 3})
        assert [it["step"] for it in record["checkpoints"]] == [3]

    def test_logged_model(self, tracked: Tracked, project: Path, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
        (folder / "MLmodel").write_text("flavors: {}\n")
        made = tracked.client.create_logged_model(
            tracked.experiment, name="net", source_run_id=tracked.id
        )
        tracked.client.log_model_artifacts(made.model_id, str(folder))
        tracked.client.finalize_logged_model(made.model_id, "READY")
        tracked.client.log_outputs(tracked.id, [LoggedModelOutput(made.model_id, 7)])
        tracked.end()
        (saved,) = tracked.load(project)["checkpoints"]
        assert saved["step"] == 7
        assert [it["path"] for it in saved["inventory"]] == ["MLmodel", "model.safetensors"]

    @pytest.mark.parametrize(
        ("word", "status"),
        [("FINISHED", "completed"), ("FAILED", "failed"), ("KILLED", "interrupted")],
    )
    def test_status_and_times_are_those_of_the_run(
        self, tracked: Tracked, project: Path, word: str, status: str
    ) -> None:
        tracked.fill()
        tracked.end(word)
        record = tracked.load(project)
        (segment,) = record["segments"]
        assert record["status"] == segment["status"] == status
        assert (segment["fromStep"], segment["toStep"]) == (0, 4)
        assert record["startedAt"] == "2026-03-01T10:15:00.000000Z"
        assert segment["startedAt"] == "2026-03-01T10:15:00Z"
        assert segment["endedAt"] == "2026-03-01T10:16:00Z"
        assert (word == "FINISHED") == ("failure" not in record)

    def test_digest_of_a_dataset_is_a_name_and_binds_nothing(
        self, tracked: Tracked, project: Path
    ) -> None:
        source = json.dumps({"url": f"https://data.example/x?token={CANARIES['note']}"})
        data = Dataset("reviews", "d2d22dd2", "http", source)
        tracked.client.log_inputs(
            tracked.id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])]
        )
        tracked.end()
        record = tracked.load(project)
        (found,) = record["datasets"]
        assert (found["id"], found["roles"]) == ("reviews", ["train"])
        assert not {"files", "recordTree", "tensors", "inventory"} & set(found)
        (origin,) = found["sources"]
        assert origin["uri"] == "https://data.example/x"
        assert "d2d22dd2" in origin["description"]
        assert "digest" not in origin
        assert any(gap["subject"] == "reviews" for gap in record["gaps"])

    def test_code_and_marks(self, tracked: Tracked, project: Path) -> None:
        tracked.tag("mlflow.source.name", "/home/someone/project/train.py")
        tracked.tag("mlflow.source.git.repoURL", "https://git.example/lab/texts.git")
        tracked.fill()
        tracked.end()
        record = tracked.load(project)
        assert record["code"] == {
            "commit": COMMIT,
            "path": "train.py",
            "repository": "https://git.example/lab/texts.git",
        }
        assert IMPORTED in [gap["description"] for gap in record["gaps"]]
        assert "environment" not in record

    def test_hostile_texts(
        self, tracked: Tracked, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hostile = "x\x00\n\x1b[31m\u202e" + "y" * 5_000
        tags = {
            "mlflow.source.name": f"../{hostile}",
            "mlflow.source.git.commit": hostile,
            "mlflow.source.git.repoURL": "ext::sh -c true",
            "mlflow.project.entryPoint": hostile,
            hostile: hostile,
        }
        data = Dataset(hostile, hostile, hostile, hostile)
        tracked.fill()
        tracked.end()
        run = tracked.client.get_run(tracked.id)
        run.info._run_name = hostile
        run.info._start_time, run.info._end_time = 10**30, -5
        run.data._tags = tags
        run.data._params = {hostile: hostile, "": "", "/~": "[" * 1_000}
        run.inputs._dataset_inputs = [
            DatasetInput(data, [InputTag("mlflow.data.context", hostile)])
        ]
        monkeypatch.setattr(MlflowClient, "get_run", lambda *_: run)
        record = tracked.load(project)
        assert "code" not in record
        assert record["name"].isprintable()
        assert [it["roles"] for it in record["datasets"]] == [["other"]]
        draft = release(project, project.parent / "model", description=DESCRIPTION)
        assert draft.manifest.training is not None

    def test_no_secret_no_user_and_no_host(self, tracked: Tracked, project: Path) -> None:
        user = CANARIES["user"]
        params = {
            "api_key": CANARIES["parameter by its name"],
            "password": CANARIES["digits under a secret name"],
            "hub": CANARIES["parameter by its form"],
            "data_dir": f"/home/{user}/data",
            "tokenizer": "harmless-tokenizer",
            "max_tokens": "8765",
        }
        for key, value in params.items():
            tracked.client.log_param(tracked.id, key, value)
        tracked.tag("secret_token", CANARIES["tag by its name"])
        tracked.tag("place", f"/Users/{user}/data")
        tracked.tag("mlflow.user", user)
        tracked.tag("mlflow.source.name", f"/home/{user}/train.py")
        tracked.tag("mlflow.databricks.workspaceURL", CANARIES["host"])
        tracked.tag("mlflow.note.content", f"with {CANARIES['note']}")
        tracked.tag(
            "mlflow.source.git.repoURL", f"https://x:{CANARIES['remote']}@git.example/lab/texts.git"
        )
        source = json.dumps({"uri": f"s3://bucket/x?sig={CANARIES['address of a dataset']}"})
        tracked.client.log_inputs(tracked.id, [DatasetInput(Dataset("x", "0", "s3", source), [])])
        tracked.fill()
        tracked.end()
        record = tracked.load(project)
        release(project, project.parent / "model", description=DESCRIPTION)
        written = texts_of(project) + texts_of(project.parent / "model")
        assert [name for name, it in CANARIES.items() if it.encode() in written] == []
        assert record["hyperparameters"]["tokenizer"] == "harmless-tokenizer"
        assert record["hyperparameters"]["max_tokens"] == 8765
        assert record["hyperparameters"]["data_dir"] == "~/data"

    def test_same_run_is_imported_once(self, tracked: Tracked, project: Path) -> None:
        tracked.end()
        tracked.load(project)
        with pytest.raises(UsageError, match="imported already"):
            tracked.load(project)
        assert len(list(project.iterdir())) == 1

    def test_run_that_begins_while_we_record_names_our_run(
        self, tracked: Tracked, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = RunContextProviderRegistry()
        registry.register(RunContext)
        monkeypatch.setattr(context, "_run_context_provider_registry", registry)
        mlflow.set_tracking_uri(tracked.uri)
        with (
            record("train", output=project) as run,
            mlflow.start_run(experiment_id=tracked.experiment) as theirs,
        ):
            assert theirs.data.tags[RUN_TAG] == run.record.id
        with mlflow.start_run(experiment_id=tracked.experiment) as theirs:
            assert RUN_TAG not in theirs.data.tags


class TestWholeWay:
    """From the store to a verified release, and back into the store."""

    @pytest.fixture
    def draft(self, tracked: Tracked, project: Path, tmp_path: Path) -> Draft:
        tracked.fill()
        tracked.end()
        tracked.load(project)
        return release(project, tmp_path / "model", description=DESCRIPTION)

    def test_imported_run_is_released_signed_verified_and_attached(
        self, tracked: Tracked, draft: Draft, tmp_path: Path
    ) -> None:
        key = generate_private_key()
        bundle = sign_release(draft, key)
        verified = verify(draft.release, keys=[key.public_key])
        report = tmp_path / "report.json"
        report.write_text("{}")
        digest = log_bundle(tracked.id, bundle, tracking_uri=tracked.uri, report=report)
        assert digest == f"sha256:{draft.digest}"
        assert verified.manifest.training is not None
        run = tracked.client.get_run(tracked.id)
        assert run.data.tags[MANIFEST_TAG] == digest
        attached = tracked.artifacts / "training-provenance"
        assert (attached / bundle.name).read_bytes() == bundle.read_bytes()
        assert (attached / "report.json").is_file()

    def test_manifest_does_not_say_that_a_recorder_saw_it(self, draft: Draft) -> None:
        tree = draft.manifest.to_tree()
        origins = tree["origins"]
        assert origins["/training/segments/0"] == "authored"
        assert origins["/training/log"] == origins["/training/logFiles"] == "authored"
        assert origins["/training/checkpoints/0"] == "authored"
        assert origins["/training/checkpoints/0/files"] == "captured"
        assert any(gap["description"] == IMPORTED for gap in tree["gaps"])

    def test_failed_run_is_not_released_by_itself(
        self, tracked: Tracked, project: Path, tmp_path: Path
    ) -> None:
        tracked.fill()
        tracked.end("FAILED")
        tracked.load(project)
        with pytest.raises(RecordingError, match="no run recorded a checkpoint"):
            release(project, tmp_path / "model", description=DESCRIPTION)
        draft = release(project, tmp_path / "model", description=DESCRIPTION, unfinished=True)
        assert draft.manifest.training is not None
        assert draft.manifest.training.segments[0].status == "failed"

    def test_command(
        self, tracked: Tracked, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tracked.fill()
        tracked.end()
        command = ["import", "mlflow", tracked.id, "--tracking-uri", tracked.uri]
        options = ["--artifact", "checkpoints/step-4=4", "--output", str(project)]
        assert run_program([*command, *options]) == 0
        said = capsys.readouterr().out
        assert "checkpoints: step-4" in said
        assert "imported after the fact" in said
        assert run_program([*command[:2], "0" * 32, *command[3:], "--output", str(project)]) == 4
        assert "error: " + "0" * 32 in capsys.readouterr().err
