"""A small real release, made as a user makes one: record, release, sign."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Any

from provenance.recording import record, release, sign_release
from provenance.signing import PrivateKey, generate_private_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.recording import Draft

__all__ = ["DESCRIPTION", "SmallRelease", "make_release", "record_project", "write_safetensors"]

#: What the author of the small release says.
DESCRIPTION: Mapping[str, Any] = {
    "producer": {"name": "Digits Lab", "contact": "open@digits.example"},
    "model": {
        "name": "digits-mlp",
        "version": "1.0",
        "licenses": ["Apache-2.0"],
        "intendedUse": "A test.",
    },
    "disclosures": [
        {
            "path": "/compute/cost/amount",
            "status": "withheld",
            "reason": "contract",
            "seal": True,
            "value": 12.5,
        }
    ],
}


@dataclass(frozen=True)
class SmallRelease:
    """A signed release and what it was made from."""

    folder: Path
    draft: Draft
    key: PrivateKey
    project: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "training-provenance" / "manifest.sigstore.json"


def make_release(
    folder: Path,
    *,
    key: PrivateKey | None = None,
    signed: bool = True,
    **options: Any,  # noqa: ANN401 - those of `release`
) -> SmallRelease:
    """Record three processes in `folder`, release their best checkpoint and sign it.

    Args:
        folder: An empty folder; gets `data/`, `runs/`, `model/` and `model.draft/`.
        key: The key to sign with; a new one if there is none.
        signed: Whether to sign.
        **options: Options of `release`.
    """
    project = record_project(folder)
    chosen = {"checkpoint": "best", "metric": "loss", "description": DESCRIPTION, **options}
    draft = release(project, folder / "model", **chosen)
    key = key or generate_private_key()
    if signed:
        sign_release(draft, key)
    return SmallRelease(draft.release, draft, key, project)


def record_project(folder: Path, *, strict: bool = True) -> Path:
    """Record `prepare`, `train` and `evaluate` into `folder/runs` and return that folder."""
    project = folder / "runs"
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    script = folder / "train.py"
    script.write_text("print('training')\n", encoding="utf-8")
    _prepare(project, data, script, strict=strict)
    _train(project, data, script, strict=strict)
    _evaluate(project, data, script, strict=strict)
    return project


def _prepare(project: Path, data: Path, script: Path, *, strict: bool) -> None:
    (data / "raw.csv").write_text("1,2\n3,4\n" * 8, encoding="utf-8")
    with record("prepare", output=project, script=script, strict=strict) as run:
        raw = run.dataset(
            data / "raw.csv",
            id="raw",
            role="raw",
            license="CC-BY-4.0",
            source="https://data.example/raw.csv",
            labelling="The second number is the label.",
            records=16,
        )
        (data / "train.csv").write_text("1,2\n" * 8, encoding="utf-8")
        (data / "test.csv").write_text("3,4\n" * 8, encoding="utf-8")
        train = run.dataset(data / "train.csv", id="train", role="train", license="CC-BY-4.0")
        test = run.dataset(data / "test.csv", id="test", role="test", license="CC-BY-4.0")
        run.processing([raw], [train, test], parameters={"seed": 7}, description="Splits.")


def _train(project: Path, data: Path, script: Path, *, strict: bool) -> None:
    with record("train", output=project, script=script, strict=strict) as run:
        run.config({"learning_rate": 0.05, "batch_size": 4})
        run.seed(numpy=7)
        run.dataset(data / "train.csv")
        for step in range(1, 31):
            run.log({"loss": 1 / step}, step=step)
            if step % 10 == 0:
                path = data.parent / f"checkpoint-{step}.safetensors"
                path.write_bytes(write_safetensors({"weight": [float(step), 1.0]}))
                run.checkpoint(path, step=step)


def _evaluate(project: Path, data: Path, script: Path, *, strict: bool) -> None:
    with record("evaluate", output=project, script=script, strict=strict) as run:
        results = data.parent / "results.json"
        results.write_text(dumps({"accuracy": 0.75}), encoding="utf-8")
        run.evaluation(
            task="test accuracy",
            dataset=data / "test.csv",
            checkpoint=data.parent / "checkpoint-30.safetensors",
            metrics={"accuracy": 0.75},
            results=results,
        )


def write_safetensors(tensors: Mapping[str, list[float]]) -> bytes:
    """Return a safetensors file of one-dimensional F32 tensors, without the library."""
    header: dict[str, Any] = {}
    data = b""
    for name, values in tensors.items():
        encoded = struct.pack(f"<{len(values)}f", *values)
        offsets = [len(data), len(data) + len(encoded)]
        header[name] = {"dtype": "F32", "shape": [len(values)], "data_offsets": offsets}
        data += encoded
    text = dumps(header).encode("ascii")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
