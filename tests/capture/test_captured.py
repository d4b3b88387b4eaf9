"""A gap says what is missing, in bounds, and without what an error message may quote."""

from __future__ import annotations

from provenance.capture.captured import Captured, ask, describe_error, make_gap


def test_answer_of_a_library_is_passed_on() -> None:
    assert ask("torch", lambda: 3) == Captured(3)


def test_failure_of_a_library_is_a_gap_without_its_message() -> None:
    def fail() -> int:
        message = "password=hunter2 in /home/alice"
        raise RuntimeError(message)

    captured = ask("torch", fail)
    assert captured.value is None
    assert [(gap.kind, gap.description) for gap in captured.gaps] == [("failed", "RuntimeError")]


def test_failure_of_the_system_is_told_without_the_file() -> None:
    error = PermissionError(13, "Permission denied", "/home/alice/x")
    assert describe_error(error) == "PermissionError: Permission denied"
    assert describe_error(OSError("/home/alice/x")) == "OSError"


def test_text_of_a_gap_is_bounded_and_can_be_written() -> None:
    gap = make_gap("x" * 2_000, "absent", "a\udcff" + "y" * 2_000)
    assert len(gap.subject) == len(gap.description) == 1_000
    assert gap.description.startswith("a\\udcffy")
    assert gap.to_bytes()
