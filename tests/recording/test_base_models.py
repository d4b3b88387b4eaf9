"""A run that goes on from the weights of another model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import provenance
from provenance.checks import consistency_findings
from support.releases import DESCRIPTION, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording import Draft, Run

BASE = {
    "id": "base",
    "name": "Somebody's model",
    "relation": "finetune",
    "tensors": {"tree": "tensor", "size": 1, "root": "ab" * 32},
}


def finetune(run: Run, tmp_path: Path, **model: Any) -> Draft:  # noqa: ANN401 - of a model
    run.model(**model)
    run.segment(stage="finetuning", resumed_from="base")
    run.log(1, loss=0.5)
    (tmp_path / "model.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
    run.checkpoint(tmp_path / "model.safetensors", step=1)
    run.evaluation(task="before", metrics={"accuracy": 0.5}, checkpoint="base")
    run.finish()
    return provenance.release(tmp_path / "runs", tmp_path / "released", description=DESCRIPTION)


def test_one_that_nobody_described_is_a_gap(run: Run, tmp_path: Path) -> None:
    draft = finetune(run, tmp_path)
    assert draft.manifest.training is not None
    assert draft.manifest.training.segments[0].resumed_from is None
    assert draft.manifest.training.checkpoints[0].parents == ()
    assert "resumedFrom names 'base', which no released run has" in str(draft.manifest.gaps)


def test_one_that_the_run_described_is_where_it_comes_from(run: Run, tmp_path: Path) -> None:
    draft = finetune(run, tmp_path, base_models=[BASE])
    assert draft.manifest.training is not None
    assert draft.manifest.training.segments[0].resumed_from == "base"
    assert draft.manifest.training.checkpoints[0].parents == ("base",)
    assert draft.manifest.evaluations[0].checkpoint == "base"
    assert "which no released run has" not in str(draft.manifest.gaps)
    assert not [
        it for it in consistency_findings(draft.manifest) if it.code.startswith("reference")
    ]
