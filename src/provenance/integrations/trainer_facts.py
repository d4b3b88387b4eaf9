"""What a `Trainer` of transformers says of itself, as facts of a run. Imports no framework."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from provenance.integrations.models import (
    describe_loader,
    describe_model,
    describe_optimizer,
    describe_scheduler,
    tensor_digest_of,
    unwrap_model,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.manifest.training import Checkpoint
    from provenance.recording.run import Run

__all__ = [
    "SeenData",
    "begin_training",
    "describe_training",
    "note_final_weights",
    "record_checkpoint",
    "record_evaluation",
    "record_saved",
    "same_weights",
]

#: Endings of the names of numbers that tell how long something took, and not how good it is.
TIMES: Final = ("_runtime", "_per_second", "_time", "epoch")

#: The file that the weights are in, where a model is saved into a folder that holds more.
WEIGHTS: Final = "model.safetensors"

# How often a trainer trained in a run of this process: each time, it counts steps from 0 again.
_trainings: WeakKeyDictionary[Run, int] = WeakKeyDictionary()


def begin_training(run: Run, args: Any, state: Any, resumed_from: object) -> None:  # noqa: ANN401 - a trainer's
    """Begin a segment where training goes on from a checkpoint, or begins another time.

    Args:
        run: The run.
        args: The `TrainingArguments`.
        state: The `TrainerState` when training begins.
        resumed_from: What `train` was told to go on from, if that is known.
    """
    trained = _trainings.get(run, 0)
    _trainings[run] = trained + 1
    step = state.global_step
    if step > 0:
        told = resumed_from or args.resume_from_checkpoint
        place = Path(told if isinstance(told, str) else Path(args.output_dir, f"checkpoint-{step}"))
        stage = run.record.segments[-1].stage if run.record.segments else None
        if place.is_dir():
            run.segment(resumed_from=place, from_step=step, stage=stage)
        else:
            run.segment(event="resume", from_step=step, stage=stage)
            run.gap("resume", f"training went on from a checkpoint of step {step}, not known which")
    elif trained:
        reason = "The trainer was told to train again; it counts its steps from 0."
        run.segment(from_step=0, stage=f"training-{trained + 1}", event="other", reason=reason)


def describe_training(run: Run, args: Any, parts: Mapping[str, Any]) -> None:  # noqa: ANN401 - a trainer's
    """Record settings, seeds and the model.

    Args:
        run: The run.
        args: The `TrainingArguments`.
        parts: What the event carries: `model`, `optimizer`, `lr_scheduler`, `train_dataloader`.
    """
    settings = args.to_dict()  # it puts something in the place of tokens, also where there is none
    absent = {it for it in settings if it.endswith("_token") and getattr(args, it, None) is None}
    run.config({"arguments": {it: settings[it] for it in settings if it not in absent}})
    seeds = {name: getattr(args, name) for name in ("seed", "data_seed")}
    run.seed(**{name: seed for name, seed in seeds.items() if seed is not None})
    ways = {
        "optimizer": describe_optimizer,
        "lr_scheduler": describe_scheduler,
        "train_dataloader": describe_loader,
    }
    run.config(
        {name: way(parts[name]) for name, way in ways.items() if parts.get(name) is not None}
    )
    model = unwrap_model(parts["model"])
    if hasattr(model, "config"):
        run.config({"model": model.config})
    run.model(**describe_model(model))


class SeenData:
    """The datasets of data loaders, each declared once."""

    def __init__(self, *, hashed: bool) -> None:
        """Know of none; if not `hashed`, declare none."""
        self._hashed = hashed
        self._ids: dict[object, tuple[str, object]] = {}  # the objects stay alive with their ids

    def declare(self, run: Run, loader: object, role: str) -> str | None:
        """Declare a loader's dataset, as the model sees it, and return its id.

        It is called as its role, unless the script has declared one in that role.
        """
        data = getattr(loader, "dataset", None)
        if data is None or not self._hashed:
            return None
        # Each evaluation makes a new object; the fingerprint says no more than that it is the same.
        key = (run, getattr(data, "_fingerprint", id(data)))
        if key not in self._ids:
            is_taken = any(role in it.roles or it.id == role for it in run.record.datasets)
            declared = run.dataset(data, id=None if is_taken else role, role=role)
            self._ids[key] = (declared, data)
        return self._ids[key][0]


def record_checkpoint(run: Run, args: Any, state: Any) -> None:  # noqa: ANN401 - a trainer's
    """Record the checkpoint that a trainer has just saved; every rank calls this."""
    step = state.global_step
    place = Path(args.output_dir, f"checkpoint-{step}")
    if state.is_hyper_param_search or not place.is_dir():
        run.gap("checkpoint", f"the checkpoint of step {step} is not in the output folder")
    elif args.world_size > 1:
        run.shard(place, step=step, files=_files_of_rank(place, args.process_index))
    else:
        run.checkpoint(place, step=step)


def record_evaluation(
    run: Run,
    args: Any,  # noqa: ANN401 - a trainer's
    dataset: str | None,
    parts: Mapping[str, Any],
) -> None:
    """Record what was measured after training, of the checkpoint that has these weights."""
    same = same_weights(run, args, parts.get("model"))
    metrics = parts.get("metrics") or {}
    run.evaluation(
        task="evaluation after training",
        metrics={name: value for name, value in metrics.items() if not name.endswith(TIMES)},
        dataset=dataset,
        checkpoint=None if same is None else same.id,
    )


def note_final_weights(run: Run, args: Any, state: Any, model: Any) -> None:  # noqa: ANN401 - a trainer's
    """Say which checkpoint the weights are those of that training leaves in memory."""
    same = same_weights(run, args, model)
    if same is not None:
        best = ", which was loaded as the best one" if args.load_best_model_at_end else ""
        text = f"The weights after training equal those of {same.id}, step {same.step}{best}."
        run.note(text, step=state.global_step)


def record_saved(run: Run, trainer: Any, place: str | None) -> None:  # noqa: ANN401 - a trainer
    """Record the weights that `save_model` has saved.

    Args:
        run: The run.
        trainer: The trainer.
        place: The folder; nothing for the output folder, where checkpoints lie too.
    """
    if run.rank:
        return
    same, step = same_weights(run, trainer.args, trainer.model), trainer.state.global_step
    run.checkpoint(
        Path(trainer.args.output_dir, WEIGHTS) if place is None else place,
        step=step,
        id=None if any(it.id == "final" for it in run.record.checkpoints) else "final",
        parents=None if same is None or same.step >= step else (same.id,),
        metrics=None if same is None else same.metrics,
    )


def _files_of_rank(checkpoint: Path, rank: int) -> list[str]:
    """Return the files of a checkpoint that this rank wrote, as paths inside of it."""
    patterns = (f"__{rank}_*.distcp", f"rng_state_{rank}.pth")
    found = [place for pattern in patterns for place in checkpoint.rglob(pattern)]
    return sorted(place.relative_to(checkpoint).as_posix() for place in found)


def same_weights(run: Run, args: Any, model: Any) -> Checkpoint | None:  # noqa: ANN401 - a trainer's
    """Return the checkpoint, the last recorded one, whose tensors are those of a model in memory.

    It is not looked for where each process has a part of the model: that would need all of them.
    """
    model = unwrap_model(model)
    if run.rank or model is None or args.fsdp or args.deepspeed:
        return None
    if any(hasattr(it, "full_tensor") for it in model.parameters()):
        return None
    run.wait()
    tied = getattr(model, "all_tied_weights_keys", None) or ()
    tensors = tensor_digest_of(model.state_dict(), tied=tied)
    return next((it for it in reversed(run.record.checkpoints) if it.tensors == tensors), None)
