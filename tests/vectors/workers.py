"""Group `digests`: answers of workers that fit their question, and many that do not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vectors.formulas import Tree

_FILES = {"a.bin": b"one", "sub/b.bin": b""}
_NONCE = "3f2c"


def _rows() -> list[Tree]:
    return formulas.inventory(_FILES)


def _question(*algorithms: str) -> Tree:
    files = [{"path": row["path"], "size": row["size"]} for row in _rows()]
    return {"nonce": _NONCE, "files": files, "algorithms": list(algorithms)}


def _request(*answers: object, algorithms: tuple[str, ...] = ("blake3", "sha256")) -> Tree:
    return {
        "operation": "worker-answer",
        "question": _question(*algorithms),
        "answers": list(answers),
    }


def _answer(change: Callable[[list[Tree]], object] | None = None, **members: Any) -> Tree:  # noqa: ANN401 - JSON
    rows = _rows()
    if change is not None:
        change(rows)
    return {"nonce": _NONCE, "rows": rows, **members}


def _edit(**members: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return an answer whose first row has other members."""
    return _answer(lambda rows: rows[0].update(members))


def _wrong_digest(**digest: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return an answer whose first row has other digests."""
    return _answer(lambda rows: rows[0]["digest"].update(digest))


def _good() -> Iterable[tuple[str, str, partial[Case]]]:
    output = formulas.tree_digest(_rows())
    yield (
        "worker_answers",
        "An answer fits its question.",
        partial(returns, _request(_answer()), output),
    )
    alone = [{**row, "digest": {"blake3": row["digest"]["blake3"]}} for row in _rows()]
    yield (
        "worker_answers_by_blake3",
        "BLAKE3 alone was asked for.",
        partial(returns, _request(_answer(rows=alone), algorithms=("blake3",)), output),
    )


def _bad() -> Iterable[tuple[str, str, int, str, Tree]]:
    unanswered = "file-unreadable"
    for name, description, answer in (
        ("nonce", "The nonce is that of another question.", _answer(nonce="3f2d")),
        ("no_nonce", "There is no nonce.", {"rows": _rows()}),
        ("nonce_null", "The nonce is null.", _answer(nonce=None)),
        ("null", "An answer is null.", None),
        ("text", "An answer is text.", "fine"),
        ("no_rows", "There are no rows.", _answer(rows=[])),
        ("row_less", "A row is missing.", _answer(lambda rows: rows.pop())),
        ("row_more", "There is a row more.", _answer(lambda rows: rows.append(rows[0]))),
        ("order", "The rows stand in another order.", _answer(lambda rows: rows.reverse())),
        ("row_twice", "One row stands in the place of another.", _answer(
            partial(_put, 1, _rows()[0]))),
        ("name", "A row is about a file that nobody asked for.", _edit(path="c.bin")),
        ("size", "A worker read another number of bytes.", _edit(size=4)),
        ("size_text", "A worker says a size as text.", _edit(size="3")),
        ("size_true", "A size is true where the file has a byte less.", _edit(size=True)),
        ("no_digest", "A row has no digests.", _edit(digest={})),
        ("digest_short", "A digest has a digit less.", _wrong_digest(blake3="0" * 63)),
        ("digest_capitals", "A digest is in capitals.", _wrong_digest(blake3="A" * 64)),
        ("digest_null", "A digest is null.", _wrong_digest(sha256=None)),
        ("digest_more", "There is a digest that nobody asked for.", _wrong_digest(md5="0" * 32)),
        ("digest_less", "A digest that was asked for is not there.", _edit(
            digest={"blake3": _rows()[0]["digest"]["blake3"]})),
        ("row_text", "A row is text.", _answer(partial(_put, 0, "fine"))),
        ("no_code", "A file went wrong by a code that there is not.", _answer(
            partial(_put, 0, {"path": "a.bin", "error": "fine"}))),
    ):  # fmt: skip
        yield f"worker_{name}", description, 88, unanswered, _request(answer)
    for code, description in (
        ("file-changed", "A file changed; it is not asked for again."),
        ("link-found", "A worker found a link."),
        ("special-file", "A worker found a special file."),
    ):
        failed = {"path": "a.bin", "error": code}
        first = _answer(partial(_put, 0, failed))
        name = code.replace("-", "_")
        yield f"worker_{name}", description, 89, code, _request(first, _answer())
    failed = {"path": "a.bin", "error": unanswered}
    gone = _answer(partial(_put, 0, failed))
    yield "worker_unreadable", "No worker can read a file.", 89, unanswered, _request(gone)


def _put(place: int, row: Any, rows: list[Any]) -> None:  # noqa: ANN401 - JSON
    rows[place] = row


def _declare_rows() -> None:
    section = "section Hashing on workers [R-DIGEST-{}]"
    for name, description, make in _good():
        DIGESTS.add(name, description, section.format(88), make, profile=3)
    for name, description, rule, code, request in _bad():
        make = partial(refuses, request, code)
        DIGESTS.add(name, description, section.format(rule), make, profile=3)


_declare_rows()
