"""What people read: reports and manifests as terminal text, differences, progress.

Everything here turns values into text and never decides anything. Foreign text goes through
`escape`; nothing is coloured unless the caller asks, and nothing depends on the width of a
terminal.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.render.difference import Change, find_changes, render_changes
    from provenance.render.escaping import escape, escape_block, quoted, shorten
    from provenance.render.manifest_text import render_manifest
    from provenance.render.policy_text import render_policy
    from provenance.render.progress import ByteProgress, show_progress
    from provenance.render.quantities import format_bytes, format_count
    from provenance.render.report_text import render_report
    from provenance.render.review import (
        Mention,
        Review,
        count_mentions,
        render_review,
        review_manifest,
        summarise_review,
    )
    from provenance.render.weights_text import render_comparison

__all__ = [
    "ByteProgress",
    "Change",
    "Mention",
    "Review",
    "count_mentions",
    "escape",
    "escape_block",
    "find_changes",
    "format_bytes",
    "format_count",
    "quoted",
    "render_changes",
    "render_comparison",
    "render_manifest",
    "render_policy",
    "render_report",
    "render_review",
    "review_manifest",
    "shorten",
    "show_progress",
    "summarise_review",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.render.difference": (
            "Change",
            "find_changes",
            "render_changes",
        ),
        "provenance.render.escaping": (
            "escape",
            "escape_block",
            "quoted",
            "shorten",
        ),
        "provenance.render.manifest_text": ("render_manifest",),
        "provenance.render.policy_text": ("render_policy",),
        "provenance.render.progress": (
            "ByteProgress",
            "show_progress",
        ),
        "provenance.render.quantities": (
            "format_bytes",
            "format_count",
        ),
        "provenance.render.report_text": ("render_report",),
        "provenance.render.review": (
            "Mention",
            "Review",
            "count_mentions",
            "render_review",
            "review_manifest",
            "summarise_review",
        ),
        "provenance.render.weights_text": ("render_comparison",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
