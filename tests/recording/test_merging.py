"""Records of several processes become one manifest: by digest, with one id for one thing."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from provenance.checks import consistency_findings
from provenance.errors import ManifestError, ProvenanceError, RecordingError
from provenance.recording import Draft, Run, release
from provenance.recording.records import RECORD_NAME
from support.releases import DESCRIPTION, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.manifest import Training


@pytest.fixture
def draft_of(tmp_path: Path, project: Path) -> Callable[..., Draft]:
    """Return a function that releases the project into a new folder."""
    count = iter(range(100))

    def make(**options: Any) -> Draft:  # noqa: ANN401 - those of `release`
        return release(
            project, tmp_path / f"model-{next(count)}", **{"description": DESCRIPTION, **options}
        )

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a safetensors file with one number in it."""

    def write(number: float, name: str = "") -> Path:
        path = tmp_path / (name or f"w-{number}.safetensors")
        path.write_bytes(write_safetensors({"w": [number]}))
        return path

    return write


def training_of(draft: Draft) -> Training:
    assert draft.manifest.training is not None
    return draft.manifest.training


class TestResumedRuns:
    """A job that was killed and requeued."""

    @pytest.fixture
    def _killed(self, new_run: Callable[..., Run], save: Callable[..., Path]) -> None:
        run = new_run("train")
        for step in range(1, 31):
            run.log({"loss": 1.0}, step=step)
            if step % 10 == 0:
                run.checkpoint(save(step), step=step)
        for step in range(31, 36):
            run.log({"loss": 1.0}, step=step)
        assert run.folder is not None
        record = (run.folder / RECORD_NAME).read_bytes()
        run.finish()
        # Put back what a kill would have left: an open record, and a log without its last entry.
        (run.folder / RECORD_NAME).write_bytes(record)
        log = run.folder / "training-log.jsonl"
        lines = log.read_bytes().splitlines(keepends=True)
        log.write_bytes(b"".join(lines[:-1]))

    @pytest.mark.usefixtures("_killed")
    def test_requeued_job_goes_on_where_the_checkpoint_was_saved(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        tmp_path: Path,
        draft_of: Callable[..., Draft],
    ) -> None:
        with new_run("train") as run:
            run.segment(resumed_from=tmp_path / "w-20.safetensors", reason="requeued")
            for step in range(21, 41):
                run.log({"loss": 0.5}, step=step)
            run.checkpoint(save(40), step=40)
        draft = draft_of()
        training = training_of(draft)
        one, two = training.segments
        assert (one.from_step, one.to_step, one.status) == (0, 35, "interrupted")
        assert (two.from_step, two.to_step, two.rollback_to) == (20, 40, 20)
        assert two.resumed_from == "step-20"
        assert [it.step for it in training.checkpoints] == [10, 20, 30, 40]
        assert training.checkpoints[3].parents == ("step-20",)
        assert len(training.log_files) == 2
        assert any("comes from it" in text for text in draft.warnings)
        assert any("was killed" in gap.description for gap in draft.manifest.gaps)

    @pytest.mark.usefixtures("_killed")
    def test_killed_run_alone_is_used_only_on_request(self, draft_of: Callable[..., Draft]) -> None:
        with pytest.raises(RecordingError, match=r"and completed: .* is .*--unfinished"):
            draft_of()
        draft = draft_of(unfinished=True)
        assert training_of(draft).segments[0].to_step == 35

    @pytest.mark.usefixtures("_killed")
    def test_log_that_is_damaged_stops_the_release(
        self, draft_of: Callable[..., Draft], project: Path
    ) -> None:
        (log,) = project.glob("train-*/training-log.jsonl")
        log.write_bytes(log.read_bytes().replace(b'"step":3,', b'"step": 3,'))
        with pytest.raises(ManifestError, match="not in canonical form") as caught:
            draft_of(unfinished=True)
        assert caught.value.code == "log-malformed"

    @pytest.mark.usefixtures("_killed")
    def test_torn_last_line_is_left_out_of_the_release(
        self, draft_of: Callable[..., Draft], project: Path
    ) -> None:
        (log,) = project.glob("train-*/training-log.jsonl")
        whole = log.read_bytes()
        log.write_bytes(whole + b'{"at":"2026')
        draft = draft_of(unfinished=True)
        (released,) = (draft.release / "training-provenance" / "training-log").iterdir()
        assert released.read_bytes() == whole


