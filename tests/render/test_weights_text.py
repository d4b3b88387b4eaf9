"""Differences of tensors as lines of text."""

from __future__ import annotations

from provenance.digest import TensorDifference, WeightsComparison
from provenance.render import render_comparison


def test_every_status_has_a_line_and_names_are_escaped() -> None:
    same = TensorDifference("same", "identical", (1,), (1,), "F32", "F32")
    found = WeightsComparison(
        (
            TensorDifference("a\x1b", "only-in-a", (1,), None, "F32", None),
            TensorDifference("b", "only-in-b", None, (), None, "U8"),
            TensorDifference("c", "shape", (1, 2), (2,), "F32", "F32"),
            TensorDifference("d", "values", (1,), (1,), "GGML_Q8_0", "GGML_Q8_0"),
            TensorDifference("e", "values", (9,), (9,), "I64", "I64", 9, 1 << 63, 1.0, 0),
            TensorDifference("f", "values", (9,), (9,), "F32", "F32", 2, 0.0, 0.0, 2),
            same,
        )
    )
    lines = render_comparison(found)
    assert len(lines) == 6
    assert "\x1b" not in lines[0]
    assert [line.split()[0] for line in lines] == ["-", "+", "~", "~", "~", "~"]
    assert lines[2].endswith("F32 [1, 2] → F32 [2]")
    assert lines[3].endswith("other bytes")
    assert "9,223,372,036,854,775,808" in lines[4]
    assert lines[5].endswith("2 NaN or infinite")
    assert render_comparison(WeightsComparison((same,))) == ()
