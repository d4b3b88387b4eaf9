"""A release with everything: datasets, processing, two segments, checkpoints, evaluation, documents.

It is as small as a true one can be: three data files of a few bytes, weights of nine floats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.releases import CREATED, Release, reference, weights

if TYPE_CHECKING:
    from vectors.formulas import Tree

__all__ = ["CODE", "DATA", "RESULTS", "SCRIPT", "dataset", "whole"]

#: What each dataset holds, by id.
DATA = {
    "raw": {"digits.csv": b"0,1,0\n1,1,1\n0,0,0\n1,0,1\n"},
    "train": {"train.csv": b"0,1,0\n1,1,1\n0,0,0\n"},
    "test": {"test.csv": b"1,0,1\n"},
}
#: The script that trained.
SCRIPT = b"print('training')\n"
#: The results that the evaluation wrote.
RESULTS = b'{"metrics":{"accuracy":0.75}}\n'

_LOG = b"".join(
    formulas.canonical(
        {
            "kind": "metrics",
            "at": f"2026-11-22T09:{minute}:00Z",
            "step": step,
            "values": {"loss": loss},
        }
    )
    + b"\n"
    for minute, step, loss in (("10", 100, 1), ("30", 200, 0.5), ("50", 300, 0.25))
)
_COMMIT = "3f0c1c2a9b7e4d5560718293a4b5c6d7e8f90123"

#: A reference to code that binds the script.
CODE: Tree = {
    "repository": "https://git.example/digits/digits-mlp",
    "commit": _COMMIT,
    "path": "train.py",
    "modified": False,
    "script": {"name": "train.py", "size": len(SCRIPT), "digest": formulas.digests(SCRIPT)},
}


def dataset(name: str, content: dict[str, bytes], /, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return a dataset with its inventory inside the manifest."""
    entries = formulas.inventory(content, "blake3")
    return {
        "id": name,
        "name": f"Digits, {name}",
        "licenses": ["CC-BY-4.0"],
        "files": formulas.tree_digest(entries),
        "inventory": entries,
        "bytes": sum(map(len, content.values())),
        **members,
    }


def whole() -> Release:
    """Return a sealed release with everything, in which nothing is wrong."""
    files = {
        "LICENSE": b"Apache License, Version 2.0\n",
        "README.md": b"# digits-mlp\n",
        "config.json": b'{"layers":1}\n',
        "model.safetensors": weights(3),
        "tokenizer/empty.txt": b"",
        "tokenizer/vocabulary.txt": b"0\n1\n",
    }
    inventory = b"".join(
        formulas.canonical(entry) + b"\n" for entry in formulas.inventory(DATA["raw"])
    )
    companions = {
        "documents/config.json": b'{"learning_rate":0.05}\n',
        "documents/results.json": RESULTS,
        "inventories/raw.jsonl": inventory,
        "training-log/metrics.jsonl": _LOG,
    }
    return Release(files, _manifest(companions), companions).seal()