class TestScriptsThatAreRunAgain:
    """What does not belong to the released checkpoint is left out, and said."""

    def test_other_training_runs_are_left_out(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        for rate in (1, 2):
            with new_run("train") as run:
                run.config({"rate": rate})
                run.log({"loss": 1.0 / rate}, step=1)
                run.checkpoint(save(rate), step=1)
        draft = draft_of(checkpoint="best", metric="loss")
        assert training_of(draft).segments[0].hyperparameters == {"rate": 2}
        assert len(training_of(draft).segments) == 1
        assert any("does not come from it" in text for text in draft.warnings)

    def test_preparation_of_other_data_is_left_out(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
        tmp_path: Path,
    ) -> None:
        for text in ("old", "new"):
            (tmp_path / "train.csv").write_text(text, encoding="utf-8")
            with new_run("prepare") as run:
                raw = run.dataset(data, id="raw", role="raw")
                train = run.dataset(tmp_path / "train.csv", id="train", role="train")
                run.processing([raw], [train])
        with new_run("train") as run:
            run.dataset(tmp_path / "train.csv")
            run.checkpoint(save(1), step=1)
        draft = draft_of()
        assert len(draft.manifest.processing) == 1
        assert [it.id for it in draft.manifest.datasets] == ["raw", "train"]
        assert any("a newer run of the same name" in text for text in draft.warnings)

    def test_equal_preparations_stand_once(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
    ) -> None:
        for name in ("prepare", "prepare", "train", "prepare"):
            with new_run(name) as run:
                made = run.dataset(data, id="train", role="train")
                if name == "prepare":
                    run.processing([], [made])
                else:
                    run.checkpoint(save(1), step=1)
        draft = draft_of()
        assert [it.id for it in draft.manifest.processing] == ["prepare", "prepare-2"]
        assert sum("newer run" in text for text in draft.warnings) == 1

    def test_evaluation_of_other_weights_is_left_out(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        with new_run("evaluate") as run:
            run.evaluation(task="other", checkpoint=save(99))
        with new_run("evaluate") as run:
            run.evaluation(task="mine", checkpoint=save(1), metrics={"accuracy": 0.5})
            run.evaluation(task="another", checkpoint=save(98))
        draft = draft_of(checkpoint="best", metric="accuracy")
        assert [(it.task, it.checkpoint) for it in draft.manifest.evaluations] == [
            ("mine", "step-1"),
            ("another", None),
        ]
        assert any("evaluated other weights" in text for text in draft.warnings)
        assert any(gap.subject == "checkpoint" for gap in draft.manifest.gaps)

    def test_equal_evaluations_stand_once(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        for _ in range(2):
            with new_run("evaluate") as run:
                run.evaluation(task="t", checkpoint=save(1), metrics={"a": 1})
        assert len(draft_of().manifest.evaluations) == 1

    def test_failed_run_is_left_out(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        with suppress(ValueError), new_run("train") as run:
            run.checkpoint(save(2), step=2)
            raise ValueError("no")
        draft = draft_of()
        assert draft.manifest.release.checkpoint == "step-1"
        assert any("it is failed" in text for text in draft.warnings)
        assert draft_of(unfinished=True).manifest.release.checkpoint == "step-2"

    def test_runs_may_be_named(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("one") as run:
            run.checkpoint(save(1), step=1)
        with new_run("two") as run:
            run.checkpoint(save(2), step=2)
        assert draft_of(runs=["one"]).manifest.release.checkpoint == "step-1"
        with pytest.raises(RecordingError, match="there is no run 'three'"):
            draft_of(runs=["three"])


class TestIds:
    """One thing, one id; two things, two ids."""

    def test_chosen_id_for_two_things_is_refused(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1, id="final")
        with new_run("notes") as run:
            run.dataset(id="final")
        with pytest.raises(RecordingError, match="both use the id 'final'"):
            draft_of()

    def test_made_up_ids_give_way(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        with new_run("a") as run:
            run.dataset(id="prepare")
        with new_run("prepare") as run:
            run.processing([], [])
        assert draft_of().manifest.processing[0].id == "prepare-2"

    def test_renamed_file_is_the_same_dataset(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
    ) -> None:
        with new_run("prepare") as run:
            run.dataset(
                data, id="mine", name="My data", license="MIT", digests=("blake3", "sha256")
            )
        data.rename(data.with_name("moved.csv"))
        with new_run("train") as run:
            run.dataset(data.with_name("moved.csv"), role="train", labelling="By eye.")
            run.checkpoint(save(1), step=1)
        draft = draft_of()
        (found,) = draft.manifest.datasets
        assert (found.id, found.name, found.roles) == ("mine", "My data", ("train",))
        assert [entry.path for entry in found.inventory] == ["data.csv"]
        assert not [it for it in consistency_findings(draft.manifest) if it.severity == "error"]
        assert found.labelling is not None
        assert training_of(draft).segments[0].datasets == ("mine",)

    def test_id_of_another_process_is_looked_up(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
    ) -> None:
        with new_run("prepare") as run:
            run.dataset(data, id="test", role="test")
        with new_run("train") as run:
            run.checkpoint(save(1), step=1, id="final")
        with new_run("evaluate") as run:
            run.evaluation(task="t", dataset="test", checkpoint="final")
            run.processing(["test"], ["nothing-like-it"])
        manifest = draft_of().manifest
        assert (manifest.evaluations[0].dataset, manifest.evaluations[0].checkpoint) == (
            "test",
            "final",
        )
        assert manifest.processing[0].outputs == ()
        assert any(gap.subject == "outputs" for gap in manifest.gaps)

    def test_validation_data_is_what_training_was_watched_on(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
    ) -> None:
        with new_run("train") as run:
            run.dataset(data, role="validation")
            run.model(name="digits-mlp", citation="Cite me.")
            run.note("began")
            run.checkpoint(save(1), step=1)
        manifest = draft_of().manifest
        assert manifest.training is not None
        assert manifest.training.segments[0].validation_datasets == ("data",)
        assert manifest.model.citation == "Cite me."
        assert manifest.journal[0].text == "began"

    def test_run_that_only_logs_trained(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("evaluate") as run:
            run.log({"batch": 1.0}, step=1)
            run.evaluation(task="t", checkpoint="final")
        with new_run("other") as run:
            run.log({"loss": 1.0}, step=1)
        with new_run("train") as run:
            run.checkpoint(save(1), step=1, id="final")
        draft = draft_of()
        assert [it.run for it in training_of(draft).segments] == [run.record.id]
        assert len(draft.manifest.evaluations) == 1
        assert any("other-" in text for text in draft.warnings)


class TestProjects:
    """Folders that are no project, and records that are none."""

    def test_folder_that_is_not_there(self, draft_of: Callable[..., Draft]) -> None:
        with pytest.raises(ProvenanceError, match="cannot be read"):
            draft_of()

    def test_folder_without_a_run(self, draft_of: Callable[..., Draft], project: Path) -> None:
        project.mkdir()
        with pytest.raises(RecordingError, match="there are 0 recorded runs"):
            draft_of()

    @pytest.mark.parametrize("text", ["", "[]", '{"recordVersion":"2.0"}', '{"a":1,"a":2}'])
    def test_record_that_is_none_is_named(
        self, draft_of: Callable[..., Draft], run: Run, project: Path, text: str
    ) -> None:
        run.finish()
        (record,) = project.glob(f"*/{RECORD_NAME}")
        record.write_text(text, encoding="utf-8")
        with pytest.raises(ProvenanceError):
            draft_of()

    def test_project_may_be_moved(
        self,
        new_run: Callable[..., Run],
        project: Path,
        tmp_path: Path,
    ) -> None:
        with new_run("train") as run:
            inside = project / "weights.safetensors"
            inside.write_bytes(write_safetensors({"w": [1.0]}))
            run.checkpoint(inside, step=1)
        moved = project.rename(tmp_path / "moved")
        assert release(moved, tmp_path / "model", description=DESCRIPTION).release.is_dir()


class TestWorlds:
    """Code, environment, settings and documents of the runs."""

    def test_settings_and_seeds_of_a_run_belong_to_its_steps(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("prepare") as run:
            run.config({"share": 0.2})
            run.seed(numpy=7)
            run.processing([], [], id="split")
            run.processing([], [], id="scale", parameters={"by": 16})
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        manifest = draft_of().manifest
        split, scale = manifest.processing
        assert split.parameters == {"share": 0.2}
        assert scale.parameters == {"by": 16}
        assert split.seeds == {"numpy": 7}
        assert split.run is not None
        assert split.run.startswith("prepare-")
        assert len(manifest.environments) == 1
        assert split.environment == manifest.environments[0].id

    def test_what_a_script_says_of_its_own_documents_is_kept(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        data: Path,
    ) -> None:
        with new_run("train") as run:
            guide = run.document(data, kind="guidelines", id="guide")
            run.dataset(
                id="d",
                labelling={"criteria": "c", "guidelines": guide},
                cleaning={"description": "x", "step": "nobody"},
                attributes={"dataset": "kept as it is"},
            )
            run.segment(data_order={"seed": 2**60, "shuffled": True})
            run.checkpoint(save(1), step=1)
        manifest = draft_of().manifest
        (found,) = manifest.datasets
        assert found.labelling is not None
        assert found.labelling.guidelines == "guide"
        assert found.cleaning[0].step is None
        assert found.attributes == {"dataset": "kept as it is"}
        assert any(gap.subject == "step" for gap in manifest.gaps)
        assert manifest.training is not None
        order = manifest.training.segments[0].data_order
        assert order is not None
        assert order.seed == 2**60

    def test_environment_id_gives_way_to_a_dataset_of_that_name(
        self, new_run: Callable[..., Run], save: Callable[..., Path], draft_of: Callable[..., Draft]
    ) -> None:
        with new_run("train") as run:
            run.dataset(id="env-1")
            run.checkpoint(save(1), step=1)
        manifest = draft_of().manifest
        assert manifest.datasets[0].id == "env-1"
        assert manifest.environments[0].id != "env-1"

    def test_compute_is_added_up(self, recorded: Path, tmp_path: Path) -> None:
        draft = release(recorded, tmp_path / "model", description=DESCRIPTION)
        compute = draft.manifest.compute
        assert compute is not None
        assert compute.wall_time_seconds is not None
        assert compute.peak_memory_bytes
        assert compute.method is not None
        assert len(compute.hardware) <= 1

    def test_run_without_a_log_or_a_world_is_released(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        project: Path,
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        (path,) = project.glob(f"*/{RECORD_NAME}")
        tree = json.loads(path.read_text(encoding="utf-8"))
        for field in ("log", "environment", "code", "compute"):
            del tree[field]
        tree["status"] = "running"
        path.write_text(json.dumps(tree), encoding="utf-8")
        draft = draft_of(unfinished=True)
        assert training_of(draft).log is None
        assert draft.manifest.compute is None

    def test_location_that_is_unknown_asks_for_the_files(
        self,
        new_run: Callable[..., Run],
        save: Callable[..., Path],
        draft_of: Callable[..., Draft],
        project: Path,
    ) -> None:
        with new_run("train") as run:
            run.checkpoint(save(1), step=1)
        (path,) = project.glob(f"*/{RECORD_NAME}")
        tree = json.loads(path.read_text(encoding="utf-8"))
        del tree["locations"]
        path.write_text(json.dumps(tree), encoding="utf-8")
        with pytest.raises(RecordingError, match="name the weights to release as files"):
            draft_of()
        assert draft_of(files=[save(1)]).manifest.release.checkpoint == "step-1"
