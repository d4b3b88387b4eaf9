"""From the short forms that people write in scripts to the manifest's parts. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from provenance.capture import redact_url, to_scalar
from provenance.errors import UsageError, shown
from provenance.manifest.evaluations import MetricResult

if TYPE_CHECKING:
    from provenance.manifest.datasets import Dataset

__all__ = [
    "dataset_fields",
    "joined",
    "listed",
    "merged_dataset",
    "metric_results",
    "named_numbers",
    "read_source",
    "without_nothing",
]

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[!-~]+")

# Fields of a dataset where a text alone stands for an object, and the field that it becomes.
_SHORT_OBJECTS = {
    "collection": "description",
    "labelling": "criteria",
    "deduplication": "description",
    "sensitive_data": "description",
}

# Fields of a dataset that nobody may say, because they are worked out from its files.
_CAPTURED = frozenset({"files", "inventory", "inventory_file", "id"})


def listed(value: object) -> tuple[Any, ...]:
    """Return one item, several or none as a tuple."""
    if value is None:
        return ()
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return (value,)
    return tuple(value)


def without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {key: value for key, value in fields.items() if value is not None and value != ()}


def joined(one: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return two mappings as one; the second one's values win."""
    return {**(one or {}), **more}


def dataset_fields(
    *,
    role: object,
    roles: object,
    license: object,  # noqa: A002 - the word of the public method
    licenses: object,
    source: object,
    cleaning: object,
    **authored: object,
) -> dict[str, Any]:
    """Return the fields of a dataset from the arguments of `run.dataset`."""
    fields: dict[str, Any] = {
        **authored,
        "roles": tuple(dict.fromkeys((*listed(role), *listed(roles)))),
        "licenses": tuple(dict.fromkeys((*listed(license), *listed(licenses)))),
        "sources": tuple(read_source(item) for item in listed(source)),
        "cleaning": tuple(
            {"description": item} if isinstance(item, str) else item for item in listed(cleaning)
        ),
    }
    for name, field in _SHORT_OBJECTS.items():
        if isinstance(fields.get(name), str):
            fields[name] = {field: fields[name]}
    if given := sorted(set(fields) & _CAPTURED):
        raise UsageError(
            problem=f"{', '.join(given)} of a dataset: captured, not given",
            remedy="name its path, or hand over the object",
        )
    return without_nothing(fields)


def read_source(item: object) -> dict[str, Any]:
    """Return a source from a URI, a text or a mapping; credentials in the URI are taken out."""
    if isinstance(item, Mapping):
        fields = dict(item)
        if isinstance(fields.get("uri"), str):
            fields["uri"] = redact_url(fields["uri"]).value
        return fields
    if not isinstance(item, str):
        raise UsageError(problem=f"a source is a URI, a text or a mapping, not {shown(item)}")
    if _URI.fullmatch(item):
        return {"uri": redact_url(item).value}
    return {"description": item}


def merged_dataset(one: Dataset, fields: Mapping[str, Any]) -> Dataset:
    """Return a dataset with what a second declaration of it adds; lists are joined."""
    changes = {
        key: _union(getattr(one, key), value) if isinstance(value, tuple) else value
        for key, value in fields.items()
    }
    return one.updated(**changes)


def _union(one: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*one, *(item for item in more if item not in one))


def metric_results(metrics: object) -> tuple[MetricResult, ...]:
    """Return results from a mapping of names to numbers or objects, or a list of objects."""
    if isinstance(metrics, Mapping):
        metrics = [
            {"name": name, **(value if isinstance(value, Mapping) else {"value": value})}
            for name, value in metrics.items()
        ]
    return tuple(
        item if isinstance(item, MetricResult) else _metric(item) for item in listed(metrics)
    )


def _metric(item: object) -> MetricResult:
    if not isinstance(item, Mapping):
        raise UsageError(problem=f"a metric is a name with a value, not {shown(item)}")
    fields = dict(item)
    fields["value"] = to_scalar(fields.get("value"))
    return MetricResult(**fields)


def named_numbers(values: Mapping[str, object]) -> dict[str, Any]:
    """Return numbers of any library as Python numbers, by name."""
    return {str(name): to_scalar(value) for name, value in values.items()}
