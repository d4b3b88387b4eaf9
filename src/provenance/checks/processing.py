"""Step 17: from raw to training-ready without gaps or circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_processing_cycles", "check_where_data_comes_from", "find_on_cycles"]


def check_processing_cycles(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 17: no dataset is made, over however many steps, from itself.

    Codes: `processing-cycle`.
    """
    makers: dict[str, set[str]] = {}
    for step in evidence.manifest.processing:
        for output in step.outputs:
            makers.setdefault(output, set()).update(step.inputs)
    positions = {dataset.id: index for index, dataset in enumerate(evidence.manifest.datasets)}
    for name in sorted(find_on_cycles(makers)):
        path = f"/datasets/{positions[name]}" if name in positions else "/processing"
        yield Finding("processing-cycle", path, f"{shown(name)} is made from itself")


def check_where_data_comes_from(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 17: raw data is made by no step, and training data is explained.

    Codes: `processing-output-raw`, `dataset-unexplained`.
    """
    manifest = evidence.manifest
    made = {name for step in manifest.processing for name in step.outputs}
    made |= {
        split.dataset
        for dataset in manifest.datasets
        for split in dataset.splits
        if split.dataset is not None
    }
    segments = manifest.training.segments if manifest.training is not None else ()
    trained_on = {name for segment in segments for name in segment.datasets}
    outputs = {name for step in manifest.processing for name in step.outputs}
    for index, dataset in enumerate(manifest.datasets):
        path = f"/datasets/{index}"
        if "raw" in dataset.roles and dataset.id in outputs:
            message = f"{shown(dataset.id)} is called raw, and a processing step makes it"
            yield Finding("processing-output-raw", f"{path}/roles", message)
        is_training = "train" in dataset.roles or dataset.id in trained_on
        is_explained = "raw" in dataset.roles or dataset.id in made or dataset.sources
        if is_training and not is_explained:
            message = f"{shown(dataset.id)} was trained on; it has no source, and no step makes it"
            yield Finding("dataset-unexplained", path, message)


def find_on_cycles(edges: Mapping[str, set[str]]) -> set[str]:
    """Return the nodes that reach themselves: what is left when all others are taken away.

    First whatever reaches no cycle, then whatever no cycle reaches. Linear, and nothing recurses: a
    long chain is no attack. A node between two cycles is returned as well.
    """
    forward = {node: set(targets) for node, targets in edges.items()}
    left = _strip(forward)
    backward: dict[str, set[str]] = {}
    for node in left:
        for target in forward[node] & left:
            backward.setdefault(target, set()).add(node)
    return _strip(backward) & left


def _strip(edges: Mapping[str, set[str]]) -> set[str]:
    """Return what remains when nodes without outgoing edges are taken away, again and again."""
    users: dict[str, list[str]] = {}
    open_edges = {}
    for node, targets in edges.items():
        open_edges[node] = len(targets)
        for target in targets:
            users.setdefault(target, []).append(node)
    done = [node for node in users.keys() | open_edges.keys() if not open_edges.get(node)]
    gone = set(done)
    while done:
        for user in users.get(done.pop(), ()):
            open_edges[user] -= 1
            if not open_edges[user]:
                gone.add(user)
                done.append(user)
    return open_edges.keys() - gone
