"""The plain files of a W&B run: settings in YAML, summary and metadata in JSON, exported history.

Every one of them is read within limits, and nothing that it says is run. Source: the files that
W&B 0.16 to 0.31 write; its binary `.wandb` file is not read.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import InputError, MissingExtraError, ProvenanceError
from provenance.integrations.tracked_artifacts import place_inside
from provenance.integrations.tracked_runs import Point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_history", "read_json_object", "read_settings"]

#: Largest settings that are read, in bytes: reading YAML is slow.
MAX_SETTINGS_BYTES: Final = 1024 * 1024

#: Most values, and beginnings and ends of containers, of settings in YAML.
MAX_SETTINGS_EVENTS: Final = 50_000

#: Largest summary or metadata, in bytes.
MAX_FACTS_BYTES: Final = 16 * 1024 * 1024

#: Largest history, in bytes.
MAX_HISTORY_BYTES: Final = 1024 * 1024 * 1024

#: Longest line of a history, in bytes.
MAX_LINE_BYTES: Final = 1024 * 1024

#: Deepest nesting of settings and of metrics.
MAX_NESTING: Final = 32

# Python and pandas write these bare; in strings they are W&B's own form.
_STRINGS_AND_CONSTANTS = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\b(?:NaN|Infinity)\b')
_CONSTANTS: Final[Mapping[str, float]] = {
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}

_STEP, _TIME = "_step", "_timestamp"


def read_json_object(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the JSON object in a file of the run, or nothing if there is no such file.

    Raises:
        InputError: It cannot be read, or is a link.
        CanonicalError: It is no JSON.
    """
    place = place_inside(folder, name)
    if not place.exists():
        return None
    data = _quoted(read_file(place, max_bytes=MAX_FACTS_BYTES))
    tree = canonical.parse(data, source=name, foreign=True, max_bytes=2 * MAX_FACTS_BYTES)
    if not isinstance(tree, dict):
        raise InputError(path=name, problem="this is no JSON object", remedy="export the run again")
    return tree


def read_settings(folder: Path, name: str = "config.yaml") -> dict[str, Any] | None:
    """Return the settings of the run by name, or nothing if there is no such file.

    W&B writes each as a mapping with `value`, and keeps things of its own under `_wandb`.

    Raises:
        InputError: It cannot be read, is a link, or breaks a limit.
        MissingExtraError: PyYAML is not installed.
    """
    place = place_inside(folder, name)
    if not place.exists():
        return None
    tree = _parse_yaml(read_file(place, max_bytes=MAX_SETTINGS_BYTES), name)
    if not isinstance(tree, Mapping):
        raise InputError(
            path=name, problem="there are no settings by name", remedy="check the file"
        )
    return {
        str(key): item["value"] if isinstance(item, Mapping) and "value" in item else item
        for key, item in tree.items()
        if key not in {"_wandb", "wandb_version"}
    }


def _parse_yaml(data: bytes, name: str) -> Any:  # noqa: ANN401 - free YAML
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            problem="settings of W&B are read by PyYAML, which is not installed",
            remedy="install the extra: pip install 'training-provenance[wandb]'",
        ) from error
    try:
        text = data.decode("utf-8")
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise _refused(name, "it has an alias, which W&B does not write")
            if depth > MAX_NESTING or count > MAX_SETTINGS_EVENTS:
                raise _refused(name, "it is nested too deep, or too long")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _refused(name, f"it is no YAML of plain values ({type(error).__name__})") from error


def _refused(name: str, problem: str) -> InputError:
    return InputError(path=name, problem=problem, remedy="check the file, or export the run again")


def read_history(path: Path) -> tuple[tuple[Point, ...], int]:
    """Return the metrics of an exported history, JSON Lines or CSV, and how many values were none.

    Raises:
        InputError: It cannot be read, or is neither.
    """
    name = path.name
    data = read_file(path, max_bytes=MAX_HISTORY_BYTES)
    rows = _rows_of_csv(data, name) if path.suffix.lower() == ".csv" else _rows_of_lines(data, name)
    points: list[Point] = []
    dropped = 0
    for row in rows:
        values, others = _numbers(row)
        dropped += others
        if values:
            step = _finite(row.get(_STEP))
            whole = step is not None and step >= 0 and step == int(step)
            points.append(
                Point(
                    at=_finite(row.get(_TIME)),
                    step=int(step) if step is not None and whole else None,
                    values=values,
                )
            )
    return tuple(points), dropped


def _rows_of_lines(data: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        source = f"{name}:{number}"
        try:
            row = canonical.parse(
                _quoted(line), source=source, foreign=True, max_bytes=MAX_LINE_BYTES
            )
        except ProvenanceError as error:
            raise _refused(source, error.problem) from error
        if not isinstance(row, dict):
            raise _refused(source, "the line is no JSON object")
        yield row


def _rows_of_csv(data: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    try:
        text = data.decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            found = {key: _cell(value) for key, value in row.items() if isinstance(value, str)}
            yield {str(key): value for key, value in found.items() if value != ""}
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refused(name, f"it is no CSV ({type(error).__name__})") from error


def _cell(text: str) -> float | str:
    try:
        return float(text) if len(text) <= MAX_LINE_BYTES else text
    except ValueError:
        return text


def _numbers(row: Mapping[str, Any]) -> tuple[dict[str, object], int]:
    """Return the numbers of a row, names of nested ones joined by points; count the rest."""
    values: dict[str, object] = {}
    others = 0
    waiting: list[tuple[str, Any, int]] = [(name, it, 0) for name, it in list(row.items())[::-1]]
    while waiting:
        name, value, depth = waiting.pop()
        if name.startswith("_") or value is None:
            continue
        if isinstance(value, str):
            value = _CONSTANTS.get(value, value)
        if isinstance(value, Mapping) and "_type" not in value and depth < MAX_NESTING:
            waiting += [(f"{name}.{key}", it, depth + 1) for key, it in value.items()]
        elif isinstance(value, bool | int | float):
            values[name] = value
        else:
            others += 1
    return values, others


def _finite(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable and math.isfinite(value) else None  # type: ignore[arg-type]  # a number


def _quoted(data: bytes) -> bytes:
    """Return JSON in which bare `NaN` and `Infinity` are strings, as W&B writes them."""
    return _STRINGS_AND_CONSTANTS.sub(
        lambda found: found[0] if found[0].startswith(b'"') else b'"' + found[0] + b'"', data
    )
