"""Operations about blocks, claims and workers: malformed requests, which no vector may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.cli.conformance_fields import FIELDS
from provenance.cli.conformance_protocol import answer

if TYPE_CHECKING:
    from pathlib import Path

ROOT = {"tree": "block", "size": 0, "root": "0" * 64}
QUESTION: dict[str, Any] = {
    "nonce": "n",
    "files": ({"path": "a", "size": 0},),
    "algorithms": ("blake3",),
}


def ask(operation: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - any request
    return dict(answer({"id": "7", "operation": operation, **members}))


@pytest.mark.parametrize("size", [True, "65536", None, 65536.0], ids=str)
def test_length_of_a_block_is_a_whole_number(tmp_path: Path, size: object) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert "error" in ask("block-digest", file=str(tmp_path / "a"), blockSize=size)


@pytest.mark.parametrize("operation", FIELDS)
def test_request_without_members_is_answered(operation: str) -> None:
    assert ask(operation)["id"] == "7"


@pytest.mark.parametrize("left_out", ["size", "blockSize", "root"])
def test_list_needs_what_it_is_checked_by(tmp_path: Path, left_out: str) -> None:
    (tmp_path / "a").write_bytes(b"")
    members = {"root": ROOT, "size": 0, "blockSize": 65536, "list": str(tmp_path / "a")}
    del members[left_out]
    assert "error" in ask("block-list", **members)


@pytest.mark.parametrize("operation", ["block-digest", "block-list", "claims"])
def test_file_that_is_not_there_is_an_error(tmp_path: Path, operation: str) -> None:
    path = str(tmp_path / "nowhere")
    members: dict[str, dict[str, object]] = {
        "block-digest": {"file": path, "blockSize": 65536},
        "block-list": {"list": path, "root": ROOT, "size": 0, "blockSize": 65536},
        "claims": {"file": path},
    }
    assert ask(operation, **members[operation])["error"] == "file-unreadable"


def test_format_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sums").write_bytes(b"x")
    response = ask("claims", file=str(tmp_path / "sums"), format="md5sum")
    assert "no format" in response["message"]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param({}, id="empty"),
        pytest.param({**QUESTION, "nonce": 1}, id="nonce"),
        pytest.param({**QUESTION, "more": 1}, id="more"),
        pytest.param({**QUESTION, "files": ("a",)}, id="file"),
        pytest.param({**QUESTION, "files": ({"path": "../a", "size": 0},)}, id="name"),
        pytest.param({**QUESTION, "files": ({"path": "a", "size": "0"},)}, id="size"),
    ],
)
def test_question_that_is_none_is_an_error(question: dict[str, Any]) -> None:
    assert "error" in ask("worker-answer", question=question, answers=({},))


def test_question_without_answers_is_an_error() -> None:
    assert "error" in ask("worker-answer", question=QUESTION, answers=())
