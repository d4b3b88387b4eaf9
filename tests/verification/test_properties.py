"""Laws of the whole verifier, over many damaged releases."""

from __future__ import annotations

import shutil
from base64 import b64decode
from json import loads
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.verification import inspect
from support.crafted import CraftedRelease, fixed_clock, public_key, write_tree

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = CraftedRelease().layout()
BUNDLE = "training-provenance/manifest.sigstore.json"

pytestmark = pytest.mark.property

many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestEveryBitCounts:
    """Law (`spec/verification.md`, "Promise"): a changed bit is found, or changes nothing."""

    @many
    @given(data=st.data())
    def test_changed_bit_is_found_or_leaves_payload_and_files_equal(
        self, tmp_path: Path, data: st.DataObject
    ) -> None:
        name = data.draw(st.sampled_from(sorted(LAYOUT)))
        bit = data.draw(st.integers(0, len(LAYOUT[name]) * 8 - 1))
        changed = bytearray(LAYOUT[name])
        changed[bit // 8] ^= 1 << bit % 8
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        folder = write_tree(tmp_path / "model", {**LAYOUT, name: bytes(changed)})
        report = inspect(folder, keys=public_key(), clock=fixed_clock)
        if report.verdict != "PASS":
            assert report.verdict == "FAIL"
            return
        assert name == BUNDLE
        assert payload_of(bytes(changed)) == payload_of(LAYOUT[BUNDLE])


class TestAnyTreeChangeIsNamed:
    """Law: what is added, removed or renamed is named, each file exactly."""

    @many
    @given(
        removed=st.sets(st.sampled_from(["README.md", "config.json", "model.safetensors"])),
        added=st.sets(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), max_size=3),
    )
    def test_paths_of_the_findings_are_the_changed_paths(
        self, tmp_path: Path, removed: set[str], added: set[str]
    ) -> None:
        kept = {name: data for name, data in LAYOUT.items() if name not in removed}
        free = {name for name in added if not any(other.startswith(f"{name}/") for other in added)}
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        folder = write_tree(tmp_path / "model", {**kept, **dict.fromkeys(free, b"x")})
        report = inspect(folder, keys=public_key(), clock=fixed_clock)
        errors = {(item.code, item.path) for item in report.findings if item.severity == "error"}
        expected = {("file-missing", name) for name in removed}
        assert errors == expected | {("file-extra", name) for name in free}


class TestNothingForeignLeaves:
    """Law (`design`, rule 9): whatever the bundle holds, a report comes out."""

    @many
    @given(bundle=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_any_bytes_as_bundle_are_answered(self, tmp_path: Path, bundle: bytes) -> None:
        assert inspect(tmp_path, manifest=bundle, clock=fixed_clock).verdict == "FAIL"

    @many
    @given(data=st.data())
    def test_any_damaged_payload_that_is_signed_is_answered(
        self, tmp_path: Path, data: st.DataObject
    ) -> None:
        payload = bytearray(CraftedRelease().payload())
        position = data.draw(st.integers(0, len(payload) - 1))
        payload[position : position + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3)
        )
        release = CraftedRelease(edit_payload=lambda _: bytes(payload))
        report = inspect(tmp_path, manifest=release.bundle(), keys=public_key(), clock=fixed_clock)
        assert report.verdict == "FAIL"
        assert report.to_bytes()


def payload_of(bundle: bytes) -> bytes:
    text: str = loads(bundle)["dsseEnvelope"]["payload"]
    return b64decode(text.replace("-", "+").replace("_", "/"))
