"""Group `release`: records that the caller holds, in other files, in another order, or others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors.groups import RELEASE
from vectors.records import record_digests
from vectors.releases import small
from vectors.whole import dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vectors.kit import Case

_ROWS = [{"id": 1}, {"id": 2}, {"id": 2}, {"id": 3}]


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(b'{"id":%d}\n' % row["id"] for row in rows)


_SIGNED = {"a.jsonl": _lines(_ROWS[:2]), "b.jsonl": _lines(_ROWS[2:])}
_ONE = {"all.jsonl": _lines(_ROWS)}
_SHUFFLED = {"all.jsonl": _lines(_ROWS[::-1])}


def _case(
    word: str,
    held: dict[str, bytes],
    findings: Sequence[tuple[str, str]],
    *,
    without: Sequence[str] = (),
    **members: Any,  # noqa: ANN401 - JSON
) -> Case:
    """Return the case of holding these files for a dataset that lacks some members."""
    signed = dataset("words", _SIGNED, **{**record_digests(_ROWS), **members})
    for name in without:
        del signed[name]
    made = small(datasets=[signed]).sign()
    made.files |= {f"data/{name}": data for name, data in held.items()}
    placed = [(code, f"/datasets/0{path}") for code, path in findings]
    return made.case(word, *placed, datasets={"words": "data"})


_TREE, _SET, _FILES = "/recordTree", "/recordSet", ("evidence-mismatch", "")
_UNPINNED = ("files", "inventory", "bytes")


def _rows() -> Iterable[tuple[str, str, partial[Case]]]:
    passes, fails = partial(_case, "PASS"), partial(_case, "FAIL")
    yield (
        "records_held", "The caller holds the signed files, and their records.",
        partial(passes, _SIGNED, [("evidence-matched", ""), ("records-matched", _TREE)]),
    )  # fmt: skip
    yield (
        "records_held_in_other_files", "The caller holds the records in one file; none is signed.",
        partial(passes, _ONE, [("records-matched", _TREE)], without=_UNPINNED),
    )  # fmt: skip
    yield (
        "records_held_beside_others", "Other files lie beside the records, and none is signed.",
        partial(
            passes, {**_ONE, "other.json": b"{}"},
            [("records-matched", _TREE), ("records-files-unread", _TREE)], without=_UNPINNED,
        ),
    )  # fmt: skip
    yield (
        "records_held_in_any_order", "The set alone is signed, and the order is another one.",
        partial(
            passes, _SHUFFLED, [("records-matched", _SET)], without=(*_UNPINNED, "recordTree"),
        ),
    )  # fmt: skip
    yield (
        "records_held_resharded", "The same records lie in other files than the signed ones.",
        partial(fails, _ONE, [_FILES, ("records-resharded", _TREE)]),
    )  # fmt: skip
    yield (
        "records_held_shuffled", "The same records lie in other files, in another order.",
        partial(fails, _SHUFFLED, [_FILES, ("records-reordered", _TREE)]),
    )  # fmt: skip
    yield (
        "records_held_shuffled_alone", "The order is another one, and no files are signed.",
        partial(fails, _SHUFFLED, [("records-reordered", _TREE)], without=_UNPINNED),
    )  # fmt: skip
    other = ("records-differ", _SET)
    for name, text, rows in (
        ("changed", "A record is another one.", [*_ROWS[:3], {"id": 4}]),
        ("fewer", "A repeated record stands there once.", [_ROWS[0], *_ROWS[2:]]),
        ("more", "A record stands there once more.", [*_ROWS, _ROWS[0]]),
    ):
        held = {"all.jsonl": _lines(rows)}
        yield f"records_held_{name}", text, partial(fails, held, [other], without=_UNPINNED)
        where = f"{text[:-1]}, and the files are signed."
        yield f"records_held_{name}_in_files", where, partial(fails, held, [_FILES, other])
    yield (
        "records_held_order_alone", "The order alone is signed, and is another one.",
        partial(
            fails, _SHUFFLED, [("records-differ", _TREE)], without=(*_UNPINNED, "recordSet"),
        ),
    )  # fmt: skip
    yield (
        "records_held_broken", "The caller's file breaks its container.",
        partial(
            fails, {"all.jsonl": b"{\n"}, [("records-differ", _TREE)], without=_UNPINNED,
        ),
    )  # fmt: skip
    wrong = record_digests(_ROWS[1:])
    yield (
        "records_held_contradict_the_files", "The signed records are not those of the signed files.",
        partial(
            fails, _SIGNED, [("evidence-matched", ""), other],
            recordSet=wrong["recordSet"], recordTree=wrong["recordTree"],
        ),
    )  # fmt: skip


def _declare_rows() -> None:
    for name, description, make in _rows():
        RELEASE.add(name, description, "step 23", make, profile=3)


_declare_rows()
