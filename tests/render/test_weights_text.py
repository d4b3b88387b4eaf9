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
            TensorDifference("f", "values", (9,), (9,), "F32", "F32", 6, 0.5, 0.1, 5, 2, 1),
            TensorDifference("g", "values", (9,), (9,), "F32", "F32", 1, None, None, 1, 1, 0),
            TensorDifference("h", "values", (9,), (9,), "F32", "F32", 1, None, None, 0, 0, 0),
            same,
        )
    )
    lines = render_comparison(found)
    assert len(lines) == 8
    assert "\x1b" not in lines[0]
    assert [line.split()[0] for line in lines] == ["-", "+"] + ["~"] * 6
    assert lines[2].endswith("F32 [1, 2] → F32 [2]")
    assert lines[3].endswith("other bytes")
    assert "9,223,372,036,854,775,808" in lines[4]
    assert lines[5].endswith(
        "6 elements, largest finite difference 0.5, relative 0.1, "
        "2 became NaN, 1 NaN before, 2 to or from infinity"
    )
    assert lines[6].endswith("  1 element, 1 became NaN")
    assert lines[7].endswith("  1 element, NaN with other bits")
    assert render_comparison(WeightsComparison((same,))) == ()
