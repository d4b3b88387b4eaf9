"""What the author writes: a TOML file with the manifest's own names, joined with what was recorded.

It adds what only people know. What it says and a run recorded otherwise is a contradiction, which
is refused here, not settled. Nothing in it is executed.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import RecordingError, shown

if TYPE_CHECKING:
    import os

__all__ = ["IDENTIFIED", "Description", "join_trees", "read_description", "resolve_identifiers"]

#: Largest description that is read, in bytes.
MAX_DESCRIPTION_BYTES: Final = 4 * 1024 * 1024

#: Deepest nesting of a description.
MAX_DEPTH: Final = 32

# What a release states itself; an author cannot.
_OWN_FIELDS: Final = ("manifestVersion", "createdAt", "generator", "gaps")

# All that an author may say of the release: what was done to the checkpoint before.
_RELEASE_FIELDS: Final = frozenset({"conversion"})

# Lists whose items are told apart by their ids.
IDENTIFIED: Final = frozenset(
    {
        *("baseModels", "checkpoints", "datasets", "documents", "environments", "evaluations"),
        *("processing", "segments"),
    }
)


@dataclass(frozen=True, slots=True)
class Description:
    """A description that was read."""

    tree: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """The manifest's fields as JSON; `documents[].file` and sealed values are still in it."""

    folder: Path = Path()
    """The folder that file names in it are relative to."""

    source: str = ""
    """The file it came from, for messages."""


def read_description(description: str | os.PathLike[str] | Mapping[str, Any] | None) -> Description:
    """Read a description.

    Args:
        description: The TOML file; its content as a mapping; or nothing.

    Raises:
        InputError: The file cannot be read.
        RecordingError: It is no TOML, is nested too deep, or states what a release states itself.
    """
    if description is None:
        return Description()
    if isinstance(description, Mapping):
        return _checked(description, Path(), "description")
    path = Path(description)
    data = read_file(path, max_bytes=MAX_DESCRIPTION_BYTES)
    try:
        tree = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(
            path=str(path), problem=f"is no TOML: {error}", remedy="mend the line"
        ) from error
    except RecursionError:
        raise RecordingError(path=str(path), problem="is nested too deep") from None
    return _checked(tree, path.parent, str(path))


def join_trees(recorded: Any, described: Any, path: str = "", source: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return what was recorded together with what the author says.

    Objects are joined by key, lists of identified parts by id; other lists are appended to, without
    doubling an item.

    Raises:
        RecordingError: Both say the same fact differently.
    """
    if recorded is None:
        return described
    if isinstance(recorded, Mapping) and isinstance(described, Mapping):
        return _join_objects(recorded, described, path, source)
    if isinstance(recorded, list | tuple) and isinstance(described, list | tuple):
        if path.rpartition("/")[2] in IDENTIFIED:
            return _join_identified(recorded, described, path, source)
        return [*recorded, *(item for item in described if item not in recorded)]
    if recorded != described:
        raise RecordingError(
            path=f"{source}#{path}" if source else path,
            problem=f"the description says {shown(described)}, and {shown(recorded)} was recorded",
            remedy="take it out of the description, or correct the script",
        )
    return recorded


def resolve_identifiers(pointer: str, tree: Any) -> str:  # noqa: ANN401 - a JSON tree
    """Return a JSON Pointer in which list items may have been named by id, with their positions.

    `/datasets/raw/licenses` becomes `/datasets/0/licenses`. What does not exist stays as it is: a
    fact that is withheld is not there.
    """
    tokens: list[str] = []
    current = tree
    for token in canonical.split_pointer(pointer):
        found = token
        if isinstance(current, list | tuple) and not token.isdigit():
            names = [item.get("id") for item in current if isinstance(item, Mapping)]
            if token in names:
                found = str(names.index(token))
        tokens.append(found)
        current = _step(current, found)
    return canonical.join_pointer(*tokens)


def _step(tree: Any, token: str) -> Any:  # noqa: ANN401 - a JSON tree
    if isinstance(tree, Mapping):
        return tree.get(token)
    if isinstance(tree, list | tuple) and token.isdigit() and int(token) < len(tree):
        return tree[int(token)]
    return None


def _checked(tree: Mapping[str, Any], folder: Path, source: str) -> Description:
    plain = _json(tree, source, 0)
    about_release = plain.get("release")
    own = [name for name in _OWN_FIELDS if name in plain]
    if about_release is not None:
        fields = set(about_release) if isinstance(about_release, Mapping) else {""}
        own += [f"release/{name}" for name in sorted(fields - _RELEASE_FIELDS)]
    if own:
        raise RecordingError(
            path=f"{source}#/{own[0]}",
            problem="a release states this itself",
            remedy="take it out of the description",
        )
    return Description(MappingProxyType(plain), folder, source)


def _json(value: Any, source: str, depth: int) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Return TOML's values as JSON; a date becomes an RFC 3339 time in UTC."""
    if depth > MAX_DEPTH:
        raise RecordingError(path=source, problem=f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {str(key): _json(item, source, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, source, depth + 1) for item in value]
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise RecordingError(
                path=source,
                problem=f"the time {value.isoformat()} has no zone",
                remedy="write it in UTC, with a Z at its end",
            )
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, dt.time):
        raise RecordingError(path=source, problem=f"the time {value} has no date")
    return value


def _join_objects(
    recorded: Mapping[str, Any], described: Mapping[str, Any], path: str, source: str
) -> dict[str, Any]:
    result = dict(recorded)
    for key, value in described.items():
        where = path + canonical.join_pointer(key)
        result[key] = join_trees(result.get(key), value, where, source)
    return result


def _join_identified(recorded: Any, described: Any, path: str, source: str) -> list[Any]:  # noqa: ANN401 - JSON
    result = list(recorded)
    for index, item in enumerate(described):
        identifier = item.get("id") if isinstance(item, Mapping) else None
        known = [
            position
            for position, other in enumerate(result)
            if isinstance(other, Mapping)
            and identifier is not None
            and other.get("id") == identifier
        ]
        if known:
            where = f"{path}/{index}"
            result[known[0]] = join_trees(result[known[0]], item, where, source)
        else:
            result.append(item)
    return result
