"""Step 20: evaluations: of which model, on which data, with which results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.canonical import decode_number, parse
from provenance.errors import ProvenanceError, shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Evaluation
    from provenance.trust import TrustPolicy

__all__ = ["check_evaluated_things", "check_intervals", "check_results_documents"]


def check_evaluated_things(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 20: the released checkpoint was evaluated, on data that it was not trained on.

    Codes: `evaluation-unbound`, `evaluation-on-training-data`, `evaluation-other-checkpoint`.
    """
    manifest = evidence.manifest
    trained_on = _trained_on(evidence)
    roots = {item.files for item in manifest.datasets if item.id in trained_on and item.files}
    by_id = {item.id: item for item in manifest.datasets}
    for index, item in enumerate(manifest.evaluations):
        path = f"/evaluations/{index}"
        if item.dataset is None or item.checkpoint is None:
            lacking = " and no ".join(
                name
                for name, value in (("dataset", item.dataset), ("checkpoint", item.checkpoint))
                if value is None
            )
            yield Finding("evaluation-unbound", path, f"{shown(item.id)} names no {lacking}")
        measured = by_id.get(item.dataset or "")
        if measured is not None and (measured.id in trained_on or measured.files in roots):
            message = f"{shown(measured.id)} is also training data"
            yield Finding("evaluation-on-training-data", f"{path}/dataset", message)
        yield from _check_tensors(evidence, path, item)
        released = manifest.release.checkpoint
        if _are_other_weights(evidence, item.checkpoint, released):
            message = f"{shown(item.checkpoint)} was measured, {shown(released)} is released"
            yield Finding("evaluation-other-checkpoint", f"{path}/checkpoint", message)


def _are_other_weights(evidence: Evidence, measured: str | None, released: str | None) -> bool:
    """Return whether two checkpoints differ: the same tensors, saved twice, are one thing."""
    if measured is None or released is None or measured == released:
        return False
    training = evidence.manifest.training
    saved = {it.id: it.tensors for it in training.checkpoints} if training is not None else {}
    known = saved.get(measured)
    return known is None or known != saved.get(released)


def _check_tensors(evidence: Evidence, path: str, item: Evaluation) -> Iterator[Finding]:
    """Compare the tensors that were measured with those of the checkpoint named."""
    training = evidence.manifest.training
    for saved in training.checkpoints if training is not None else ():
        known = saved.tensors is not None and item.tensors is not None
        if known and saved.id == item.checkpoint and saved.tensors != item.tensors:
            message = f"the tensors that were measured are not those of {shown(saved.id)}"
            yield Finding("evaluation-other-checkpoint", f"{path}/tensors", message)


def check_intervals(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 20: a value lies inside its own interval.

    Codes: `evaluation-interval`.
    """
    for index, item in enumerate(evidence.manifest.evaluations):
        for position, metric in enumerate(item.metrics):
            interval = metric.interval
            if interval is None or any(
                math.isnan(number) for number in (metric.value, interval.low, interval.high)
            ):
                continue
            if not interval.low <= metric.value <= interval.high:
                message = f"{metric.value} is not between {interval.low} and {interval.high}"
                path = f"/evaluations/{index}/metrics/{position}/interval"
                yield Finding("evaluation-interval", path, message)


def check_results_documents(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 20: where the results document is JSON and names a metric, it has the same value.

    Looked for is the metric's name among the members of the document, or of its `metrics`; a value
    may stand there as a number or as an object with a `value`. Anything else is not compared.

    Codes: `evaluation-document-mismatch`.
    """
    for index, item in enumerate(evidence.manifest.evaluations):
        data = evidence.document_bytes.get(item.results or "")
        if data is not None:
            yield from _compare(index, item, _read_metrics(data))


def _compare(index: int, item: Evaluation, found: Mapping[str, Any]) -> Iterator[Finding]:
    for position, metric in enumerate(item.metrics):
        value = _number(found.get(metric.name))
        if (
            value is None
            or value == metric.value
            or (math.isnan(value) and math.isnan(metric.value))
        ):
            continue
        message = (
            f"{shown(metric.name)} is {metric.value} in the manifest and {value} "
            f"in the results document {shown(item.results)}"
        )
        yield Finding(
            "evaluation-document-mismatch",
            f"/evaluations/{index}/metrics/{position}/value",
            message,
        )


def _read_metrics(data: bytes) -> Mapping[str, Any]:
    try:
        document = parse(data, foreign=True)
    except ProvenanceError:
        return {}  # not JSON: a table or prose, which nobody compares here
    if not isinstance(document, Mapping):
        return {}
    inner = document.get("metrics")
    return {**document, **inner} if isinstance(inner, Mapping) else document


def _number(value: Any) -> Any:  # noqa: ANN401 - a JSON value, and a number of any kind
    if isinstance(value, Mapping) and "value" in value:
        value = value["value"]
    if isinstance(value, bool):
        return None
    if isinstance(value, Mapping):
        try:
            return decode_number(dict(value))
        except ProvenanceError:
            return None
    return value if isinstance(value, int | float) else None


def _trained_on(evidence: Evidence) -> set[str]:
    manifest = evidence.manifest
    segments = manifest.training.segments if manifest.training is not None else ()
    named = {name for segment in segments for name in segment.datasets}
    return named | {item.id for item in manifest.datasets if "train" in item.roles}
