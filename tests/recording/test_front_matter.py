"""The flat part of a card's head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.recording.front_matter import read_front_matter

CARD = """---
license: apache-2.0
language:
  - en
  - "de"
tags: [a, 'b', ]
datasets:
- squad
- other/squad
base_model: org/base  # the parent
pipeline_tag: text-generation
model-index:
- name: nested
  results: []
quoted: "a: b"
---
# Title
license: not this one
"""


class TestFrontMatter:
    """The flat part of a card's head."""

    @pytest.mark.parametrize(
        "text",
        ["", "# Title", "---\nlicense: mit", "--- \nlicense: mit\n", "text\n---\na: b\n---\n"],
    )
    def test_no_head(self, text: str) -> None:
        assert read_front_matter(text) == {}

    def test_flat_values_and_lists_are_read(self) -> None:
        head = read_front_matter(CARD)
        assert head["tags"] == ("a", "b")
        assert head["language"] == ("en", "de")
        assert head["base_model"] == "org/base"
        assert head["quoted"] == "a: b"
        assert head["model-index"] == ""

    def test_list_below_a_value_is_left_out(self) -> None:
        assert read_front_matter("---\na: b\n- c\n- d\n---\n") == {"a": "b"}

    def test_items_before_any_key_are_left_out(self) -> None:
        assert read_front_matter("---\n- c\na: b\n...\n") == {"a": "b"}

    @given(st.text())
    def test_any_text_is_read_without_a_fault(self, text: str) -> None:
        read_front_matter("---\n" + text + "\n---\n")
