"""What a script says, as it stands in the record afterwards."""

from __future__ import annotations

import math
from argparse import Namespace
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from provenance import canonical
from provenance.errors import UsageError
from provenance.manifest import FrozenMapping, MetricResult
from provenance.recording import Run, read_record, record, start
from provenance.training_log import iterate_entries
from support.releases import write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def entries(run: Run) -> list[tuple[int | None, dict[str, object]]]:
    run.finish()
    assert run.folder is not None
    log = iterate_entries(run.folder / "training-log.jsonl")
    return [(entry.step, dict(entry.values)) for entry in log if entry.kind == "metrics"]


class TestDatasets:
    """`run.dataset`."""

    def test_file_is_bound_by_its_bytes(self, run: Run, data: Path) -> None:
        assert run.dataset(data) == "data"
        (found,) = run.record.datasets
        assert found.files is not None
        assert [entry.path for entry in found.inventory] == ["data.csv"]
        assert set(found.inventory[0].digest) == {"blake3"}
        assert found.bytes_ == data.stat().st_size

    def test_sha256_is_recorded_on_request(self, run: Run, data: Path) -> None:
        run.dataset(data, digests=("blake3", "sha256"))
        assert set(run.record.datasets[0].inventory[0].digest) == {"blake3", "sha256"}

    def test_long_folder_is_listed_in_a_file_of_its_own(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(60):
            (folder / f"{number}.txt").write_text(str(number), encoding="utf-8")
        run.dataset(folder, id="many")
        (found,) = run.record.datasets
        assert found.inventory == ()
        assert found.inventory_file is not None
        assert found.inventory_file.path == "inventories/many.jsonl"
        assert run.folder is not None
        assert (run.folder / "inventories" / "many.jsonl").is_file()

    def test_short_forms_become_whole_ones(self, run: Run, data: Path) -> None:
        run.dataset(
            data,
            role="train",
            roles=["validation", "train"],
            license="CC-BY-4.0",
            licenses=["MIT"],
            source=["https://user:secret@data.example/x.csv?token=1", "A box of forms."],
            cleaning=[
                "Dropped empty rows.",
                {"description": "Dropped twins.", "removedRecords": 3},
            ],
            labelling="By eye.",
            collection="By hand.",
            deduplication="Exact.",
            sensitive_data="None.",
        )
        (found,) = run.record.datasets
        assert found.roles == ("train", "validation")
        assert found.licenses == ("CC-BY-4.0", "MIT")
        assert found.sources[0].uri == "https://data.example/x.csv"
        assert found.sources[1].description == "A box of forms."
        assert found.cleaning[1].removed_records == 3
        assert found.labelling is not None
        assert found.labelling.criteria == "By eye."

    def test_uri_is_declared_without_being_bound(self, run: Run) -> None:
        run.dataset("https://data.example/set.csv", id="far")
        (found,) = run.record.datasets
        assert found.files is None
        assert found.sources[0].uri == "https://data.example/set.csv"

    def test_source_as_a_mapping_loses_its_credentials(self, run: Run) -> None:
        run.dataset(id="d", source={"uri": "https://u:p@data.example/x", "name": "x"})
        assert run.record.datasets[0].sources[0].uri == "https://data.example/x"

    def test_dataset_without_anything_gets_a_name(self, run: Run) -> None:
        assert run.dataset() == "dataset"
        assert run.dataset() == "dataset-2"

    def test_same_content_declared_again_is_the_same_dataset(self, run: Run, data: Path) -> None:
        first = run.dataset(data, id="one", role="raw")
        assert run.dataset(data, role="train", license="MIT") == first
        (found,) = run.record.datasets
        assert found.roles == ("raw", "train")
        assert found.licenses == ("MIT",)

    def test_same_content_under_two_chosen_ids_is_kept_twice(self, run: Run, data: Path) -> None:
        assert [run.dataset(data, id="one"), run.dataset(data, id="two")] == ["one", "two"]

    def test_chosen_id_of_something_else_is_refused(self, run: Run, data: Path) -> None:
        run.dataset(id="one")
        with pytest.raises(UsageError, match="stands for something else"):
            run.dataset(data, id="one")

    def test_secret_in_the_scripts_words_is_taken_out(self, run: Run) -> None:
        run.dataset(id="d", description="got with password=hunter2")
        assert "hunter2" not in run.record.to_bytes().decode()
        assert any(gap.kind == "redacted" for gap in run.record.gaps)

    def test_numbers_that_only_sound_secret_stay(self, run: Run) -> None:
        run.dataset(id="d", tokens=100, records=10)
        assert (run.record.datasets[0].tokens, run.record.datasets[0].records) == (100, 10)

    def test_linked_file_is_read_where_it_leads(self, run: Run, data: Path, tmp_path: Path) -> None:
        (tmp_path / "link.csv").symlink_to(data)
        run.dataset(tmp_path / "link.csv")
        assert run.record.datasets[0].inventory[0].path == "link.csv"


class TestProcessing:
    """`run.processing`."""

    def test_call_links_inputs_to_outputs(self, run: Run, data: Path, tmp_path: Path) -> None:
        output = tmp_path / "out.csv"
        output.write_text("1\n", encoding="utf-8")
        raw = run.dataset(data, id="raw")
        run.processing([raw], [output], parameters={"seed": 7, "api_key": "abcd1234efgh5678"})
        (step,) = run.record.processing
        assert (step.id, step.inputs, step.outputs) == ("train", ("raw",), ("out",))
        assert step.parameters == {"seed": 7, "api_key": "[redacted]"}
        assert step.status == "completed"

    def test_block_reads_its_outputs_when_it_has_ended(self, run: Run, tmp_path: Path) -> None:
        output = tmp_path / "out.csv"
        with run.processing(outputs=[output], id="step") as step:
            assert list(run.record.processing[0].outputs) == []
            output.write_text("1\n", encoding="utf-8")
        assert list(run.record.processing[0].outputs) == ["out"]
        assert step.id == "step"

    def test_block_that_fails_says_so_and_raises(self, run: Run) -> None:
        with pytest.raises(ValueError, match="no"), run.processing(id="step"):
            raise ValueError("no")
        assert run.record.processing[0].status == "failed"

    def test_block_that_is_interrupted_says_so(self, run: Run) -> None:
        with pytest.raises(KeyboardInterrupt), run.processing(id="step"):
            raise KeyboardInterrupt
        assert run.record.processing[0].status == "interrupted"

    def test_decorator_runs_the_function_inside(self, run: Run, data: Path) -> None:
        @run.processing(inputs=data, id="double")
        def double(number: int) -> int:
            """Return twice the number."""
            return 2 * number

        assert double(3) == 6
        assert double.__doc__ == "Return twice the number."
        assert run.record.processing[0].inputs == ("data",)

    def test_handle_takes_what_is_found_later(self, run: Run, data: Path) -> None:
        step = run.processing(id="step")
        step.add_input(data)
        step.add_output(run.dataset(id="made"))
        (found,) = run.record.processing
        assert (found.inputs, found.outputs) == (("data",), ("made",))

    def test_id_of_another_process_is_kept_for_the_release(self, run: Run) -> None:
        run.processing("raw", "elsewhere")
        assert run.record.processing[0].inputs == ("raw",)

    def test_output_that_never_appears_is_no_output(self, new_run: Callable[..., Run]) -> None:
        run = new_run(strict=False)
        with (
            pytest.warns(UserWarning, match="neither the id of a dataset nor a file"),
            run.processing(outputs="out/x.csv"),
        ):
            pass
        assert run.record.processing[0].status == "completed"

    def test_handle_of_a_step_that_was_not_recorded_does_nothing(
        self, new_run: Callable[..., Run]
    ) -> None:
        run = new_run(strict=False)
        run.dataset(id="taken")
        with pytest.warns(UserWarning, match="stands for something else"):
            step = run.processing(id="taken")
        with step:
            pass
        assert run.record.processing == ()


class TestSettings:
    """`run.config` and `run.seed`."""

    def test_settings_become_hyperparameters_and_a_document(self, run: Run) -> None:
        run.config(Namespace(rate=0.1), layers=[1, 2])
        run.log({"loss": 1.0}, step=0)
        (segment,) = run.record.segments
        assert segment.hyperparameters == {"rate": 0.1, "layers": (1, 2)}
        (document,) = [it for it in run.record.documents if it.kind == "configuration"]
        assert segment.configuration == document.id
        assert run.folder is not None
        assert document.path is not None
        written = (run.folder / document.path).read_bytes()
        assert canonical.parse(written) == {"rate": 0.1, "layers": (1, 2)}

    def test_later_settings_are_added(self, run: Run) -> None:
        run.config({"rate": 0.1, "decay": 1})
        run.config({"rate": 0.2})
        run.log({"loss": 1.0}, step=0)
        run.config({"warmup": 5})
        (segment,) = run.record.segments
        assert segment.hyperparameters == {"rate": 0.2, "decay": 1, "warmup": 5}
        assert sum(it.kind == "configuration" for it in run.record.documents) == 1

    def test_steps_keep_the_settings_that_they_were_done_under(self, run: Run) -> None:
        run.config({"rate": 0.1, "optimizer": {"name": "sgd"}})
        run.seed(numpy=1)
        run.log({"loss": 1.0}, step=0)
        run.config({"rate": 0.01})
        run.config({"optimizer": {"name": "adam"}})
        run.seed(numpy=2)
        run.segment(reason="the loss no longer fell", event="configuration")
        run.log({"loss": 0.5}, step=1)
        one, two = run.record.segments
        assert one.hyperparameters == {"rate": 0.1, "optimizer": {"name": "sgd"}}
        assert two.hyperparameters == {"rate": 0.01, "optimizer": {"name": "adam"}}
        assert one.seeds == {"numpy": 1}
        assert two.seeds == {"numpy": 2}
        assert one.configuration != two.configuration
        assert two.reason == "the loss no longer fell"
        assert run.folder is not None
        kept = [it for it in run.record.documents if it.kind == "configuration"]
        assert [canonical.parse((run.folder / str(it.path)).read_bytes()) for it in kept] == [
            {"rate": 0.1, "optimizer": {"name": "sgd"}},
            {"rate": 0.01, "optimizer": {"name": "adam"}},
        ]

    def test_changed_settings_begin_a_segment_with_the_next_entry(self, run: Run) -> None:
        run.config({"rate": 0.1})
        for step in range(3):
            run.log({"loss": 1.0}, step=step)
        run.config({"rate": 0.01})
        for step in range(3, 5):
            run.log({"loss": 1.0}, step=step)
        run.finish()
        assert [(it.from_step, it.to_step) for it in run.record.segments] == [(0, 3), (3, 5)]
        assert [it.event for it in run.record.segments] == ["start", "configuration"]
        assert [it.hyperparameters for it in run.record.segments] == [{"rate": 0.1}, {"rate": 0.01}]

    def test_the_same_settings_again_change_nothing(self, run: Run) -> None:
        for step in range(2):
            run.config({"rate": 0.1, "layers": [1, 2]})
            run.log({"loss": 1.0}, step=step)
        assert len(run.record.segments) == 1

    def test_settings_that_no_step_was_done_under_are_a_gap(self, run: Run) -> None:
        run.config({"rate": 0.1})
        run.log({"loss": 1.0}, step=0)
        run.config({"rate": 0.2})
        run.finish()
        (segment,) = run.record.segments
        assert segment.hyperparameters == {"rate": 0.1}
        assert "no step was done under them" in run.record.gaps[-1].description

    def test_segment_with_other_settings_has_its_own_document(self, run: Run) -> None:
        run.config({"rate": 0.1})
        run.log({"loss": 1.0}, step=0)
        run.segment(reason="slower now")
        run.config({"rate": 0.01})
        one, two = run.record.segments
        assert one.hyperparameters == {"rate": 0.1}
        assert two.hyperparameters == {"rate": 0.01}
        assert one.configuration != two.configuration

    def test_secret_setting_is_taken_out(self, run: Run) -> None:
        run.config({"api_key": "abcd1234efgh5678"})
        assert "abcd1234efgh5678" not in run.record.to_bytes().decode()

    def test_seeds_of_64_bits_stay_exact(self, run: Run) -> None:
        run.seed(numpy=2**63 + 1)
        run.seed(python=1)
        run.log({"loss": 1.0}, step=0)
        seeds = run.record.segments[0].seeds
        assert seeds == FrozenMapping({"numpy": 2**63 + 1, "python": 1})


class TestLog:
    """`run.log`."""

    def test_step_may_come_first_or_by_name(self, run: Run) -> None:
        run.log({"loss": 0.5}, step=1)
        run.log(2, loss=0.25)
        run.log({"loss": 0.125}, step=3, rate=1)
        run.log(np.int64(4), loss=0.0625)
        assert entries(run) == [
            (1, {"loss": 0.5}),
            (2, {"loss": 0.25}),
            (3, {"loss": 0.125, "rate": 1}),
            (4, {"loss": 0.0625}),
        ]

    def test_values_of_numpy_and_truth_values_are_numbers(self, run: Run) -> None:
        run.log({"a": np.float32(0.5), "b": np.array(3), "c": True}, step=np.int32(1))
        assert entries(run) == [(1, {"a": 0.5, "b": 3, "c": 1})]

    def test_nan_is_kept(self, run: Run) -> None:
        run.log({"loss": math.nan}, step=1)
        ((_, values),) = entries(run)
        assert math.isnan(values["loss"])  # type: ignore[arg-type]

    def test_entry_without_a_step_has_none(self, run: Run) -> None:
        run.log(loss=0.5)
        assert entries(run) == [(None, {"loss": 0.5})]
        assert run.record.last_step is None

    def test_threads_may_log_at_once(self, run: Run) -> None:
        def work(number: int) -> None:
            for step in range(100):
                run.log({f"loss-{number}": 0.5}, step=step)

        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(entries(run)) == 400
        assert sorted(run.record.metric_names) == [f"loss-{number}" for number in range(4)]

    def test_names_that_no_record_lists_are_in_the_log(self, run: Run) -> None:
        run.log({"": 1.0, "x" * 300: 2.0, "loss": 3.0}, step=1)
        assert len(entries(run)[0][1]) == 3
        assert run.record.metric_names == ("loss",)

    @pytest.mark.parametrize(
        ("steps", "done"), [(range(300), 300), (range(1, 301), 300), (range(10, 301, 10), 300)]
    )
    def test_steps_are_counted_from_0_or_from_1(self, run: Run, steps: range, done: int) -> None:
        for step in steps:
            run.log({"loss": 1.0}, step=step)
        run.finish()
        assert run.record.segments[0].to_step == done


class TestCheckpoints:
    """`run.checkpoint`."""

    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        path = tmp_path / "model.safetensors"
        path.write_bytes(write_safetensors({"w": [1.0, 2.0]}))
        return path

    def test_files_and_tensors_are_bound(self, run: Run, weights: Path) -> None:
        assert run.checkpoint(weights, step=10) == "step-10"
        (saved,) = run.record.checkpoints
        assert saved.files is not None
        assert saved.tensors is not None
        assert saved.tensors.size == 1
        assert set(saved.inventory[0].digest) == {"blake3", "sha256"}
        assert run.record.segments[0].to_step == 10

    def test_parents_are_the_checkpoint_before(self, run: Run, weights: Path) -> None:
        run.checkpoint(weights, step=10)
        weights.write_bytes(write_safetensors({"w": [3.0]}))
        run.checkpoint(weights, step=20)
        run.checkpoint(weights, step=30, id="merged", parents=["step-10", "step-20"])
        assert [it.parents for it in run.record.checkpoints] == [
            (),
            ("step-10",),
            ("step-10", "step-20"),
        ]

    def test_what_is_saved_twice_at_one_step_has_the_same_parent(
        self, run: Run, weights: Path
    ) -> None:
        for step in (10, 20, 20):
            run.checkpoint(weights, step=step)
        assert [it.parents for it in run.record.checkpoints] == [(), ("step-10",), ("step-10",)]

    def test_step_and_metrics_come_from_the_log(self, run: Run, weights: Path) -> None:
        for step in range(5):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.checkpoint(weights)
        (saved,) = run.record.checkpoints
        assert saved.step == 5
        assert saved.metrics == {"loss": 0.2}

    def test_metrics_may_be_given(self, run: Run, weights: Path) -> None:
        run.log({"loss": 1.0}, step=1)
        run.checkpoint(weights, step=1, metrics={"accuracy": np.float64(0.5)})
        assert run.record.checkpoints[0].metrics == {"accuracy": 0.5}

    def test_script_with_very_many_metrics_names_its_own(self, run: Run, weights: Path) -> None:
        run.log({f"m{number}": 1.0 for number in range(200)}, step=1)
        run.checkpoint(weights, step=1)
        assert run.record.checkpoints[0].metrics is None

    def test_folder_is_one_checkpoint(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "saved"
        folder.mkdir()
        (folder / "a.safetensors").write_bytes(write_safetensors({"a": [1.0]}))
        (folder / "b.safetensors").write_bytes(write_safetensors({"b": [1.0]}))
        (folder / "optimizer.pt").write_bytes(b"state")
        run.checkpoint(folder, step=1, tokens_seen=1000)
        (saved,) = run.record.checkpoints
        assert saved.tensors is not None
        assert (saved.tensors.size, len(saved.inventory), saved.tokens_seen) == (2, 3, 1000)

    def test_other_formats_are_bound_as_files(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "model.pt").write_bytes(b"pickled")
        run.checkpoint(tmp_path / "model.pt", step=1)
        assert run.record.checkpoints[0].tensors is None

    def test_broken_safetensors_are_bound_as_files_with_a_gap(
        self, run: Run, weights: Path
    ) -> None:
        weights.write_bytes(b"broken")
        run.checkpoint(weights, step=1)
        assert run.record.checkpoints[0].tensors is None
        assert run.record.gaps[-1].subject == "tensors"

    def test_empty_folder_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(Exception, match="empty"):
            run.checkpoint(tmp_path / "empty", step=1)

    def test_saving_at_the_same_step_again_gets_another_id(self, run: Run, weights: Path) -> None:
        assert run.checkpoint(weights, step=1) == "step-1"
        assert run.checkpoint(weights, step=1) == "step-1-2"

    def test_segment_goes_on_from_a_checkpoint_of_the_run(self, run: Run, weights: Path) -> None:
        run.log({"loss": 1.0}, step=1)
        first = run.checkpoint(weights, step=1)
        for step in range(2, 6):
            run.log({"loss": 1.0}, step=step)
        run.segment(event="crash", reason="a node broke", resumed_from=first, id="again")
        weights.write_bytes(write_safetensors({"w": [5.0]}))
        run.checkpoint(weights, step=4)
        one, two = run.record.segments
        assert (one.from_step, one.to_step) == (0, 5)
        assert (two.id, two.from_step, two.to_step) == ("again", 1, 4)
        assert (two.rollback_to, two.resumed_from, two.event) == (1, first, "crash")
        assert run.record.checkpoints[1].parents == (first,)

    def test_segments_follow_one_another(self, run: Run, weights: Path) -> None:
        run.segment(stage="warm-up")
        for step in range(3):
            run.log({"loss": 1.0}, step=step)
        run.segment(reason="faster", event="configuration")
        for step in range(3, 5):
            run.log({"loss": 1.0}, step=step)
        run.checkpoint(weights)
        run.finish()
        assert [(it.from_step, it.to_step) for it in run.record.segments] == [(0, 3), (3, 5)]
        assert [it.event for it in run.record.segments] == ["start", "configuration"]
        assert run.record.checkpoints[0].step == 5

    def test_checkpoint_is_found_by_its_content(self, run: Run, weights: Path) -> None:
        run.checkpoint(weights, step=1)
        copy = weights.with_name("best.safetensors")
        copy.write_bytes(weights.read_bytes())
        run.evaluation(task="t", checkpoint=copy)
        assert run.record.evaluations[0].checkpoint == "step-1"

    def test_checkpoint_of_another_process_is_found_by_its_content(
        self, new_run: Callable[..., Run], weights: Path
    ) -> None:
        with new_run("first") as first:
            first.checkpoint(weights, step=10)
        run = new_run("second")
        run.segment(resumed_from=weights)
        (segment,) = run.record.segments
        assert (segment.from_step, segment.event) == (10, "resume")
        assert run.record.used_checkpoints[0].id == "step-10"


class TestEvaluations:
    """`run.evaluation`."""

    def test_everything_is_kept(self, run: Run, data: Path, tmp_path: Path) -> None:
        results = tmp_path / "results.json"
        results.write_text('{"accuracy": 0.5}', encoding="utf-8")
        identifier = run.evaluation(
            task="Test accuracy",
            metrics={"accuracy": np.float32(0.5), "loss": {"value": 1, "unit": "nat"}},
            dataset=data,
            results=results,
            parameters={"shots": 0},
        )
        (found,) = run.record.evaluations
        assert identifier == found.id == "test-accuracy"
        assert [(it.name, it.value) for it in found.metrics] == [("accuracy", 0.5), ("loss", 1)]
        assert found.dataset == "data"
        assert found.parameters == {"shots": 0}
        (document,) = [it for it in run.record.documents if it.kind == "results"]
        assert found.results == document.id

    def test_metrics_may_be_documents(self, run: Run) -> None:
        run.evaluation(
            task="t", metrics=[MetricResult(name="a", value=1), {"name": "b", "value": 2}]
        )
        assert [it.name for it in run.record.evaluations[0].metrics] == ["a", "b"]

    def test_parts_that_fail_do_not_take_the_rest_along(
        self, new_run: Callable[..., Run], data: Path
    ) -> None:
        run = new_run(strict=False)
        with pytest.warns(UserWarning, match="no such file"):
            run.evaluation(task="t", dataset=data, checkpoint="gone/x.bin", metrics={"a": 1})
        (found,) = run.record.evaluations
        assert (found.checkpoint, found.dataset, len(found.metrics)) == (None, "data", 1)

    def test_id_of_a_checkpoint_of_another_process_is_kept(self, run: Run) -> None:
        run.evaluation(task="t", checkpoint="step-100")
        run.evaluation(task="u", checkpoint="step-100")
        assert [it.checkpoint for it in run.record.evaluations] == ["step-100", "step-100"]
        assert [it.id for it in run.record.used_checkpoints] == ["step-100"]


class TestDocumentsAndNotes:
    """`run.document`, `run.note`, `run.model`, `run.gap`."""

    def test_document_is_copied_at_once(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "Invoice 7.pdf"
        path.write_bytes(b"%PDF first")
        assert run.document(path, kind="invoice", title="Invoice") == "invoice-7"
        path.write_bytes(b"%PDF second")
        found = next(it for it in run.record.documents if it.id == "invoice-7")
        assert (found.kind, found.media_type) == ("invoice", "application/pdf")
        assert run.folder is not None
        assert found.path == "documents/invoice-7.pdf"
        assert (run.folder / found.path).read_bytes() == b"%PDF first"

    def test_same_document_is_kept_once(self, run: Run, data: Path) -> None:
        before = len(run.record.documents)
        assert run.document(data) == run.document(data)
        assert len(run.record.documents) == before + 1

    def test_odd_ending_is_no_part_of_the_name(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "notes.t x"
        path.write_text("x", encoding="utf-8")
        run.document(path)
        assert run.record.documents[-1].path == "documents/notes"

    def test_note_is_dated_and_belongs_to_its_segment(self, run: Run) -> None:
        run.note("before")
        run.log({"loss": 1.0}, step=3)
        run.note("spike, password=hunter2", step=3, author="me")
        before, after = run.record.journal
        assert (before.segment, after.segment, after.step) == (None, "train-1", 3)
        assert "hunter2" not in after.text

    def test_facts_about_the_model_are_added_up(self, run: Run) -> None:
        run.model(licenses="MIT", architecture="mlp")
        run.model(name="m", architecture={"family": "mlp"}, parameter_count=10)
        run.model(version="2")
        assert run.record.model == {
            "name": "m",
            "version": "2",
            "licenses": ("MIT",),
            "architecture": {"family": "mlp", "parameterCount": 10},
        }

    def test_gap_can_be_stated(self, run: Run) -> None:
        run.gap("tokenizer", "its training was not recorded")
        assert run.record.gaps[-1].subject == "tokenizer"


class TestBeginning:
    """`record` and `start`."""

    def test_record_on_disk_is_the_one_in_memory(self, run: Run) -> None:
        assert run.folder is not None
        assert read_record(run.folder).record == run.record
        assert run.record.status == "running"

    def test_script_is_copied_and_tied_to_the_code(self, run: Run, script: Path) -> None:
        code = run.record.code
        assert code is not None
        document = next(it for it in run.record.documents if it.id == code.document)
        assert document.kind == "code"
        assert run.folder is not None
        assert document.path is not None
        assert (run.folder / document.path).read_bytes() == script.read_bytes()

    def test_installed_distributions_are_kept_as_pip_reads_them(self, run: Run) -> None:
        environment = run.record.environment
        assert environment is not None
        document = next(it for it in run.record.documents if it.id == environment.document)
        assert document.kind == "lockfile"

    def test_script_is_not_copied_if_asked(self, project: Path, script: Path) -> None:
        with record("train", output=project, script=script, copy_script=False) as run:
            assert all(it.kind != "code" for it in run.record.documents)

    def test_very_large_script_is_not_copied(self, project: Path, script: Path) -> None:
        script.write_bytes(b"#" * (1024 * 1024 + 1))
        with record("train", output=project, script=script) as run:
            assert all(it.kind != "code" for it in run.record.documents)
            assert any("was not copied" in gap.description for gap in run.record.gaps)

    def test_missing_script_is_a_gap(self, project: Path, tmp_path: Path) -> None:
        with start("train", output=project, script=tmp_path / "gone.py") as run:
            assert any(gap.subject == "script" for gap in run.record.gaps)

    def test_odd_name_still_makes_a_folder(self, project: Path, script: Path) -> None:
        for name in ("", "../../etc", "ünï cödé", "x" * 5000):
            with record(name, output=project, script=script) as run:
                assert run.folder is not None
                assert run.folder.parent == project.resolve()

    def test_id_may_not_be_taken_by_another_kind_of_thing(self, run: Run) -> None:
        run.dataset(id="test")
        assert run.evaluation(task="test") == "test-2"
