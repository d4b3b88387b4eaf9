"""Ids in a description that are nearly those of recorded parts: perhaps mistyped. No I/O.

A part of the description is joined with the recorded part of the same id; with another id it is a
part of its own. Nobody would see that a mistyped id became a second dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from provenance.errors import shown
from provenance.recording.description import IDENTIFIED

__all__ = ["warn_of_near_ids"]

#: Recorded ids of one list that a new one is compared with, and characters of each.
MAX_COMPARED: Final = 1_000
MAX_CHARACTERS: Final = 100
#: How much of two ids has to agree, as `difflib` measures it.
CUTOFF: Final = 0.75


def warn_of_near_ids(
    recorded: Mapping[str, Any], described: Mapping[str, Any], path: str = ""
) -> Iterator[str]:
    """Yield a warning for each described part that is new and is called nearly as a recorded one.

    Args:
        recorded: What the recorder wrote, as JSON.
        described: What the author says.
        path: JSON Pointer of both.
    """
    for name, said in described.items():
        known = recorded.get(name)
        place = f"{path}/{name}"
        if isinstance(known, Mapping) and isinstance(said, Mapping):
            yield from warn_of_near_ids(known, said, place)
        elif name in IDENTIFIED:
            ids = _ids(known)
            for new in _ids(said):
                near = "" if new in ids else _nearest(new, ids)
                if near:
                    yield (
                        f"{place}: the description adds {shown(new)}, which was not recorded, "
                        f"beside {shown(near)}, which was; if that one is meant, mend the id"
                    )


def _ids(items: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    if not isinstance(items, list | tuple):
        return ()
    found = (item.get("id") for item in items if isinstance(item, Mapping))
    return tuple(dict.fromkeys(value for value in found if isinstance(value, str)))


def _nearest(new: str, ids: tuple[str, ...]) -> str:
    import difflib  # noqa: PLC0415 - slow to import, and rarely needed

    compared = {value[:MAX_CHARACTERS]: value for value in islice(ids, MAX_COMPARED)}
    near = difflib.get_close_matches(new[:MAX_CHARACTERS], list(compared), n=1, cutoff=CUTOFF)
    return compared[near[0]] if near else ""
