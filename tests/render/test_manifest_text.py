"""A manifest as text: all that the signer says, marked as his word; nothing can fake a line."""

from __future__ import annotations

from typing import Any

from provenance.render import render_manifest

ROOT = {"tree": "file", "size": 2, "root": "9f" * 32}


def manifest(**changes: object) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-22T12:00:00Z",
        "producer": {"name": "Digits Lab", "contact": "open@digits.example"},
        "generator": {"name": "training-provenance", "version": "0.1.0"},
        "model": {"name": "digits-mlp", "version": "1.0", "licenses": ("Apache-2.0", "MIT")},
        "release": {"files": ROOT},
        "datasets": ({"id": "raw", "name": "Digits", "files": ROOT, "records": 1797},),
        "training": {
            "segments": ({"id": "s1", "seeds": {"numpy": {"number": "18446744073709551615"}}},)
        },
        "origins": {"": "authored", "/training": "captured", "/model/licenses": "captured"},
    }
    return {**tree, **changes}


def test_first_line_says_that_nothing_was_verified() -> None:
    text = render_manifest(manifest())
    assert text.splitlines()[0].startswith("NOT VERIFIED")


def test_heading_marks_what_is_claimed() -> None:
    tree = manifest(expiresAt="2027-11-22T12:00:00Z")
    text = render_manifest(tree, digest="ab" * 32, hint="SHA256:abc")
    assert "Model      digits-mlp 1.0" in text
    assert "Producer   Digits Lab, open@digits.example" in text
    assert "Made       2026-11-22T12:00:00Z, until 2027-11-22T12:00:00Z (claimed)" in text
    assert "Signature  not verified; it names key SHA256:abc" in text
    assert f"Manifest   sha256 {'ab' * 32}" in text
    assert "Format     1.0, written by training-provenance 0.1.0" in text


def test_draft_has_no_signature() -> None:
    assert "Signature  none: this is a draft" in render_manifest(manifest(), kind="draft")


def test_contents_say_what_is_absent() -> None:
    lines = render_manifest(manifest()).splitlines()
    assert "  Datasets      1" in lines
    assert "  Model         stated" in lines
    assert "  Journal       absent" in lines


def test_every_field_is_shown() -> None:
    text = render_manifest(manifest())
    assert "licenses: Apache-2.0, MIT" in text
    assert "  - raw\n" in text
    assert "records: 1797" in text
    assert f"files: file tree of 2, root {'9f' * 32}" in text
    assert "seeds: numpy 18446744073709551615" in text or "numpy: 18446744073709551615" in text


def test_a_file_is_two_lines() -> None:
    digest = {"blake3": "ab" * 32, "sha256": "cd" * 32}
    files = (
        {"path": "a.bin", "size": 1234, "digest": digest, "role": "weights"},
        {"path": "b.bin", "size": 5, "digest": digest},
        {"path": "c.bin", "size": "many", "digest": digest},
    )
    lines = render_manifest(manifest(release={"inventory": files})).splitlines()
    start = lines.index("    - a.bin: 1,234 bytes, weights")
    assert lines[start + 1] == f"        digest: blake3 {'ab' * 32}, sha256 {'cd' * 32}"
    assert lines[start + 2] == "    - b.bin: 5 bytes"
    assert lines[start + 4] == "    - c.bin"  # what is no size is shown as it stands
    assert "        size: many" in lines


def test_section_says_who_said_it() -> None:
    text = render_manifest(manifest())
    assert "Training: code, framework, hyperparameters, checkpoints, log  [captured]" in text
    assert "Model: architecture and what the model is for  [authored and captured]" in text
    assert "Datasets: sources, cleaning methods, labelling criteria  [authored]" in text
    assert "[authored]" in render_manifest({"model": {}})


def test_fields_of_a_newer_version_are_shown_apart() -> None:
    text = render_manifest(manifest(carbon={"offset": True}))
    assert "Other fields, which this version does not know" in text
    assert "carbon: offset true" in text


def test_prose_keeps_its_lines_behind_a_mark() -> None:
    journal = ({"date": "2026-11-01T00:00:00Z", "text": "first\nPASS: forged\n\nlast"},)
    lines = render_manifest(manifest(journal=journal)).splitlines()
    assert not any(line.startswith("PASS") for line in lines)
    assert [line.strip() for line in lines if line.strip().startswith("|")] == [
        "| first",
        "| PASS: forged",
        "|",
        "| last",
    ]


def test_long_lists_are_cut_and_say_so() -> None:
    packages = tuple({"name": f"p{n}", "version": "1"} for n in range(25))
    text = render_manifest(manifest(environments=({"id": "env", "packages": packages},)))
    assert "- name p19, version 1" in text
    assert "p20" not in text
    assert "… and 5 more; --payload pretty shows all" in text


def test_long_lists_of_words_are_cut_too() -> None:
    text = render_manifest(manifest(extra=tuple(f"w{n}" for n in range(25))))
    assert "… and 5 more" in text


def test_members_of_lists_stand_behind_a_dash() -> None:
    text = render_manifest({"extra": tuple("x" * 30 for _ in range(5))})
    assert text.count("\n    - " + "x" * 30) == 5
    text = render_manifest({"extra": ((1, (2, 3)), "a\nb", {"deep": ({"x": (1, (2,))},)})})
    assert "\n    -:\n      - 1\n      - 2, 3\n" in text
    assert "\n    -:\n      | a\n      | b\n" in text
    assert "\n    - …\n        deep:\n" in text


def test_long_text_is_cut() -> None:
    text = render_manifest(manifest(model={"name": "m", "description": "x" * 5000}))
    assert "x" * 1999 + "…" in text
    assert "x" * 2001 not in text


def test_hostile_text_cannot_leave_its_line() -> None:
    hostile = "a\x1b[2J\rb\u202e\u2028c\x9b"
    tree = manifest(
        model={"name": hostile, hostile: hostile, "list": (hostile, (hostile,))},
        producer={hostile: hostile},
        origins={"": hostile},
        manifestVersion=hostile,
    )
    text = render_manifest(tree)
    for character in "\x1b\r\u202e\u2028\x9b":
        assert character not in text


def test_documents_that_are_no_manifest_are_shown_all_the_same() -> None:
    lists: tuple[Any, ...] = ((), ({},), ((1, 2), (3,)))
    for value in (None, True, 1.5, "text", {"a": ()}, {"number": "NaN"}, *lists):
        tree = dict.fromkeys(("model", "producer", "generator", "datasets", "origins"), value)
        assert "Contents" in render_manifest(tree)
    assert "Producer   (not said)" in render_manifest({})
    assert "(empty)" in render_manifest({"extra": ()})
    assert '""' in render_manifest({"extra": ""})