def _manifest(companions: dict[str, bytes]) -> Tree:
    return {
        "manifestVersion": "1.0",
        "createdAt": CREATED,
        "producer": {"name": "Digits Lab", "contact": "open@digits.example"},
        "generator": {"name": "training-provenance", "version": "1.0"},
        "model": {
            "name": "digits-mlp",
            "version": "1.0",
            "licenses": ["Apache-2.0"],
            "architecture": {"family": "mlp", "parameterCount": 9, "configuration": "doc-config"},
        },
        "release": {"checkpoint": "c300", "tensors": _tensors(3)},
        "datasets": _datasets(companions["inventories/raw.jsonl"]),
        "processing": [
            {
                "id": "prepare",
                "code": {**CODE, "path": "prepare.py", "script": {"name": "prepare.py"}},
                "command": ["python", "prepare.py"],
                "inputs": ["raw"],
                "outputs": ["train", "test"],
                "parameters": {"test_fraction": 0.25},
                "seeds": {"split": {"number": "18446744073709551615"}},
                "environment": "env-1",
                "startedAt": "2026-11-22T08:00:00Z",
                "endedAt": "2026-11-22T08:01:00Z",
            }
        ],
        "training": _training(companions["training-log/metrics.jsonl"]),
        "evaluations": [
            {
                "id": "e1",
                "task": "test accuracy",
                "dataset": "test",
                "checkpoint": "c300",
                "code": CODE,
                "metrics": [
                    {"name": "accuracy", "value": 0.75, "interval": {"low": 0.5, "high": 0.875}}
                ],
                "results": "doc-results",
                "endedAt": "2026-11-22T10:30:00Z",
            }
        ],
        "environments": [{"id": "env-1", "language": "CPython 3.11.7"}],
        "documents": [
            {
                "id": "doc-config",
                "kind": "configuration",
                **reference("documents/config.json", companions["documents/config.json"]),
            },
            {
                "id": "doc-results",
                "kind": "results",
                **reference("documents/results.json", companions["documents/results.json"]),
            },
        ],
        "compute": {"deviceHours": 0.5, "provider": "own"},
        "journal": [{"date": "2026-11-22T09:00:00Z", "text": "It runs.", "segment": "s1"}],
        "disclosures": [
            {"path": "/compute/cost", "status": "withheld", "reason": "contract"},
            {"path": "/model/tokenizer", "status": "notApplicable", "reason": "no text goes in"},
        ],
        "origins": {"": "authored", "/training": "captured"},
    }


def _datasets(inventory: bytes) -> list[Tree]:
    raw = dataset("raw", DATA["raw"], roles=["raw"], records=4, availability="public")
    del raw["inventory"]
    raw["inventoryFile"] = reference("inventories/raw.jsonl", inventory)
    raw["sources"] = [{"uri": "https://data.example/digits", "retrievedAt": "2026-11-20T08:00:00Z"}]
    raw["labelling"] = {"criteria": "The digit that the writer was asked to write."}
    train = dataset("train", DATA["train"], roles=["train"], records=3)
    train["cleaning"] = [{"description": "Rows outside the scale were dropped.", "step": "prepare"}]
    return [raw, train, dataset("test", DATA["test"], roles=["test"], records=1)]


def _training(log: bytes) -> Tree:
    return {
        "segments": [
            {
                "id": "s1",
                "fromStep": 0,
                "toStep": 200,
                "hyperparameters": {"learning_rate": 0.05},
                "seeds": {"numpy": 7},
                "code": CODE,
                "environment": "env-1",
                "datasets": ["train"],
                "startedAt": "2026-11-22T09:00:00Z",
                "endedAt": "2026-11-22T09:30:00Z",
            },
            {
                "id": "s2",
                "fromStep": 200,
                "toStep": 300,
                "hyperparameters": {"learning_rate": 0.01},
                "code": CODE,
                "environment": "env-1",
                "datasets": ["train"],
                "resumedFrom": "c200",
                "startedAt": "2026-11-22T09:40:00Z",
                "endedAt": "2026-11-22T10:00:00Z",
            },
        ],
        "checkpoints": [
            {"id": "c200", "step": 200, "segment": "s1", "tensors": _tensors(2)},
            {
                "id": "c300",
                "step": 300,
                "segment": "s2",
                "parents": ["c200"],
                "tensors": _tensors(3),
                "savedAt": "2026-11-22T10:00:00Z",
            },
        ],
        "log": formulas.root("log", log.splitlines()),
        "logFiles": [reference("training-log/metrics.jsonl", log)],
    }


def _tensors(seed: int) -> Tree:
    data = weights(seed)[-36:]  # nine floats: the matrix of six, the vector of three
    return formulas.root(
        "tensor",
        [
            formulas.tensor_leaf("layer.bias", "F32", (3,), data[24:]),
            formulas.tensor_leaf("layer.weight", "F32", (2, 3), data[:24]),
        ],
    )
